// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header.
//
//   find      SalvageFinder: entries that are proven, deltas whose program is whole, and what can
//   be
//             decoded and is not what its id says, to the log
//   rebuild   each delta by an index of all of these; what is not what its id says is lost
//   twins     what is lost once more, by an index that leads to a proven entry where an id has one,
//             though an earlier entry of the same id is damaged
//
// What was proven by an index is read by it: a delta may be right although what it was rebuilt on
// is not, if it took the parts that are. Each index has a view of the file of its own, so that
// contexts do not mix up what was rebuilt by either.

#include "pack/salvage/pack_salvager.h"

#include <algorithm>
#include <utility>

#include "base/budget.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "io/path.h"
#include "pack/build/index_builder.h"
#include "pack/salvage/salvage_log.h"

namespace bale {
namespace {

constexpr std::uint64_t kVainShare = 8;
constexpr std::uint64_t kDeltasAReport = 256;

// An index of entries in the log, on scratch, and what finds its way by it.
struct Guide {
  explicit Guide(PackBytes bytes) : pack(std::move(bytes)) {}

  PackBytes pack;
  std::unique_ptr<File> file;
  std::optional<IndexView> index;
  std::optional<EntryDecoder> decoder;
  std::uint64_t duplicates = 0;  // entries whose id an earlier one has
};

using EntryFilter = std::function<bool(const SalvageLog::Entry&)>;

bool is_proven(const SalvageLog::Entry& entry) {
  return entry.state == SalvageState::kProven;
}

}  // namespace

class PackSalvager::Impl {
 public:
  Impl(std::string path, const SalvageOptions& options)
      : path_(std::move(path)),
        options_(options),
        files_(options.file_system != nullptr ? *options.file_system : posix_file_system()),
        scratch_(options.scratch_directory.empty() ? parent_directory(path_)
                                                   : options.scratch_directory),
        budget_(options.memory_bytes / 2) {}

  Result<void> run();

  [[nodiscard]] const SalvageReport& report() const { return report_; }

  Result<void> for_each(bool proven, const EntrySink& sink);

  // By which an entry can be decoded.
  [[nodiscard]] const EntryDecoder& decoder(const SalvagedEntry& entry) const {
    return *(entry.by_twin ? twins_ : all_)->decoder;
  }

 private:
  [[nodiscard]] std::uint64_t decode_bytes() const { return options_.memory_bytes / 2; }

  Result<void> find();
  Result<std::unique_ptr<Guide>> make_guide(const EntryFilter& filter);
  Result<void> rebuild(SalvageState from, SalvageState to, const Guide& guide);
  [[nodiscard]] bool is_base_lost(const StoredEntry& entry) const;
  Result<bool> is_what_its_id_says(const SalvageLog::Entry& entry, const EntryDecoder& decoder,
                                   ReadContext& context);

