// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "object/git_objects.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "testing/git_oids.h"
#include "testing/matchers.h"

namespace bale {
namespace {

// An id whose every byte is `c`.
std::string tree_entry(std::string_view mode, std::string_view name, const GitOid& oid) {
  std::string entry(mode);
  entry.append(" ").append(name).push_back('\0');
  return entry.append(as_text(oid.bytes()));
}

Result<std::vector<TreeEntry>> read_all(GitHash hash, std::string_view payload) {
  TreeReader reader(hash, as_bytes(payload));
  std::vector<TreeEntry> entries;
  while (true) {
    Result<std::optional<TreeEntry>> entry = reader.next();
    if (!entry) {
      // The error repeats on every later call.
      EXPECT_THAT(reader.next(), FailsWith(entry.error().code, entry.error().message));
      return entry.error();
    }
    if (!entry->has_value()) return entries;
    entries.push_back(**entry);
  }
}

Result<std::vector<Link>> links_of(GitHash hash, ObjectType type, std::string_view payload) {
  std::vector<Link> links;
  const Result<void> done = for_each_link(hash, type, as_bytes(payload), [&](const Link& link) {
    links.push_back(link);
    return Result<void>();
  });
  if (!done) return done.error();
  return links;
}

TEST(TreeTest, EntriesComeInOrderWithTheirBytes) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    const std::string payload = tree_entry("100644", "a file", oid_of('1', hash)) +
                                tree_entry("40000", "b\xFF\n", oid_of('\0', hash)) +
                                tree_entry("160000", "c", oid_of(' ', hash));
    ASSERT_OK_AND_ASSIGN(entries, read_all(hash, payload));
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0], (TreeEntry{0100644, "100644", "a file", oid_of('1', hash)}));
    EXPECT_EQ(entries[1], (TreeEntry{0040000, "40000", "b\xFF\n", oid_of('\0', hash)}));
    EXPECT_EQ(entries[2], (TreeEntry{0160000, "160000", "c", oid_of(' ', hash)}));
  }
}

TEST(TreeTest, EmptyTreeHasNoEntries) {
  ASSERT_OK_AND_ASSIGN(entries, read_all(GitHash::kSha1, ""));
  EXPECT_TRUE(entries.empty());
}

TEST(TreeTest, OddModesAreTakenAsGitTakesThem) {
  const struct {
    std::string_view text;
    std::uint32_t mode;
    EntryKind kind;
  } cases[] = {
      {"100644", 0100644, EntryKind::kFile},
      {"100664", 0100664, EntryKind::kFile},
      {"0100644", 0100644, EntryKind::kFile},
      {"100755", 0100755, EntryKind::kExecutable},
      {"100700", 0100700, EntryKind::kExecutable},
      {"100655", 0100655, EntryKind::kFile},
      {"120000", 0120000, EntryKind::kSymlink},
      {"120777", 0120777, EntryKind::kSymlink},
      {"40000", 0040000, EntryKind::kTree},
      {"040000", 0040000, EntryKind::kTree},
      {"40755", 0040755, EntryKind::kTree},
      {"160000", 0160000, EntryKind::kSubmodule},
      // git 2.39 shows it as 160000 and does not follow it.
      {"644", 0644, EntryKind::kSubmodule},
      {"0", 0, EntryKind::kSubmodule},
      {"20000", 0020000, EntryKind::kSubmodule},
      // Too many digits: git 2.39 uses the last ones.
      {"7777777777777100644", 037777100644, EntryKind::kFile},
  };

  for (const auto& test : cases) {
    SCOPED_TRACE(test.text);
    const std::string payload = tree_entry(test.text, "x", oid_of('1'));
    ASSERT_OK_AND_ASSIGN(entries, read_all(GitHash::kSha1, payload));
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].mode_text, test.text);
    EXPECT_EQ(entries[0].mode, test.mode);
    EXPECT_EQ(entry_kind(entries[0].mode), test.kind);
  }
}

TEST(TreeTest, EveryTruncationInsideAnEntryIsCorrupt) {
  const std::string first = tree_entry("100644", "a", oid_of('1'));
  const std::string payload = first + tree_entry("40000", "bcd", oid_of('2'));
  for (std::size_t size = 0; size < payload.size(); ++size) {
    SCOPED_TRACE(size);
    const Result<std::vector<TreeEntry>> entries =
        read_all(GitHash::kSha1, std::string_view(payload).substr(0, size));
    if (size == 0 || size == first.size()) {
      EXPECT_THAT(entries, IsOk());
    } else {
      EXPECT_THAT(entries, FailsWith(ErrorCode::kCorrupt));
    }
  }
}

