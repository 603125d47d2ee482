// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/import/lineage_order.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/endian.h"
#include "hash/git_hash.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

GitOid oid_of(const std::string& name, GitHash hash = GitHash::kSha1) {
  return git_oid(hash, ObjectType::kBlob, as_bytes(name));
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

class LineageOrderTest : public testing::Test {
 protected:
  Result<void> start(LineageOrderOptions options = {}) {
    hash_ = options.hash;
    options.scratch_directory = directory_.path();
    options.operation = &operation_;
    Result<LineageOrder> order = LineageOrder::create(options);
    if (!order) return order.error();
    order_.emplace(std::move(*order));
    return {};
  }

  Result<void> add(const std::string& name, std::optional<std::string_view> path) {
    names_[oid_of(name, hash_)] = name;
    return order_->add({.oid = oid_of(name, hash_), .path = path});
  }

  Result<void> add_from_database(const std::string& name) {
    names_[oid_of(name, hash_)] = name;
    return order_->add({.oid = oid_of(name, hash_), .from_database = true});
  }

  // Sorts, and gives the names of all objects in order.
  std::vector<std::string> take_all() {
    std::vector<std::string> names;
    EXPECT_THAT(order_->sort(), IsOk());
    for (;;) {
      const Result<std::optional<OrderedObject>> object = order_->next();
      EXPECT_THAT(object, IsOk());
      if (!object || !*object) break;
      const std::string& name = names_[(*object)->oid];
      lineages_[name] = (*object)->lineage;
      if ((*object)->only_database) only_database_.insert(name);
      names.push_back(name);
    }
    return names;
  }

  TempDirectory directory_;
  std::atomic<bool> cancel_ = false;
  const Operation operation_{.report = {}, .cancel = &cancel_};
  GitHash hash_ = GitHash::kSha1;
  std::optional<LineageOrder> order_;
  std::map<GitOid, std::string> names_;
  std::map<std::string, std::uint64_t> lineages_;
  std::set<std::string> only_database_;
};

TEST_F(LineageOrderTest, NothingComesOutOfNothing) {
  for (const bool with_database : {false, true}) {
    ASSERT_THAT(start({.with_database = with_database}), IsOk());
    EXPECT_THAT(take_all(), IsEmpty());
    EXPECT_EQ(order_->count(), 0u);
  }
}

TEST_F(LineageOrderTest, VersionsOfAPathComeTogetherAndNewestFirst) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    ASSERT_THAT(start({.hash = hash}), IsOk());
    for (const std::string version : {"9", "8", "7"}) {
      for (const std::string path : {"", "a", "b", "c/d"}) {
        ASSERT_THAT(add(path + " at " + version, path), IsOk());
      }
    }
    const std::vector<std::string> names = take_all();
    ASSERT_EQ(names.size(), 12u);
    for (std::size_t first = 0; first < names.size(); first += 3) {
      const std::string path = names[first].substr(0, names[first].find(' '));
      EXPECT_EQ(names[first], path + " at 9");
      EXPECT_EQ(names[first + 1], path + " at 8");
      EXPECT_EQ(names[first + 2], path + " at 7");
    }
  }
}

TEST_F(LineageOrderTest, PathsOfOneBaseNameStandNextToEachOther) {
  ASSERT_THAT(start(), IsOk());
  for (int version = 0; version < 3; ++version) {
    for (const std::string path : {"x", "a/x", "a/b/x", "x/a", "a", "b/a", "xx", "a/xx"}) {
      ASSERT_THAT(add(path + " at " + std::to_string(version), path), IsOk());
    }
  }
  const std::vector<std::string> names = take_all();
  ASSERT_EQ(names.size(), 24u);
  std::vector<std::string> groups;
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    const std::string path = name.substr(0, name.find(' '));
    if (paths.empty() || paths.back() != path) paths.push_back(path);
    if (groups.empty() || groups.back() != base_name(path)) groups.push_back(base_name(path));
  }
  EXPECT_EQ(paths.size(), 8u);
  EXPECT_EQ(groups.size(), 3u);
}

