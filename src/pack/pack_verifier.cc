// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking a pack whole: see bale/pack_verifier.h.
//
//   scan     one pass over the pack: checksum, headers; (id, offset) goes into an external sort
//   index    its checksum; its records against the sorted entries, both in id order
//   decode   every payload, in the order of the pack; bases through the index if it was found
//   right,
//            else through one made here that nobody else sees
//
// What is found wrong is collected, and the check goes on as far as it can.

#include "bale/pack_verifier.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "bale/pack_builder.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "io/path.h"
#include "pack/entry_decoder.h"
#include "pack/external_sorter.h"
#include "pack/index_builder.h"
#include "pack/index_view.h"
#include "pack/pack_bytes.h"
#include "pack/pack_scanner.h"
#include "pack/read_context.h"

namespace bale {
namespace {

constexpr std::size_t kMostErrors = 1000;
constexpr std::size_t kHashPieceBytes = 1 << 20;
// How many index records are read before the pages they lie in are given back.
constexpr std::uint64_t kRecordsPerRelease = 1 << 13;

class Verifier {
 public:
  Verifier(const std::string& pack_path, const PackCheckOptions& options)
      : options_(options),
        file_system_(options.file_system != nullptr ? *options.file_system : posix_file_system()),
        pack_path_(pack_path),
        index_path_(options.index_path.empty() ? default_index_path(pack_path)
                                               : options.index_path) {
    if (options_.scratch_directory.empty()) {
      options_.scratch_directory = parent_directory(index_path_);
    }
  }

  Result<PackReport> run();

 private:
  // Damage goes into the report; anything else ends the check.
  Result<void> note(const Error& error);

  Result<void> open_index();
  Result<bool> scan(ExternalSorter<41>& entries, Budget& budget);
  Result<void> compare(ExternalSorter<41>& entries);
  Result<void> check_index_checksum();
  Result<IndexView> make_own_index();
  Result<void> decode(const IndexView& index);

