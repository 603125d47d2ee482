// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/oid_list.h"

#include <algorithm>

#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "hash/git_hash.h"

namespace bale {
namespace {

constexpr std::size_t kShown = 5;

}  // namespace

Result<OidListWriter> OidListWriter::create(const Snapshot& store, GitHash hash,
                                            const std::string& scratch_directory,
                                            const Operation& operation) {
  OidListWriter writer(hash);
  writer.sorter_ =
      TRY(ExternalSorter<40>::create(*writer.budget_, {.memory_bytes = kMemoryBytes,
                                                       .file_system = &store.file_system(),
                                                       .scratch_directory = scratch_directory,
                                                       .operation = &operation}));
  return writer;
}

Result<void> OidListWriter::add(const GitOid& oid) {
  if (first_.size() < kShown) first_.push_back(oid);
  ExternalSorter<40>::Record record{};
  std::copy(oid.bytes().begin(), oid.bytes().end(), record.begin());
  return sorter_->add(record);
}

std::string OidListWriter::shown() const {
  std::string text;
  for (const GitOid& oid : first_) text += (text.empty() ? "" : ", ") + oid.to_hex();
  if (count() > first_.size()) text += ", ...";
  return text;
}

Result<void> OidListWriter::subtract(OidListWriter& other,
                                     const std::function<Result<void>(const GitOid&)>& use) {
  TRY(sorter_->sort());
  TRY(other.sorter_->sort());
  const auto* theirs = TRY(other.sorter_->next());
  while (const auto* ours = TRY(sorter_->next())) {
    while (theirs != nullptr && *theirs < *ours) theirs = TRY(other.sorter_->next());
    if (theirs != nullptr && *theirs == *ours) continue;
    TRY(use(known_id<GitOid>(hash_, Bytes(*ours).first(oid_bytes(hash_)))));
  }
  return {};
}

Result<Record::OidList> OidListWriter::store(StagedPack& pack) {
  Record::OidList list{.count = count()};
  if (list.count == 0) return list;
  const std::uint64_t size = list.count * (2 * oid_bytes(hash_) + 1);
  TRY(sorter_->sort());
  GitHasher hasher(hash_, ObjectType::kBlob, size);
  TRY(pack.begin(ObjectType::kBlob, size));
  while (const auto* record = TRY(sorter_->next())) {
    const std::string line =
        known_id<GitOid>(hash_, Bytes(*record).first(oid_bytes(hash_))).to_hex() + "\n";
    hasher.update(as_bytes(line));
    TRY(pack.write(as_bytes(line)));
  }
  list.list = TRY(pack.end(hasher.finish()));
  return list;
}

Result<void> read_oid_list(const Snapshot& store, const ObjectId& list, ReadContext& context,
                           const std::function<Result<void>(const GitOid&)>& use) {
  const auto location = store.find(list);
  if (!location) return store.missing(fmt::format("the list of object ids {}", list.to_hex()));
  std::string line;
  const auto take = [&](Bytes piece) -> Result<void> {
    for (const char c : as_text(piece)) {
      if (c != '\n') {
        line.push_back(c);
        if (line.size() <= 64) continue;
      }
      const Result<GitOid> oid = GitOid::from_hex(line);
      if (!oid) return fail(ErrorCode::kCorrupt, "{} is not a list of ids", list.to_hex());
      TRY(use(*oid));
      line.clear();
    }
    return {};
  };
  TRY_VOID(store.read(*location, context, take, list));
  if (line.empty()) return {};
  return fail(ErrorCode::kCorrupt, "the list of ids {} ends inside a line", list.to_hex());
}

}  // namespace bale
