// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/record.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/known_id.h"
#include "testing/git_oids.h"
#include "testing/matchers.h"

namespace bale {
namespace {

ObjectId hash_of(char c) {
  return known_id<ObjectId>(IdKind::kContentHash, as_bytes(std::string(32, c)));
}

Record full_record() {
  Record record;
  record.archive = "a%\"b";
  record.kind = RecordKind::kGit;
  record.hash = GitHash::kSha1;
  record.source = "/srv/\xFF\n.git";
  record.time = 1'795'359'360;
  record.head = "ref: refs/heads/main";
  record.refs = {{"refs/heads/main", oid_of('\x11')}, {"refs/tags/\xC3\xA9", oid_of('\x22')}};
  record.symrefs = {{"refs/remotes/o/HEAD", "refs/remotes/o/\xFE"}};
  record.shallow = {oid_of('\x44'), oid_of('\x33')};
  record.root = oid_of('\x55');
  record.objects = UINT64_MAX;
  record.objects_new = 2;
  record.bytes = 3;
  record.missing = {.count = 4, .list = hash_of('\x66')};
  record.unreached = {.count = 5, .list = hash_of('\x88')};
  record.number = 6;
  record.previous = hash_of('\x77');
  record.replaces = hash_of('\x99');
  record.version = "0.1.0";
  return record;
}

Result<Record> decode(std::string_view text) {
  return decode_record(as_bytes(text));
}

// A minimal record, with `more` members in front.
std::string least(const std::string& more) {
  return "{" + more + R"("archive":"a","kind":"tar","time":"1970-01-01T00:00:09Z"})";
}

TEST(RecordTest, IsWrittenAsOneSortedLine) {
  EXPECT_EQ(encode_record(full_record()).value(),
            R"({"archive":"a%25\"b","bytes":3,"hash":"sha1","head":"ref: refs/heads/main",)"
            R"("kind":"git","missing":{"count":4,"list":")" +
                hash_of('\x66').to_hex() +
                R"("},"number":6,"objects":18446744073709551615,"objects_new":2,"previous":")" +
                hash_of('\x77').to_hex() +
                R"(","refs":{"refs/heads/main":"1111111111111111111111111111111111111111",)"
                "\"refs/tags/\xC3\xA9\":\"2222222222222222222222222222222222222222\"},"
                R"("replaces":")" +
                hash_of('\x99').to_hex() +
                R"(","root":"5555555555555555555555555555555555555555",)"
                R"("shallow":["4444444444444444444444444444444444444444",)"
                R"("3333333333333333333333333333333333333333"],"source":"/srv/%FF%0A.git",)"
                R"("symrefs":{"refs/remotes/o/HEAD":"refs/remotes/o/%FE"},)"
                R"("time":"2026-11-22T14:56:00Z","unreached":{"count":5,"list":")" +
                hash_of('\x88').to_hex() + R"("},"version":"0.1.0"})");
}

TEST(RecordTest, NamesListsOfRefsInTheirPlace) {
  Record record;
  record.archive = "a";
  record.ref_lists = {hash_of('\x11'), hash_of('\x22')};
  record.ref_count = 9;
  const std::string text = encode_record(record).value();
  EXPECT_NE(text.find(R"("objects_new":0,"ref_count":9,"ref_lists":[")" + hash_of('\x11').to_hex() +
                      R"(",")" + hash_of('\x22').to_hex() + R"("],"time")"),
            std::string::npos)
      << text;
  ASSERT_OK_AND_ASSIGN(decoded, decode(text));
  EXPECT_EQ(decoded, record);
  EXPECT_EQ(decoded.count_refs(), 9u);
}

TEST(RecordTest, RefusesListsOfRefsThatDoNotFit) {
  const std::string list = "\"" + hash_of('\x11').to_hex() + "\"";
  std::string many = list;
  for (std::size_t i = 1; i < Record::kMostRefLists; ++i) many += "," + list;
  EXPECT_TRUE(decode(least("\"ref_lists\":[" + many + "],")));
  EXPECT_THAT(decode(least("\"ref_lists\":[" + many + "," + list + "],")),
              FailsWith(ErrorCode::kCorrupt, "'ref_lists' has too many"));
  EXPECT_THAT(decode(least("\"ref_lists\":[\"x\"],")), FailsWith(ErrorCode::kCorrupt, "ref_lists"));
  EXPECT_THAT(decode(least(R"("ref_count":1,)")),
              FailsWith(ErrorCode::kCorrupt, "'ref_count' without 'ref_lists'"));
  EXPECT_THAT(decode(least("\"ref_lists\":[" + list + R"(],"symrefs":{"a":"b"},)")),
              FailsWith(ErrorCode::kCorrupt, "both 'refs' and 'ref_lists'"));
}

