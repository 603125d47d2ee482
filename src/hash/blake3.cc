// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Streams use the official hasher. Payloads in memory of moderate size call the kernels directly:
// after a typed hash's 13 to 15 bytes of header, the official hasher would process chunk 0 alone,
// then 1, 2, 4, 8 chunks at a time. One call with all chunks keeps every lane busy, which is
// several times faster for a few KiB. Only chunk 0 is copied, to prepend the header.
//
// The tree over known chunks: pair neighbours, level by level; an odd one at the end moves up
// unchanged.
#include "hash/blake3.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/endian.h"
#include "base/known_id.h"
#include "hash/blake_kernels.h"

namespace bale {
namespace {

// Above this the official hasher reaches its full width.
constexpr std::size_t kMaxWholeChunks = 64;
constexpr std::size_t kMaxWholeBytes = kMaxWholeChunks * kBlakeChunkBytes;
static_assert(kMaxWholeChunks / 2 <= kMaxParents);

// Replaces the type's name for records.
constexpr std::string_view kRecordWord = "record";

// "blob", the size as u64 little-endian, a zero byte.
class TypedHeader {
 public:
  TypedHeader(std::string_view name, std::uint64_t size_bytes) {
    std::memcpy(bytes_, name.data(), name.size());
    store_le(bytes_ + name.size(), size_bytes);
    size_ = name.size() + sizeof(size_bytes) + 1;
    CHECK(size_ <= sizeof(bytes_));
  }

  [[nodiscard]] Bytes bytes() const { return {bytes_, size_}; }

 private:
  std::byte bytes_[16] = {};
  std::size_t size_;
};

// For 2 to kMaxWholeChunks chunks, the last of which may be short. `first` holds chunk 0, `rest`
// the others.
Blake3Hash hash_whole_tree(const std::byte* first, Bytes rest) {
  const std::size_t full_chunks = 1 + (rest.size() - 1) / kBlakeChunkBytes;
  const std::byte* chunks[kMaxWholeChunks];
  chunks[0] = first;
  for (std::size_t i = 1; i < full_chunks; ++i) {
    chunks[i] = rest.data() + (i - 1) * kBlakeChunkBytes;
  }
  ChainingValue buffers[2][kMaxWholeChunks];
  ChainingValue* values = buffers[0];
  ChainingValue* parents = buffers[1];
  std::size_t count = full_chunks + 1;
  // A whole last chunk is hashed with the others.
  const Bytes last = rest.subspan((full_chunks - 1) * kBlakeChunkBytes);
  if (last.size() == kBlakeChunkBytes) {
    chunks[full_chunks] = last.data();
    fold_chunks({chunks, count}, 0, {values, count});
  } else {
    fold_chunks({chunks, full_chunks}, 0, {values, full_chunks});
    values[full_chunks] = fold_chunk(last, full_chunks);
  }
  while (count > 2) {
    const std::size_t pairs = count / 2;
    fold_parents({values, 2 * pairs}, {parents, pairs});
    if (count % 2 == 1) parents[pairs] = values[count - 1];
    count = pairs + count % 2;
    std::swap(values, parents);
  }
  return fold_root_parent(values[0], values[1]);
}

Blake3Hash typed_hash(std::string_view name, Bytes payload) {
  const TypedHeader header(name, payload.size());
  const Bytes head = header.bytes();
  if (payload.size() > kMaxWholeBytes - head.size()) {
    Blake3Hasher hasher;
    hasher.update(head);
    hasher.update(payload);
    return hasher.finish();
  }
  detect_blake3_cpu();
  std::byte first[kBlakeChunkBytes];
  const std::size_t taken = std::min(payload.size(), sizeof(first) - head.size());
  std::memcpy(first, head.data(), head.size());
  if (taken > 0) std::memcpy(first + head.size(), payload.data(), taken);
  if (taken == payload.size()) return fold_root_chunk({first, head.size() + taken});
  return hash_whole_tree(first, payload.subspan(taken));
}

ObjectId content_hash_from(const Blake3Hash& hash) {
  return known_id<ObjectId>(IdKind::kContentHash, hash);
}

ObjectId change_id_from(const Blake3Hash& hash) {
  return known_id<ObjectId>(IdKind::kChangeId, Bytes(hash).first(id_bytes(IdKind::kChangeId)));
}

ObjectId store_id_from(ObjectType type, const Blake3Hash& hash) {
  return type == ObjectType::kState ? change_id_from(hash) : content_hash_from(hash);
}

}  // namespace

Blake3Hash blake3(Bytes data) {
  detect_blake3_cpu();
  if (data.size() <= kBlakeChunkBytes) return fold_root_chunk(data);
  if (data.size() <= kMaxWholeBytes) {
    return hash_whole_tree(data.data(), data.subspan(kBlakeChunkBytes));
  }
  Blake3Hasher hasher;
  hasher.update(data);
  return hasher.finish();
}

// Zeroing the 2 KB would cost as much as hashing a small object.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): blake3_hasher_init does it.
Blake3Hasher::Blake3Hasher() {
  detect_blake3_cpu();
  blake3_hasher_init(&state_);
}

void Blake3Hasher::update(Bytes data) {
  blake3_hasher_update(&state_, data.data(), data.size());
}

Blake3Hash Blake3Hasher::finish() const {
  Blake3Hash hash;
  blake3_hasher_finalize(&state_, reinterpret_cast<std::uint8_t*>(hash.data()), hash.size());
  return hash;
}

TypedHasher::TypedHasher(ObjectType type, std::uint64_t size_bytes)
    : type_(type), missing_bytes_(size_bytes) {
  hasher_.update(TypedHeader(to_string(type), size_bytes).bytes());
  if (type != ObjectType::kAction) return;
  record_hasher_.emplace();
  record_hasher_->update(TypedHeader(kRecordWord, size_bytes).bytes());
}

void TypedHasher::update(Bytes data) {
  CHECK(data.size() <= missing_bytes_);
  missing_bytes_ -= data.size();
  hasher_.update(data);
  if (record_hasher_) record_hasher_->update(data);
}

Blake3Hash TypedHasher::finish() const {
  CHECK(missing_bytes_ == 0);
  return hasher_.finish();
}

ObjectId TypedHasher::content_hash() const {
  return content_hash_from(finish());
}

ObjectId TypedHasher::change_id() const {
  return change_id_from(finish());
}

ObjectId TypedHasher::store_id() const {
  return store_id_from(type_, finish());
}

bool TypedHasher::is_store_id(const ObjectId& id) const {
  return store_id() == id || (record_hasher_ && record_id() == id);
}

ObjectId TypedHasher::record_id() const {
  CHECK(missing_bytes_ == 0 && record_hasher_);
  return content_hash_from(record_hasher_->finish());
}

ObjectId content_hash(ObjectType type, Bytes payload) {
  return content_hash_from(typed_hash(to_string(type), payload));
}

ObjectId change_id(ObjectType type, Bytes payload) {
  return change_id_from(typed_hash(to_string(type), payload));
}

ObjectId store_id(ObjectType type, Bytes payload) {
  return store_id_from(type, typed_hash(to_string(type), payload));
}

ObjectId record_id(Bytes payload) {
  return content_hash_from(typed_hash(kRecordWord, payload));
}

bool is_store_id(const ObjectId& id, ObjectType type, Bytes payload) {
  return store_id(type, payload) == id || (type == ObjectType::kAction && record_id(payload) == id);
}

}  // namespace bale
