// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/ref_lists.h"

#include <deque>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "store/core/ref_lines.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kInlineRefBytes = 4 << 10;

// What is kept in memory of each list that is merged.
constexpr std::size_t kMergedListBytes = 32 << 10;

// Reads a list, without its heading.
Result<void> read_list(const Snapshot& store, const ObjectId& id, GitHash hash, bool is_whole,
                       ReadContext& context, ScratchText& text) {
  const auto location = store.find(id);
  const std::string shown = fmt::format("the list of refs {}", id.to_hex());
  if (!location) return store.missing(shown);
  const std::string expected = ref_list_heading(hash, is_whole);
  std::string seen;
  char last = '\n';
  TRY(store.read(
      *location, context,
      [&](Bytes piece) -> Result<void> {
        std::string_view rest = as_text(piece);
        const std::size_t wanted = std::min(rest.size(), expected.size() - seen.size());
        seen += rest.substr(0, wanted);
        rest.remove_prefix(wanted);
        if (!rest.empty()) last = rest.back();
        return text.append(rest);
      },
      id));
  if (seen == expected && last == '\n') return {};
  return fail(ErrorCode::kCorrupt, "{} does not begin with \"{}\", or its end is missing", shown,
              expected.substr(0, expected.size() - 1));
}

// The lists of a record from the one at `first` on, opened for a merge.
class OpenLists {
 public:
  OpenLists(const Snapshot& store, GitHash hash, std::string scratch_directory)
      : store_(store),
        hash_(hash),
        scratch_directory_(std::move(scratch_directory)),
        merge_(hash) {}

  Result<void> open(const Record& record, std::size_t first, ReadContext& context) {
    for (std::size_t i = first; i < record.ref_lists.size(); ++i) {
      texts_.emplace_back(store_.file_system(), scratch_directory_, kMergedListBytes);
      TRY(read_list(store_, record.ref_lists[i], hash_, i == 0, context, texts_.back()));
      TRY(merge_.add(texts_.back(), i == 0));
    }
    return {};
  }

  RefMerge& merge() { return merge_; }

 private:
  const Snapshot& store_;
  GitHash hash_;
  std::string scratch_directory_;
  std::deque<ScratchText> texts_;  // they stay where they are
  RefMerge merge_;
};

Result<RefList> read_inline(const Record& record, RefListBuilder builder) {
  auto ref = record.refs.begin();
  auto symref = record.symrefs.begin();
  while (ref != record.refs.end() || symref != record.symrefs.end()) {
    const bool has_ref =
        ref != record.refs.end() && (symref == record.symrefs.end() || ref->first <= symref->first);
    const bool has_symref =
        symref != record.symrefs.end() && (ref == record.refs.end() || symref->first <= ref->first);
    Ref next{.name = has_ref ? ref->first : symref->first, .oid = {}, .target = {}};
    if (has_ref) next.oid = (ref++)->second;
    if (has_symref) {
      next.target = (symref++)->second;
      const auto target = record.refs.find(next.target);
      if (!next.oid && target != record.refs.end()) next.oid = target->second;
    }
    TRY(builder.add(next));
  }
  return builder.finish();
}

Result<ObjectId> write_list(const ScratchText& text, GitHash hash, bool is_whole,
                            StagedPack& pack) {
  const std::string first = ref_list_heading(hash, is_whole);
  const std::uint64_t size = first.size() + text.size();
  GitHasher hasher(hash, ObjectType::kBlob, size);
  TRY(pack.begin(ObjectType::kBlob, size));
  hasher.update(as_bytes(first));
  TRY(pack.write(as_bytes(first)));
  std::vector<std::byte> piece(64 << 10);
  for (std::uint64_t at = 0; at < text.size();) {
    const Bytes read = Bytes(piece).first(TRY(text.read_at(at, piece)));
    hasher.update(read);
    TRY(pack.write(read));
    at += read.size();
  }
  return pack.end(hasher.finish());
}

Result<std::uint64_t> size_of_list(const Snapshot& store, const ObjectId& id,
                                   ReadContext& context) {
  const auto location = store.find(id);
  if (!location) return store.missing(fmt::format("the list of refs {}", id.to_hex()));
  return TRY(store.info(*location, context, id)).size;
}

}  // namespace