TEST(RecordTest, WhatHasNoValueIsLeftOut) {
  Record record;
  record.archive = "a";
  record.kind = RecordKind::kRemoved;
  EXPECT_EQ(encode_record(record).value(),
            R"({"archive":"a","bytes":0,"kind":"removed","missing":{"count":0},"objects":0,)"
            R"("objects_new":0,"time":"1970-01-01T00:00:00Z"})");
  ASSERT_OK_AND_ASSIGN(decoded, decode(encode_record(record).value()));
  EXPECT_EQ(decoded, record);
}

TEST(RecordTest, EveryFieldComesBack) {
  ASSERT_OK_AND_ASSIGN(decoded, decode(encode_record(full_record()).value()));
  EXPECT_EQ(decoded, full_record());
  for (const RecordKind kind :
       {RecordKind::kGit, RecordKind::kDir, RecordKind::kTar, RecordKind::kRemoved}) {
    Record record = full_record();
    record.kind = kind;
    ASSERT_OK_AND_ASSIGN(again, decode(encode_record(record).value()));
    EXPECT_EQ(again, record);
  }
}

TEST(RecordTest, Sha256IdsComeBack) {
  Record record;
  record.archive = "a";
  record.hash = GitHash::kSha256;
  record.refs = {{"refs/heads/main", oid_of('\x11', GitHash::kSha256)}};
  ASSERT_OK_AND_ASSIGN(decoded, decode(encode_record(record).value()));
  EXPECT_EQ(decoded, record);
}

TEST(RecordTest, AnyBytesInNamesComeBack) {
  std::mt19937 random(7);
  const auto any_bytes = [&random] {
    static constexpr std::string_view kBytes = "a%\"\\\n/\x7F\xC3\xA9\xE2\x82\xAC\xFF";
    std::string bytes;
    for (std::size_t size = random() % 10; bytes.size() < size;) {
      // Every third byte is any byte, zero included.
      bytes.push_back(random() % 3 == 0 ? static_cast<char>(random() % 256)
                                        : kBytes[random() % kBytes.size()]);
    }
    return bytes;
  };
  for (int round = 0; round < 500; ++round) {
    Record record;
    record.archive = "a";
    record.hash = GitHash::kSha1;
    record.source = any_bytes();
    record.head = any_bytes();
    record.version = any_bytes();
    for (char c = 'a'; c < 'k'; ++c) {
      record.refs[any_bytes()] = oid_of(c);
      record.symrefs[any_bytes()] = any_bytes();
    }
    const std::string text = encode_record(record).value();
    ASSERT_EQ(text.find('\n'), std::string::npos);
    ASSERT_OK_AND_ASSIGN(decoded, decode(text));
    ASSERT_EQ(decoded, record);
    ASSERT_EQ(encode_record(decoded).value(), text);
  }
}

TEST(RecordTest, NamesAreSortedAsTheyAreWritten) {
  Record record;
  record.archive = "a";
  record.symrefs = {{"ab", "1"}, {"a\xFF", "2"}};  // "a%FF" sorts before "ab"
  EXPECT_NE(encode_record(record).value().find(R"("symrefs":{"a%FF":"2","ab":"1"})"),
            std::string::npos);
}

