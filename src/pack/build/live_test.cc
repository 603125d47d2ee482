// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What flush() calls stable does not change any more: a pack with a declared count is watched while
// it grows, at random moments, in the middle of payloads too, and by a second thread; what was seen
// is compared with the end. The objects are of every way to be stored: raw, compressed, in frames,
// and fed in pieces under an id that comes last.

#include <atomic>
#include <thread>

#include "bale/pack_verifier.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "testing/matchers.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

constexpr std::size_t kLiveObjectCount = 120;
constexpr std::uint64_t kTrailerBytes = 32;

// Most objects are small, some are of KiB, a few of MiB: those are cut into frames.
std::size_t random_size(TestRandom& random) {
  const std::size_t choice = random.below(100);
  if (choice < 70) return random.below(2'000);
  if (choice < 96) return 1'024 + random.below(60'000);
  return (1 << 20) + random.below(2 << 20);
}

std::vector<TestObject> random_objects(std::uint64_t seed) {
  TestRandom random(seed);
  std::vector<TestObject> objects;
  for (std::size_t i = 0; i < kLiveObjectCount; ++i) {
    const IdKind kind = random.below(4) == 0 ? IdKind::kChangeId : IdKind::kContentHash;
    const std::size_t size = random_size(random);
    objects.push_back({.id = test_id(kind, random.next()),
                       .type = static_cast<ObjectType>(random.below(4)),
                       .payload = random.below(4) == 0 ? noise(size, random.next())
                                                       : prose(size, random.next())});
  }
  return objects;
}

// A moment at which the pack was looked at.
struct Glance {
  std::uint64_t stable_bytes = 0;
  std::size_t whole_objects = 0;  // that had been added by then
  Blake3Hash hash{};              // of the stable bytes, as they were in the file
};

Result<Glance> glance(PackBuilder& builder, File& growing, std::size_t whole_objects) {
  Glance seen{.stable_bytes = TRY(builder.flush()), .whole_objects = whole_objects};
  ByteVector bytes(seen.stable_bytes);
  if (TRY(growing.read_at(0, bytes)) != bytes.size()) {
    return Error{ErrorCode::kCorrupt, "bytes are called stable that are not in the file"};
  }
  seen.hash = blake3(bytes);
  return seen;
}

// Adds the object, whole or in pieces, and calls `at_times` at random moments in between. Most that
// are cut into frames come in pieces: then id and stored size are not known yet.
template <typename AtTimes>
Result<void> add_at_random(PackBuilder& builder, const TestObject& object, TestRandom& random,
                           const AtTimes& at_times) {
  const bool is_large = object.payload.size() > (1 << 20);
  if (random.below(4) >= (is_large ? 3U : 2U)) {
    TRY(builder.add(object.id, object.type, object.payload));
  } else {
    TRY(builder.begin_object(object.id.kind(), object.type, object.payload.size()));
    for (Bytes rest = object.payload; !rest.empty();) {
      const std::size_t piece =
          std::min(rest.size(), 1 + random.below(is_large ? 900'000 : 30'000));
      TRY(builder.write(rest.first(piece)));
      rest = rest.subspan(piece);
      if (random.below(4) == 0) TRY(at_times());
    }
    TRY(builder.end_object(object.id));
  }
  return {};
}

class LiveTest : public testing::Test {
 protected:
  [[nodiscard]] std::string pack_path() const { return directory_ / "live.pack"; }

  // The growing file, opened as a follower would: under the name it has meanwhile.
  Result<std::unique_ptr<File>> open_growing() {
    return posix_file_system().open(pack_path() + ".part");
  }

  // Builds a pack of random objects, looks at it at random moments, and compares with the end.
  void watch(std::uint64_t seed, bool compress);

  TempDirectory directory_;
};

void LiveTest::watch(std::uint64_t seed, bool compress) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << (compress ? "" : ", not compressed"));
  const std::vector<TestObject> objects = random_objects(seed);
  TestRandom random(~seed);
  std::vector<std::uint64_t> offsets;
  PackBuilderOptions options = test_options();
  options.compress = compress;
  options.declared_count = objects.size();
  options.on_entry = [&](const EntryPosition& entry) -> Result<void> {
    offsets.push_back(entry.offset);
    return {};
  };
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(pack_path(), options));
  ASSERT_OK_AND_ASSIGN(growing, open_growing());
  std::vector<Glance> glances;
  std::size_t added = 0;
  const auto look = [&]() -> Result<void> {
    glances.push_back(TRY(glance(builder, *growing, added)));
    return {};
  };
  for (const TestObject& object : objects) {
    ASSERT_THAT(add_at_random(builder, object, random, look), IsOk());
    ++added;
    if (random.below(8) == 0) {
      ASSERT_THAT(look(), IsOk());
    }
  }
  ASSERT_THAT(look(), IsOk());
  ASSERT_OK_AND_ASSIGN(summary, builder.finish());

  ASSERT_OK_AND_ASSIGN(pack, read_file(posix_file_system(), pack_path()));
  // In the end nothing is open: all but the trailer is stable.
  EXPECT_EQ(glances.back().stable_bytes, summary.pack_bytes - kTrailerBytes);
  EXPECT_GT(glances.size(), kLiveObjectCount / 10);
  offsets.push_back(summary.pack_bytes - kTrailerBytes);
  std::uint64_t last_bytes = 0;
  for (const Glance& seen : glances) {
    EXPECT_GE(seen.stable_bytes, last_bytes);
    last_bytes = seen.stable_bytes;
    // An object that is being fed holds up only itself.
    EXPECT_GE(seen.stable_bytes, offsets[seen.whole_objects]);
    ASSERT_LE(seen.stable_bytes, pack.size());
    EXPECT_EQ(seen.hash, blake3(Bytes(pack).first(seen.stable_bytes)))
        << "of the first " << seen.stable_bytes << " bytes, after " << seen.whole_objects
        << " objects, some were changed later";
  }
  EXPECT_THAT(read_pack(posix_file_system(), pack_path(), PackAccess::kMap), HoldsExactly(objects));
}

