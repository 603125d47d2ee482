// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/small_history.h"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <utility>

#include "base/check.h"

namespace bale {
namespace {

constexpr int kFiles = 3;
constexpr int kOwnFile = kFiles - 1;  // the others are the same in all histories
constexpr int kLines = 24;
constexpr int kVersionsPerLine = 5;  // versions between changes of a line
constexpr std::size_t kBigBytes = (1 << 20) + 100'000;
constexpr std::uint64_t kTreeLineage = 100;

// Text with a few changed lines per version, so that deltas are smaller.
std::string file_text(const std::string& name, int file, int version) {
  std::string text;
  for (int line = 0; line < kLines; ++line) {
    int changed = version;
    while (changed > 1 && (changed + line + file) % kVersionsPerLine != 0) --changed;
    std::mt19937_64 random(static_cast<std::uint64_t>(1000 * changed + 100 * line + file));
    text += fmt::format("{} {} line {}: {:016x}{:016x}\n", file == kOwnFile ? name : "shared", file,
                        line, random(), random());
  }
  return text;
}

std::string big_text() {
  std::mt19937_64 random(1);
  std::string text;
  while (text.size() < kBigBytes) {
    const std::uint64_t word = random();
    text.append(4, static_cast<char>(word));
    text.append(1, static_cast<char>(word >> 8));
  }
  return text;
}

class HistoryMaker {
 public:
  HistoryMaker(const std::string& name, int version) : name_(name), version_(version) {
    if (name.ends_with("256")) history_.hash = GitHash::kSha256;
  }

  SmallHistory make() {
    GitOid commit;
    for (int version = 1; version <= version_; ++version) {
      commit = add_commit(version, version == 1 ? nullptr : &commit);
    }
    const std::string tag = fmt::format(
        "object {}\ntype commit\ntag v{}\ntagger T <t@example.org> 1700000000 +0000\n\n{}\n",
        commit.to_hex(), version_, name_);
    history_.refs = {{"refs/heads/main", commit},
                     {fmt::format("refs/tags/v{}", version_), add(ObjectType::kAction, tag, 0)}};
    // Newest first, as an import adds them.
    history_.objects.assign(objects_.rbegin(), objects_.rend());
    return std::move(history_);
  }

 private:
  GitOid add(ObjectType type, std::string payload, std::uint64_t lineage) {
    const GitOid oid = git_oid(history_.hash, type, as_bytes(payload));
    if (known_.insert(oid).second) objects_.push_back({oid, type, std::move(payload), lineage});
    return oid;
  }

  void add_entry(std::string& tree, const std::string& file, const GitOid& oid) {
    tree += "100644 " + file;
    tree += '\0';
    tree += as_text(oid.bytes());
  }

  GitOid add_commit(int version, const GitOid* parent) {
    std::string tree;
    // Before the others, by its name.
    if (name_.starts_with("big")) add_entry(tree, "big", add(ObjectType::kBlob, big_text(), 99));
    for (int file = 0; file < kFiles; ++file) {
      const GitOid blob = add(ObjectType::kBlob, file_text(name_, file, version),
                              static_cast<std::uint64_t>(file + 1));
      add_entry(tree, fmt::format("file{}", file), blob);
    }
    std::string commit =
        fmt::format("tree {}\n", add(ObjectType::kTree, tree, kTreeLineage).to_hex());
    if (parent != nullptr) commit += fmt::format("parent {}\n", parent->to_hex());
    commit += fmt::format(
        "author A <a@example.org> {0} +0000\ncommitter A <a@example.org> {0} +0000\n\n{1} {2}\n",
        1'600'000'000 + version, name_, version);
    return add(ObjectType::kState, commit, 0);
  }

  const std::string& name_;
  const int version_;
  SmallHistory history_;
  std::vector<SmallObject> objects_;  // oldest first
  std::set<GitOid> known_;
};

}  // namespace

const SmallHistory& small_history(const std::string& name, int version) {
  CHECK(version >= 1);
  static std::mutex mutex;
  static std::map<std::pair<std::string, int>, std::unique_ptr<const SmallHistory>> histories;
  const std::lock_guard guard(mutex);
  std::unique_ptr<const SmallHistory>& history = histories[{name, version}];
  if (history == nullptr) {
    history = std::make_unique<const SmallHistory>(HistoryMaker(name, version).make());
  }
  return *history;
}

}  // namespace bale