TEST(RecordTest, ATimeOutOfRangeIsWrittenAsTheNearestOne) {
  Record record;
  record.archive = "a";
  record.time = INT64_MAX;
  ASSERT_OK_AND_ASSIGN(decoded, decode(encode_record(record).value()));
  EXPECT_EQ(decoded.time, 253'402'300'799);
}

TEST(RecordTest, UnknownKeysAreOverlooked) {
  ASSERT_OK_AND_ASSIGN(
      record,
      decode(least(R"("zoo":{"archive":[1,-2,3.5,null,true,{"kind":"x"}],"time":7},"x":-1,)"
                   R"("y":null,"z":[[]],"missing":{"why":{"count":"x"},"count":5,"z":[]},)")));
  EXPECT_EQ(record.archive, "a");
  EXPECT_EQ(record.kind, RecordKind::kTar);
  EXPECT_EQ(record.time, 9);
  EXPECT_EQ(record.missing.count, 5u);
}

TEST(RecordTest, EscapesAndSpacesOfOtherWritersAreRead) {
  ASSERT_OK_AND_ASSIGN(record,
                       decode(least("\n \"source\" : \"\\u00e9\\n%0a\\/\\ud83d\\ude00\" ,\r\n")));
  EXPECT_EQ(record.source, "\xC3\xA9\n\n/\xF0\x9F\x98\x80");
}

TEST(RecordTest, EveryTruncationIsCorrupt) {
  const std::string text = encode_record(full_record()).value();
  for (std::size_t size = 0; size < text.size(); ++size) {
    ASSERT_THAT(decode(text.substr(0, size)), FailsWith(ErrorCode::kCorrupt));
  }
}

TEST(RecordTest, FlippedBytesNeverBreakTheReader) {
  const std::string text = encode_record(full_record()).value();
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const int mask : {0x01, 0x04, 0x20, 0x80, 0xFF}) {
      std::string flipped = text;
      flipped[i] = static_cast<char>(flipped[i] ^ mask);
      const Result<Record> record = decode(flipped);
      if (!record) {
        ASSERT_THAT(record, FailsWith(ErrorCode::kCorrupt));
        continue;
      }
      // A valid record decodes equal after encoding.
      ASSERT_OK_AND_ASSIGN(again, decode(encode_record(*record).value()));
      ASSERT_EQ(again, *record);
    }
  }
}

TEST(RecordTest, ValuesOfAnotherTypeAreCorruptAndTheKeyIsNamed) {
  const char* const keys[] = {"archive",   "bytes",   "hash",        "head",      "kind",
                              "missing",   "objects", "objects_new", "previous",  "ref_count",
                              "ref_lists", "refs",    "replaces",    "root",      "shallow",
                              "source",    "symrefs", "time",        "unreached", "version"};
  for (const std::string key : keys) {
    std::vector<std::string> wrong = {"null", "true", "-1", "1.5", "[1]", "[[\"a\"]]"};
    if (key == "missing" || key == "unreached") {
      wrong.insert(wrong.end(), {R"({"count":-1})", R"({"count":"1"})", R"({"list":1})",
                                 R"({"list":[]})", R"({"count":{}})"});
    } else {
      wrong.insert(wrong.end(), {R"({"a":1})", R"({"a":{}})", R"({"a":["b"]})"});
    }
    for (const std::string& value : wrong) {
      EXPECT_THAT(decode("{\"" + key + "\":" + value + "}"),
                  FailsWith(ErrorCode::kCorrupt, "'" + key + "' is of another type"))
          << key << value;
    }
    // A text or a number may be valid, but not both.
    EXPECT_TRUE(!decode(least("\"" + key + "\":\"x\",")) || !decode(least("\"" + key + "\":1,")));
  }
}

TEST(RecordTest, UnreadableValuesAreCorruptAndTheKeyIsNamed) {
  const std::string oid(40, '1');
  const std::pair<std::string, std::string> cases[] = {
      {R"("hash":"md5",)", "'hash'"},
      {R"("source":"100%",)", "'source'"},
      {R"("head":"%0",)", "'head'"},
      {R"("previous":"12",)", "'previous'"},
      {R"("previous":"00000000000000000000000000000000",)", "is a change id"},
      {R"("replaces":"12",)", "'replaces'"},
      {R"("replaces":"00000000000000000000000000000000",)", "is a change id"},
      {R"("missing":{"list":"x"},)", "'missing'"},
      {R"("missing":{"count":18446744073709551616},)", "'missing'"},
      {R"("root":"xyz",)", "'root'"},
      {R"("shallow":["11"],)", "'shallow'"},
      {R"("refs":{"a":"123"},)", "'refs'"},
      {R"("refs":{"a%":")" + oid + "\"},", "'refs'"},
      {R"("symrefs":{"a":"%zz"},)", "'symrefs'"},
      {R"("symrefs":{"a":"1","%61":"2"},)", "'symrefs' has a name twice"},
      {R"("bytes":1,"bytes":1,)", "'bytes' stands there twice"},
      {R"("archive":"b",)", "'archive' stands there twice"},
      {R"("refs":{"a":")" + oid + "\"},", "another kind than 'hash'"},
      {R"("hash":"sha256","root":")" + oid + "\",", "another kind than 'hash'"},
      {R"("hash":"sha256","shallow":[")" + oid + "\"],", "another kind than 'hash'"},
  };
  for (const auto& [more, message] : cases) {
    EXPECT_THAT(decode(least(more)), FailsWith(ErrorCode::kCorrupt, message)) << more;
  }
  EXPECT_THAT(decode(R"({"archive":"../x","kind":"git","time":"1970-01-01T00:00:00Z"})"),
              FailsWith(ErrorCode::kCorrupt, "'archive' cannot be used"));
  EXPECT_THAT(decode(R"({"archive":"a","kind":"svn","time":"1970-01-01T00:00:00Z"})"),
              FailsWith(ErrorCode::kCorrupt, "'kind'"));
  EXPECT_THAT(decode(R"({"archive":"a","kind":"git","time":"now"})"),
              FailsWith(ErrorCode::kCorrupt, "'time'"));
}

