// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The Nth operation fails, for all N: the error comes back and stays, and nothing is left under a
// final name.

#include <algorithm>
#include <string>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_verifier.h"
#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

const std::string kFaultPack = "/out/a.pack";

enum class Older { kNone, kBoth };

class BuilderFaultsTest : public testing::TestWithParam<Older> {
 protected:
  // A new file system with an empty /out, or one with older files in it.
  void reset() {
    memory_ = std::make_unique<MemoryFileSystem>();
    files_ = std::make_unique<FaultyFileSystem>(*memory_);
    ASSERT_THAT(memory_->create_directory("/out"), IsOk());
    if (GetParam() == Older::kNone) return;
    ASSERT_THAT(write_file(*memory_, kFaultPack, bytes_of("older pack")), IsOk());
    ASSERT_THAT(write_file(*memory_, "/out/a.idx", bytes_of("older index")), IsOk());
  }

  // All of the builder's ways: whole, streamed and delta objects, and a sort that spills.
  Result<PackSummary> build() {
    PackBuilderOptions options = test_options();
    options.compress = false;
    options.work.sync = true;
    options.work.memory_bytes = smallest_build_memory_bytes(options);
    options.work.file_system = files_.get();
    PackBuilder builder = TRY(PackBuilder::create(kFaultPack, options));
    Result<PackSummary> built = build_with(builder);
    if (built) return built;
    // The first error stays, and whatever is tried, no file appears under a final name.
    const std::string& message = built.error().message;
    EXPECT_THAT(builder.add(prefixed_id(0), ObjectType::kBlob, {}),
                FailsWith(built.error().code, message));
    EXPECT_THAT(builder.flush(), FailsWith(built.error().code, message));
    EXPECT_THAT(builder.finish(), FailsWith(built.error().code, message));
    return built;
  }

  Result<PackSummary> build_with(PackBuilder& builder) {
    const EntryHandle base = TRY(builder.add(prefixed_id(1 << 20), ObjectType::kBlob, {}));
    TRY(builder.begin_object(IdKind::kChangeId, ObjectType::kState, payload_.size()));
    TRY(builder.write(payload_));
    TRY(builder.end_object(test_id(IdKind::kChangeId, 1)));
    const ByteVector program = append_program(0, "x");
    for (std::uint64_t i = 0; i < kObjectCount; ++i) {
      TRY(builder.add(prefixed_id(kObjectCount - i), ObjectType::kBlob, {}));
      TRY(builder.add_delta(test_id(IdKind::kContentHash, i), base, 1, program));
    }
    return builder.finish();
  }

  std::vector<std::string> names() {
    const auto names = names_in(*memory_, "/out");
    return names ? *names : std::vector<std::string>{"(no directory)"};
  }

  // Enough that both sorts spill, and few enough that every operation can fail once.
  static constexpr std::uint64_t kObjectCount = 7'000;

  const ByteVector payload_ = noise(700'000, 1);
  std::unique_ptr<MemoryFileSystem> memory_;
  std::unique_ptr<FaultyFileSystem> files_;
};

TEST_P(BuilderFaultsTest, EveryOperationThatFailsFailsTheBuildAndLeavesNothingFinal) {
  reset();
  ASSERT_OK_AND_ASSIGN(summary, build());
  EXPECT_GT(summary.scratch_bytes, (2 * kObjectCount * 41) + (kObjectCount * 40) - 1);
  const std::uint64_t operation_count = files_->counters().operations();
  ASSERT_OK_AND_ASSIGN(report, verify_pack(kFaultPack, {.work = {.file_system = memory_.get()}}));
  EXPECT_TRUE(report.ok());
  for (std::uint64_t n = 0; n < operation_count; ++n) {
    reset();
    files_->inject({.operation = n, .tears_writes = n % 2 == 0});
    EXPECT_THAT(build(), FailsWith(ErrorCode::kIo, "injected fault")) << n;
    ASSERT_TRUE(files_->fault_fired());
    EXPECT_EQ(files_->open_files(), 0u);
    // Older files are as they were, or gone together: never half of a pair, nor half a file.
    if (names().empty()) continue;
    ASSERT_EQ(names(), (std::vector<std::string>{"a.idx", "a.pack"})) << n;
    ASSERT_OK_AND_ASSIGN(pack, read_file(*memory_, kFaultPack));
    ASSERT_OK_AND_ASSIGN(index, read_file(*memory_, "/out/a.idx"));
    EXPECT_EQ(as_text(pack), "older pack") << n;
    EXPECT_EQ(as_text(index), "older index") << n;
  }
}

TEST_P(BuilderFaultsTest, ADiskThatIsGoneForGoodFailsTheBuildAtAnyPoint) {
  reset();
  ASSERT_THAT(build(), IsOk());
  const std::uint64_t operation_count = files_->counters().operations();
  for (std::uint64_t n = 0; n < operation_count; n += 5) {
    reset();
    files_->inject({.operation = n, .forever = true});
    EXPECT_THAT(build(), FailsWith(ErrorCode::kIo)) << n;
  }
}

TEST_P(BuilderFaultsTest, EveryOperationThatFailsFailsMakingAnIndexAndLeavesTheOlderOne) {
  reset();
  ASSERT_THAT(build(), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, read_file(*memory_, kFaultPack));
  const auto make = [&] {
    return make_index(kFaultPack, {.work = {.memory_bytes = smallest_verify_pack_memory_bytes(),
                                            .file_system = files_.get()}});
  };
  reset();
  ASSERT_THAT(write_file(*memory_, kFaultPack, pack), IsOk());
  ASSERT_THAT(make(), IsOk());
  const std::uint64_t operation_count = files_->counters().operations();
  for (std::uint64_t n = 0; n < operation_count; ++n) {
    reset();
    ASSERT_THAT(write_file(*memory_, kFaultPack, pack), IsOk());
    const std::vector<std::string> before = names();
    files_->inject({.operation = n});
    EXPECT_THAT(make(), FailsWith(ErrorCode::kIo, "injected fault")) << n;
    EXPECT_EQ(files_->open_files(), 0u);
    // Only syncing the directory comes after the index is there, whole.
    if (n + 1 < operation_count) {
      EXPECT_EQ(names(), before) << n;
      const auto index = read_file(*memory_, "/out/a.idx");
      EXPECT_TRUE(!index || as_text(*index) == "older index") << n;
    }
  }
}

TEST_P(BuilderFaultsTest, EveryOperationThatFailsFailsVerifying) {
  reset();
  ASSERT_THAT(build(), IsOk());
  files_->reset_counters();
  const auto verify = [&] {
    return verify_pack(kFaultPack, {.work = {.memory_bytes = smallest_verify_pack_memory_bytes(),
                                             .file_system = files_.get()}});
  };
  ASSERT_THAT(verify(), IsOk());
  const std::uint64_t operation_count = files_->counters().operations();
  // The first ones open, scan and sort; then comes one read an entry, all alike.
  // A read that fails once is tried again for less.
  for (std::uint64_t n = 0; n < operation_count; n += n < 40 ? 1 : 1499) {
    files_->inject({.operation = n, .forever = true});
    EXPECT_THAT(verify(), FailsWith(ErrorCode::kIo, "injected fault")) << n;
    EXPECT_EQ(files_->open_files(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Older, BuilderFaultsTest, testing::Values(Older::kNone, Older::kBoth),
                         [](const auto& older) {
                           return older.param == Older::kNone ? "Nothing" : "OlderFiles";
                         });

}  // namespace
}  // namespace bale
