// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Collecting next to links that lie. Random graphs of objects, whose links claim any type, are put
// into archives; archives are removed, in any order of names; what the others reach must stay, and
// what nothing reaches must go. The reference is a plain walk over a map. And the proof that gc
// makes before it removes anything finds each pack that must not go.

#include "store/maintain/collect_proof.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "store/core/locks.h"
#include "store/core/staged_pack.h"
#include "store/core/store_impl.h"
#include "testing/archive_fixture.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

struct MadeGraph {
  GitOid oid;
  ObjectType type = ObjectType::kBlob;
  std::string payload;
  std::vector<GitOid> links;
};

// A graph: each object links to earlier ones, and says of them what it likes.
class Graph {
 public:
  explicit Graph(std::uint64_t seed) : random_(seed) {
    const std::size_t count = 4 + pick(30);
    for (std::size_t i = 0; i < count; ++i) add(i);
  }

  [[nodiscard]] const std::vector<MadeGraph>& objects() const { return objects_; }

  std::size_t pick(std::size_t below) { return random_() % below; }

  // What `tip` reaches, by the types that objects have.
  [[nodiscard]] std::set<GitOid> reached(const GitOid& tip) const {
    std::set<GitOid> seen;
    std::vector<GitOid> todo{tip};
    while (!todo.empty()) {
      const GitOid oid = todo.back();
      todo.pop_back();
      if (!seen.insert(oid).second) continue;
      for (const GitOid& link : at(oid).links) todo.push_back(link);
    }
    return seen;
  }

  [[nodiscard]] const MadeGraph& at(const GitOid& oid) const { return objects_[number_.at(oid)]; }

 private:
  void add(std::size_t i) {
    static constexpr const char* kModes[] = {"100644", "40000", "120000", "100755", "040000"};
    static constexpr const char* kWords[] = {"blob", "tree", "commit", "tag", "thing"};
    MadeGraph made;
    const std::size_t kind = objects_.empty() ? 0 : pick(5);
    const auto any = [&] {
      made.links.push_back(objects_[pick(objects_.size())].oid);
      return made.links.back();
    };
    if (kind == 0) {
      made.payload = "blob " + std::to_string(i);
    } else if (kind <= 2) {
      made.type = ObjectType::kTree;
      for (std::size_t entries = pick(4); entries > 0; --entries) {
        const GitOid oid = any();
        made.payload += std::string(kModes[pick(5)]) + " f" + std::to_string(entries);
        made.payload += '\0';
        made.payload += as_text(oid.bytes());
      }
    } else if (kind == 3) {
      made.type = ObjectType::kState;
      made.payload = "tree " + any().to_hex() + "\n";
      for (std::size_t parents = pick(3); parents > 0; --parents) {
        made.payload += "parent " + any().to_hex() + "\n";
      }
      made.payload += "author A <a@b> " + std::to_string(i) + " +0000\n";
    } else {
      made.type = ObjectType::kAction;
      made.payload = "object " + any().to_hex() + "\ntype " + kWords[pick(5)] + "\ntag t" +
                     std::to_string(i) + "\n";
    }
    made.oid = git_oid(GitHash::kSha1, made.type, as_bytes(made.payload));
    if (number_.emplace(made.oid, objects_.size()).second) objects_.push_back(std::move(made));
  }

  std::mt19937_64 random_;
  std::vector<MadeGraph> objects_;
  std::map<GitOid, std::size_t> number_;
};

// An archive with one ref, to `tip`; brings what the store lacks.
Result<void> import(Store& store, const Graph& graph, const std::string& name, const GitOid& tip) {
  const Operation operation;
  const ImportLocks locks = TRY(lock_for_import(store, name, operation));
  TRY(store.refresh());
  const auto staged = TRY(StagedPack::create(store, GitHash::kSha1, {.lanes = 1, .sync = false}));
  Record record{.archive = name, .hash = GitHash::kSha1, .time = 1, .head = "ref: refs/heads/main"};
  record.refs.emplace("refs/heads/main", tip);
  for (const GitOid& oid : graph.reached(tip)) {
    ++record.objects;
    if (store.snapshot().find(oid)) continue;
    const MadeGraph& made = graph.at(oid);
    TRY(staged->add(oid, made.type, as_bytes(made.payload)));
    ++record.objects_new;
  }
  record.previous = TRY(store.snapshot().archive_pointer(name));
  const ObjectId id = TRY(staged->add_record(record));
  TRY(staged->install());
  TRY(move_archive(store, name, id, false));
  return store.refresh();
}

// Archives of a graph, by name, and what each reaches.
struct Archives {
  StoreFixture fixture;
  std::map<std::string, std::set<GitOid>> reached;

  [[nodiscard]] std::set<GitOid> needed() const {
    std::set<GitOid> all;
    for (const auto& [name, oids] : reached) all.insert(oids.begin(), oids.end());
    return all;
  }
};

void make(Archives& archives, Graph& graph) {
  const std::size_t count = 2 + graph.pick(4);
  for (std::size_t i = 0; i < count; ++i) {
    // Names in no order of time.
    const std::string name =
        std::string(1, static_cast<char>('a' + graph.pick(26))) + std::to_string(i);
    const GitOid tip = graph.objects()[graph.pick(graph.objects().size())].oid;
    ASSERT_THAT(import(archives.fixture.store(), graph, name, tip), IsOk());
    archives.reached[name] = graph.reached(tip);
  }
}