TEST(RecordTest, MessagesDoNotRepeatAHostilePayload) {
  const Result<Record> record =
      decode(least(R"("previous":"\u001b[2J\n)" + std::string(100'000, 'x') + "\","));
  ASSERT_THAT(record, FailsWith(ErrorCode::kCorrupt, "'previous' cannot be read: '%1B[2J%0Axxx"));
  EXPECT_LT(record.error().message.size(), 300u);
}

TEST(RecordTest, ArchiveKindAndTimeMustBeThere) {
  EXPECT_THAT(decode("{}"), FailsWith(ErrorCode::kCorrupt, "'archive' is missing"));
  EXPECT_THAT(decode(R"({"archive":"a","time":"1970-01-01T00:00:00Z"})"),
              FailsWith(ErrorCode::kCorrupt, "'kind' is missing"));
  EXPECT_THAT(decode(R"({"archive":"a","kind":"dir"})"),
              FailsWith(ErrorCode::kCorrupt, "'time' is missing"));
}

TEST(RecordTest, WhatIsNoJsonObjectIsCorrupt) {
  for (const std::string_view text :
       {"", "[]", "1", "\"{\"", " {}", "\xEF\xBB\xBF{}", "object 123"}) {
    EXPECT_THAT(decode(text), FailsWith(ErrorCode::kCorrupt));
  }
  const std::string good = least("");
  ASSERT_THAT(decode(good), IsOk());
  for (const std::string_view tail : {"x", "{}", ",", "]"}) {
    EXPECT_THAT(decode(good + std::string(tail)), FailsWith(ErrorCode::kCorrupt, "no JSON"));
  }
  EXPECT_THAT(decode(least("\"source\":\"\xFF\",")), FailsWith(ErrorCode::kCorrupt, "no JSON"));
  EXPECT_THAT(decode(least("\"source\":\"\\ud800\",")), FailsWith(ErrorCode::kCorrupt, "no JSON"));
  EXPECT_THAT(decode(least("\"x\":1e999,")), FailsWith(ErrorCode::kCorrupt, "no JSON"));
}

TEST(RecordTest, DeepNestingIsRefusedEarly) {
  const std::string deep = least("\"x\":" + std::string(100'000, '['));
  EXPECT_THAT(decode(deep), FailsWith(ErrorCode::kCorrupt, "nested deeper than 16"));
  EXPECT_THAT(decode(least("\"x\":" + std::string(15, '[') + std::string(15, ']') + ",")), IsOk());
}

TEST(RecordTest, WhatDecodingWouldRefuseIsNotWritten) {
  const auto refused = [](auto change) {
    Record record = full_record();
    change(record);
    return encode_record(record);
  };
  const ObjectId change_id = known_id<ObjectId>(IdKind::kChangeId, oid_of('1').bytes().first(16));
  const auto is_refused = [](const char* why) {
    return FailsWith(ErrorCode::kInvalidArgument, why);
  };
  EXPECT_THAT(refused([](Record& r) { r.archive = "a:b"; }),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refused([](Record& r) { r.hash = GitHash::kSha256; }), is_refused("another hash"));
  EXPECT_THAT(refused([](Record& r) { r.hash.reset(); }), is_refused("another hash"));
  for (const auto list : {&Record::missing, &Record::unreached}) {
    EXPECT_THAT(refused([&](Record& r) { (r.*list).list = change_id; }),
                is_refused("no content hash"));
  }
  for (const auto id : {&Record::previous, &Record::replaces}) {
    EXPECT_THAT(refused([&](Record& r) { r.*id = change_id; }), is_refused("no content hash"));
  }
  Record record{.archive = "a", .hash = GitHash::kSha256};
  for (auto change : {+[](Record& r) { r.root = oid_of('1'); },
                      +[](Record& r) { r.refs.emplace("refs/heads/a", oid_of('1')); },
                      +[](Record& r) { r.shallow.push_back(oid_of('1')); }}) {
    Record other = record;
    change(other);
    EXPECT_THAT(encode_record(other), is_refused("another hash"));
  }
  EXPECT_THAT(encode_record(record), IsOk());
}

}  // namespace
}  // namespace bale
