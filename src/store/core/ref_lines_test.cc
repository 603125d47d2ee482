// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/ref_lines.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "testing/git_oids.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

GitOid oid_of(char digit) {
  return *GitOid::from_hex(std::string(40, digit));
}

RefList list_of(MemoryFileSystem& files, const std::vector<Ref>& refs) {
  RefListBuilder builder(files, "/", GitHash::kSha1);
  for (const Ref& ref : refs) EXPECT_THAT(builder.add(ref), IsOk());
  return builder.finish();
}

TEST(RefLinesTest, LinesAreReadBack) {
  for (const Ref& ref :
       {Ref{"refs/heads/main", oid_of('1'), ""},
        Ref{"refs/remotes/o/HEAD", oid_of('2'), "refs/remotes/o/main"},
        Ref{"refs/x\xff%", std::nullopt, "refs/y"}, Ref{"refs/gone", std::nullopt, ""}}) {
    ASSERT_OK_AND_ASSIGN(read, parse_ref_line(ref_line(ref), GitHash::kSha1));
    EXPECT_EQ(read, ref);
  }
}

TEST(RefLinesTest, MalformedLinesAreRefused) {
  const std::string hex(40, '1');
  for (const std::string& line :
       {std::string(), std::string("refs/a"), std::string("refs/a "), " " + hex,
        "refs/a " + hex + " ", "refs/a " + hex + " t u", "refs/a " + hex.substr(1),
        "refs/a " + hex + hex.substr(16), "refs/\ta " + hex, std::string("refs/a x")}) {
    EXPECT_EQ(parse_ref_line(line, GitHash::kSha1).error().code, ErrorCode::kCorrupt) << line;
  }
}

TEST(RefLinesTest, AListRefusesNamesOutOfOrderAndOddOnes) {
  MemoryFileSystem files;
  RefListBuilder builder(files, "/", GitHash::kSha1);
  ASSERT_THAT(builder.add({"refs/b", oid_of('1'), ""}), IsOk());
  for (const Ref& ref : {Ref{"refs/a", oid_of('1'), ""}, Ref{"refs/b", oid_of('1'), ""},
                         Ref{"refs/c d", oid_of('1'), ""}, Ref{"refs/c\nd", oid_of('1'), ""},
                         Ref{"refs/c", std::nullopt, "a b"}, Ref{"refs/c", std::nullopt, ""},
                         Ref{"", oid_of('1'), ""}}) {
    EXPECT_EQ(builder.add(ref).error().code, ErrorCode::kCorrupt) << ref.name;
  }
  EXPECT_EQ(builder.finish().size(), 1u);
}

TEST(RefLinesTest, EditsMergedIntoTheOldListGiveTheNewOne) {
  MemoryFileSystem files;
  const RefList before = list_of(files, {{"refs/a", oid_of('1'), ""},
                                         {"refs/b", oid_of('2'), ""},
                                         {"refs/c", oid_of('3'), "refs/b"},
                                         {"refs/d", oid_of('4'), ""}});
  const std::vector<Ref> wanted = {{"refs/0", oid_of('5'), ""},
                                   {"refs/a", oid_of('1'), ""},
                                   {"refs/c", oid_of('3'), ""},
                                   {"refs/d", oid_of('6'), ""},
                                   {"refs/e", std::nullopt, "refs/a"}};
  const RefList now = list_of(files, wanted);
  ScratchText edits(files, "/", 0);
  ASSERT_THAT(append_ref_changes(before, now, edits), IsOk());
  std::size_t count = 0;
  ScratchText::Lines lines(edits);
  for (auto line = lines.next(); *line; line = lines.next()) ++count;
  EXPECT_EQ(count, 5u);
  RefMerge merge(GitHash::kSha1);
  ASSERT_THAT(merge.add(*RefListText::of(before), true), IsOk());
  ASSERT_THAT(merge.add(edits, false), IsOk());
  std::vector<Ref> merged;
  for (;;) {
    ASSERT_OK_AND_ASSIGN(ref, merge.next());
    if (!ref) break;
    if (ref->oid || !ref->target.empty()) merged.push_back(*ref);
  }
  EXPECT_EQ(merged, wanted);
  ScratchText none(files, "/", 0);
  ASSERT_THAT(append_ref_changes(now, now, none), IsOk());
  EXPECT_EQ(none.size(), 0u);
}

TEST(RefLinesTest, AMergeRefusesALineOutOfOrder) {
  MemoryFileSystem files;
  ScratchText text(files, "/", 0);
  const std::string hex(40, '1');
  ASSERT_THAT(text.append("refs/b " + hex + "\nrefs/a " + hex + "\n"), IsOk());
  RefMerge merge(GitHash::kSha1);
  ASSERT_THAT(merge.add(text, false), IsOk());
  EXPECT_EQ(merge.next().error().code, ErrorCode::kCorrupt);
}

TEST(RefLinesTest, AWholeListHasNoRefThatIsGone) {
  MemoryFileSystem files;
  const auto text = std::make_shared<ScratchText>(files, "/", 0);
  ASSERT_THAT(text->append("refs/a -\n"), IsOk());
  const RefList list = RefListBuilder::of_text(text, 1, GitHash::kSha1);
  EXPECT_EQ(RefList::Reader(list).next().error().code, ErrorCode::kCorrupt);
  RefMerge merge(GitHash::kSha1);
  EXPECT_EQ(merge.add(*text, true).error().code, ErrorCode::kCorrupt);
}

TEST(RefLinesTest, AListThatHasAnotherNumberOfRefsIsDamage) {
  MemoryFileSystem files;
  const auto text = std::make_shared<ScratchText>(files, "/", 0);
  ASSERT_THAT(text->append("refs/a - refs/b\n"), IsOk());
  const RefList list = RefListBuilder::of_text(text, 2, GitHash::kSha1);
  RefList::Reader reader(list);
  EXPECT_THAT(reader.next(), IsOk());
  EXPECT_EQ(reader.next().error().code, ErrorCode::kCorrupt);
}

TEST(RefLinesTest, FindsARefOfALongList) {
  MemoryFileSystem files;
  std::vector<Ref> refs;
  for (int i = 10'000; i < 20'000; ++i) {
    refs.push_back({"refs/tags/" + std::to_string(i), oid_of('1'), ""});
  }
  const RefList list = list_of(files, refs);
  EXPECT_EQ(list.size(), 10'000u);
  ASSERT_OK_AND_ASSIGN(found, list.find("refs/tags/15000"));
  EXPECT_EQ(found, refs[5000]);
  ASSERT_OK_AND_ASSIGN(absent, list.find("refs/tags/150000"));
  EXPECT_FALSE(absent);
  ASSERT_OK_AND_ASSIGN(nothing, RefList().find("refs/a"));
  EXPECT_FALSE(nothing);
}

}  // namespace
}  // namespace bale
