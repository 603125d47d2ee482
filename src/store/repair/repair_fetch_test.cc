// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What is lost and is fetched from elsewhere: nothing is believed that is not what its id says.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "bale/store_repair.h"
#include "hash/git_hash.h"
#include "store/core/staged_pack.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Gives what the test tells it to.
class FakeSource final : public ObjectSource {
 public:
  struct Object {
    ObjectType type = ObjectType::kBlob;
    std::uint64_t size = 0;  // as it claims
    std::string payload;
  };

  void give(const GitOid& oid, ObjectType type, const std::string& payload) {
    objects[oid] = {type, payload.size(), payload};
  }

  Result<bool> fetch(const GitOid& oid, const Receiver& receiver) override {
    ++asked[oid];
    const auto found = objects.find(oid);
    if (found == objects.end()) return false;
    const Object& object = found->second;
    if (const Result<void> begun = receiver.begin(object.type, object.size); !begun) {
      return begun.error();
    }
    const Bytes payload = as_bytes(object.payload);
    for (std::size_t at = 0; at < payload.size(); at += 1000) {
      const Bytes piece = payload.subspan(at, std::min<std::size_t>(1000, payload.size() - at));
      if (const Result<void> written = receiver.write(piece); !written) return written.error();
    }
    return !breaks_off;
  }

  Result<bool> fetch(const ObjectId& /*id*/, const Receiver& /*receiver*/) override {
    return false;
  }

  [[nodiscard]] const std::string& path() const override { return path_; }

  std::map<GitOid, Object> objects;
  std::map<GitOid, int> asked;
  bool breaks_off = false;

 private:
  std::string path_ = "fake";
};

// What all tests of a hash begin with: a store of one archive, whose second pack can be damaged.
struct FetchedStore {
  explicit FetchedStore(GitHash hash) : git(hash) {
    git.write("a", "one");
    git.commit("first");
    EXPECT_THAT(fixture.import(git.path(), "x"), IsOk());
    const std::map<std::string, std::string> first = fixture.files();
    git.write("dir/large", std::string(7 << 20, 'x') + random_text(1000, 1));
    git.write("dir/b", "two");
    git.commit("second");
    git.tag("v1", git.oid("HEAD"));
    EXPECT_THAT(fixture.import(git.path(), "x"), IsOk());
    EXPECT_THAT(fixture.store().refresh(), IsOk());
    for (const std::string revision :
         {"v1", "HEAD", "HEAD^{tree}", "HEAD:dir", "HEAD:dir/b", "HEAD:dir/large"}) {
      const GitOid oid = oids[revision] = git.oid(revision);
      ReadContext context;
      const ObjectLocation location = fixture.store().snapshot().find(oid).value();
      const auto object = fixture.store().snapshot().get(location, context);
      EXPECT_THAT(object, IsOk());
      source.give(oid, object->type, std::string(as_text(object->payload)));
      ids[revision] = static_cast<std::int64_t>(location.offset + 4);
    }
    pack = fs::relative(fixture.pack_file(".pack", first), fixture.path());
  }

  GitFixture git;
  StoreFixture fixture;
  FakeSource source;
  std::map<std::string, GitOid> oids;
  std::map<std::string, std::int64_t> ids;  // where in the pack a byte of the entry's id stands
  std::string pack;                         // its path in the store
};

class RepairFetchTest : public testing::TestWithParam<GitHash> {
 protected:
  static void TearDownTestSuite() { all_made_.clear(); }

  RepairFetchTest() { fs::copy(made_.fixture.path(), path_, fs::copy_options::recursive); }

  static FetchedStore& made(GitHash hash) {
    std::unique_ptr<FetchedStore>& one = all_made_[hash];
    if (one == nullptr) one = std::make_unique<FetchedStore>(hash);
    return *one;
  }

  [[nodiscard]] Store opened() const {
    Result<Store> store = Store::open(path_);
    EXPECT_THAT(store, IsOk());
    return std::move(store).value();
  }

  [[nodiscard]] GitOid oid(const std::string& revision) const { return made_.oids.at(revision); }

  void expect_whole() const {
    ASSERT_OK_AND_ASSIGN(report, verify_store(opened(), {}));
    EXPECT_TRUE(report.ok()) << report.errors.front().message;
  }

  // Damages the entry's header, where its id stands.
  void lose(const std::string& revision) {
    flip_byte(path_ + "/" + made_.pack, made_.ids.at(revision));
  }

  void lose_all() {
    for (const auto& [revision, at] : made_.ids) lose(revision);
  }

  Result<RepairSummary> repair(ObjectSource* from) {
    return repair_store(
        path_,
        {.from = from,
         .level = 1,
         .work = {.memory_bytes = smallest_repair_memory_bytes(1), .lanes = 1, .sync = false}});
  }

  static inline std::map<GitHash, std::unique_ptr<FetchedStore>> all_made_;
  const FetchedStore& made_ = made(GetParam());
  FakeSource source_ = made_.source;
  TempDirectory directory_;
  const std::string path_ = directory_ / "store";
};

