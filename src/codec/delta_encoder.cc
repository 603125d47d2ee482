// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Encodes delta programs.
//
// A hash table holds the base's blocks of 16 bytes. The target is looked up at every position (a
// common run of 31 bytes contains a whole block), and a match is extended forward to the first
// difference and back to the last copy. Three rules keep the time linear for any bytes:
//   - a chain is followed for at most kMaxProbes items, and the longest match is used, whose bytes
//     amortize the cost of the others;
//   - of consecutive equal blocks (zeros) only the first is in the table: it extends farthest, and
//     the others do not lengthen the chain;
//   - after many bytes without a match, positions are skipped. The step is odd, and so meets the
//     blocks of the base at every phase: only runs shorter than some 130 bytes can be missed.
// A bit set, at most an eighth full, rejects most positions without reading the table.

#include "codec/delta_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"

namespace bale {
namespace {

constexpr std::size_t kBlockBytes = 16;
constexpr unsigned kMinHeadBits = 4;
constexpr unsigned kFilterBits = 4;  // additional hash bits, compared with heads_
constexpr int kMaxProbes = 8;
constexpr std::size_t kGoodMatchBytes = 1024;  // a match this long ends the search

// After every 2^12 bytes without a match, the search gets coarser, down to every 7th position.
constexpr unsigned kPatienceShift = 12;
constexpr std::size_t kMaxStep = 7;

// A match almost never extends back over more literals than this; so a program that exceeds its
// limit by this much will not become short enough.
constexpr std::size_t kReachBackBytes = 1024;

constexpr std::size_t kMaxLiteralBytes = 128;
constexpr std::size_t kMaxCopyBytes = 0xFFFFFF;

// One or two blocks per head.
unsigned head_bits_for(std::size_t block_count) {
  const std::size_t blocks = std::max<std::size_t>(block_count, std::size_t{1} << kMinHeadBits);
  return static_cast<unsigned>(std::bit_width(blocks)) - 1;
}

std::size_t filter_words(unsigned head_bits) {
  return (std::size_t{1} << (head_bits + kFilterBits)) / 64;
}

// Every bit of the 16 bytes affects every bit of the result. Little-endian on any machine, so that
// programs are the same everywhere.
std::uint64_t hash_block(const std::byte* block) {
  __extension__ using Wide = unsigned __int128;
  const std::uint64_t low = load_le<std::uint64_t>(block) ^ 0x9E3779B97F4A7C15u;
  const std::uint64_t high = load_le<std::uint64_t>(block + 8) ^ 0xD6E8FEB86659FD93u;
  const Wide product = Wide{low} * high;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// The length of the common prefix, at most `limit`.
std::size_t common_prefix(const std::byte* a, const std::byte* b, std::size_t limit) {
  std::size_t size = 0;
  while (limit - size >= 8) {
    const std::uint64_t difference =
        load_le<std::uint64_t>(a + size) ^ load_le<std::uint64_t>(b + size);
    if (difference != 0) {
      return size + static_cast<std::size_t>(std::countr_zero(difference)) / 8;
    }
    size += 8;
  }
  while (size < limit && a[size] == b[size]) ++size;
  return size;
}

// The length of the common suffix, at most `limit`.
std::size_t common_suffix(const std::byte* a_end, const std::byte* b_end, std::size_t limit) {
  std::size_t size = 0;
  while (size < limit && *(a_end - 1 - size) == *(b_end - 1 - size)) ++size;
  return size;
}

// Writes operations into limited memory. Once one does not fit, all later ones are dropped.
class ProgramWriter {
 public:
  explicit ProgramWriter(MutableBytes out) : out_(out) {}

  [[nodiscard]] std::size_t size() const { return size_; }

  [[nodiscard]] bool literals(Bytes bytes) {
    while (!bytes.empty()) {
      std::size_t count = std::min(bytes.size(), kMaxLiteralBytes);
      // Trap 2: an insert of 41 bytes at the very beginning that spells zstd's magic.
      if (size_ == 0 && count == 0x29 && begins_like_zstd(bytes)) count -= 1;
      if (count + 1 > out_.size() - size_) return false;
      out_[size_] = static_cast<std::byte>(count - 1);
      std::memcpy(out_.data() + size_ + 1, bytes.data(), count);
      size_ += count + 1;
      bytes = bytes.subspan(count);
    }
    return true;
  }

  [[nodiscard]] bool copy(std::size_t offset, std::size_t size) {
    while (size > 0) {
      const std::size_t count = std::min(size, kMaxCopyBytes);
      if (!copy_once(offset, count)) return false;
      offset += count;
      size -= count;
    }
    return true;
  }

 private:
  static bool begins_like_zstd(Bytes bytes) {
    std::array<std::byte, 4> beginning = {std::byte{0x28}};
    std::memcpy(beginning.data() + 1, bytes.data(), 3);
    return starts_with_zstd_magic(beginning);
  }

  bool copy_once(std::size_t offset, std::size_t size) {
    std::array<std::byte, 8> operation{};
    std::size_t length = 1;
    unsigned code = 0x80;
    // 65,536 could be encoded as 0 without any byte, but at offset 0 that would be 0x80.
    for (unsigned i = 0; i < 4; ++i) {
      const auto byte = static_cast<std::byte>(offset >> (8 * i));
      if (byte == std::byte{0}) continue;
      operation[length++] = byte;
      code |= 1u << i;
    }
    for (unsigned i = 0; i < 3; ++i) {
      const auto byte = static_cast<std::byte>(size >> (8 * i));
      if (byte == std::byte{0}) continue;
      operation[length++] = byte;
      code |= 0x10u << i;
    }
    operation[0] = static_cast<std::byte>(code);
    if (length > out_.size() - size_) return false;
    std::memcpy(out_.data() + size_, operation.data(), length);
    size_ += length;
    return true;
  }

  MutableBytes out_;
  std::size_t size_ = 0;
};

}  // namespace

std::uint64_t DeltaEncoder::memory_bytes(std::size_t max_base_bytes) {
  const std::size_t blocks = max_base_bytes / kBlockBytes;
  const unsigned head_bits = head_bits_for(blocks);
  return filter_words(head_bits) * sizeof(std::uint64_t) +
         ((std::size_t{1} << head_bits) + blocks) * sizeof(std::uint32_t);
}

Result<DeltaEncoder> DeltaEncoder::create(Budget& budget, std::size_t max_base_bytes) {
  if (max_base_bytes > kMaxBaseBytes) {
    return fail(ErrorCode::kInvalidArgument, "no delta index for bases of {} (at most {})",
                format_bytes(max_base_bytes), format_bytes(kMaxBaseBytes));
  }
  Buffer memory = TRY(Buffer::allocate(budget, memory_bytes(max_base_bytes), "the delta index"));
  return DeltaEncoder(std::move(memory), max_base_bytes);
}

DeltaEncoder::DeltaEncoder(Buffer memory, std::size_t max_base_bytes)
    : memory_(std::move(memory)), max_base_bytes_(max_base_bytes) {
  const unsigned head_bits = head_bits_for(max_base_bytes / kBlockBytes);
  filter_ = reinterpret_cast<std::uint64_t*>(memory_.data());
  heads_ = reinterpret_cast<std::uint32_t*>(filter_ + filter_words(head_bits));
  next_ = heads_ + (std::size_t{1} << head_bits);
  index({});
}

void DeltaEncoder::index(Bytes base) {
  base_ = base.first(std::min(base.size(), max_base_bytes_));
  const std::size_t block_count = base_.size() / kBlockBytes;
  // A small base uses only the start of the memory, which stays cached.
  head_bits_ = head_bits_for(block_count);
  std::fill_n(heads_, std::size_t{1} << head_bits_, 0u);
  std::fill_n(filter_, filter_words(head_bits_), 0u);

  // Backwards, so that a chain starts with the earliest block, which extends farthest.
  std::uint64_t hash_behind = 0;
  for (std::size_t block = block_count; block-- > 0;) {
    const std::byte* const bytes = base_.data() + block * kBlockBytes;
    const std::uint64_t hash = hash_block(bytes);
    std::uint32_t& head = heads_[hash >> (64 - head_bits_)];
    const bool repeats = block + 1 < block_count && hash == hash_behind &&
                         std::memcmp(bytes, bytes + kBlockBytes, kBlockBytes) == 0;
    // The next block was inserted last, so it is the head of its chain.
    next_[block] = repeats ? next_[block + 1] : head;
    head = static_cast<std::uint32_t>(((block + 1) << 8) | (hash & 0xFF));
    const std::uint64_t bit = hash >> (64 - head_bits_ - kFilterBits);
    filter_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    hash_behind = hash;
  }
}

bool DeltaEncoder::may_have(std::uint64_t hash) const {
  const std::uint64_t bit = hash >> (64 - head_bits_ - kFilterBits);
  return ((filter_[bit / 64] >> (bit % 64)) & 1) != 0;
}

// The longest match that covers the 16 bytes at scan.at and starts at scan.done or later, or a
// match of size 0.
DeltaEncoder::Match DeltaEncoder::find_match(const Scan& scan, std::uint64_t hash) const {
  Match best;
  bool is_first = true;
  std::uint32_t item = heads_[hash >> (64 - head_bits_)];
  for (int probe = 0; item != 0 && probe < kMaxProbes; ++probe) {
    const std::size_t block = (item >> 8) - 1;
    if ((item & 0xFF) == (hash & 0xFF)) {
      if (std::exchange(is_first, false)) {
        // After an edit that kept the length, the next match has the same drift; the chain alone
        // may not find it among many equal lines.
        const std::ptrdiff_t expected = static_cast<std::ptrdiff_t>(scan.at) + scan.drift;
        if (expected >= 0 && static_cast<std::size_t>(expected) < base_.size()) {
          best = extend(scan, static_cast<std::size_t>(expected));
        }
      }
      if (best.size >= kGoodMatchBytes) break;
      const Match match = extend(scan, block * kBlockBytes);
      if (match.size > best.size) best = match;
    }
    item = next_[block];
  }
  return best;
}

DeltaEncoder::Match DeltaEncoder::extend(const Scan& scan, std::size_t base_at) const {
  const std::byte* const in_base = base_.data() + base_at;
  const std::byte* const in_target = scan.target.data() + scan.at;
  const std::size_t forward = common_prefix(
      in_base, in_target, std::min(base_.size() - base_at, scan.target.size() - scan.at));
  if (forward < kBlockBytes) return {};
  const std::size_t back =
      common_suffix(in_base, in_target, std::min(base_at, scan.at - scan.done));
  return {.base_at = base_at - back, .target_at = scan.at - back, .size = back + forward};
}

std::optional<std::size_t> DeltaEncoder::encode(Bytes target, MutableBytes out) const {
  ProgramWriter writer(out);
  std::size_t at = 0;
  std::size_t done = 0;
  std::ptrdiff_t drift = 0;
  while (target.size() - at >= kBlockBytes && base_.size() >= kBlockBytes) {
    const std::size_t pending = at - done;
    if (pending > out.size() - writer.size() + kReachBackBytes) return std::nullopt;
    const std::uint64_t hash = hash_block(target.data() + at);
    Match match;
    if (may_have(hash)) match = find_match({target, at, done, drift}, hash);
    if (match.size == 0) {
      const std::size_t step = std::min(1 + 2 * (pending >> kPatienceShift), kMaxStep);
      at = std::min(at + step, target.size());
      continue;
    }
    if (!writer.literals(target.subspan(done, match.target_at - done))) return std::nullopt;
    if (!writer.copy(match.base_at, match.size)) return std::nullopt;
    done = at = match.target_at + match.size;
    drift =
        static_cast<std::ptrdiff_t>(match.base_at) - static_cast<std::ptrdiff_t>(match.target_at);
  }
  if (!writer.literals(target.subspan(done))) return std::nullopt;
  return writer.size();
}

}  // namespace bale