  PackCheckOptions options_;
  FileSystem& file_system_;
  std::string pack_path_;
  std::string index_path_;
  std::optional<PackBytes> pack_;
  std::optional<IndexView> index_;
  bool index_trusted_ = false;
  PackReport report_;
};

Result<void> Verifier::note(const Error& error) {
  if (error.code != ErrorCode::kCorrupt) return error;
  if (report_.errors.size() < kMostErrors) {
    report_.errors.push_back(error);
  } else {
    ++report_.errors_omitted;
  }
  return {};
}

Result<PackReport> Verifier::run() {
  Result<PackBytes> pack = PackBytes::open(file_system_, pack_path_, PackAccess::kRead);
  if (!pack) {
    TRY(note(pack.error()));
    return report_;
  }
  pack_ = std::move(*pack);
  TRY(open_index());
  {
    Budget budget(options_.memory_bytes);
    ExternalSorter<41> entries = TRY(
        ExternalSorter<41>::create(budget, {.memory_bytes = budget.free_bytes() - kScanBufferBytes,
                                            .file_system = &file_system_,
                                            .scratch_directory = options_.scratch_directory,
                                            .operation = &options_.operation}));
    if (!TRY(scan(entries, budget))) return report_;
    if (index_) TRY(compare(entries));
  }
  if (!options_.decode) return report_;
  if (index_trusted_) {
    TRY(decode(*index_));
  } else {
    const IndexView own = TRY(make_own_index());
    TRY(decode(own));
  }
  return report_;
}

Result<void> Verifier::open_index() {
  Result<IndexView> index = IndexView::open(file_system_, index_path_);
  if (!index && index.error().code == ErrorCode::kNotFound) {
    return note(fail(ErrorCode::kCorrupt,
                     "{}: there is no index beside the pack (bale pack index makes it)",
                     index_path_));
  }
  if (!index) return note(index.error());
  if (index->trailer() && index->trailer()->pack_trailer != pack_->trailer()) {
    return note(fail(ErrorCode::kCorrupt, "{}: the index of another pack than {}", index_path_,
                     pack_path_));
  }
  index_ = std::move(*index);
  if (!index_->trailer() && index_->record_count() != pack_->entry_count()) {
    TRY(note(fail(ErrorCode::kCorrupt, "{}: {} records for a pack of {} entries", index_path_,
                  index_->record_count(), pack_->entry_count())));
  }
  return check_index_checksum();
}

Result<void> Verifier::check_index_checksum() {
  if (!index_->trailer()) return {};
  Blake3Hasher hasher;
  Bytes left = index_->bytes().first(index_->file_bytes() - 32);
  while (!left.empty()) {
    const Bytes piece = left.first(std::min(left.size(), kHashPieceBytes));
    hasher.update(piece);
    left = left.subspan(piece.size());
    index_->release_pages();
  }
  if (hasher.finish() == index_->trailer()->checksum) return {};
  return note(fail(ErrorCode::kCorrupt,
                   "{}: the checksum at the end does not match what stands before it",
                   index_path_));
}

// True if every entry could be walked over.
Result<bool> Verifier::scan(ExternalSorter<41>& entries, Budget& budget) {
  PackScanner scanner = TRY(PackScanner::create(*pack_, budget, options_.operation));
  for (;;) {
    const Result<const ScannedEntry*> entry = scanner.next();
    if (!entry) {
      TRY(note(entry.error()));
      const bool at_the_end = report_.objects == pack_->entry_count();
      if (!at_the_end) {
        const Result<void> rest = scanner.check_rest();
        if (!rest) TRY(note(rest.error()));
      }
      return at_the_end;
    }
    if (*entry == nullptr) return true;
    ++report_.objects;
    TRY(entries.add(make_sort_record((*entry)->header.id, (*entry)->offset)));
  }
}

// Walks over both in id order. Of an id that repeats, an index may lead to any of its entries.
Result<void> Verifier::compare(ExternalSorter<41>& entries) {
  const std::size_t errors_before = report_.errors.size();
  TRY(entries.sort());
  const SortRecord* entry = TRY(entries.next());
  std::uint64_t position = 0;
  std::optional<ObjectId> last;
  while (position < index_->record_count()) {
    if (position % kRecordsPerRelease == 0) index_->release_pages();
    const Result<IndexRecord> record = index_->record(position);
    if (!record) {
      TRY(note(record.error()));
      return {};
    }
    if (last && !(*last < record->id) && (index_->trailer() || *last != record->id)) {
      return note(
          fail(ErrorCode::kCorrupt, "{}: record {} is out of order", index_path_, position));
    }
    last = record->id;
    while (entry != nullptr && sort_record_id(*entry) < record->id) {
      TRY(note(fail(ErrorCode::kCorrupt, "{}: object {} at offset {} is missing in the index",
                    index_path_, sort_record_id(*entry).to_hex(), sort_record_offset(*entry))));
      entry = TRY(entries.next());
    }
    bool found = false;
    while (entry != nullptr && sort_record_id(*entry) == record->id) {
      found = found || sort_record_offset(*entry) == record->offset;
      // An index without a trailer may hold a record for each entry of an id.
      if (found && !index_->trailer() && position + 1 < index_->record_count()) {
        const Result<IndexRecord> next = index_->record(position + 1);
        if (next && next->id == record->id) {
          entry = TRY(entries.next());
          break;
        }
      }
      entry = TRY(entries.next());
    }
    if (!found) {
      TRY(note(fail(ErrorCode::kCorrupt, "{}: record {} leads {} to offset {}, where it is not",
                    index_path_, position, record->id.to_hex(), record->offset)));
    }
    ++position;
  }
  while (entry != nullptr) {
    if (!last || sort_record_id(*entry) != *last) {
      TRY(note(fail(ErrorCode::kCorrupt, "{}: object {} at offset {} is missing in the index",
                    index_path_, sort_record_id(*entry).to_hex(), sort_record_offset(*entry))));
    }
    entry = TRY(entries.next());
  }
  index_trusted_ = report_.errors.size() == errors_before && report_.errors_omitted == 0;
  return {};
}

// An index that is right by construction, in a file without a name. It does not prove bases: the
// decoding that follows reports each one that is missing.
Result<IndexView> Verifier::make_own_index() {
  Budget budget(options_.memory_bytes);
  PackScanner scanner = TRY(PackScanner::create(*pack_, budget, options_.operation));
  IndexBuilder builder = TRY(
      IndexBuilder::create(budget, {.memory_bytes = budget.free_bytes() - kIndexWriteBufferBytes,
                                    .file_system = &file_system_,
                                    .scratch_directory = options_.scratch_directory,
                                    .operation = &options_.operation}));
  while (report_.objects > 0) {
    const Result<const ScannedEntry*> entry = scanner.next();
    if (!entry && entry.error().code != ErrorCode::kCorrupt) return entry.error();
    if (!entry || *entry == nullptr) break;  // the first scan has reported it
    TRY(builder.add((*entry)->header.id, (*entry)->offset));
  }
  std::unique_ptr<File> file = TRY(file_system_.create_unnamed(options_.scratch_directory));
  static_cast<void>(TRY(builder.write(*file, budget, pack_->trailer())));
  return IndexView::from_file(*file, index_path_);
}

Result<void> Verifier::decode(const IndexView& index) {
  const EntryDecoder decoder(*pack_, index);
  ReadContext::Impl context(options_.memory_bytes);
  std::uint64_t offset = kHeaderBytes;
  for (std::uint64_t done = 0; done < report_.objects; ++done) {
    if (options_.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const EntryHeader header = TRY(decoder.header(offset, context));
    const Result<ObjectType> decoded =
        decoder.read(offset, context, [](Bytes) -> Result<void> { return {}; });
    if (!decoded) {
      TRY(note(decoded.error()));
    } else {
      report_.bytes += header.size;
    }
    offset += header.header_bytes + header.stored_size;
    if (done % kRecordsPerRelease == 0) index.release_pages();
    options_.operation.progress({.phase = "checking objects",
                                 .objects = done + 1,
                                 .objects_total = report_.objects,
                                 .bytes = offset,
                                 .bytes_total = pack_->file_bytes()});
  }
  return {};
}

}  // namespace

Result<PackReport> verify_pack(const std::string& pack_path, const PackCheckOptions& options) {
  if (options.memory_bytes < kMinPackCheckBytes) {
    return fail(ErrorCode::kInvalidArgument, "verifying a pack needs at least {} bytes of memory",
                kMinPackCheckBytes);
  }
  return Verifier(pack_path, options).run();
}

}  // namespace bale