Result<RefList> RefList::read(const Snapshot& store, const Record& record, ReadContext& context,
                              const std::string& scratch_directory) {
  const GitHash hash = record.hash.value_or(GitHash::kSha1);
  const std::string directory = scratch_directory.empty()
                                    ? scratch_place(store.file_system(), layout_of(store))
                                    : scratch_directory;
  RefListBuilder builder(store.file_system(), directory, hash);
  if (record.ref_lists.empty()) return read_inline(record, std::move(builder));
  if (record.ref_lists.size() == 1) {
    auto text = std::make_shared<ScratchText>(store.file_system(), directory, kRefListBytes);
    TRY(read_list(store, record.ref_lists[0], hash, true, context, *text));
    return RefListBuilder::of_text(std::move(text), record.ref_count, hash);
  }
  OpenLists lists(store, hash, directory);
  TRY(lists.open(record, 0, context));
  while (const std::optional<Ref> ref = TRY(lists.merge().next())) {
    if (ref->oid || !ref->target.empty()) TRY(builder.add(*ref));
  }
  if (builder.size() == record.ref_count) return builder.finish();
  return fail(ErrorCode::kCorrupt, "the lists of refs from {} on give {} refs in place of {}",
              record.ref_lists[0].to_hex(), builder.size(), record.ref_count);
}

Result<void> write_refs(const Snapshot& store, const RefList& now, const Record* older,
                        const RefList* before, ReadContext& context, StagedPack& pack,
                        Record& record) {
  const GitHash hash = *record.hash;
  const ScratchText* const text = RefListText::of(now);
  if (text == nullptr || text->size() <= kInlineRefBytes) {
    RefList::Reader reader(now);
    while (const std::optional<Ref> ref = TRY(reader.next())) {
      if (ref->oid) record.refs.emplace(ref->name, *ref->oid);
      if (!ref->target.empty()) record.symrefs.emplace(ref->name, ref->target);
    }
    return {};
  }
  record.ref_count = now.size();
  const bool may_edit = older != nullptr && !older->ref_lists.empty() && older->hash == hash;
  ScratchText edits(store.file_system(), pack.directory(), kMergedListBytes);
  if (may_edit) TRY(append_ref_changes(*before, now, edits));
  if (may_edit && edits.size() == 0) {
    record.ref_lists = older->ref_lists;
    return {};
  }
  std::size_t kept = may_edit ? older->ref_lists.size() : 0;
  std::uint64_t edits_size = edits.size();
  while (kept > 1) {
    const std::uint64_t size = TRY(size_of_list(store, older->ref_lists[kept - 1], context));
    if (kept < Record::kMostRefLists && size > 2 * edits_size) break;
    edits_size += size;
    --kept;
  }
  if (!may_edit || edits_size > text->size() / 2) {
    record.ref_lists = {TRY(write_list(*text, hash, true, pack))};
    return {};
  }
  record.ref_lists.assign(older->ref_lists.begin(),
                          older->ref_lists.begin() + static_cast<std::ptrdiff_t>(kept));
  if (kept == older->ref_lists.size()) {
    record.ref_lists.push_back(TRY(write_list(edits, hash, false, pack)));
    return {};
  }
  OpenLists lists(store, hash, pack.directory());
  TRY(lists.open(*older, kept, context));
  TRY(lists.merge().add(edits, false));
  ScratchText merged(store.file_system(), pack.directory(), kMergedListBytes);
  while (const std::optional<Ref> ref = TRY(lists.merge().next())) {
    TRY(merged.append(ref_line(*ref) + "\n"));
  }
  record.ref_lists.push_back(TRY(write_list(merged, hash, false, pack)));
  return {};
}

Result<void> for_each_tip(
    const Snapshot& store, const Record& record, ReadContext& context,
    const std::string& scratch_directory,
    const std::function<Result<void>(const GitOid& oid, const std::string& what)>& use,
    const std::function<Result<void>(const Error&)>& unreadable) {
  const auto failed = [&](const Error& error) -> Result<void> {
    if (unreadable) return unreadable(error);
    return error;
  };
  const Result<RefList> refs = RefList::read(store, record, context, scratch_directory);
  if (!refs) return failed(refs.error());
  RefList::Reader reader(*refs);
  for (;;) {
    const Result<std::optional<Ref>> ref = reader.next();
    if (!ref) return failed(ref.error());
    if (!*ref) break;
    if ((*ref)->oid) TRY(use(*(*ref)->oid, (*ref)->name));
  }
  if (record.root) TRY(use(*record.root, "the root tree"));
  const Result<GitOid> detached = GitOid::from_hex(record.head);
  if (detached) TRY(use(*detached, "HEAD"));
  return {};
}

}  // namespace bale
