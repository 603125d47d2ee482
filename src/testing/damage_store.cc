// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/damage_store.h"

#include <filesystem>

#include "base/check.h"
#include "store/core/catalog_builder.h"
#include "store/core/oid_list.h"
#include "store/core/staged_pack.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

template <typename T>
T must(Result<T> result) {
  CHECK(result.has_value());
  return std::move(result).value();
}

void must(const Result<void>& result) {
  CHECK(result.has_value());
}

}  // namespace

GitOid DamageStore::add(ObjectType type, std::string_view payload) {
  const GitOid oid = git_oid(GitHash::kSha1, type, as_bytes(payload));
  if (packs_.contains(oid)) return oid;
  const auto staged = must(StagedPack::create(store(), GitHash::kSha1, {.sync = false}));
  static_cast<void>(must(staged->add(oid, type, as_bytes(payload))));
  packs_[oid] = must(staged->install()).name;
  must(store().refresh());
  return oid;
}

GitOid DamageStore::tree(const std::vector<std::pair<std::string, GitOid>>& entries) {
  std::string payload;
  for (const auto& [name, oid] : entries) {
    const bool is_tree = name.ends_with('/');
    payload += (is_tree ? "40000 " + name.substr(0, name.size() - 1) : "100644 " + name) + '\0';
    payload.append(reinterpret_cast<const char*>(oid.bytes().data()), oid.bytes().size());
  }
  return add(ObjectType::kTree, payload);
}

GitOid DamageStore::commit(const GitOid& tree, const std::vector<GitOid>& parents) {
  std::string payload = "tree " + tree.to_hex() + "\n";
  for (const GitOid& parent : parents) payload += "parent " + parent.to_hex() + "\n";
  return add(ObjectType::kState, payload + "\nmessage\n");
}

GitOid DamageStore::unstored(std::string_view text) {
  return git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(text));
}

void DamageStore::record(const std::string& archive, const std::map<std::string, GitOid>& refs,
                         const Absence& absence) {
  const Operation operation;
  const auto staged = must(StagedPack::create(store(), GitHash::kSha1, {.sync = false}));
  const auto list = [&](const std::vector<GitOid>& oids) {
    auto writer =
        must(OidListWriter::create(store(), GitHash::kSha1, layout_.staging(), operation));
    for (const GitOid& oid : oids) must(writer.add(oid));
    return must(writer.store(*staged));
  };
  Record record{.archive = archive, .hash = GitHash::kSha1, .head = "ref: refs/heads/main"};
  record.refs = refs;
  record.shallow = absence.shallow;
  record.missing = list(absence.missing);
  record.unreached = list(absence.unreached);
  record.previous = must(store().snapshot().newest_record(archive));
  const ObjectId id = must(staged->add_record(record));
  static_cast<void>(must(staged->install()));
  must(move_archive(store(), archive, id, false));
  must(store().refresh());
}

std::string DamageStore::pack_of(const GitOid& oid) const {
  return layout_.pack(packs_.at(oid));
}

void DamageStore::lose(const GitOid& oid) const {
  const std::string& name = packs_.at(oid);
  for (const std::string& path :
       {layout_.pack(name), layout_.index(name), layout_.git_index(name)}) {
    CHECK(std::filesystem::remove(path));
  }
}

// A pack ends with a checksum of 32 bytes.
void DamageStore::damage(const GitOid& oid) const {
  flip_byte(pack_of(oid), -33);
}

void DamageStore::make_catalog() {
  must(store().refresh());
  must(write_catalog(store().file_system(), layout_, *packs_of(store()), {.sync = false}));
}

}  // namespace bale
