// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// For tests of packs: objects, packs of them, and reading all objects of a pack. The same on every
// machine: random data has a seed.
//
//   const std::vector<TestObject> objects = make_objects(100, 1);
//   ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
//   MemoryFileSystem files;
//   ASSERT_THAT(put_pack(files, "/a.pack", built), IsOk());
//   EXPECT_THAT(read_pack(files, "/a.pack", PackAccess::kMap), HoldsExactly(objects));
//
// Errors are returned; only a bug in the fixture ends the program. Not thread-safe.

#pragma once

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bale/bytes.h"
#include "bale/file_system.h"
#include "bale/object.h"
#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bale/result.h"

namespace bale {

using ByteVector = std::vector<std::byte>;

struct TestObject {
  ObjectId id;
  ObjectType type = ObjectType::kBlob;
  ByteVector payload;

  bool operator==(const TestObject&) const = default;
};

/// "blob 0123abcd.. (17 bytes)", without the payload.
void PrintTo(const TestObject& object, std::ostream* out);

[[nodiscard]] ByteVector bytes_of(std::string_view text);

/// Bytes that do not compress.
[[nodiscard]] ByteVector noise(std::size_t size, std::uint64_t seed);

/// Lines of words, which compress about as well as source code.
[[nodiscard]] ByteVector prose(std::size_t size, std::uint64_t seed);

/// An id with a distribution like hashes; distinct for each number.
[[nodiscard]] ObjectId test_id(IdKind kind, std::uint64_t number);

/// Two ids, for tests that need no more.
inline const ObjectId kId = test_id(IdKind::kContentHash, 1);
inline const ObjectId kOther = test_id(IdKind::kContentHash, 2);

/// Content hashes with equal first 24 bytes, ordered by their numbers.
[[nodiscard]] ObjectId prefixed_id(std::uint64_t number);

/// Objects of all four types under both kinds of id, of 0 to 2,000 bytes, that compress and that do
/// not.
[[nodiscard]] std::vector<TestObject> make_objects(std::size_t count, std::uint64_t seed);

/// The objects in index order.
[[nodiscard]] std::vector<TestObject> in_id_order(std::vector<TestObject> objects);

/// Options for tests: little memory, no syncs.
[[nodiscard]] PackBuilderOptions test_options();

/// Adds all in this order. Does not finish.
Result<void> add_all(PackBuilder& builder, const std::vector<TestObject>& objects);

Result<PackInMemory> build_pack(const std::vector<TestObject>& objects,
                                const PackBuilderOptions& options = test_options());

Result<void> write_file(FileSystem& files, const std::string& path, Bytes content);
Result<ByteVector> read_file(FileSystem& files, const std::string& path);

/// Writes pack and index, the latter under its default name.
Result<void> put_pack(FileSystem& files, const std::string& pack_path, const PackInMemory& pack);
Result<void> put_pack(FileSystem& files, const std::string& pack_path, Bytes pack, Bytes index);

/// Every record's object, in the order of the index; checks each against its record.
Result<std::vector<TestObject>> read_pack(const PackReader& pack);
Result<std::vector<TestObject>> read_pack(FileSystem& files, const std::string& pack_path,
                                          PackAccess access);

/// The names in a directory, sorted.
Result<std::vector<std::string>> names_in(FileSystem& files, const std::string& directory);

/// test/golden/NAME/FILE
[[nodiscard]] std::string golden_path(const std::string& name, const std::string& file);

/// The objects of an object stream.
Result<std::vector<TestObject>> parse_frames(Bytes stream, bool with_paths);

/// Matches a Result of read_pack(): exactly these objects, in id order.
MATCHER_P(HoldsExactly, objects, "holds exactly the objects expected") {
  if (!arg.has_value()) {
    *result_listener << arg.error().message;
    return false;
  }
  return testing::ExplainMatchResult(testing::ElementsAreArray(in_id_order(objects)), *arg,
                                     result_listener);
}

}  // namespace bale
