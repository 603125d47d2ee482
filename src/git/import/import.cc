// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Importing a Git repository: see bale/git_import.h.
//
//   plan      import_plan.h      which objects to request, and which are known already
//   lister    import_lister.h    (its own thread) git rev-list lists reachable objects -> those new
//                                to the store are ordered and requested from git cat-file
//   receiver  import_receiver.h  (the caller's thread) git cat-file answers -> Git id checked ->
//                                staged pack
//   check     import_check.h     the listed objects are those that bale reaches from the refs
//   record    added to the pack; then the pack is installed, then the archive points to the record
//
// The lister waits while its window of unanswered requests is full, so the queue is bounded. Both
// end on the first error of either: the receiver drains the answers, the lister is cancelled.

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "bale/archive_name.h"
#include "bale/git_import.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "git/import/archive_name_from_path.h"
#include "git/import/import_check.h"
#include "git/import/import_lister.h"
#include "git/import/import_plan.h"
#include "git/import/import_receiver.h"
#include "git/source/source.h"
#include "store/core/catalog_builder.h"
#include "store/core/locks.h"
#include "store/core/oid_list.h"
#include "store/core/ref_lists.h"
#include "store/core/staged_pack.h"

namespace bale {
namespace {

// Memory apart from the pack's: objects in order, links, stored objects, payloads, touched index
// pages, pipes, the sort of missing ids.
constexpr std::uint64_t kOwnBytes = 24 << 20;
constexpr std::uint64_t kMinOwnBytes = 12 << 20;

// How often an import starts over because links point to objects that Git did not list.
constexpr int kMostRounds = 10;

std::uint64_t pack_memory(const GitImportOptions& options) {
  const std::uint64_t smallest = StagedPack::smallest_memory_bytes(options.level, options.deltas);
  const std::uint64_t left =
      options.work.memory_bytes - std::min(options.work.memory_bytes, kOwnBytes);
  return std::max(smallest, left);
}

std::uint64_t own_memory(const GitImportOptions& options) {
  return options.work.memory_bytes - pack_memory(options);
}

static_assert(kMinOwnBytes / 6 >= kMinLineageOrderBytes);
static_assert(kMinOwnBytes / 4 >= kMinImportCheckBytes);
static_assert(kMinOwnBytes / 3 >= kMinStoredObjectsBytes);

class GitImporter {
 public:
  GitImporter(Store& store, const GitImportOptions& options, GitSource source)
      : store_(store), options_(options), source_(std::move(source)) {}

  Result<GitImportSummary> run();

 private:
  Result<bool> bring();
  Result<void> transfer(ImportLister& lister, ImportReceiver& receiver);
  Result<bool> is_whole(ImportCheck& check);
  Result<void> find_causes(OidListWriter& listed, const std::string& scratch_directory);
  [[nodiscard]] Error missing_error() const;
  Result<Record> make_record(ImportLister& lister, StagedPack& staged);
  [[nodiscard]] bool has_lists(const Record& record) const;
  [[nodiscard]] bool says_nothing_new(const Record& record) const;
  [[nodiscard]] GitImportSummary unchanged() const;

  // Adds the objects' files to git's message about them.
  template <typename Value>
  Result<Value> explained(Result<Value> result) {
    return result ? std::move(result) : source_.explain(std::move(result).error());
  }

