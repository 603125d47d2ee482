// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Importing a Git repository: see bale/git_import.h.
//
//   lister    (its own thread) git rev-list says what is reached -> what the store lacks is asked
//             of git cat-file
//   receiver  (the caller's thread) git cat-file answers -> Git id checked -> staged pack
//
// The lister waits while its window of unanswered requests is full, so nothing queues up. Both end
// on the first error of either: the receiver drains what was asked, the lister sees the flag.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "bale/archive_name.h"
#include "bale/git_import.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "format/entry.h"
#include "git/archive_name_from_path.h"
#include "git/source.h"
#include "hash/git_hash.h"
#include "store/locks.h"
#include "store/oid_list.h"
#include "store/staged_pack.h"
#include "store/store_impl.h"

namespace bale {
namespace {

// The part of the memory that is not the pack's: payloads on their way, index pages that look-ups
// touch, pipes, the sort of missing ids.
constexpr std::uint64_t kOwnBytes = 24 << 20;
constexpr std::uint64_t kMinOwnBytes = 8 << 20;
constexpr std::size_t kPieceBytes = 256 << 10;

std::uint64_t pack_memory(const GitImportOptions& options) {
  const std::uint64_t smallest = StagedPack::smallest_memory_bytes(options.level);
  const std::uint64_t left = options.memory_bytes - std::min(options.memory_bytes, kOwnBytes);
  return std::max(smallest, left);
}

class GitImporter {
 public:
  GitImporter(Store& store, const GitImportOptions& options, GitSource source)
      : store_(store), options_(options), source_(std::move(source)), context_(kMinOwnBytes) {}

  Result<GitImportSummary> run();

 private:
  Result<void> read_previous();
  [[nodiscard]] std::vector<GitOid> tips() const;
  Result<bool> previous_is_reached(const std::vector<GitOid>& tips);
  Result<ListRequest> plan();
  [[nodiscard]] bool in_own_pack(const GitOid& oid) const;
  Result<void> count_again();

  Result<void> list(const ListRequest& request, ObjectReader& reader);
  Result<void> take_listed(const ListedObject& listed, ObjectReader& reader);
  Result<void> receive_all(ObjectReader& reader);
  Result<void> receive(const SourceObject& object, ObjectReader& reader);
  Result<void> receive_in_pieces(const SourceObject& object, ObjectReader& reader);
  Result<void> transfer(const ListRequest& request);
  [[nodiscard]] Error missing_error() const;
  [[nodiscard]] Error not_its_id(const GitOid& said, const GitOid& is) const;

  Result<Record::OidList> store_unreached();
  Result<Record> make_record();
  void report_progress();

  Store& store_;
  const GitImportOptions& options_;
  GitSource source_;
  ReadContext context_;
  RefSnapshot refs_;
  std::optional<ArchiveRecord> previous_;
  std::set<std::uint32_t> own_packs_;  // those with this archive's records
  // Each import of this archive added to the one before and shared nothing with other archives: so
  // what is in its packs is what it counts.
  bool only_grew_ = true;
  bool incremental_ = false;
  std::unique_ptr<StagedPack> staged_;
  std::vector<std::byte> payload_;

  std::optional<OidListWriter> missing_;
  // With all_objects only: what refs reach, and what there is.
  std::optional<OidListWriter> reachable_;
  std::optional<OidListWriter> in_database_;

  // Written by the lister, read by the receiver meanwhile.
  std::atomic<std::uint64_t> reached_ = 0;    // what counts towards `objects`
  std::atomic<std::uint64_t> requested_ = 0;  // what the receiver has to expect
  std::atomic<bool> listed_all_ = false;
  std::atomic<bool> count_unsure_ = false;  // `reached_` may hold what the previous record counts
  std::atomic<bool> give_up_ = false;