TEST(CollectLyingLinksTest, WhatArchivesReachStaysAndTheRestGoes) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Graph graph(seed);
    Archives archives;
    make(archives, graph);
    Store& store = archives.fixture.store();
    const std::set<GitOid> before = archives.needed();
    const std::size_t removals = 1 + graph.pick(archives.reached.size());
    for (std::size_t i = 0; i < removals; ++i) {
      auto gone = archives.reached.begin();
      std::advance(gone, static_cast<std::ptrdiff_t>(graph.pick(archives.reached.size())));
      ASSERT_THAT(remove_archive(store, gone->first, {.work = {.sync = false}}), IsOk());
      archives.reached.erase(gone);
    }
    ASSERT_THAT(collect_store(store, {.work = {.lanes = 1, .sync = false}}), IsOk());
    const std::set<GitOid> needed = archives.needed();
    ReadContext context;
    for (const GitOid& oid : before) {
      const auto found = store.snapshot().find(oid);
      ASSERT_EQ(found.has_value(), needed.contains(oid)) << oid.to_hex();
      if (found) {
        ASSERT_THAT(store.snapshot().get(*found, context, oid), IsOk());
      }
    }
    ASSERT_OK_AND_ASSIGN(report, archives.fixture.verify());
    ASSERT_THAT(report.errors, testing::IsEmpty());
    for (const auto& [name, oids] : archives.reached) {
      ASSERT_OK_AND_ASSIGN(exported, archives.fixture.export_git(name));
      ASSERT_OK_AND_ASSIGN(of_one, archives.fixture.verify({.archive = name}));
      ASSERT_EQ(of_one.objects, oids.size()) << name;
    }
  }
}

TEST(CollectLyingLinksTest, WhatIsLostIsFoundWhateverLinksSay) {
  for (std::uint64_t seed = 200; seed <= 260; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Graph graph(seed);
    StoreFixture fixture;
    const GitOid tip = graph.objects().back().oid;
    ASSERT_THAT(import(fixture.store(), graph, "whole", tip), IsOk());
    const std::set<GitOid> reached = graph.reached(tip);
    // The same without one of the objects.
    StoreFixture other;
    auto lost = reached.begin();
    std::advance(lost, static_cast<std::ptrdiff_t>(graph.pick(reached.size())));
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(other.store(), GitHash::kSha1, {.lanes = 1}));
    for (const GitOid& oid : reached) {
      const MadeGraph& made = graph.at(oid);
      if (oid != *lost) {
        ASSERT_THAT(staged->add(oid, made.type, as_bytes(made.payload)), IsOk());
      }
    }
    Record record{.archive = "x", .hash = GitHash::kSha1, .time = 1, .head = "ref: refs/heads/a"};
    record.refs.emplace("refs/heads/a", tip);
    ASSERT_OK_AND_ASSIGN(id, staged->add_record(record));
    ASSERT_THAT(staged->install(), IsOk());
    ASSERT_THAT(move_archive(other.store(), "x", id, false), IsOk());
    ASSERT_OK_AND_ASSIGN(report, other.verify());
    ASSERT_EQ(report.lost.size(), 1u);
    EXPECT_EQ(report.lost.front().oid, *lost);
    ASSERT_EQ(report.lost.front().touches.size(), 1u);
    EXPECT_EQ(report.lost.front().touches.front().ref, "refs/heads/a");
  }
}

CollectProofOptions options_in(const Snapshot& store, const Operation& operation) {
  return {.memory_bytes = kMinCollectProofBytes,
          .scratch_directory = layout_of(store).staging(),
          .operation = &operation};
}

TEST(CollectProofTest, APackMayGoIfAndOnlyIfNothingInItIsNeeded) {
  int refused = 0;
  int allowed = 0;
  for (std::uint64_t seed = 300; seed <= 340; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Graph graph(seed);
    Archives archives;
    make(archives, graph);
    Store& store = archives.fixture.store();
    const auto gone = archives.reached.begin();
    ASSERT_THAT(remove_archive(store, gone->first, {.work = {.sync = false}}), IsOk());
    archives.reached.erase(gone);
    ASSERT_THAT(store.refresh(), IsOk());
    const std::set<GitOid> needed = archives.needed();
    std::set<std::string> names;
    for (const std::uint32_t number : store.snapshot().pack_numbers())
      names.insert(store.snapshot().pack_name(number));
    ReadContext context;
    std::set<std::string> record_packs;
    for (const std::string& name :
         {archives.reached.begin()->first, archives.reached.rbegin()->first}) {
      ASSERT_OK_AND_ASSIGN(newest, store.snapshot().record(name, 0, context));
      record_packs.insert(store.snapshot().pack_name(store.snapshot().find(newest.id)->pack));
    }
    for (const std::string& name : names) {
      bool is_needed = record_packs.contains(name);
      for (const GitOid& oid : needed) {
        is_needed =
            is_needed || store.snapshot().pack_name(store.snapshot().find(oid)->pack) == name;
      }
      const Operation operation;
      const Result<void> proven =
          prove_collection(store, {name}, names, options_in(store, operation));
      if (is_needed) {
        EXPECT_THAT(proven, FailsWith(ErrorCode::kCorrupt, "nothing was removed"));
        ++refused;
      } else if (proven) {
        ++allowed;
      }
    }
  }
  EXPECT_GT(refused, 50);
  EXPECT_GT(allowed, 5);
}

TEST(CollectProofMemoryTest, TooLittleIsRefused) {
  MemoryFileSystem files;
  const Store store = made_store(files);
  const Operation operation;
  EXPECT_THAT(
      prove_collection(store, {}, {},
                       {.memory_bytes = kMinCollectProofBytes - 1, .operation = &operation}),
      FailsWith(ErrorCode::kInvalidArgument, "needs at least"));
}

}  // namespace
}  // namespace bale