  Store& store_;
  const GitImportOptions& options_;
  GitSource source_;
  RefSnapshot refs_;
  ImportPlan plan_;
  std::optional<OidListWriter> missing_;  // once their causes are known
  GitImportSummary summary_;
};

Result<GitImportSummary> GitImporter::run() {
  const ImportLocks locks = TRY(lock_for_import(store_, options_.name, options_.work.operation));
  // Other processes may have changed the store while this import waited for the lock.
  TRY(store_.refresh());
  refs_ = TRY(source_.refs(options_.skip_bad_refs ? BadRefs::kSkip : BadRefs::kRefuse));
  TRY(source_.check_objects());
  if (options_.all_objects) TRY(source_.check_packs_are_whole());
  plan_ = TRY(explained(plan_import(store_, source_, refs_, options_)));
  if (plan_.unchanged) return unchanged();
  for (int round = 1;; ++round) {
    const Result<bool> done = bring();
    if (!done || *done) return done ? Result<GitImportSummary>(summary_) : done.error();
    if (round == kMostRounds) {
      return fail(ErrorCode::kIncomplete,
                  "{}: its objects link to objects of other types than they claim, {} times in a "
                  "row (git fsck names them)",
                  source_.path(), kMostRounds);
    }
  }
}

// Lists, transfers, checks, installs. False if links point to unlisted objects: the plan includes
// them now, and the caller repeats everything.
Result<bool> GitImporter::bring() {
  const std::string& name = options_.name;
  missing_.reset();  // of the previous round: its sort has its own budget
  summary_ = {.archive = name, .replaced = plan_.replaced};
  summary_.bad_refs = refs_.bad_refs;
  summary_.bad_refs_omitted = refs_.bad_refs_omitted;
  const std::unique_ptr<StagedPack> staged =
      TRY(StagedPack::create(store_, source_.hash(),
                             {.level = options_.level,
                              .deltas = options_.deltas,
                              .memory_bytes = pack_memory(options_),
                              .lanes = options_.work.lanes,
                              .sync = options_.work.sync,
                              .operation = options_.work.operation}));
  ImportCheck check = TRY(ImportCheck::create({.memory_bytes = own_memory(options_) / 4,
                                               .file_system = &store_.file_system(),
                                               .scratch_directory = staged->directory(),
                                               .shallow = &refs_.shallow,
                                               .operation = &options_.work.operation}));
  const std::unique_ptr<ImportLister> lister =
      TRY(ImportLister::create(store_, source_, plan_, check.listed(),
                               {.memory_bytes = own_memory(options_) / 6,
                                .stored_memory_bytes = own_memory(options_) / 3,
                                .scratch_directory = staged->directory(),
                                .operation = &options_.work.operation}));
  ImportReceiver receiver(source_, *staged, *lister, check.received(), options_.work.operation);
  TRY(explained(transfer(*lister, receiver)));
  TRY(find_causes(lister->missing(), staged->directory()));
  if (!TRY(is_whole(check))) return false;
  summary_.objects = TRY(explained(lister->count().total(source_, refs_, options_.work.operation)));
  summary_.objects_new = receiver.totals().objects - lister->healed();
  summary_.objects_healed = lister->healed();
  summary_.bytes_in = receiver.totals().bytes;
  summary_.huge_objects = receiver.totals().huge_objects;
  if (summary_.missing > 0 && !options_.allow_missing) return missing_error();

  const Record record = TRY(make_record(*lister, *staged));
  // The staged data, a list of ids that the store already has, is dropped.
  if (summary_.objects_healed == 0 && says_nothing_new(record)) {
    summary_ = unchanged();
    return true;
  }
  summary_.record = TRY(staged->add_record(record));
  const InstalledPack installed = TRY(staged->install());
  TRY(move_archive(store_, name, summary_.record, options_.work.sync));
  summary_.pack = installed.name;
  summary_.pack_bytes = installed.summary.pack_bytes;
  summary_.index_bytes = installed.summary.index_bytes + installed.git_index_bytes;
  summary_.deltas = installed.summary.deltas;
  summary_.children_peak_rss_bytes = source_.children_peak_rss_bytes();
  TRY(store_.refresh());
  keep_catalog_up(store_, options_.work.sync);
  return true;
}

// False if more must be listed.
Result<bool> GitImporter::is_whole(ImportCheck& check) {
  const ImportCheckResult result = TRY(check.finish(store_, plan_.incremental));
  summary_.mismatched_links = result.mismatched_links;
  summary_.malformed = check.received().malformed_count() + check.listed().malformed_count();
  if (result.unlinked) {
    return fail(ErrorCode::kIncomplete,
                "{}: git lists object {}, and neither a ref nor an object leads to it (the "
                "repository changed, or its commit-graph is wrong: git commit-graph verify)",
                source_.path(), result.unlinked->to_hex());
  }
  // Objects behind a link of a wrong type may never have been listed, and those of an earlier
  // import may be lost: so list everything.
  const bool list_all =
      plan_.incremental && (result.mismatched_links > 0 || !result.more_roots.empty());
  if (list_all) {
    plan_.incremental = false;
    plan_.request.exclude.clear();
  }
  plan_.request.misnamed.insert(plan_.request.misnamed.end(), result.more_roots.begin(),
                                result.more_roots.end());
  return !list_all && result.more_roots.empty();
}

Result<void> GitImporter::transfer(ImportLister& lister, ImportReceiver& receiver) {
  const std::unique_ptr<ObjectReader> reader = TRY(source_.start_reader());
  // Reported first, so that every import reports the same phases.
  options_.work.operation.progress({.phase = "listing objects"});
  Result<void> listed;
  std::thread thread([&] { listed = lister.run(*reader); });
  const Result<void> received = receiver.run(*reader);
  if (!received) {
    // The lister may be waiting for its window.
    lister.give_up();
    for (;;) {
      const Result<std::optional<SourceObject>> drained = reader->next();
      if (!drained || !*drained) break;
    }
  }
  thread.join();
  // The first of two errors causes the other.
  return received ? listed : received;
}

// Only objects in no file of the source are missing. An unreadable or damaged file is an error
// whatever the options.
Result<void> GitImporter::find_causes(OidListWriter& listed, const std::string& scratch_directory) {
  const auto list = [&] {
    return OidListWriter::create(store_, source_.hash(), scratch_directory,
                                 options_.work.operation);
  };
  missing_ = TRY(list());
  // Unreached objects are listed from files, and empty ones were hidden from git.
  if (options_.all_objects) {
    TRY(source_.list_empty_files([&](const GitOid& oid) { return listed.add(oid); }));
  }
  if (listed.count() == 0) return {};
  const std::unique_ptr<MissingSearch> search = TRY(source_.search_missing(scratch_directory));
  const std::vector<GitOid> tips = TRY(tips_of(refs_));
  std::set<GitOid> missing_tips;
  OidListWriter nothing = TRY(list());
  std::optional<GitOid> last;
  TRY(listed.subtract(nothing, [&](const GitOid& oid) -> Result<void> {
    if (std::exchange(last, oid) == oid) return {};
    if (std::binary_search(tips.begin(), tips.end(), oid)) missing_tips.insert(oid);
    TRY(missing_->add(oid));
    return search->add(oid);
  }));
  const MissingCauses causes = TRY(search->finish());
  if (causes.unreadable.count > 0) {
    return fail(ErrorCode::kIo, "{}: objects that cannot be read: {}: {}", source_.path(),
                causes.unreadable.count, causes.unreadable.shown());
  }
  if (causes.damaged.count > 0) {
    return fail(ErrorCode::kIncomplete,
                "{}: objects in damaged files: {}: {} (git fsck names all damage)", source_.path(),
                causes.damaged.count, causes.damaged.shown());
  }
  TRY(source_.check_unseen(missing_->shown()));
  summary_.missing = missing_->count();
  summary_.missing_empty = causes.empty.count;
  summary_.empty_files = causes.empty.shown();
  RefList::Reader refs(refs_.refs);
  while (const std::optional<Ref> ref = TRY(refs.next())) {
    if (ref->oid && missing_tips.contains(*ref->oid)) summary_.missing_refs.push_back(ref->name);
  }
  if (refs_.head_oid && missing_tips.contains(*refs_.head_oid)) {
    summary_.missing_refs.emplace_back("HEAD");
  }
  return {};
}

Error GitImporter::missing_error() const {
  std::string details = missing_->shown();
  if (summary_.missing_empty > 0) {
    details += fmt::format("; empty files: {}: {}", summary_.missing_empty, summary_.empty_files);
  }
  if (!summary_.missing_refs.empty()) {
    static constexpr std::size_t kShownRefs = 5;
    CauseCount refs{.count = summary_.missing_refs.size()};
    for (const std::string& name : summary_.missing_refs) {
      if (refs.first.size() < kShownRefs) refs.first.push_back(name);
    }
    details += fmt::format("; refs that lead to them: {}", refs.shown());
  }
  return fail(
      ErrorCode::kIncomplete, {HintKind::kAllowMissing}, "{} missing in the source: {}: {}",
      summary_.missing == 1 ? "1 object is" : fmt::format("{} objects are", summary_.missing),
      source_.path(), details);
}

Result<Record> GitImporter::make_record(ImportLister& lister, StagedPack& staged) {
  Record record{.archive = options_.name,
                .kind = RecordKind::kGit,
                .hash = source_.hash(),
                .source = source_.path(),
                .time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
                .head = refs_.head,
                .shallow = refs_.shallow,
                .objects = summary_.objects,
                .objects_new = summary_.objects_new,
                .bytes = summary_.bytes_in,
                .number = plan_.number,
                .version = BALE_VERSION};
  record.previous = plan_.pointer;
  ReadContext context(kAnyObjectBytes);
  const bool has_older = plan_.previous_refs.has_value();
  TRY(write_refs(store_, refs_.refs, has_older ? &plan_.previous->record : nullptr,
                 has_older ? &*plan_.previous_refs : nullptr, context, staged, record));
  record.missing = TRY(missing_->store(staged));
  record.unreached = TRY(lister.unreached().store(staged));
  return record;
}

// Whether the lists of a record can be read.
bool GitImporter::has_lists(const Record& record) const {
  ReadContext context(kAnyObjectBytes);
  const auto ignore = [](const GitOid&) -> Result<void> { return {}; };
  for (const auto& list : {record.missing.list, record.unreached.list}) {
    if (list && !read_oid_list(store_, *list, context, ignore)) return false;
  }
  return plan_.previous_refs.has_value();
}

// Whether it differs from the archive's newest record only in fields that every import sets.
bool GitImporter::says_nothing_new(const Record& record) const {
  if (!plan_.previous || record.objects_new > 0) return false;
  // What was staged restores a list that was lost.
  if (!has_lists(plan_.previous->record)) return false;
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
          .mismatched_links = summary_.mismatched_links,
          .malformed = summary_.malformed,
          .missing = newest.missing.count,
          .missing_empty = summary_.missing_empty,
          .empty_files = summary_.empty_files,
          .missing_refs = summary_.missing_refs,
          .bad_refs = refs_.bad_refs,
          .bad_refs_omitted = refs_.bad_refs_omitted,
          .children_peak_rss_bytes = source_.children_peak_rss_bytes()};
}

}  // namespace

std::uint64_t full_search_import_memory_bytes(int level) {
  const std::uint64_t full = StagedPack::full_search_memory_bytes(level);
  const bool always = full == StagedPack::smallest_memory_bytes(level, true);
  return full + (always ? kMinOwnBytes : kOwnBytes);
}

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
  if (options.work.memory_bytes < smallest) {
    return fail(ErrorCode::kInvalidArgument,
                "importing at level {} {} deltas needs at least {} of memory", options.level,
                options.deltas ? "with" : "without", memory_size(smallest));
  }
  if (!options.name.empty()) TRY(check_archive_name(options.name));
  GitSource source = TRY(GitSource::open(path, options.work.operation));
  GitImportOptions named = options;
  if (named.name.empty()) named.name = archive_name_from_git_dir(source.path());
  TRY(check_archive_name(named.name));
  return GitImporter(store, named, std::move(source)).run();
}

}  // namespace bale
