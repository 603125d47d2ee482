// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// GitPackSender's streams from packs of every shape, read by `git index-pack`. Whole exports:
// export_deltas_test.cc.

#include "git/export/pack_sender.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "codec/delta_encoder.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

ObjectId blob_id(Bytes payload) {
  return content_hash(ObjectType::kBlob, payload);
}

std::string hex_oid(std::string_view payload) {
  return git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(payload)).to_hex();
}

class GitPackSenderTest : public testing::Test {
 protected:
  struct Sent {
    std::string stream;
    GitPackSummary summary;
  };

  void put(const PackDraft& draft) {
    ASSERT_THAT(put_pack(files_, "/p.pack", draft.pack(), draft.index()), IsOk());
  }

  // The objects at these offsets of /p.pack.
  Result<Sent> send(const std::vector<std::uint64_t>& offsets, std::size_t lanes = 1,
                    std::uint64_t memory_bytes = 64 << 20) {
    Sent sent;
    Budget budget(memory_bytes);
    const PackReader pack =
        TRY(PackReader::open("/p.pack", {.access = PackAccess::kRead, .file_system = &files_}));
    {
      GitPackSender sender = TRY(GitPackSender::create({.object_count = offsets.size(),
                                                        .lanes = lanes,
                                                        .file_system = &files_,
                                                        .scratch_directory = "/"},
                                                       budget, [&](Bytes bytes) -> Result<void> {
                                                         sent.stream += as_text(bytes);
                                                         return {};
                                                       }));
      for (const std::uint64_t offset : offsets) {
        TRY_VOID(sender.send(0, pack, offset));
      }
      sent.summary = TRY(sender.finish());
      EXPECT_EQ(sent.summary.bytes, sent.stream.size());
    }
    EXPECT_EQ(budget.used_bytes(), 0u);
    return sent;
  }

  // git's result for a stream: the id of each object, and that of its base or zeros.
  std::map<std::string, std::string> objects_in(const std::string& stream) {
    GitFixture git;
    git.run_with_input({"index-pack", "--stdin", "--strict"}, stream);
    std::istringstream lines(
        git.run({"cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(deltabase)"}));
    std::map<std::string, std::string> bases;
    std::string oid;
    std::string base;
    while (lines >> oid >> base) bases[oid] = base;
    return bases;
  }

  const std::string whole_ = std::string(40, '0');
  MemoryFileSystem files_;
};

TEST_F(GitPackSenderTest, DeltasStayDeltasOnTheSameBases) {
  PackDraft draft;
  const std::string one = "the first version\n";
  const std::string two = one + "a line\n";
  const std::string three = two + "another\n";
  const std::string lone = "nobody's base";
  const std::vector<std::uint64_t> offsets = {
      draft.add_raw(blob_id(as_bytes(one)), ObjectType::kBlob, as_bytes(one)),
      draft.add_raw(blob_id(as_bytes(lone)), ObjectType::kBlob, as_bytes(lone)),
      draft.add_delta(blob_id(as_bytes(two)), blob_id(as_bytes(one)), two.size(),
                      append_program(one.size(), "a line\n")),
      draft.add_delta(blob_id(as_bytes(three)), blob_id(as_bytes(two)), three.size(),
                      append_program(two.size(), "another\n"))};
  put(draft);
  ASSERT_OK_AND_ASSIGN(sent, send(offsets));
  EXPECT_EQ(sent.summary.deltas, 2u);
  EXPECT_EQ(objects_in(sent.stream),
            (std::map<std::string, std::string>{{hex_oid(one), whole_},
                                                {hex_oid(lone), whole_},
                                                {hex_oid(two), hex_oid(one)},
                                                {hex_oid(three), hex_oid(two)}}));
}

TEST_F(GitPackSenderTest, WithoutItsBaseBeforeItADeltaGoesWhole) {
  PackDraft draft;
  const std::string one = "the first version\n";
  const std::string two = one + "a line\n";
  const std::string three = two + "another\n";
  const ObjectId one_id = blob_id(as_bytes(one));
  const ObjectId two_id = blob_id(as_bytes(two));
  // Another writer's pack: the base after its delta.
  const std::uint64_t two_at =
      draft.add_delta(two_id, one_id, two.size(), append_program(one.size(), "a line\n"));
  const std::uint64_t one_at = draft.add_raw(one_id, ObjectType::kBlob, as_bytes(one));
  const std::uint64_t three_at = draft.add_delta(blob_id(as_bytes(three)), two_id, three.size(),
                                                 append_program(two.size(), "another\n"));
  put(draft);
  ASSERT_OK_AND_ASSIGN(all, send({two_at, one_at, three_at}));
  EXPECT_EQ(all.summary.deltas, 1u);
  EXPECT_EQ(objects_in(all.stream),
            (std::map<std::string, std::string>{
                {hex_oid(one), whole_}, {hex_oid(two), whole_}, {hex_oid(three), hex_oid(two)}}));
  // Its base is not sent.
  ASSERT_OK_AND_ASSIGN(some, send({one_at, three_at}));
  EXPECT_EQ(some.summary.deltas, 0u);
  EXPECT_EQ(objects_in(some.stream),
            (std::map<std::string, std::string>{{hex_oid(one), whole_}, {hex_oid(three), whole_}}));
}

