// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Importing a Git repository: see bale/git_import.h.
//
//   plan      import_plan.h      what to ask for, and what is known already
//   lister    import_lister.h    (its own thread) git rev-list says what is reached -> what the
//                                store lacks is put in order, and asked of git cat-file
//   receiver  import_receiver.h  (the caller's thread) git cat-file answers -> Git id checked ->
//                                staged pack
//   record    what was brought, into the pack too; then the pack is installed, then the archive
//             moves on to the record
//
// The lister waits while its window of unanswered requests is full, so nothing queues up. Both end
// on the first error of either: the receiver drains what was asked, the lister is told to give up.

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "bale/archive_name.h"
#include "bale/git_import.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "git/archive_name_from_path.h"
#include "git/import_lister.h"
#include "git/import_plan.h"
#include "git/import_receiver.h"
#include "git/source.h"
#include "store/catalog_builder.h"
#include "store/locks.h"
#include "store/oid_list.h"
#include "store/staged_pack.h"

namespace bale {
namespace {

// The part of the memory that is not the pack's: objects in order, payloads on their way, index
// pages that look-ups touch, pipes, the sort of missing ids.
constexpr std::uint64_t kOwnBytes = 24 << 20;
constexpr std::uint64_t kMinOwnBytes = 8 << 20;

std::uint64_t pack_memory(const GitImportOptions& options) {
  const std::uint64_t smallest = StagedPack::smallest_memory_bytes(options.level, options.deltas);
  const std::uint64_t left = options.memory_bytes - std::min(options.memory_bytes, kOwnBytes);
  return std::max(smallest, left);
}

std::uint64_t lister_memory(const GitImportOptions& options) {
  return (options.memory_bytes - pack_memory(options)) / 4;
}

static_assert(kMinOwnBytes / 4 >= kMinLineageOrderBytes);

class GitImporter {
 public:
  GitImporter(Store& store, const GitImportOptions& options, GitSource source)
      : store_(store), options_(options), source_(std::move(source)) {}

  Result<GitImportSummary> run();

 private:
  Result<void> transfer(ImportLister& lister, ImportReceiver& receiver);
  [[nodiscard]] Error missing_error(const OidListWriter& missing) const;
  Result<Record> make_record(ImportLister& lister, StagedPack& staged);
  [[nodiscard]] bool says_nothing_new(const Record& record) const;
  [[nodiscard]] GitImportSummary unchanged() const;