TEST_F(LineageOrderTest, WhatHasNoPathComesFirstAsItWasListedAndHasNoLineage) {
  ASSERT_THAT(start(), IsOk());
  ASSERT_THAT(add("root", ""), IsOk());
  ASSERT_THAT(add("tag", std::nullopt), IsOk());
  ASSERT_THAT(add("file", "file"), IsOk());
  ASSERT_THAT(add("commit 2", std::nullopt), IsOk());
  ASSERT_THAT(add("commit 1", std::nullopt), IsOk());
  EXPECT_EQ(order_->count(), 5u);
  std::vector<std::string> names = take_all();
  ASSERT_EQ(names.size(), 5u);
  names.resize(3);
  EXPECT_THAT(names, ElementsAre("tag", "commit 2", "commit 1"));
  EXPECT_EQ(lineages_["tag"], 0u);
  EXPECT_EQ(lineages_["commit 2"], 0u);
  EXPECT_EQ(lineages_["root"], lineage_of(""));
  EXPECT_EQ(lineages_["file"], lineage_of("file"));
}

// The first eight bytes, little-endian, of the BLAKE3 of nothing and of "abc", as published.
TEST_F(LineageOrderTest, LineagesAreTheSameEverywhere) {
  EXPECT_EQ(lineage_of(""), byte_swap(std::uint64_t{0xaf1349b9f5f9a1a6}));
  EXPECT_EQ(lineage_of("abc"), byte_swap(std::uint64_t{0x6437b3ac38465133}));
  EXPECT_NE(lineage_of("dir/file"), lineage_of("file"));
}

TEST_F(LineageOrderTest, WhatOnlyTheDatabaseHasComesLastAndWhatItRepeatsOnce) {
  ASSERT_THAT(start({.with_database = true}), IsOk());
  ASSERT_THAT(add("commit", std::nullopt), IsOk());
  ASSERT_THAT(add("root", ""), IsOk());
  ASSERT_THAT(add("new", "file"), IsOk());
  ASSERT_THAT(add("old", "file"), IsOk());
  for (const std::string name : {"lost 2", "root", "old", "lost 1", "commit", "lost 3", "new"}) {
    ASSERT_THAT(add_from_database(name), IsOk());
  }
  const std::vector<std::string> names = take_all();
  ASSERT_EQ(names.size(), 7u);
  EXPECT_EQ(names[0], "commit");
  const auto newest = std::find(names.begin(), names.end(), "new");
  EXPECT_EQ(newest[1], "old");
  EXPECT_THAT(std::vector(names.begin() + 4, names.end()),
              ElementsAre("lost 2", "lost 1", "lost 3"));
  EXPECT_THAT(only_database_, ElementsAre("lost 1", "lost 2", "lost 3"));
  EXPECT_EQ(lineages_["lost 1"], 0u);
  EXPECT_EQ(lineages_["old"], lineage_of("file"));
}

TEST_F(LineageOrderTest, MoreThanMemoryHoldsComesInTheSameOrder) {
  for (const bool with_database : {false, true}) {
    std::vector<std::vector<std::string>> orders;
    for (const std::uint64_t memory_bytes : {std::uint64_t{16} << 20, kMinLineageOrderBytes}) {
      ASSERT_THAT(start({.memory_bytes = memory_bytes, .with_database = with_database}), IsOk());
      for (int i = 0; i < 30'000; ++i) {
        const std::string name = std::to_string(i);
        ASSERT_THAT(add(name, "dir" + std::to_string(i % 7) + "/" + std::to_string(i % 100)),
                    IsOk());
        if (!with_database) continue;
        ASSERT_THAT(add_from_database(name), IsOk());
      }
      orders.push_back(take_all());
    }
    EXPECT_EQ(orders[0].size(), 30'000u);
    EXPECT_EQ(orders[0], orders[1]);
    EXPECT_THAT(only_database_, IsEmpty());
  }
}

TEST_F(LineageOrderTest, ACancellationEndsIt) {
  for (const bool with_database : {false, true}) {
    cancel_ = false;
    ASSERT_THAT(start({.memory_bytes = kMinLineageOrderBytes, .with_database = with_database}),
                IsOk());
    for (int i = 0; i < 20'000; ++i) ASSERT_THAT(add(std::to_string(i), "a"), IsOk());
    cancel_ = true;
    EXPECT_THAT(order_->sort(), FailsWith(ErrorCode::kInterrupted));
  }
}

}  // namespace
}  // namespace bale
