// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The limit for small objects: one loop that copies headers and payloads into a buffer, hashes and
// writes it when it is full, keeps (id, offset) in an array, sorts that, and writes it the same
// way. The bytes are a pack's and an index's in all but the trailers.

#include <array>
#include <cstring>

#include "base/endian.h"
#include "bench/contender.h"
#include "bench/disk.h"
#include "bench/stopwatch.h"
#include "hash/blake3.h"
#include "scratch/radix_sort.h"

namespace bale::bench {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kIdBytes = 32;

// The most bytes that put() adds beside the payload.
constexpr std::size_t kHeaderBytes = 1 + kIdBytes + 4 + 4;

using Record = std::array<std::byte, kIdBytes + 8>;

class HashedFile {
 public:
  explicit HashedFile(const std::string& path) : file_(path), buffer_(kBufferBytes) {}

  // Makes room for `size` bytes and returns where they go.
  std::byte* reserve(std::size_t size) {
    if (used_ + size > buffer_.size()) flush();
    return buffer_.data() + used_;
  }

  void advance(std::size_t size) { used_ += size; }

  [[nodiscard]] std::uint64_t offset() const { return flushed_ + used_; }

  void flush() {
    const Bytes full = Bytes(buffer_).first(used_);
    hasher_.update(full);
    file_.write(full);
    flushed_ += used_;
    used_ = 0;
  }

  void finish() {
    flush();
    file_.write(hasher_.finish());
  }

 private:
  SequentialFile file_;
  Blake3Hasher hasher_;
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
  std::uint64_t flushed_ = 0;
};

// Sizes below 2^11 for the type byte and two varints: this loop is for small objects.
std::size_t encode(const Object& object, std::byte* to) {
  const std::size_t size = object.payload.size();
  std::byte* at = to;
  *at++ = std::byte{0};
  std::memcpy(at, object.id.bytes().data(), kIdBytes);
  at += kIdBytes;
  *at++ = static_cast<std::byte>((size & 15) | (size > 15 ? 0x80 : 0));
  if (size > 15) *at++ = static_cast<std::byte>(size >> 4);
  *at++ = static_cast<std::byte>(size);
  std::memcpy(at, object.payload.data(), size);
  return static_cast<std::size_t>(at - to) + size;
}

class PlainLoop final : public Contender {
 public:
  [[nodiscard]] std::string_view name() const override { return "limit"; }

  [[nodiscard]] std::string manner() const override {
    return "one loop: copies, sorts an array of records, hashes, writes; one core";
  }

  Sample build(const Objects& objects, const std::string& directory) override {
    const Stopwatch watch;
    std::vector<Record> records;
    records.reserve(objects.count());
    HashedFile pack(directory + "/limit.pack");
    for (std::size_t i = 0; i < objects.count(); ++i) {
      const Object object = objects[i];
      std::byte* to = pack.reserve(kHeaderBytes + object.payload.size());
      Record& record = records.emplace_back();
      std::memcpy(record.data(), object.id.bytes().data(), kIdBytes);
      store_be(record.data() + kIdBytes, pack.offset());
      pack.advance(encode(object, to));
    }
    pack.finish();
    const double added = watch.seconds();
    radix_sort<sizeof(Record)>(records);
    HashedFile index(directory + "/limit.idx");
    for (const Record& record : records) {
      std::byte* to = index.reserve(1 + record.size());
      *to = std::byte{0};
      std::memcpy(to + 1, record.data(), record.size());
      index.advance(1 + record.size());
    }
    index.finish();
    const double all = watch.seconds();
    return {.seconds = all, .finish_seconds = all - added};
  }

  [[nodiscard]] std::unique_ptr<Reading> open(const std::string& directory,
                                              const Objects& objects) override {
    static_cast<void>(directory);
    static_cast<void>(objects);
    return nullptr;
  }
};

}  // namespace

std::unique_ptr<Contender> make_plain_loop() {
  return std::make_unique<PlainLoop>();
}

}  // namespace bale::bench