TEST_F(GitPackSenderTest, AStrangersLongProgramMakesAWholeObject) {
  PackDraft draft;
  const std::string one = "something";
  const std::string two(2 << 20, 'x');
  std::string program;
  for (std::size_t i = 0; i < two.size(); i += 128) program += '\x7F' + std::string(128, 'x');
  const std::uint64_t base =
      draft.add_raw(blob_id(as_bytes(one)), ObjectType::kBlob, as_bytes(one));
  const std::uint64_t delta = draft.add_delta(blob_id(as_bytes(two)), blob_id(as_bytes(one)),
                                              two.size(), as_bytes(program));
  put(draft);
  ASSERT_OK_AND_ASSIGN(sent, send({base, delta}));
  EXPECT_EQ(objects_in(sent.stream),
            (std::map<std::string, std::string>{{hex_oid(one), whole_}, {hex_oid(two), whole_}}));
}

TEST_F(GitPackSenderTest, AnEmptyObjectIsNoDeltaToGit) {
  PackDraft draft;
  const std::string one = "something";
  const std::uint64_t base =
      draft.add_raw(blob_id(as_bytes(one)), ObjectType::kBlob, as_bytes(one));
  const std::uint64_t empty = draft.add_delta(blob_id({}), blob_id(as_bytes(one)), 0, {});
  put(draft);
  ASSERT_OK_AND_ASSIGN(sent, send({base, empty}));
  EXPECT_EQ(objects_in(sent.stream),
            (std::map<std::string, std::string>{{hex_oid(one), whole_}, {hex_oid(""), whole_}}));
}