TEST_F(LiveTest, StableBytesOfACompressedPackNeverChange) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) watch(seed, true);
}

TEST_F(LiveTest, StableBytesOfARawPackNeverChange) {
  for (std::uint64_t seed = 4; seed <= 5; ++seed) watch(seed, false);
}

TEST_F(LiveTest, WithoutADeclaredCountNothingIsStable) {
  const std::vector<TestObject> objects = random_objects(7);
  TestRandom random(7);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(pack_path(), test_options()));
  const auto look = [&]() -> Result<void> {
    const std::uint64_t stable_bytes = TRY(builder.flush());
    EXPECT_EQ(stable_bytes, 0u);
    return {};
  };
  for (const TestObject& object : objects) {
    ASSERT_THAT(add_at_random(builder, object, random, look), IsOk());
    ASSERT_THAT(look(), IsOk());
  }
  ASSERT_THAT(builder.finish(), IsOk());
}

// Reads on whenever more has become stable, as a sender does, until it is told that this is all.
class Tail {
 public:
  explicit Tail(File& growing) : growing_(growing), thread_([this] { run(); }) {}

  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  ~Tail() {
    if (thread_.joinable()) end();
  }

  void stable(std::uint64_t bytes) {
    stable_bytes_ = bytes;
    stable_bytes_.notify_one();
  }

  // Everything that is stable by now was read when this returns.
  void end() {
    stable(stable_bytes_ | kEnd);
    thread_.join();
  }

  // After end().
  [[nodiscard]] const ByteVector& copy() const { return copy_; }

  [[nodiscard]] bool failed() const { return failed_; }

 private:
  // Set beside the number: the waiting is for one value.
  static constexpr std::uint64_t kEnd = std::uint64_t{1} << 63;

  void run() {
    for (std::uint64_t seen = 0; (seen & kEnd) == 0;) {
      stable_bytes_.wait(seen);
      seen = stable_bytes_;
      const std::size_t begin = copy_.size();
      copy_.resize(seen & ~kEnd);
      const Result<std::size_t> got = growing_.read_at(begin, MutableBytes(copy_).subspan(begin));
      if (!got || *got != copy_.size() - begin) failed_ = true;
    }
  }

  File& growing_;
  std::atomic<std::uint64_t> stable_bytes_ = 0;
  bool failed_ = false;
  ByteVector copy_;
  std::thread thread_;
};

TEST_F(LiveTest, AThreadThatTailsTheFileHasThePackInTheEnd) {
  const std::vector<TestObject> objects = random_objects(8);
  TestRandom random(8);
  PackBuilderOptions options = test_options();
  options.declared_count = objects.size();
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(pack_path(), options));
  ASSERT_OK_AND_ASSIGN(growing, open_growing());
  Tail tail(*growing);
  const auto publish = [&]() -> Result<void> {
    tail.stable(TRY(builder.flush()));
    return {};
  };
  for (const TestObject& object : objects) {
    ASSERT_THAT(add_at_random(builder, object, random, publish), IsOk());
    if (random.below(4) == 0) {
      ASSERT_THAT(publish(), IsOk());
    }
  }
  ASSERT_OK_AND_ASSIGN(summary, builder.finish());
  tail.stable(summary.pack_bytes);
  tail.end();
  EXPECT_FALSE(tail.failed());
  ASSERT_OK_AND_ASSIGN(pack, read_file(posix_file_system(), pack_path()));
  EXPECT_EQ(tail.copy(), pack);

  // What was sent is a pack without an index, and enough to make one.
  const std::string copy_path = directory_ / "copy.pack";
  ASSERT_THAT(write_file(posix_file_system(), copy_path, tail.copy()), IsOk());
  ASSERT_OK_AND_ASSIGN(report, make_index(copy_path, {.work = {.sync = false}}));
  EXPECT_EQ(report.objects, objects.size());
  EXPECT_THAT(read_pack(posix_file_system(), copy_path, PackAccess::kMap), HoldsExactly(objects));
}

}  // namespace
}  // namespace bale
