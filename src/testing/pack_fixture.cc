// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/pack_fixture.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "format/object_stream.h"
#include "hash/blake3.h"
#include "testing/test_bytes.h"

namespace bale {

void PrintTo(const TestObject& object, std::ostream* out) {
  *out << to_string(object.type) << ' ' << object.id.to_hex().substr(0, 12) << ".. ("
       << object.payload.size() << " bytes)";
}

ByteVector bytes_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

ByteVector noise(std::size_t size, std::uint64_t seed) {
  TestRandom random(seed);
  return random_bytes(random, size);
}

ByteVector prose(std::size_t size, std::uint64_t seed) {
  TestRandom random(seed);
  return text_bytes(random, size);
}

ObjectId test_id(IdKind kind, std::uint64_t number) {
  std::array<std::byte, 8> bytes;
  store_be(bytes.data(), number);
  const Blake3Hash hash = blake3(bytes);
  return known_id<ObjectId>(kind, Bytes(hash).first(id_bytes(kind)));
}

ObjectId prefixed_id(std::uint64_t number) {
  std::array<std::byte, 32> bytes;
  bytes.fill(std::byte{0x5a});
  store_be(bytes.data() + 24, number);
  return known_id<ObjectId>(IdKind::kContentHash, bytes);
}

std::vector<TestObject> make_objects(std::size_t count, std::uint64_t seed) {
  TestRandom random(seed);
  // Payloads are parts of one text and one noise: new ones for each would be slow.
  const ByteVector text = text_bytes(random, 64 << 10);
  const ByteVector hiss = random_bytes(random, 64 << 10);
  std::vector<TestObject> objects(count);
  for (std::size_t i = 0; i < count; ++i) {
    TestObject& object = objects[i];
    const auto kind = static_cast<IdKind>(random.below(4) == 0 ? 1 : 0);
    object.id = test_id(kind, seed * 1'000'003 + i);
    object.type = static_cast<ObjectType>(random.below(4));
    const std::size_t size = random.below(random.below(3) == 0 ? 2000 : 100);
    const ByteVector& source = random.below(4) == 0 ? hiss : text;
    const Bytes piece = Bytes(source).subspan(random.below(source.size() - size), size);
    object.payload.assign(piece.begin(), piece.end());
  }
  return objects;
}

std::vector<TestObject> in_id_order(std::vector<TestObject> objects) {
  std::sort(objects.begin(), objects.end(),
            [](const TestObject& a, const TestObject& b) { return a.id < b.id; });
  return objects;
}

PackBuilderOptions test_options() {
  PackBuilderOptions options;
  options.work.memory_bytes = 8 << 20;
  options.work.sync = false;
  return options;
}

Result<void> add_all(PackBuilder& builder, const std::vector<TestObject>& objects) {
  for (const TestObject& object : objects) {
    const EntryHandle handle = TRY(builder.add(object.id, object.type, object.payload));
    CHECK(handle.id == object.id && handle.size == object.payload.size() && handle.depth == 0);
  }
  return {};
}

Result<PackInMemory> build_pack(const std::vector<TestObject>& objects,
                                const PackBuilderOptions& options) {
  PackBuilder builder = TRY(PackBuilder::in_memory(options));
  TRY(add_all(builder, objects));
  return builder.finish_in_memory();
}

Result<void> write_file(FileSystem& files, const std::string& path, Bytes content) {
  const std::unique_ptr<File> file = TRY(files.create(path, CreateMode::kTruncate));
  return file->write_at(0, content);
}

Result<ByteVector> read_file(FileSystem& files, const std::string& path) {
  const std::unique_ptr<File> file = TRY(files.open(path));
  ByteVector content(TRY(file->size()));
  const std::size_t got = TRY(file->read_at(0, content));
  CHECK(got == content.size());
  return content;
}

Result<void> put_pack(FileSystem& files, const std::string& pack_path, const PackInMemory& pack) {
  return put_pack(files, pack_path, pack.pack, pack.index);
}

Result<void> put_pack(FileSystem& files, const std::string& pack_path, Bytes pack, Bytes index) {
  TRY(write_file(files, pack_path, pack));
  return write_file(files, default_index_path(pack_path), index);
}

Result<std::vector<TestObject>> read_pack(const PackReader& pack) {
  ReadContext context;
  std::vector<TestObject> objects;
  for (std::uint64_t position = 0; position < pack.record_count(); ++position) {
    const IndexRecord record = TRY(pack.record(position));
    const ObjectView object = TRY(pack.get(record.id, context));
    CHECK(object.id == record.id && pack.find(record.id) == record.offset);
    objects.push_back({object.id, object.type, {object.payload.begin(), object.payload.end()}});
  }
  return objects;
}

Result<std::vector<TestObject>> read_pack(FileSystem& files, const std::string& pack_path,
                                          PackAccess access) {
  const PackReader pack =
      TRY(PackReader::open(pack_path, {.access = access, .file_system = &files}));
  return read_pack(pack);
}

Result<std::vector<std::string>> names_in(FileSystem& files, const std::string& directory) {
  std::vector<std::string> names;
  const std::vector<DirectoryEntry> entries = TRY(files.list(directory));
  for (const DirectoryEntry& entry : entries) names.push_back(entry.name);
  return names;
}

std::string golden_path(const std::string& name, const std::string& file) {
  return std::string(BALE_SOURCE_DIR) + "/test/golden/" + name + "/" + file;
}

Result<std::vector<TestObject>> parse_frames(Bytes stream, bool with_paths) {
  std::vector<TestObject> objects;
  const auto take = [&stream](std::size_t size) -> Result<Bytes> {
    if (stream.size() < size) return fail(ErrorCode::kCorrupt, "the stream ends in an object");
    const Bytes piece = stream.first(size);
    stream = stream.subspan(size);
    return piece;
  };
  while (!stream.empty()) {
    const std::size_t frame_bytes = TRY(object_frame_bytes(stream[0]));
    const Bytes frame = TRY(take(frame_bytes));
    const StreamedObject object = TRY(decode_object_frame(frame));
    const Bytes payload = TRY(take(object.size));
    objects.push_back({object.id, object.type, {payload.begin(), payload.end()}});
    if (!with_paths) continue;
    const Bytes length = TRY(take(2));
    TRY_VOID(take(load_le<std::uint16_t>(length.data())));
  }
  return objects;
}

}  // namespace bale