// A pack that bale builds: payloads of every size and kind, each a delta against the one before
// where that is smaller, up to the longest program that bale writes.
class BuiltPack {
 public:
  Result<void> build(FileSystem& files) {
    PackBuilder builder =
        TRY(PackBuilder::in_memory({.work = {.memory_bytes = 32 << 20, .sync = false}}));
    std::optional<EntryHandle> last;
    for (std::uint64_t i = 0; i < 3'000; ++i) {
      payloads_.push_back(i % 10 == 0 ? noise(i % 300, i) : prose(i % 2'000, i));
      if (i % 3 == 0) continue;
      // A version of the one before.
      payloads_.back() = payloads_[i - 1];
      payloads_.back().resize(payloads_.back().size() + 1 + i % 5, std::byte{'x'});
    }
    for (const std::size_t size : {(1u << 20) - 1, 1u << 20, (1u << 20) + 1, 3u << 20}) {
      payloads_.push_back(noise(size, size));
      payloads_.push_back(payloads_.back());
      const ByteVector more = noise(size / 2, size + 1);
      payloads_.back().insert(payloads_.back().begin() + 1'000, more.begin(), more.end());
      payloads_.push_back(prose(size, size));
    }
    Budget budget(64 << 20);
    DeltaEncoder encoder = TRY(DeltaEncoder::create(budget, 8 << 20));
    for (std::size_t i = 0; i < payloads_.size(); ++i) {
      const ObjectId id = blob_id(payloads_[i]);
      ByteVector program(std::min<std::size_t>(payloads_[i].size(), 1 << 20));
      std::optional<std::size_t> size;
      if (last && last->depth < 50 && !payloads_[i].empty()) {
        encoder.index(payloads_[i - 1]);
        size = encoder.encode(payloads_[i], program);
      }
      last =
          size ? TRY(builder.add_delta(id, *last, payloads_[i].size(), Bytes(program).first(*size)))
               : TRY(builder.add(id, ObjectType::kBlob, payloads_[i]));
      if (size) ++deltas_;
    }
    const PackInMemory pack = TRY(builder.finish_in_memory());
    TRY(put_pack(files, "/p.pack", pack));
    const PackReader reader =
        TRY(PackReader::open("/p.pack", {.access = PackAccess::kRead, .file_system = &files}));
    for (std::uint64_t i = 0; i < reader.record_count(); ++i) {
      offsets_.push_back(TRY(reader.record(i)).offset);
    }
    std::sort(offsets_.begin(), offsets_.end());
    return {};
  }

  std::vector<ByteVector> payloads_;
  std::vector<std::uint64_t> offsets_;
  std::uint64_t deltas_ = 0;
};

TEST_F(GitPackSenderTest, EverySizeArrivesAndLanesChangeNothing) {
  BuiltPack built;
  ASSERT_THAT(built.build(files_), IsOk());
  ASSERT_GT(built.deltas_, 1'000u);
  ASSERT_OK_AND_ASSIGN(sent, send(built.offsets_));
  const auto objects = objects_in(sent.stream);
  EXPECT_EQ(objects.size(), built.offsets_.size());
  for (const ByteVector& payload : built.payloads_) {
    EXPECT_TRUE(objects.contains(hex_oid(as_text(payload)))) << payload.size();
  }
  const auto deltas = std::count_if(objects.begin(), objects.end(),
                                    [&](const auto& object) { return object.second != whole_; });
  EXPECT_EQ(static_cast<std::uint64_t>(deltas), sent.summary.deltas);
  // Repeated payloads are in the index once.
  EXPECT_GT(sent.summary.deltas, built.deltas_ / 2);
  for (const std::size_t lanes : {2u, 3u}) {
    ASSERT_OK_AND_ASSIGN(again, send(built.offsets_, lanes));
    EXPECT_EQ(again.stream, sent.stream) << lanes;
  }
}

TEST_F(GitPackSenderTest, LittleMemoryChangesNothing) {
  BuiltPack built;
  ASSERT_THAT(built.build(files_), IsOk());
  ASSERT_OK_AND_ASSIGN(all, send(built.offsets_));
  ASSERT_OK_AND_ASSIGN(little, send(built.offsets_, 3, GitPackSender::smallest_memory_bytes()));
  EXPECT_EQ(little.stream, all.stream);
  EXPECT_THAT(send(built.offsets_, 1, GitPackSender::smallest_memory_bytes() - 1),
              FailsWith(ErrorCode::kLimitExceeded));
}

TEST_F(GitPackSenderTest, DamageIsNamedWithPackAndOffset) {
  const std::string one = "0123456789";
  const ObjectId id = blob_id(as_bytes(one));
  const ObjectId other = blob_id(as_bytes("other"));
  const auto expect_corrupt = [&](const EntryHeader& header, const std::string& stored,
                                  const std::string& says) {
    PackDraft draft;
    const std::uint64_t base = draft.add_raw(id, ObjectType::kBlob, as_bytes(one));
    const std::uint64_t damaged = draft.add(header, as_bytes(stored));
    put(draft);
    for (const std::size_t lanes : {1u, 2u}) {
      const Result<Sent> sent = send({base, damaged}, lanes);
      EXPECT_THAT(sent, FailsWith(ErrorCode::kCorrupt, says));
      EXPECT_THAT(sent, FailsWith(ErrorCode::kCorrupt,
                                  "/p.pack: entry at offset " + std::to_string(damaged)));
    }
  };
  const EntryHeader delta{.id = other, .type = EntryType::kDelta, .size = 4, .base = id};
  expect_corrupt(delta, "\x91\x07\x04", "leaves the base");
  expect_corrupt(delta, "\x01xy", "makes 2 bytes, not 4");
  expect_corrupt(delta, "\x05xy", "runs past the end");
  expect_corrupt(delta, "\x28\xB5\x2F\xFD", "");
  expect_corrupt({.id = other, .type = EntryType::kBlob, .size = 9}, "not zstd", "");
  expect_corrupt({.id = blob_id({}), .type = EntryType::kDelta, .size = 4, .base = other},
                 "\x03wxyz", "is not in the index");
}

TEST_F(GitPackSenderTest, WhatTheSinkSaysComesBack) {
  BuiltPack built;
  ASSERT_THAT(built.build(files_), IsOk());
  ASSERT_OK_AND_ASSIGN(
      pack, PackReader::open("/p.pack", {.access = PackAccess::kRead, .file_system = &files_}));
  Budget budget(64 << 20);
  ASSERT_OK_AND_ASSIGN(sender, GitPackSender::create({.object_count = built.offsets_.size(),
                                                      .lanes = 2,
                                                      .file_system = &files_,
                                                      .scratch_directory = "/"},
                                                     budget, [](Bytes) -> Result<void> {
                                                       return fail(ErrorCode::kIo,
                                                                   "nobody listens");
                                                     }));
  Result<std::uint64_t> sent = std::uint64_t{0};
  for (std::size_t i = 0; sent && i < built.offsets_.size(); ++i) {
    sent = sender.send(0, pack, built.offsets_[i]);
  }
  EXPECT_THAT(sent, FailsWith(ErrorCode::kIo, "nobody listens"));
}

}  // namespace
}  // namespace bale
