// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking a pack whole: see bale/pack_verifier.h.
//
//   scan     one pass over the pack: checksum, headers, and the payloads that can be decoded alone;
//            (id, offset) goes into an external sort
//   index    its checksum; its records against the sorted entries, both in id order
//   decode   the other payloads, in the order of the pack; bases through the index if it was found
//            right, else through one made here that nobody else sees
//
// What is found wrong is collected, and the check goes on as far as it can. Errors come in the
// order of these steps (the index's checksum before all), and in each in the order of the file,
// whatever lanes were first.

#include "bale/pack_verifier.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "bale/pack_builder.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/lane_task.h"
#include "base/lanes.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "io/path.h"
#include "pack/build/index_builder.h"
#include "pack/check/findings.h"
#include "pack/check/pack_scanner.h"
#include "pack/check/payload_checker.h"
#include "pack/check/scan_plan.h"
#include "pack/read/index_view.h"
#include "pack/read/pack_bytes.h"
#include "scratch/external_sorter.h"

namespace bale {
namespace {

// How many index records are read before the pages they lie in are given back.
constexpr std::uint64_t kRecordsPerRelease = 1 << 13;

constexpr std::size_t kSortIdBytes = 33;

bool is_id_below(const SortRecord& a, const SortRecord& b) {
  return std::memcmp(a.data(), b.data(), kSortIdBytes) < 0;
}

bool is_same_id(const SortRecord& a, const SortRecord& b) {
  return std::memcmp(a.data(), b.data(), kSortIdBytes) == 0;
}

class Verifier {
 public:
  Verifier(const std::string& pack_path, const PackCheckOptions& options)
      : options_(options),
        file_system_(options.work.file_system != nullptr ? *options.work.file_system
                                                         : posix_file_system()),
        pack_path_(pack_path),
        index_path_(options.index_path.empty() ? default_index_path(pack_path)
                                               : options.index_path),
        plan_(plan_scan(options)),
        lanes_(plan_.lane_count) {
    if (options_.scratch_directory.empty()) {
      options_.scratch_directory = parent_directory(index_path_);
    }
  }

  Result<PackReport> run();

 private:
  // Damage goes into the report; anything else ends the check.
  Result<void> note(const Error& error);

  Result<void> open_index();
  Result<bool> scan(ExternalSorter<41>& entries, Budget& budget, PayloadChecker& payloads);
  Result<bool> walk(PackScanner& scanner, ExternalSorter<41>& entries, PayloadChecker& payloads);
  Result<void> compare(ExternalSorter<41>& entries);
  Result<void> skip_repetitions(ExternalSorter<41>& entries, const SortRecord*& entry,
                                const SortRecord& record, std::uint64_t position);
  Result<void> note_missing(const SortRecord& entry);
  Result<IndexView> make_own_index();
  Result<void> decode(PayloadChecker& payloads);