TEST(TreeTest, BrokenEntriesAreCorruptAndSayWhere) {
  const std::string good = tree_entry("100644", "a", oid_of('1'));  // 29 bytes
  const auto after_good = [&](const std::string& bad) {
    return read_all(GitHash::kSha1, good + bad);
  };
  const auto no_mode = FailsWith(ErrorCode::kCorrupt, "no octal mode and a space at byte 29");
  EXPECT_THAT(after_good(tree_entry("", "a", oid_of('1'))), no_mode);
  EXPECT_THAT(after_good(tree_entry("100648", "a", oid_of('1'))), no_mode);
  EXPECT_THAT(after_good(tree_entry("-1", "a", oid_of('1'))), no_mode);
  EXPECT_THAT(after_good("100644"), no_mode);
  EXPECT_THAT(after_good(tree_entry("100644", "", oid_of('1'))),
              FailsWith(ErrorCode::kCorrupt, "no name with a zero byte after it at byte 36"));
  EXPECT_THAT(after_good("100644 name"), FailsWith(ErrorCode::kCorrupt, "at byte 36"));
  EXPECT_THAT(after_good(std::string("1 a\0", 4) + std::string(19, 'x')),
              FailsWith(ErrorCode::kCorrupt, "ends inside the object id at byte 33"));
}

TEST(TreeTest, LinksAreTreesBlobsAndMarkedSubmodules) {
  const std::string payload =
      tree_entry("100755", "run", oid_of('1')) + tree_entry("40000", "sub", oid_of('2')) +
      tree_entry("120000", "to", oid_of('3')) + tree_entry("160000", "up", oid_of('4'));
  ASSERT_OK_AND_ASSIGN(links, links_of(GitHash::kSha1, ObjectType::kTree, payload));
  ASSERT_EQ(links.size(), 4u);
  const ObjectType types[] = {ObjectType::kBlob, ObjectType::kTree, ObjectType::kBlob,
                              ObjectType::kState};
  const std::string_view names[] = {"run", "sub", "to", "up"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(links[i].oid, oid_of(static_cast<char>('1' + i)));
    EXPECT_EQ(links[i].type, types[i]);
    EXPECT_EQ(links[i].name, names[i]);
    EXPECT_EQ(links[i].submodule, i == 3);
  }
}

std::string commit_of(GitHash hash, std::string_view parents) {
  std::string payload = "tree " + oid_of('\x11', hash).to_hex() + "\n";
  for (const char parent : parents) {
    payload += "parent " + oid_of(parent, hash).to_hex() + "\n";
  }
  // A "parent" further down is text, as in a merged tag or a message.
  return payload + "author A <a@b> 1 +0000\nmergetag object " + oid_of('\x44', hash).to_hex() +
         "\nparent " + oid_of('\x55', hash).to_hex() + "\n\nparent of all\n";
}

TEST(CommitTest, TreeAndParentsComeInOrder) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    for (const std::string_view parents : {"", "\x22", "\x33\x22\x22"}) {
      const std::string payload = commit_of(hash, parents);
      ASSERT_OK_AND_ASSIGN(commit, parse_commit(hash, as_bytes(payload)));
      EXPECT_EQ(commit.tree, oid_of('\x11', hash));
      ASSERT_EQ(commit.parents.size(), parents.size());
      ASSERT_OK_AND_ASSIGN(links, links_of(hash, ObjectType::kState, payload));
      ASSERT_EQ(links.size(), 1 + parents.size());
      EXPECT_EQ(links[0].oid, commit.tree);
      EXPECT_EQ(links[0].type, ObjectType::kTree);
      for (std::size_t i = 0; i < parents.size(); ++i) {
        EXPECT_EQ(commit.parents[i], oid_of(parents[i], hash));
        EXPECT_EQ(links[i + 1].oid, commit.parents[i]);
        EXPECT_EQ(links[i + 1].type, ObjectType::kState);
      }
    }
  }
}

TEST(CommitTest, EveryTruncationOfTheTreeLineIsCorrupt) {
  const std::string tree_line = "tree " + oid_of('\x11').to_hex() + "\n";
  for (std::size_t size = 0; size < tree_line.size(); ++size) {
    EXPECT_THAT(parse_commit(GitHash::kSha1, as_bytes(tree_line.substr(0, size))),
                FailsWith(ErrorCode::kCorrupt));
  }
}

// Like Git: if the rest is no longer than a parent line, it is not read as one.
TEST(CommitTest, AParentLineThatThePayloadCutsOffIsIgnored) {
  const std::string tree_line = "tree " + oid_of('\x11').to_hex() + "\n";
  const std::string parent_line = "parent " + oid_of('\x22').to_hex() + "\n";
  for (std::size_t size = 0; size < parent_line.size(); ++size) {
    const std::string payload = tree_line + parent_line + parent_line.substr(0, size);
    ASSERT_OK_AND_ASSIGN(commit, parse_commit(GitHash::kSha1, as_bytes(payload)));
    EXPECT_EQ(commit.parents.size(), 1u);
  }
  std::string bad = tree_line + parent_line + "author A\n";
  bad[tree_line.size() + 10] = 'x';
  EXPECT_THAT(parse_commit(GitHash::kSha1, as_bytes(bad)), FailsWith(ErrorCode::kCorrupt));
}

