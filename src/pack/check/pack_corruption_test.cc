// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Every truncation and every flipped byte of a pack and of its index: verifying reports it, and
// plain reading neither crashes nor answers with another id's entry.

#include <algorithm>
#include <string>
#include <vector>

#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "base/try.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

const std::string kDamagedPack = "/a.pack";

class PackCorruptionTest : public testing::Test {
 protected:
  // Small, and with one of everything: raw, zstd, streamed, empty, a chain of deltas with raw and
  // compressed programs, a duplicate, both kinds of id.
  void SetUp() override {
    PackBuilderOptions options = test_options();
    options.min_compress_bytes = 64;
    auto builder = PackBuilder::in_memory(options);
    ASSERT_THAT(builder, IsOk());
    const auto id = [this](IdKind kind) {
      ids_.push_back(test_id(kind, ids_.size()));
      return ids_.back();
    };
    const auto base = builder->add(id(IdKind::kContentHash), ObjectType::kTree, ByteVector(300));
    ASSERT_THAT(base, IsOk());
    ASSERT_THAT(builder->add(id(IdKind::kChangeId), ObjectType::kState, bytes_of("state")), IsOk());
    ASSERT_THAT(builder->add(id(IdKind::kChangeId), ObjectType::kState, {}), IsOk());
    ASSERT_THAT(builder->add(ids_.back(), ObjectType::kState, bytes_of("again")), IsOk());
    const auto delta =
        builder->add_delta(id(IdKind::kContentHash), *base, 302, append_program(300, "xy"));
    ASSERT_THAT(delta, IsOk());
    ByteVector dull(100);  // inserts of one zero byte each: compresses
    ASSERT_THAT(builder->add_delta(id(IdKind::kContentHash), *delta, 50, dull), IsOk());
    ASSERT_THAT(builder->begin_object(IdKind::kContentHash, ObjectType::kBlob, 3), IsOk());
    ASSERT_THAT(builder->write(bytes_of("raw")), IsOk());
    ASSERT_THAT(builder->end_object(id(IdKind::kContentHash)), IsOk());
    auto built = builder->finish_in_memory();
    ASSERT_THAT(built, IsOk());
    built_ = std::move(*built);
    ASSERT_LT(built_.pack.size(), 700u);
  }

  Result<PackReport> verify(MemoryFileSystem& files) {
    return verify_pack(kDamagedPack, {.work = {.memory_bytes = smallest_verify_pack_memory_bytes(),
                                               .file_system = &files}});
  }

  // Reads all that can be read. What comes back is an answer to what was asked, or an Error.
  void read_everything(MemoryFileSystem& files, const std::string& what) {
    for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
      const auto pack = PackReader::open(kDamagedPack, {.access = access, .file_system = &files});
      if (!pack) {
        EXPECT_EQ(pack.error().code, ErrorCode::kCorrupt) << what;
        continue;
      }
      ReadContext context(1 << 20);
      for (std::uint64_t position = 0; position < pack->record_count(); ++position) {
        const auto record = pack->record(position);
        if (record) read_one(*pack, record->id, context, what);
      }
      for (const ObjectId& id : ids_) read_one(*pack, id, context, what);
    }
  }

  void read_one(const PackReader& pack, const ObjectId& id, ReadContext& context,
                const std::string& what) {
    const auto object = pack.get(id, context);
    if (object) {
      ASSERT_EQ(object->id, id) << what;
      // Every byte can be touched.
      sum_ += static_cast<std::size_t>(std::ranges::count(object->payload, std::byte{7}));
    } else {
      EXPECT_NE(object.error().code, ErrorCode::kIo) << what << object.error().message;
    }
    const auto info = pack.info(id, context);
    if (info) {
      ASSERT_EQ(info->id, id) << what;
    }
    const auto read = pack.read(id, context, [&](Bytes piece) -> Result<void> {
      sum_ += static_cast<std::size_t>(std::ranges::count(piece, std::byte{7}));
      return {};
    });
    EXPECT_EQ(read.has_value(), object.has_value()) << what;
  }

  void check(Bytes pack, Bytes index, const std::string& what) {
    MemoryFileSystem files;
    ASSERT_THAT(put_pack(files, kDamagedPack, pack, index), IsOk());
    ASSERT_OK_AND_ASSIGN(report, verify(files));
    EXPECT_FALSE(report.ok()) << what;
    for (const Error& error : report.errors) {
      EXPECT_EQ(error.code, ErrorCode::kCorrupt);
      EXPECT_NE(error.message.find("/a."), std::string::npos) << error.message;
    }
    read_everything(files, what);
  }

  // Hands every damaged form of `bytes` to `run`.
  template <typename Run>
  static void damage(const ByteVector& bytes, const Run& run) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      run(Bytes(bytes).first(length), "cut to " + std::to_string(length));
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const int pattern : {0x01, 0x80, 0xff}) {
        ByteVector bad = bytes;
        bad[at] ^= static_cast<std::byte>(pattern);
        run(bad, "byte " + std::to_string(at) + " ^ " + std::to_string(pattern));
      }
    }
    ByteVector longer = bytes;
    longer.push_back(std::byte{0});
    run(longer, "one byte longer");
  }

  std::vector<ObjectId> ids_;
  PackInMemory built_;
  std::size_t sum_ = 0;
};

TEST_F(PackCorruptionTest, UndamagedItIsWhole) {
  MemoryFileSystem files;
  ASSERT_THAT(put_pack(files, kDamagedPack, built_), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify(files));
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.objects, 7u);
  EXPECT_EQ(report.bytes, 300u + 5 + 0 + 5 + 302 + 50 + 3);
  EXPECT_THAT(read_pack(files, kDamagedPack, PackAccess::kRead), IsOk());
}

TEST_F(PackCorruptionTest, EveryTruncationAndFlipOfThePackIsReportedAndHarmless) {
  damage(built_.pack,
         [this](Bytes pack, const std::string& what) { check(pack, built_.index, what); });
}

// Cut exactly where its trailer begins, an index is one of another writer. That is damage only
// where the pack has a duplicate, as here: then the counts differ.
TEST_F(PackCorruptionTest, EveryTruncationAndFlipOfTheIndexIsReportedAndHarmless) {
  damage(built_.index,
         [this](Bytes index, const std::string& what) { check(built_.pack, index, what); });
}

TEST_F(PackCorruptionTest, EveryTruncationAndFlipOfAnIndexWithoutTrailerIsReportedAndHarmless) {
  // Without the duplicate, whose second entry such an index might lead to as well.
  const std::vector<TestObject> objects = make_objects(8, 1);
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  for (const TestObject& object : objects) ids_.push_back(object.id);
  ByteVector index = built.index;
  index.erase(index.end() - 72, index.end());
  damage(index, [&](Bytes bad, const std::string& what) { check(built.pack, bad, what); });
}

TEST_F(PackCorruptionTest, NoDamagedPackGetsANewIndex) {
  damage(built_.pack, [](Bytes pack, const std::string& what) {
    MemoryFileSystem files;
    ASSERT_THAT(write_file(files, kDamagedPack, pack), IsOk());
    EXPECT_THAT(
        make_index(kDamagedPack, {.work = {.memory_bytes = smallest_verify_pack_memory_bytes(),
                                           .file_system = &files}}),
        FailsWith(ErrorCode::kCorrupt, kDamagedPack))
        << what;
    ASSERT_OK_AND_ASSIGN(names, names_in(files, "/"));
    EXPECT_EQ(names, std::vector<std::string>{"a.pack"}) << what;
  });
}

}  // namespace
}  // namespace bale