INSTANTIATE_TEST_SUITE_P(Hashes, RepairFetchTest, testing::Values(GitHash::kSha1, GitHash::kSha256),
                         [](const auto& hash) { return std::string(to_string(hash.param)); });

TEST_P(RepairFetchTest, WhatComesLeadsToMoreThatIsLostUntilAllIsThere) {
  lose_all();
  ASSERT_OK_AND_ASSIGN(summary, repair(&source_));
  EXPECT_EQ(summary.objects_refetched, 6u);
  EXPECT_TRUE(summary.whole());
  expect_whole();
  const GitOid large = oid("HEAD:dir/large");
  for (const auto& [oid, times] : source_.asked) EXPECT_EQ(times, oid == large ? 2 : 1);
  ASSERT_OK_AND_ASSIGN(again, repair(&source_));
  EXPECT_THAT(again.notes, IsEmpty());
}

TEST_P(RepairFetchTest, WhatIsNotWhatItsIdSaysIsRefused) {
  lose_all();
  const GitOid b = oid("HEAD:dir/b");
  const GitOid large = oid("HEAD:dir/large");
  const FakeSource::Object right = source_.objects[b];
  for (const FakeSource::Object& wrong : std::vector<FakeSource::Object>{
           {ObjectType::kBlob, 3, "twO"},
           {ObjectType::kTree, 3, "two"},
           {ObjectType::kBlob, 4, "two"},
           {ObjectType::kBlob, 2, "two"},
           {ObjectType::kBlob, 0, ""},
       }) {
    source_.objects[b] = wrong;
    source_.objects[large].payload.front() = '?';
    ASSERT_OK_AND_ASSIGN(summary, repair(&source_));
    EXPECT_EQ(summary.objects_lost, 2u);
    EXPECT_THAT(summary.lost, testing::UnorderedElementsAre(b.to_hex(), large.to_hex()));
    EXPECT_THAT(summary.notes, testing::Contains(HasSubstr("refused")));
  }
  source_.objects[b] = right;
  ASSERT_OK_AND_ASSIGN(summary, repair(&source_));
  EXPECT_THAT(summary.lost, ElementsAre(large.to_hex()));
}

TEST_P(RepairFetchTest, WhatBreaksOffIsNotThere) {
  lose("HEAD:dir/b");
  source_.breaks_off = true;
  ASSERT_OK_AND_ASSIGN(summary, repair(&source_));
  EXPECT_THAT(summary.lost, ElementsAre(oid("HEAD:dir/b").to_hex()));
}

TEST_P(RepairFetchTest, WithoutASourceTheFirstThatIsLostIsNamed) {
  lose_all();
  ASSERT_OK_AND_ASSIGN(summary, repair(nullptr));
  EXPECT_THAT(summary.lost,
              testing::UnorderedElementsAre(oid("v1").to_hex(), oid("HEAD").to_hex()));
  EXPECT_EQ(summary.packs_salvaged, 1u) << "the record is left";
}

// Packs that were repacked may hold no record; their commits tell as well.
TEST_P(RepairFetchTest, APackWithoutARecordIsKnownByTheHashOfItsCommits) {
  const std::string text = "tree " + oid("HEAD^{tree}").to_hex() + "\nauthor A <a> 0 +0000\n";
  const GitOid commit = git_oid(GetParam(), ObjectType::kState, as_bytes(text));
  ReadContext context;
  {
    const Store store = opened();
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(store, GetParam(), {}));
    ASSERT_THAT(staged->add(commit, ObjectType::kState, as_bytes(text)), IsOk());
    ASSERT_THAT(staged->install(), IsOk());
  }
  // In the pack that is salvaged, the record is what is lost.
  const auto record = opened().snapshot().newest_record("x");
  ASSERT_OK_AND_ASSIGN(
      info, opened().snapshot().info(*opened().snapshot().find(record->value()), context));
  flip_byte(path_ + "/" + made_.pack, static_cast<std::int64_t>(info.offset + 4));
  for (const auto& entry : fs::directory_iterator(path_ + "/packs")) {
    if (entry.path().extension() == ".gitidx") fs::remove(entry.path());
  }
  ASSERT_OK_AND_ASSIGN(summary, repair(nullptr));
  EXPECT_EQ(summary.packs_salvaged, 1u);
  EXPECT_EQ(summary.git_indexes_made, 2u);
  const Store store = opened();
  EXPECT_TRUE(store.snapshot().find(commit).has_value());
  for (const auto& [revision, at] : made_.ids) {
    EXPECT_TRUE(store.snapshot().find(oid(revision)).has_value()) << revision;
  }
  expect_whole();
}

TEST_P(RepairFetchTest, AnotherStoreGivesWhatItHas) {
  StoreFixture other;
  ASSERT_THAT(other.import(made_.git.path(), "other"), IsOk());
  lose_all();
  ASSERT_OK_AND_ASSIGN(source, open_store_source(other.path()));
  ASSERT_OK_AND_ASSIGN(summary, repair(source.get()));
  EXPECT_EQ(summary.objects_refetched, 6u);
  expect_whole();
  EXPECT_THAT(open_store_source(other.beside("nothing")), FailsWith(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace bale