TEST(CommitTest, IdsOfTheOtherHashAndBadDigitsAreCorrupt) {
  EXPECT_THAT(parse_commit(GitHash::kSha1, as_bytes(commit_of(GitHash::kSha256, ""))),
              FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(parse_commit(GitHash::kSha256, as_bytes(commit_of(GitHash::kSha1, ""))),
              FailsWith(ErrorCode::kCorrupt));
  std::string payload = commit_of(GitHash::kSha1, "");
  payload[20] = 'g';
  EXPECT_THAT(parse_commit(GitHash::kSha1, as_bytes(payload)),
              FailsWith(ErrorCode::kCorrupt, "no object id of 40 hex digits"));
  EXPECT_THAT(parse_commit(GitHash::kSha1, as_bytes("author A <a@b> 1 +0000\n")),
              FailsWith(ErrorCode::kCorrupt, "no 'tree ' at byte 0"));
}

TEST(TagTest, ObjectTypeAndNameAreRead) {
  const std::string head = "object " + oid_of('\x11').to_hex() + "\ntype ";
  const std::string tail = "\ntag v1.0\xFF\ntagger A <a@b> 1 +0000\n\nmessage\n";
  const std::pair<std::string, ObjectType> types[] = {{"commit", ObjectType::kState},
                                                      {"tree", ObjectType::kTree},
                                                      {"blob", ObjectType::kBlob},
                                                      {"tag", ObjectType::kAction}};
  for (const auto& [word, type] : types) {
    const std::string payload = head + word + tail;
    ASSERT_OK_AND_ASSIGN(tag, parse_tag(GitHash::kSha1, as_bytes(payload)));
    EXPECT_EQ(tag.object, oid_of('\x11'));
    EXPECT_EQ(tag.type, type);
    EXPECT_EQ(tag.name, "v1.0\xFF");
    ASSERT_OK_AND_ASSIGN(links, links_of(GitHash::kSha1, ObjectType::kAction, payload));
    ASSERT_EQ(links.size(), 1u);
    EXPECT_EQ(links[0].oid, oid_of('\x11'));
    EXPECT_EQ(links[0].type, type);
  }
}

TEST(TagTest, TypeAndNameMayBeAbsentButTheObjectMayNot) {
  const std::string object = "object " + oid_of('\x11').to_hex() + "\n";
  for (std::size_t size = 0; size < object.size(); ++size) {
    EXPECT_THAT(parse_tag(GitHash::kSha1, as_bytes(object.substr(0, size))),
                FailsWith(ErrorCode::kCorrupt));
  }
  for (const std::string_view rest :
       {"", "type", "type commit", "type action\ntag v1", "tag v1", "tagger A\n\nmessage"}) {
    const std::string payload = object + std::string(rest);
    ASSERT_OK_AND_ASSIGN(tag, parse_tag(GitHash::kSha1, as_bytes(payload)));
    EXPECT_EQ(tag.object, oid_of('\x11')) << rest;
    EXPECT_FALSE(tag.type) << rest;
    EXPECT_EQ(tag.name, "") << rest;
    ASSERT_OK_AND_ASSIGN(links, links_of(GitHash::kSha1, ObjectType::kAction, payload));
    ASSERT_EQ(links.size(), 1u);
    EXPECT_FALSE(links[0].claims_type);
  }
}

TEST(LinkTest, BlobsHaveNoneAndATagThatLooksLikeARecordIsMalformed) {
  ASSERT_OK_AND_ASSIGN(of_blob, links_of(GitHash::kSha1, ObjectType::kBlob, "tree 123"));
  EXPECT_TRUE(of_blob.empty());
  EXPECT_THAT(links_of(GitHash::kSha1, ObjectType::kAction, "{\"a\":1}"),
              FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(links_of(GitHash::kSha1, ObjectType::kAction, ""), FailsWith(ErrorCode::kCorrupt));
}

TEST(LinkTest, AVisitorsErrorStopsTheWalk) {
  const std::string payload = commit_of(GitHash::kSha1, "\x22\x33");
  int visit_count = 0;
  const Result<void> done = for_each_link(GitHash::kSha1, ObjectType::kState, as_bytes(payload),
                                          [&](const Link&) -> Result<void> {
                                            if (++visit_count == 2)
                                              return fail(ErrorCode::kNotFound, "not here");
                                            return {};
                                          });
  EXPECT_THAT(done, FailsWith(ErrorCode::kNotFound, "not here"));
  EXPECT_EQ(visit_count, 2);
}

}  // namespace
}  // namespace bale