  Store& store_;
  const GitImportOptions& options_;
  GitSource source_;
  RefSnapshot refs_;
  ImportPlan plan_;
  GitImportSummary summary_;
};

Result<GitImportSummary> GitImporter::run() {
  const std::string& name = summary_.archive = options_.name;
  const ImportLocks locks = TRY(lock_for_import(store_, name, options_.operation));
  // What came or went while this import waited for its turn.
  TRY(store_.refresh());
  refs_ = TRY(source_.refs());
  plan_ = TRY(plan_import(store_, source_, refs_, options_));
  if (plan_.unchanged) return unchanged();
  summary_.replaced = plan_.replaced;
  const std::unique_ptr<StagedPack> staged =
      TRY(StagedPack::create(store_, source_.hash(),
                             {.level = options_.level,
                              .deltas = options_.deltas,
                              .memory_bytes = pack_memory(options_),
                              .lanes = options_.lanes,
                              .sync = options_.sync,
                              .operation = options_.operation}));
  const std::unique_ptr<ImportLister> lister =
      TRY(ImportLister::create(store_, source_, plan_,
                               {.memory_bytes = lister_memory(options_),
                                .scratch_directory = staged->directory(),
                                .operation = &options_.operation}));
  ImportReceiver receiver(source_, *staged, *lister, options_.operation);
  TRY(transfer(*lister, receiver));
  summary_.objects = TRY(lister->count().total(source_, refs_, options_.operation));
  summary_.objects_new = receiver.totals().objects;
  summary_.bytes_in = receiver.totals().bytes;
  summary_.huge_objects = receiver.totals().huge_objects;
  summary_.missing = lister->missing().count();
  if (summary_.missing > 0 && !options_.allow_missing) return missing_error(lister->missing());

  const Record record = TRY(make_record(*lister, *staged));
  // What was staged goes with it: a list of ids that the store has already.
  if (says_nothing_new(record)) return unchanged();
  summary_.record = TRY(staged->add_record(record));
  const InstalledPack installed = TRY(staged->install());
  TRY(move_archive(store_, name, summary_.record, options_.sync));
  summary_.pack = installed.name;
  summary_.pack_bytes = installed.summary.pack_bytes;
  summary_.index_bytes = installed.summary.index_bytes + installed.git_index_bytes;
  summary_.deltas = installed.summary.deltas;
  summary_.children_peak_rss_bytes = source_.children_peak_rss_bytes();
  TRY(store_.refresh());
  keep_catalog_up(store_, options_.sync);
  return summary_;
}

Result<void> GitImporter::transfer(ImportLister& lister, ImportReceiver& receiver) {
  const std::unique_ptr<ObjectReader> reader = TRY(source_.start_reader());
  // Before there is anything to tell, so that each import tells of its phases alike.
  options_.operation.progress({.phase = "listing objects"});
  Result<void> listed;
  std::thread thread([&] { listed = lister.run(*reader); });
  const Result<void> received = receiver.run(*reader);
  if (!received) {
    // The lister may be waiting for room among its requests.
    lister.give_up();
    for (;;) {
      const Result<std::optional<SourceObject>> drained = reader->next();
      if (!drained || !*drained) break;
    }
  }
  thread.join();
  // Of two errors, the one that came first: the other follows from it.
  return received ? listed : received;
}

Error GitImporter::missing_error(const OidListWriter& missing) const {
  return fail(ErrorCode::kIncomplete,
              "{} objects are missing in the source: {}: {} (--allow-missing archives it without "
              "them and records which they were)",
              missing.count(), source_.path(), missing.shown());
}

Result<Record> GitImporter::make_record(ImportLister& lister, StagedPack& staged) {
  Record record{.archive = options_.name,
                .kind = RecordKind::kGit,
                .hash = source_.hash(),
                .source = source_.path(),
                .time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
                .head = refs_.head,
                .refs = refs_.refs,
                .symrefs = refs_.symrefs,
                .shallow = refs_.shallow,
                .objects = summary_.objects,
                .objects_new = summary_.objects_new,
                .bytes = summary_.bytes_in,
                .number = plan_.number,
                .version = BALE_VERSION};
  record.previous = plan_.pointer;
  record.missing = TRY(lister.missing().store(staged));
  record.unreached = TRY(lister.unreached().store(staged));
  return record;
}

// Whether it differs from the archive's newest record only in what each import has of its own.
bool GitImporter::says_nothing_new(const Record& record) const {
  if (!plan_.previous || record.objects_new > 0) return false;
  Record before = plan_.previous->record;
  before.time = record.time;
  before.objects_new = record.objects_new;
  before.bytes = record.bytes;
  before.number = record.number;
  before.previous = record.previous;
  before.replaces = record.replaces;
  before.version = record.version;
  if (!options_.new_source) before.source = record.source;
  return before == record;
}

GitImportSummary GitImporter::unchanged() const {
  const Record& newest = plan_.previous->record;
  return {.archive = options_.name,
          .unchanged = true,
          .record = plan_.previous->id,
          .objects = newest.objects,
          .missing = newest.missing.count,
          .children_peak_rss_bytes = source_.children_peak_rss_bytes()};
}

}  // namespace

std::uint64_t smallest_import_memory_bytes(int level, bool deltas) {
  return StagedPack::smallest_memory_bytes(level, deltas) + kMinOwnBytes;
}

Result<GitImportSummary> import_git(Store& store, const std::string& path,
                                    const GitImportOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                options.level, kMinLevel, kMaxLevel);
  }
  const std::uint64_t smallest = smallest_import_memory_bytes(options.level, options.deltas);
  if (options.memory_bytes < smallest) {
    return fail(ErrorCode::kInvalidArgument,
                "importing at level {} {} deltas needs at least {} bytes of memory, and {} were "
                "allowed",
                options.level, options.deltas ? "with" : "without", smallest, options.memory_bytes);
  }
  if (!options.name.empty()) TRY(check_archive_name(options.name));
  GitSource source = TRY(GitSource::open(path, options.operation));
  GitImportOptions named = options;
  if (named.name.empty()) named.name = archive_name_from_git_dir(source.path());
  TRY(check_archive_name(named.name));
  return GitImporter(store, named, std::move(source)).run();
}

}  // namespace bale