  const std::string path_;
  const SalvageOptions options_;
  FileSystem& files_;
  const std::string scratch_;
  Budget budget_;
  UnreadableBlocks unreadable_;
  std::uint64_t most_vain_bytes_ = 0;
  std::optional<SalvageLog> log_;
  std::uint64_t delta_count_ = 0;
  std::uint64_t wrong_count_ = 0;
  std::unique_ptr<Guide> all_;
  std::unique_ptr<Guide> proven_;  // by all_; only where something was lost or wrong
  std::unique_ptr<Guide> twins_;   // only where an id repeats, too
  SalvageReport report_;
};

Result<void> PackSalvager::Impl::run() {
  if (options_.memory_bytes < kMinSalvageBytes) {
    return fail(ErrorCode::kInvalidArgument, "salvaging needs at least {} of memory",
                memory_size(kMinSalvageBytes));
  }
  log_ = TRY(SalvageLog::create(budget_, files_, scratch_));
  TRY(find());
  all_ = TRY(make_guide([](const SalvageLog::Entry&) { return true; }));
  if (delta_count_ > 0) TRY(rebuild(SalvageState::kWaits, SalvageState::kProven, *all_));
  if (report_.deltas_lost > 0 || wrong_count_ > 0) {
    proven_ = TRY(make_guide(is_proven));
    if (all_->duplicates > 0 && report_.deltas_lost > 0) {
      // Deltas that wait for one another are among them, so that one look at each is enough.
      twins_ = TRY(make_guide([&](const SalvageLog::Entry& entry) {
        return is_proven(entry) || !proven_->index->find(entry.id).has_value();
      }));
      TRY(rebuild(SalvageState::kLost, SalvageState::kByTwin, *twins_));
    }
  }
  report_.entries_whole = log_->size() - report_.deltas_lost - wrong_count_;
  return {};
}

Result<void> PackSalvager::Impl::find() {
  const PackBytes pack = TRY(PackBytes::open_damaged(files_, path_, &unreadable_));
  most_vain_bytes_ = kVainShare * pack.file_bytes() + options_.spare_vain_bytes;
  ReadContext context(decode_bytes());
  SalvageProver prover(
      pack, context, most_vain_bytes_, [this](const SalvageProver::Found& found) -> Result<void> {
        ++wrong_count_;
        return log_->append(
            {.id = found.header.id, .offset = found.offset, .state = SalvageState::kWrong});
      });
  const std::uint64_t hint_bytes = budget_.free_bytes() - SalvageFinder::kWindowBytes;
  SalvageHints hints = TRY(SalvageHints::create(pack, options_.index_path, budget_,
                                                {.memory_bytes = hint_bytes,
                                                 .file_system = &files_,
                                                 .scratch_directory = scratch_,
                                                 .operation = &options_.operation}));
  SalvageFinder finder = TRY(
      SalvageFinder::create(pack, prover, hints, budget_, options_.operation, most_vain_bytes_));
  while (const auto found = TRY(finder.next())) {
    const bool is_delta = found->header.is_delta();
    if (is_delta) ++delta_count_;
    TRY(log_->append({.id = found->header.id,
                      .offset = found->offset,
                      .state = is_delta ? SalvageState::kWaits : SalvageState::kProven}));
  }
  unreadable_.complete = true;  // every byte of every entry that was found has been read by now
  for (const std::uint64_t number : unreadable_.numbers) {
    report_.bytes_unreadable += std::min(
        UnreadableBlocks::kBlockBytes, pack.file_bytes() - number * UnreadableBlocks::kBlockBytes);
  }
  report_.entries_declared = finder.declared_count();
  report_.bytes_skipped = finder.gap_bytes();
  report_.damage = finder.gaps();
  report_.gave_up = finder.gave_up();
  report_.vain_bytes = prover.vain_bytes();
  report_.too_large = prover.too_large();
  return {};
}

Result<std::unique_ptr<Guide>> PackSalvager::Impl::make_guide(const EntryFilter& filter) {
  auto guide = std::make_unique<Guide>(TRY(PackBytes::open_damaged(files_, path_, &unreadable_)));
  IndexBuilder builder = TRY(
      IndexBuilder::create(budget_, {.memory_bytes = budget_.free_bytes() - kIndexWriteBufferBytes,
                                     .file_system = &files_,
                                     .scratch_directory = scratch_,
                                     .operation = &options_.operation}));
  TRY(log_->visit([&](const SalvageLog::Entry& entry) -> Result<void> {
    return filter(entry) ? builder.add(entry.id, entry.offset) : Result<void>();
  }));
  guide->file = TRY(files_.create_unnamed(scratch_));
  const IndexSummary summary = TRY(builder.write(*guide->file, budget_, Digest{}));
  guide->duplicates = summary.duplicates;
  guide->index = TRY(IndexView::from_file(*guide->file, path_ + " (salvaged)"));
  guide->decoder.emplace(guide->pack, *guide->index);
  return guide;
}

Result<bool> PackSalvager::Impl::is_what_its_id_says(const SalvageLog::Entry& entry,
                                                     const EntryDecoder& decoder,
                                                     ReadContext& context) {
  const EntryHeader header = TRY(decoder.header(entry.offset, read_memory(context)));
  const Result<ObjectView> object = decoder.get(entry.offset, header, read_memory(context));
  if (object && is_store_id(entry.id, object->type, object->payload)) return true;
  report_.vain_bytes += header.size + header.stored_size;
  if (object) return false;
  const ErrorCode code = object.error().code;
  if (code == ErrorCode::kLimitExceeded) {
    ++report_.too_large;
  } else if (code != ErrorCode::kCorrupt && code != ErrorCode::kNotFound) {
    return object.error();
  }
  return false;
}

// Tries the deltas that are in this state.
Result<void> PackSalvager::Impl::rebuild(SalvageState from, SalvageState to, const Guide& guide) {
  ReadContext context(decode_bytes());
  std::uint64_t tried = 0;
  const std::uint64_t most_vain_bytes = report_.vain_bytes + most_vain_bytes_;
  report_.deltas_lost = 0;
  return log_->visit([&](SalvageLog::Entry& entry) -> Result<void> {
    if (entry.state != from) return {};
    if (options_.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    if (tried++ % kDeltasAReport == 0) {
      options_.operation.progress(
          {.phase = "rebuilding deltas", .objects = tried, .objects_total = delta_count_});
      guide.index->release_pages();
    }
    const bool may_try = report_.vain_bytes < most_vain_bytes;
    if (!may_try) report_.gave_up = true;
    const bool proven = may_try && TRY(is_what_its_id_says(entry, *guide.decoder, context));
    entry.state = proven ? to : SalvageState::kLost;
    if (!proven) ++report_.deltas_lost;
    return {};
  });
}

Result<void> PackSalvager::Impl::for_each(bool proven, const EntrySink& sink) {
  ReadContext context(SalvageFinder::kWindowBytes);
  return log_->visit([&](const SalvageLog::Entry& logged) -> Result<void> {
    const bool is_wanted = proven ? is_proven(logged) || logged.state == SalvageState::kByTwin
                                  : logged.state == SalvageState::kLost;
    if (!is_wanted) return {};
    SalvagedEntry entry;
    entry.entry = TRY(all_->decoder->stored(logged.offset, 0, read_memory(context)));
    entry.by_twin = logged.state == SalvageState::kByTwin;
    entry.base_lost = entry.by_twin || is_base_lost(entry.entry);
    return sink(entry);
  });
}

// Whether a delta that was proven by all_ was rebuilt on something that was not.
bool PackSalvager::Impl::is_base_lost(const StoredEntry& entry) const {
  if (!entry.is_delta() || proven_ == nullptr) return false;
  return proven_->index->find(entry.base) != all_->index->find(entry.base);
}

PackSalvager::PackSalvager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PackSalvager::PackSalvager(PackSalvager&&) noexcept = default;
PackSalvager& PackSalvager::operator=(PackSalvager&&) noexcept = default;
PackSalvager::~PackSalvager() = default;

Result<PackSalvager> PackSalvager::open(const std::string& path, const SalvageOptions& options) {
  auto impl = std::make_unique<Impl>(path, options);
  TRY(impl->run());
  return PackSalvager(std::move(impl));
}

const SalvageReport& PackSalvager::report() const {
  return impl_->report();
}

Result<void> PackSalvager::for_each(const EntrySink& sink) {
  return impl_->for_each(true, sink);
}

Result<void> PackSalvager::for_each_lost(const EntrySink& sink) {
  return impl_->for_each(false, sink);
}

Result<StoredEntry> PackSalvager::stored_at(const SalvagedEntry& entry,
                                            std::uint64_t most_stored_bytes,
                                            ReadContext& context) const {
  return impl_->decoder(entry).stored(entry.entry.offset, most_stored_bytes, read_memory(context));
}

Result<void> PackSalvager::read_stored(const SalvagedEntry& entry, ReadContext& context,
                                       const PackReader::PayloadSink& sink) const {
  return impl_->decoder(entry).read_stored(entry.entry.offset, read_memory(context), sink);
}

Result<ObjectView> PackSalvager::get_at(const SalvagedEntry& entry, ReadContext& context) const {
  return impl_->decoder(entry).get(entry.entry.offset, read_memory(context));
}

Result<ObjectType> PackSalvager::read_at(const SalvagedEntry& entry, ReadContext& context,
                                         const PackReader::PayloadSink& sink) const {
  return impl_->decoder(entry).read(entry.entry.offset, read_memory(context), sink);
}

}  // namespace bale
