// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What the contenders store: a row of objects that is the same in each run and on each machine.
//
// Stored objects lie in memory before a clock starts. Counted ones are made from their number each
// time they are asked for, since a hundred million do not fit; what that costs is measured by
// itself and subtracted (generator_seconds()). Ids are spread as hashes are, or as an enemy would
// have them.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bale/bytes.h"
#include "bale/object.h"

namespace bale::bench {

/// A bijection of 64-bit numbers that looks random (splitmix64).
constexpr std::uint64_t mixed(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15;
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
  return number ^ (number >> 31);
}

/// Of payloads, in bytes; both ends included.
struct SizeRange {
  std::size_t smallest = 0;
  std::size_t largest = 0;
};

enum class Content : std::uint8_t {
  kNoise,  ///< does not compress
  kText,   ///< lines of words, compresses about as source code does
};

enum class IdStyle : std::uint8_t {
  kHash,    ///< uniform, as content hashes are
  kPrefix,  ///< 24 bytes alike, 8 that differ
  kEnemy,   ///< a number of leading zero bits of 0..191 is as likely as any other: an interpolation
            ///< is always far off
};

struct Object {
  ObjectId id;
  Bytes payload;
};

/// Immutable; safe from any thread. Views that it hands out live as long as it does.
class Objects {
 public:
  /// All in memory: payloads and ids.
  [[nodiscard]] static Objects stored(std::size_t count, SizeRange sizes, Content content,
                                      IdStyle style = IdStyle::kHash);

  /// Made when asked for. The payloads are views into a fixed piece of noise.
  [[nodiscard]] static Objects counted(std::size_t count, SizeRange sizes);

  [[nodiscard]] std::size_t count() const { return count_; }

  [[nodiscard]] SizeRange sizes() const { return sizes_; }

  [[nodiscard]] bool is_counted() const { return ids_.empty(); }

  [[nodiscard]] Object operator[](std::size_t number) const {
    if (is_counted()) return {counted_id(number), counted_payload(number)};
    const std::size_t begin = offsets_[number];
    return {ids_[number], Bytes(bytes_).subspan(begin, offsets_[number + 1] - begin)};
  }

  [[nodiscard]] ObjectId id(std::size_t number) const {
    return is_counted() ? counted_id(number) : ids_[number];
  }

  /// Of all objects; walks over counted ones.
  [[nodiscard]] std::uint64_t payload_bytes() const;

  /// What making all of them costs by itself; 0 for stored ones.
  [[nodiscard]] double generator_seconds() const;

 private:
  Objects(std::size_t count, SizeRange sizes) : count_(count), sizes_(sizes) {}

  [[nodiscard]] ObjectId counted_id(std::size_t number) const;

  [[nodiscard]] Bytes counted_payload(std::size_t number) const {
    const std::uint64_t random = mixed(~number);
    const std::size_t span = sizes_.largest - sizes_.smallest + 1;
    const std::size_t size = sizes_.smallest + (random >> 40) % span;
    return Bytes(bytes_).subspan(random % (bytes_.size() - size), size);
  }

  std::size_t count_;
  SizeRange sizes_;
  IdStyle style_ = IdStyle::kHash;
  std::vector<std::byte> bytes_;      // all payloads in a row; of counted ones the noise
  std::vector<std::size_t> offsets_;  // where each payload begins, and the end; empty if counted
  std::vector<ObjectId> ids_;         // empty if counted
};

/// A reading that is asked for. The id is kept beside the number so that no contender pays for
/// making it.
struct Query {
  std::uint32_t number = 0;
  ObjectId id;
};

/// `query_count` objects chosen at random, again and again the same.
[[nodiscard]] std::vector<Query> random_queries(const Objects& objects, std::size_t query_count);

/// The numbers of all objects in the order of their ids: what a tree is best loaded in.
[[nodiscard]] std::vector<std::uint32_t> order_of_ids(const Objects& objects);

/// Takes what a contender read: touches it, so that nobody gets away with a view of what was never
/// fetched, or compares it with the object, and ends the program where that differs.
class Receiver {
 public:
  enum class Mode : std::uint8_t { kTouch, kCompare };

  Receiver(const Objects& objects, Mode mode) : objects_(&objects), mode_(mode) {}

  void take(const Query& query, Bytes payload) {
    ++taken_;
    if (mode_ == Mode::kCompare) return compare(query, payload);
    for (std::size_t at = 0; at < payload.size(); at += 64) {
      sum_ += std::to_integer<std::uint64_t>(payload[at]);
    }
  }

  /// For a reading that gives no bytes, only how many there are or where.
  void take_number(std::uint64_t number) {
    ++taken_;
    sum_ += number;
  }

  /// How many objects came.
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

  /// Of bytes that were touched: use it, or the compiler removes the touching.
  [[nodiscard]] std::uint64_t sum() const { return sum_; }

 private:
  void compare(const Query& query, Bytes payload) const;

  const Objects* objects_;
  Mode mode_;
  std::uint64_t taken_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace bale::bench