  PackCheckOptions options_;
  FileSystem& file_system_;
  std::string pack_path_;
  std::string index_path_;
  ScanPlan plan_;
  Lanes lanes_;
  std::optional<PackBytes> pack_;
  std::optional<IndexView> index_;
  bool index_trusted_ = false;
  PackReport report_;
  std::vector<Error> scan_damage_;
  LaneTask checksum_task_;  // the last member: it ends before the others go
};

Result<void> Verifier::note(const Error& error) {
  if (error.code != ErrorCode::kCorrupt) return error;
  if (report_.errors.size() < Findings::kMost) {
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
  PayloadChecker payloads(*pack_);
  bool all_seen = false;
  {
    Budget budget(options_.work.memory_bytes);
    ExternalSorter<41> entries = TRY(ExternalSorter<41>::create(
        budget, {.memory_bytes = budget.free_bytes() - plan_.memory_bytes,
                 .file_system = &file_system_,
                 .scratch_directory = options_.scratch_directory,
                 .operation = &options_.work.operation,
                 .lanes = &lanes_}));
    all_seen = TRY(scan(entries, budget, payloads));
    const Result<void> checksum = checksum_task_.wait();
    if (!checksum) TRY(note(checksum.error()));
    for (const Error& error : scan_damage_) TRY(note(error));
    if (all_seen && index_) TRY(compare(entries));
  }
  if (all_seen && options_.decode && payloads.any_left()) TRY(decode(payloads));
  report_.bytes = payloads.bytes();
  std::move(payloads.findings()).append_to(report_.errors, report_.errors_omitted);
  return report_;
}

Result<void> Verifier::open_index() {
  Result<IndexView> index = IndexView::open(file_system_, index_path_);
  if (!index && index.error().code == ErrorCode::kNotFound) {
    return note(fail(ErrorCode::kCorrupt, {HintKind::kRebuildIndex},
                     "{}: there is no index beside the pack", index_path_));
  }
  if (!index) return note(index.error());
  if (index->trailer() && index->trailer()->pack_trailer != pack_->trailer()) {
    return note(fail(ErrorCode::kCorrupt, "{}: the index of another pack than {}", index_path_,
                     pack_path_));
  }
  index_ = std::move(*index);
  if (!index_->trailer() && index_->record_count() != pack_->entry_count()) {
    TRY(note(fail(ErrorCode::kCorrupt, "{}: {} for a pack of {}", index_path_,
                  counted(index_->record_count(), "record"),
                  counted(pack_->entry_count(), "entry"))));
  }
  if (index_->trailer()) {
    // Runs beside the scan of the pack.
    checksum_task_.post(lanes_, [this]() -> Result<void> { return index_->check_checksum(); });
  }
  return {};
}

// True if every entry could be walked over. What is wrong with the pack goes into scan_damage_.
Result<bool> Verifier::scan(ExternalSorter<41>& entries, Budget& budget, PayloadChecker& payloads) {
  PackScannerOptions scan = plan_.scan;
  scan.operation = &options_.work.operation;
  scan.lanes = &lanes_;
  Charge slots;
  if (options_.decode) {
    slots =
        TRY(budget.charge(scan.block_count * PayloadChecker::slot_bytes(), "checking payloads"));
    payloads.prepare(scan.block_count);
    scan.work = [&](std::size_t slot, const ScannedBlock& block) {
      return payloads.check(slot, block);
    };
    scan.collect = [&](std::size_t slot) { payloads.collect(slot); };
  }
  bool all_seen = false;
  {
    PackScanner scanner = TRY(PackScanner::create(*pack_, budget, std::move(scan)));
    all_seen = TRY(walk(scanner, entries, payloads));
  }
  payloads.forget_slots();
  return all_seen;
}

Result<bool> Verifier::walk(PackScanner& scanner, ExternalSorter<41>& entries,
                            PayloadChecker& payloads) {
  for (;;) {
    const Result<const ScannedEntry*> entry = scanner.next();
    if (!entry) {
      if (entry.error().code != ErrorCode::kCorrupt) return entry.error();
      scan_damage_.push_back(entry.error());
      if (report_.objects == pack_->entry_count()) return true;
      const Result<void> rest = scanner.check_rest();
      if (!rest && rest.error().code != ErrorCode::kCorrupt) return rest.error();
      if (!rest) scan_damage_.push_back(rest.error());
      return false;
    }
    if (*entry == nullptr) return true;
    ++report_.objects;
    if (options_.decode) payloads.saw(**entry);
    TRY(entries.add(make_sort_record((*entry)->header.id, (*entry)->offset)));
  }
}

// Walks over both in id order. Of an id that repeats, an index may lead to any of its entries.
Result<void> Verifier::compare(ExternalSorter<41>& entries) {
  const std::uint64_t errors_before = report_.errors.size() + report_.errors_omitted;
  TRY(entries.sort(options_.work.memory_bytes));
  const SortRecord* entry = TRY(entries.next());
  SortRecord last{};  // of the record before
  bool first = true;
  for (std::uint64_t position = 0; position < index_->record_count(); ++position) {
    if (position % kRecordsPerRelease == 0) {
      index_->release_pages();
      if (options_.work.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    }
    const bool rises = entry != nullptr && (first || is_id_below(last, *entry));
    if (rises && index_->record_is(position, *entry)) {
      last = *entry;
      entry = TRY(entries.next());
      TRY(skip_repetitions(entries, entry, last, position));
      first = false;
      continue;
    }
    const Result<IndexRecord> record = index_->record(position);
    if (!record) return note(record.error());
    const SortRecord wanted = make_sort_record(record->id, record->offset);
    if (!first && !is_id_below(last, wanted) && (index_->trailer() || is_id_below(wanted, last))) {
      return note(
          fail(ErrorCode::kCorrupt, "{}: record {} is out of order", index_path_, position));
    }
    first = false;
    last = wanted;
    while (entry != nullptr && is_id_below(*entry, wanted)) {
      TRY(note_missing(*entry));
      entry = TRY(entries.next());
    }
    bool found = false;
    while (entry != nullptr && is_same_id(*entry, wanted) && !found) {
      found = *entry == wanted;
      entry = TRY(entries.next());
    }
    if (found) TRY(skip_repetitions(entries, entry, wanted, position));
    if (!found) {
      TRY(note(fail(ErrorCode::kCorrupt, "{}: record {} leads {} to offset {}, where it is not",
                    index_path_, position, record->id.to_hex(), record->offset)));
    }
  }
  for (; entry != nullptr; entry = TRY(entries.next())) {
    if (first || !is_same_id(*entry, last)) TRY(note_missing(*entry));
  }
  index_trusted_ = report_.errors.size() + report_.errors_omitted == errors_before;
  return {};
}

// Moves `entry` past those that have the id of the record at `position`. Without a trailer, an
// index may hold a record for each entry of an id.
Result<void> Verifier::skip_repetitions(ExternalSorter<41>& entries, const SortRecord*& entry,
                                        const SortRecord& record, std::uint64_t position) {
  while (entry != nullptr && is_same_id(*entry, record)) {
    if (!index_->trailer() && position + 1 < index_->record_count()) {
      const Result<IndexRecord> next = index_->record(position + 1);
      if (next && next->id == sort_record_id(record)) return {};
    }
    entry = TRY(entries.next());
  }
  return {};
}

Result<void> Verifier::note_missing(const SortRecord& entry) {
  return note(fail(ErrorCode::kCorrupt, "{}: object {} at offset {} is missing in the index",
                   index_path_, sort_record_id(entry).to_hex(), sort_record_offset(entry)));
}

// An index that is right by construction, in a file without a name. It does not prove bases: the
// decoding that follows reports each one that is missing.
Result<IndexView> Verifier::make_own_index() {
  Budget budget(options_.work.memory_bytes);
  PackScannerOptions scan = plan_index_scan(options_).scan;
  scan.operation = &options_.work.operation;
  scan.lanes = &lanes_;
  PackScanner scanner = TRY(PackScanner::create(*pack_, budget, std::move(scan)));
  IndexBuilder builder = TRY(
      IndexBuilder::create(budget, {.memory_bytes = budget.free_bytes() - kIndexWriteBufferBytes,
                                    .file_system = &file_system_,
                                    .scratch_directory = options_.scratch_directory,
                                    .operation = &options_.work.operation,
                                    .lanes = &lanes_}));
  while (report_.objects > 0) {
    const Result<const ScannedEntry*> entry = scanner.next();
    if (!entry && entry.error().code != ErrorCode::kCorrupt) return entry.error();
    if (!entry || *entry == nullptr) break;  // the first scan has reported it
    TRY(builder.add((*entry)->header.id, (*entry)->offset));
  }
  std::unique_ptr<File> file = TRY(file_system_.create_unnamed(options_.scratch_directory));
  TRY_VOID(builder.write(*file, budget, pack_->trailer()));
  return IndexView::from_file(*file, index_path_);
}

Result<void> Verifier::decode(PayloadChecker& payloads) {
  PayloadChecker::LeftOptions left{.lanes = &lanes_,
                                   .memory_bytes = options_.work.memory_bytes,
                                   .operation = &options_.work.operation};
  if (!payloads.any_delta()) return payloads.check_left(left);
  if (index_trusted_) {
    left.index = &*index_;
    return payloads.check_left(left);
  }
  const IndexView own = TRY(make_own_index());
  left.index = &own;
  return payloads.check_left(left);
}

}  // namespace

Result<PackReport> verify_pack(const std::string& pack_path, const PackCheckOptions& options) {
  if (options.work.memory_bytes < smallest_verify_pack_memory_bytes()) {
    return fail(ErrorCode::kInvalidArgument, "verifying a pack needs at least {} of memory",
                memory_size(smallest_verify_pack_memory_bytes()));
  }
  return Verifier(pack_path, options).run();
}

}  // namespace bale
