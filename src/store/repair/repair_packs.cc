// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. A pack is sound where its checksum is right, all its entries can be walked over
// and each is what its id says; what its indexes are is another question, and both can be made out
// of it. The Git index comes first: a pack counts only once it has an .idx.

#include "store/repair/repair_packs.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "base/error.h"
#include "base/try.h"
#include "format/git_index.h"
#include "io/path.h"
#include "store/core/git_index_view.h"
#include "store/core/read_check.h"
#include "store/core/record_mark.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"
#include "store/repair/git_index_rebuild.h"
#include "store/repair/pack_salvage.h"

namespace bale {
namespace {

std::string without(std::string_view name, std::string_view suffix) {
  return std::string(name.substr(0, name.size() - suffix.size()));
}

// What belongs to no pack, in a directory that holds these files: gc removes it.
void note_debris(RepairWork& work, const std::vector<DirectoryEntry>& entries) {
  std::set<std::string> names;
  for (const DirectoryEntry& entry : entries) names.insert(entry.name);
  for (const std::string& name : names) {
    bool is_debris = name.ends_with(".part");
    for (const std::string_view suffix : {".idx", ".gitidx"}) {
      if (!name.ends_with(suffix)) continue;
      const std::string pack = without(name, suffix);
      is_debris = !names.contains(pack + ".pack") &&
                  !names.contains(pack + std::string(kDamagedMark) + ".pack");
    }
    if (is_debris) {
      work.note(fmt::format("{}: belongs to no pack (a collection removes that)",
                            join_path(work.layout.packs(), name)));
    }
  }
}

}  // namespace

Result<bool> PackRepair::run() {
  const std::vector<DirectoryEntry> entries = TRY(work_.files.list(work_.layout.packs()));
  note_debris(work_, entries);
  for (const DirectoryEntry& entry : entries) {
    if (!entry.name.ends_with(kPackSuffix) || entry.kind == FileKind::kDirectory) continue;
    if (work_.options.work.operation.cancelled())
      return fail(ErrorCode::kInterrupted, "interrupted");
    const std::string name = without(entry.name, kPackSuffix);
    if (const std::optional<Error> error = refusal(name)) {
      work_.leave_alone(*error);
    } else {
      TRY(repair_pack(name));
    }
  }
  return changed_;
}

// Why none of a pack's files is touched.
std::optional<Error> PackRepair::refusal(const std::string& name) const {
  const StoreLayout& layout = work_.layout;
  for (const std::string& path : {layout.pack(name), layout.index(name), layout.git_index(name)}) {
    if (std::optional<Error> error = work_.refusal(path)) return error;
  }
  return std::nullopt;
}

Result<void> PackRepair::repair_pack(const std::string& name) {
  const StagingArea scratch = TRY(work_.scratch());
  const std::string index = work_.layout.index(name);
  std::string made;  // an index that takes its place
  bool sound = !name.ends_with(kDamagedMark);
  if (sound && !TRY(is_sound(name, index, scratch.path()))) {
    made = scratch.path() + "/made.idx";
    const Result<IndexReport> making = make_index(
        work_.layout.pack(name), {.index_path = made,
                                  .scratch_directory = scratch.path(),
                                  .work = {.memory_bytes = work_.options.work.memory_bytes,
                                           .lanes = work_.options.work.lanes,
                                           .sync = work_.options.work.sync,
                                           .operation = work_.options.work.operation,
                                           .file_system = &work_.files}});
    if (!making && !is_damage(making.error()) && !TRY(is_unreadable(making.error(), name))) {
      return making.error();
    }
    sound = making && TRY(is_sound(name, made, scratch.path()));
  }
  if (!sound) {
    changed_ = true;
    const std::optional<GitHash> hash = TRY(hash_without_record(name));
    return salvage_pack(work_, store_, name, hash);
  }
  TRY(repair_git_index(name, made.empty() ? index : made, scratch.path()));
  if (made.empty()) return {};
  ++work_.summary.indexes_made;
  return put(made, index, name + ".idx");
}

Result<bool> PackRepair::is_sound(const std::string& name, const std::string& index_path,
                                  const std::string& scratch) const {
  const Result<PackReport> report = verify_pack(
      work_.layout.pack(name), {.index_path = index_path,
                                .scratch_directory = scratch,
                                .work = {.memory_bytes = work_.options.work.memory_bytes,
                                         .lanes = work_.options.work.lanes,
                                         .operation = work_.options.work.operation,
                                         .file_system = &work_.files}});
  if (report) return report->ok();
  if (TRY(is_unreadable(report.error(), name))) return false;
  return report.error();
}

// Whether an error may come from bytes of the pack that the disk does not give, now and again.
Result<bool> PackRepair::is_unreadable(const Error& error, const std::string& name) const {
  if (error.code != ErrorCode::kIo) return false;
  const std::optional<Error> failure =
      TRY(read_failure(work_.files, work_.layout.pack(name), work_.options.work.operation));
  return failure.has_value();
}

Result<void> PackRepair::repair_git_index(const std::string& name, const std::string& index_path,
                                          const std::string& scratch) {
  const std::string path = work_.layout.git_index(name);
  const PackReader pack = TRY(PackReader::open(
      work_.layout.pack(name),
      {.index_path = index_path, .access = PackAccess::kRead, .file_system = &work_.files}));
  if (work_.options.dry_run && index_path != work_.layout.index(name)) {
    ReadContext context(work_.options.work.memory_bytes / 4);
    TRY(foretell(pack, context));
  }
  const Result<GitIndexView> view = GitIndexView::open(work_.files, path, pack.trailer());
  if (!view && !is_damage(view.error())) return view.error();
  const Result<void> checked = view ? view->check() : Result<void>(view.error());
  if (checked) return {};
  if (!is_damage(checked.error())) return checked.error();
  changed_ = true;
  ReadContext context(work_.options.work.memory_bytes / 4);
  std::optional<GitHash> hash =
      TRY(find_git_hash(pack, records_are_marked(store_), context, work_.options.work.operation));
  if (!hash) hash = TRY(hash_by_commit(pack, context));
  if (!hash) hash = TRY(hash_without_record(name));
  if (!hash) {
    work_.note(fmt::format("{}: nothing says by which hash Git knows its objects: SHA-1 is taken",
                           work_.layout.pack(name)));
  }
  const std::string made = scratch + "/made.gitidx";
  TRY(rebuild_git_index(pack, hash.value_or(GitHash::kSha1), made,
                        {.memory_bytes = work_.options.work.memory_bytes / 2,
                         .scratch_directory = scratch,
                         .sync = work_.options.work.sync,
                         .records_are_marked = records_are_marked(store_),
                         .operation = work_.options.work.operation,
                         .file_system = &work_.files}));
  ++work_.summary.git_indexes_made;
  return put(made, path, name + ".gitidx");
}

// The records of a pack that the store will know once it has its index.
Result<void> PackRepair::foretell(const PackReader& pack, ReadContext& context) {
  for (std::uint64_t i = 0; i < pack.record_count(); ++i) {
    const IndexRecord at = TRY(pack.record(i));
    const EntryInfo info = TRY(pack.info_at(at.offset, context));
    if (info.type != ObjectType::kAction) continue;
    const std::optional<ObjectView> object =
        TRY(get_record(pack, info, context, records_are_marked(store_)));
    if (!object) continue;
    const Result<Record> record = decode_record(object->payload);
    if (record) work_.forecast.add(object->id, *record);
  }
  return {};
}

// What was made takes its place; what is there steps aside. A crash in between leaves none, and the
// next repair makes it again.
Result<void> PackRepair::put(const std::string& made, const std::string& path,
                             const std::string& name) {
  changed_ = true;
  TRY(work_.set_aside(path, name));
  if (work_.options.dry_run) return {};
  TRY(work_.files.rename(made, path));
  return work_.sync_directory(work_.layout.packs());
}

// What the first commit says; deltas are not asked.
Result<std::optional<GitHash>> PackRepair::hash_by_commit(const PackReader& pack,
                                                          ReadContext& context) {
  std::optional<GitHash> hash;
  for (std::uint64_t i = 0; i < pack.record_count() && !hash; ++i) {
    const IndexRecord record = TRY(pack.record(i));
    const StoredEntry entry = TRY(pack.stored_at(record.offset, 0, context));
    if (entry.type != ObjectType::kState) continue;
    hash = TRY(hash_in_commit([&](const PackReader::PayloadSink& sink) {
      return pack.read_at(record.offset, context, sink);
    }));
  }
  return hash;
}

// By which hash Git knows the objects of a pack in which no record says it.
Result<std::optional<GitHash>> PackRepair::hash_without_record(const std::string& name) const {
  const std::optional<GitHash> hash = TRY(hash_in_header(name));
  if (hash) return hash;
  return hash_of_others();
}

// What the header of the pack's own Git index says, where that is whole.
Result<std::optional<GitHash>> PackRepair::hash_in_header(const std::string& name) const {
  const std::string own = name.ends_with(kDamagedMark) ? without(name, kDamagedMark) : name;
  const Result<std::unique_ptr<File>> file = work_.files.open(work_.layout.git_index(own));
  if (!file && file.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (!file) return file.error();
  std::array<std::byte, kGitIndexHeaderBytes> header{};
  const std::size_t got = TRY((*file)->read_at(0, header));
  const std::uint64_t bytes = TRY((*file)->size());
  const Result<GitIndexHeader> decoded = decode_git_index_header(Bytes(header).first(got), bytes);
  if (!decoded) return std::nullopt;
  return decoded->hash;
}

// The hash of the store's other packs, if it is one.
Result<std::optional<GitHash>> PackRepair::hash_of_others() const {
  std::set<GitHash> hashes;
  for (const std::uint32_t number : store_.pack_numbers()) {
    const Result<std::shared_ptr<const StoredPack>> pack = open_pack(store_, number);
    if (pack && (*pack)->git_index) hashes.insert((*pack)->git_index->hash());
  }
  if (hashes.size() != 1) return std::nullopt;
  return *hashes.begin();
}

}  // namespace bale
