// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A LinkStream finds the same links as for_each_link(), however the payload is split.

#include "object/link_stream.h"

#include <string>
#include <vector>

#include "testing/git_oids.h"
#include "testing/matchers.h"

namespace bale {
namespace {

std::string entry(std::string_view mode, std::string_view name, char fill) {
  return std::string(mode) + " " + std::string(name) + std::string(1, '\0') + std::string(20, fill);
}

std::vector<GitOid> whole(ObjectType type, std::string_view payload) {
  std::vector<GitOid> links;
  static_cast<void>(
      for_each_link(GitHash::kSha1, type, as_bytes(payload), [&](const Link& link) -> Result<void> {
        if (!link.submodule) links.push_back(link.oid);
        return {};
      }).has_value());
  return links;
}

std::vector<GitOid> in_pieces(ObjectType type, std::string_view payload, std::size_t size) {
  std::vector<GitOid> links;
  const auto use = [&](const Link& link) -> Result<void> {
    if (!link.submodule) links.push_back(link.oid);
    return {};
  };
  LinkStream stream(GitHash::kSha1, type);
  while (!payload.empty()) {
    EXPECT_THAT(stream.feed(as_bytes(payload.substr(0, size)), use), IsOk());
    payload.remove_prefix(std::min(size, payload.size()));
  }
  static_cast<void>(stream.finish(use).has_value());
  return links;
}

void expect_same_for_all_pieces(ObjectType type, const std::string& payload) {
  const std::vector<GitOid> expected = whole(type, payload);
  for (std::size_t size = 1; size <= payload.size(); ++size) {
    ASSERT_EQ(in_pieces(type, payload, size), expected) << "in pieces of " << size;
  }
}

TEST(LinkStreamTest, TreesGiveTheSameLinksInAnyPieces) {
  // Ids may contain zero bytes, spaces and digits.
  const std::string tree = entry("100644", "a", '\0') + entry("40000", "b c", ' ') +
                           entry("160000", "sub", '4') + entry("120000", "d", '1');
  expect_same_for_all_pieces(ObjectType::kTree, tree);
  for (std::size_t cut = 0; cut < tree.size(); ++cut) {
    const std::string part = tree.substr(0, cut);
    EXPECT_EQ(in_pieces(ObjectType::kTree, part, 7), whole(ObjectType::kTree, part)) << cut;
  }
}

TEST(LinkStreamTest, CommitsAndTagsGiveTheSameLinksInAnyPieces) {
  const std::string tree = "tree " + oid_of('\x11').to_hex() + "\n";
  const std::string parent = "parent " + oid_of('\x22').to_hex() + "\n";
  expect_same_for_all_pieces(ObjectType::kState,
                             tree + parent + parent + "author A\n\nparent of all\n" + parent);
  expect_same_for_all_pieces(ObjectType::kState, tree + parent.substr(0, 20));
  expect_same_for_all_pieces(ObjectType::kState, "author A\n" + tree);
  const std::string object = "object " + oid_of('\x33').to_hex() + "\n";
  expect_same_for_all_pieces(ObjectType::kAction, object + "type commit\ntag v1\n\nmessage\n");
  expect_same_for_all_pieces(ObjectType::kAction, object + "tagger A\n" + object);
  expect_same_for_all_pieces(ObjectType::kAction, object + std::string(300, 'x'));
}

// The error of TreeReader, and of a stream in pieces.
std::string whole_error(std::string_view tree) {
  TreeReader reader(GitHash::kSha1, as_bytes(tree));
  for (;;) {
    const Result<std::optional<TreeEntry>> next = reader.next();
    if (!next) return next.error().message;
    if (!*next) return "";
  }
}

std::string error_in_pieces(std::string_view tree, std::size_t size) {
  TreeStream stream(GitHash::kSha1);
  for (; !tree.empty(); tree.remove_prefix(std::min(size, tree.size()))) {
    EXPECT_THAT(stream.feed(as_bytes(tree.substr(0, size)),
                            [](const TreeEntry&) -> Result<void> { return {}; }),
                IsOk());
  }
  const Result<void> finished = stream.finish();
  return finished ? "" : finished.error().message;
}

TEST(LinkStreamTest, AMalformedTreeGivesTheSameErrorInAnyPieces) {
  const std::string good = entry("100644", "a", 'x');
  for (const std::string& tree :
       {good, good + entry("99", "b", 'x') + good, good + entry("100644", "", 'x') + good,
        good + "100644 b", good + "100644", good + entry("100644", "b", 'x').substr(0, 20)}) {
    for (std::size_t size = 1; size <= tree.size(); ++size) {
      ASSERT_EQ(error_in_pieces(tree, size), whole_error(tree)) << "in pieces of " << size;
    }
  }
}

TEST(LinkStreamTest, ATreeThatEndsInsideAnEntryIsMalformed) {
  LinkStream stream(GitHash::kSha1, ObjectType::kTree);
  const std::string tree = entry("100644", "a", '1');
  const auto ignore = [](const Link&) -> Result<void> { return {}; };
  ASSERT_THAT(stream.feed(as_bytes(tree), ignore), IsOk());
  ASSERT_THAT(stream.feed(as_bytes(tree.substr(0, 9)), ignore), IsOk());
  EXPECT_THAT(stream.finish(ignore), FailsWith(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace bale