  GitImportSummary summary_;
};

Result<GitImportSummary> GitImporter::run() {
  const std::string& name = summary_.archive = options_.name;
  const ImportLocks locks = TRY(lock_for_import(store_, name, options_.operation));
  // What came or went while this import waited for its turn.
  TRY(store_.refresh());
  refs_ = TRY(source_.refs());
  TRY(read_previous());
  staged_ = TRY(StagedPack::create(store_, source_.hash(),
                                   {.level = options_.level,
                                    .memory_bytes = pack_memory(options_),
                                    .lanes = options_.lanes,
                                    .sync = options_.sync,
                                    .operation = options_.operation}));
  for (auto* list : {&missing_, &reachable_, &in_database_}) {
    *list = TRY(
        OidListWriter::create(store_, source_.hash(), staged_->directory(), options_.operation));
  }
  const ListRequest request = TRY(plan());
  TRY(transfer(request));
  if (count_unsure_) TRY(count_again());
  summary_.missing = missing_->count();
  if (summary_.missing > 0 && !options_.allow_missing) return missing_error();

  const Record record = TRY(make_record());
  summary_.record = TRY(staged_->add_record(record));
  const InstalledPack installed = TRY(staged_->install());
  TRY(move_archive(store_, name, summary_.record, options_.sync));
  summary_.objects = record.objects;
  summary_.pack = installed.name;
  summary_.pack_bytes = installed.summary.pack_bytes;
  summary_.index_bytes = installed.summary.index_bytes + installed.git_index_bytes;
  summary_.deltas = installed.summary.deltas;
  summary_.children_peak_rss_bytes = source_.children_peak_rss_bytes();
  TRY(store_.refresh());
  return summary_;
}

Result<void> GitImporter::read_previous() {
  std::optional<ObjectId> id = TRY(store_.newest_record(options_.name));
  std::optional<std::uint64_t> objects_then;  // of the next older record, if the archive only grew
  while (id) {
    ArchiveRecord record = TRY(store_.record(*id, context_));
    if (const auto location = store_.find(*id)) own_packs_.insert(location->pack);
    const Record& newer = record.record;
    const bool whole = newer.missing.count == 0 && newer.unreached.count == 0;
    if (!whole || (objects_then && *objects_then != newer.objects)) only_grew_ = false;
    objects_then = newer.objects - std::min(newer.objects, newer.objects_new);
    id = newer.previous;
    if (!previous_) previous_ = std::move(record);
  }
  if (objects_then.value_or(0) != 0) only_grew_ = false;
  return {};
}

// Whether all that the previous record reached is still reached from these tips.
Result<bool> GitImporter::previous_is_reached(const std::vector<GitOid>& tips) {
  ListRequest request{.exclude = tips};
  std::set<GitOid> now(tips.begin(), tips.end());
  for (const auto& [name, oid] : previous_->record.refs) {
    if (!now.contains(oid)) request.include.push_back(oid);
  }
  const Result<GitOid> head = GitOid::from_hex(previous_->record.head);
  if (head && !now.contains(*head)) request.include.push_back(*head);
  if (request.include.empty()) return true;
  bool reached = true;
  const Error enough{ErrorCode::kNotFound, "enough"};
  const Result<void> listed =
      source_.list_objects(request, [&](const ListedObject&) -> Result<void> {
        reached = false;
        return enough;
      });
  if (!listed && reached) return listed.error();
  return reached;
}

// Where all that is archived is reached from.
std::vector<GitOid> GitImporter::tips() const {
  std::set<GitOid> tips;
  for (const auto& [name, oid] : refs_.refs) tips.insert(oid);
  if (refs_.head_oid) tips.insert(*refs_.head_oid);
  return {tips.begin(), tips.end()};
}

Result<ListRequest> GitImporter::plan() {
  ListRequest request{.include = tips(), .all_objects = options_.all_objects};
  if (!previous_ || options_.all_objects) return request;
  const Record& before = previous_->record;
  // Only what was whole, under the same boundary, may be taken as known.
  if (before.kind != RecordKind::kGit || before.hash != source_.hash() ||
      before.missing.count > 0 || before.unreached.count > 0 || before.shallow != refs_.shallow) {
    return request;
  }
  if (!TRY(previous_is_reached(request.include))) return request;
  incremental_ = true;
  for (const auto& [name, oid] : before.refs) request.exclude.push_back(oid);
  if (const Result<GitOid> head = GitOid::from_hex(before.head)) request.exclude.push_back(*head);
  return request;
}

Result<void> GitImporter::transfer(const ListRequest& request) {
  std::unique_ptr<ObjectReader> reader = TRY(source_.start_reader());
  Result<void> listed;
  std::thread lister([&] { listed = list(request, *reader); });
  Result<void> received = receive_all(*reader);
  if (!received) {
    // The lister may be waiting for room among its requests.
    give_up_ = true;
    for (;;) {
      const Result<std::optional<SourceObject>> drained = reader->next();
      if (!drained || !*drained) break;
    }
  }
  lister.join();
  // Of two errors, the one that came first: the other follows from it.
  if (!listed && !give_up_) return listed;
  return received;
}

Result<void> GitImporter::list(const ListRequest& request, ObjectReader& reader) {
  const Result<void> listed = source_.list_objects(
      request, [&](const ListedObject& object) { return take_listed(object, reader); });
  listed_all_ = listed.has_value();
  const Result<void> finished = reader.finish_requests();
  return listed ? finished : listed;
}

Result<void> GitImporter::take_listed(const ListedObject& listed, ObjectReader& reader) {
  if (give_up_) return fail(ErrorCode::kInterrupted, "given up");
  if (listed.missing) return missing_->add(listed.oid);
  if (options_.all_objects) {
    // What is reached comes again with the whole database, and is taken then.
    TRY((listed.from_database ? in_database_ : reachable_)->add(listed.oid));
    if (!listed.from_database) return {};
  }
  const auto found = store_.find(listed.oid);
  // An incremental list may name again what the previous record counts, or what an older one did.
  if (incremental_ && found && !only_grew_) count_unsure_ = true;
  if (!incremental_ || !found || !in_own_pack(listed.oid)) ++reached_;
  if (found) return {};
  TRY(reader.request(listed.oid));
  ++requested_;
  return {};
}

// It may be in others too, if two imports brought it at once.
bool GitImporter::in_own_pack(const GitOid& oid) const {
  return std::any_of(own_packs_.begin(), own_packs_.end(), [&](std::uint32_t number) {
    const StoredPack& pack = *store_.impl().packs()[number];
    return pack.git_index && pack.git_index->find(oid);
  });
}

// Lists everything, as a first import does.
Result<void> GitImporter::count_again() {
  reached_ = 0;
  incremental_ = false;
  return source_.list_objects({.include = tips()}, [&](const ListedObject& object) -> Result<void> {
    if (!object.missing) ++reached_;
    return {};
  });
}

Error GitImporter::missing_error() const {
  return fail(ErrorCode::kIncomplete,
              "{} objects are missing in the source: {}: {} (--allow-missing archives it without "
              "them and records which they were)",
              summary_.missing, source_.path(), missing_->shown());
}

Error GitImporter::not_its_id(const GitOid& said, const GitOid& is) const {
  return fail(ErrorCode::kIncomplete,
              "{}: the object that Git gave for {} is {} (git fsck says more)", source_.path(),
              said.to_hex(), is.to_hex());
}

Result<void> GitImporter::receive_all(ObjectReader& reader) {
  payload_.resize(kFrameBytes);
  while (const std::optional<SourceObject> object = TRY(reader.next())) {
    if (object->missing) {
      return fail(ErrorCode::kIncomplete, "{}: object {} went away while it was archived",
                  source_.path(), object->oid.to_hex());
    }
    TRY(receive(*object, reader));
    ++summary_.objects_new;
    summary_.bytes_in += object->size;
    if (object->size > kMaxObjectBytes) ++summary_.huge_objects;
    report_progress();
  }
  return {};
}

Result<void> GitImporter::receive(const SourceObject& object, ObjectReader& reader) {
  if (object.size > payload_.size()) return receive_in_pieces(object, reader);
  const MutableBytes payload = MutableBytes(payload_).first(object.size);
  TRY(reader.read_all(payload));
  const GitOid oid = git_oid(source_.hash(), object.type, payload);
  if (oid != object.oid) return not_its_id(object.oid, oid);
  static_cast<void>(TRY(staged_->add(oid, object.type, payload)));
  return {};
}

Result<void> GitImporter::receive_in_pieces(const SourceObject& object, ObjectReader& reader) {
  GitHasher hasher(source_.hash(), object.type, object.size);
  TRY(staged_->begin(object.type, object.size));
  for (std::uint64_t left = object.size; left > 0;) {
    const std::size_t wanted = std::min(left, kPieceBytes);
    const MutableBytes piece = MutableBytes(payload_).first(wanted);
    TRY(reader.read_all(piece));
    hasher.update(piece);
    TRY(staged_->write(piece));
    left -= wanted;
  }
  const GitOid oid = hasher.finish();
  if (oid != object.oid) return not_its_id(object.oid, oid);
  static_cast<void>(TRY(staged_->end(oid)));
  return {};
}

void GitImporter::report_progress() {
  options_.operation.progress({.phase = "archiving objects",
                               .objects = summary_.objects_new,
                               .objects_total = listed_all_ ? requested_.load() : 0,
                               .bytes = summary_.bytes_in});
}

// What is in the database and not reached: by a merge of the two sorted lists.
Result<Record::OidList> GitImporter::store_unreached() {
  OidListWriter unreached =
      TRY(OidListWriter::create(store_, source_.hash(), staged_->directory(), options_.operation));
  TRY(in_database_->subtract(*reachable_, [&](const GitOid& oid) { return unreached.add(oid); }));
  return unreached.store(*staged_);
}

Result<Record> GitImporter::make_record() {
  Record record{.archive = options_.name,
                .kind = RecordKind::kGit,
                .hash = source_.hash(),
                .source = source_.path(),
                .time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
                .head = refs_.head,
                .refs = refs_.refs,
                .symrefs = refs_.symrefs,
                .shallow = refs_.shallow,
                .objects = reached_ + (incremental_ ? previous_->record.objects : 0),
                .objects_new = summary_.objects_new,
                .bytes = summary_.bytes_in,
                .version = BALE_VERSION};
  if (previous_) record.previous = previous_->id;
  record.missing = TRY(missing_->store(*staged_));
  record.unreached = TRY(store_unreached());
  return record;
}

}  // namespace

std::uint64_t smallest_import_memory_bytes(int level) {
  return StagedPack::smallest_memory_bytes(level) + kMinOwnBytes;
}

Result<GitImportSummary> import_git(Store& store, const std::string& path,
                                    const GitImportOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                options.level, kMinLevel, kMaxLevel);
  }
  if (options.memory_bytes < smallest_import_memory_bytes(options.level)) {
    return fail(ErrorCode::kInvalidArgument,
                "importing at level {} needs at least {} bytes of memory, and {} were allowed",
                options.level, smallest_import_memory_bytes(options.level), options.memory_bytes);
  }
  if (!options.name.empty()) TRY(check_archive_name(options.name));
  GitSource source = TRY(GitSource::open(path, options.operation));
  GitImportOptions named = options;
  if (named.name.empty()) named.name = archive_name_from_git_dir(source.path());
  TRY(check_archive_name(named.name));
  return GitImporter(store, named, std::move(source)).run();
}

}  // namespace bale
