// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Copies stay byte for byte. Adjacent literals are joined if that saves an operation, so a long run
// of them is split every 127 bytes and nowhere else.

#include "git/export/git_delta.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/delta_operation.h"

namespace bale {
namespace {

constexpr std::size_t kMostLiteralBytes = 127;

// The program being written. The caller provides the room.
class GitProgramText {
 public:
  explicit GitProgramText(std::byte* to) : begin_(to), to_(to) {}

  void number(std::uint64_t value) { to_ += encode_varint(value, to_); }

  void copy(const std::byte* from, std::size_t size) {
    std::memcpy(to_, from, size);
    to_ += size;
    insert_ = nullptr;
  }

  void literal(const std::byte* from, std::size_t size) {
    while (size > 0) {
      if (insert_ == nullptr || insert_bytes_ == kMostLiteralBytes) {
        insert_ = to_++;
        insert_bytes_ = 0;
      }
      const std::size_t part = std::min(size, kMostLiteralBytes - insert_bytes_);
      std::memcpy(to_, from, part);
      to_ += part;
      from += part;
      size -= part;
      insert_bytes_ += part;
      *insert_ = static_cast<std::byte>(insert_bytes_);
    }
  }

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(to_ - begin_); }

 private:
  std::byte* begin_;
  std::byte* to_;
  std::byte* insert_ = nullptr;  // the operation that more literals may join
  std::size_t insert_bytes_ = 0;
};

}  // namespace

Result<std::size_t> write_git_delta(Bytes program, const DeltaSizes& sizes, MutableBytes out) {
  CHECK(sizes.object > 0);
  CHECK(out.size() >= git_delta_bound(program.size()));
  GitProgramText text(out.data());
  text.number(sizes.base);
  text.number(sizes.object);
  const std::byte* at = program.data();
  const std::byte* const end = at + program.size();
  std::uint64_t left = sizes.object;
  while (at != end) {
    const std::byte* const begin = at;
    const DeltaOperation operation = TRY(read_delta_operation(at, end));
    if (operation.size > left) {
      return fail(ErrorCode::kCorrupt, "the delta program makes more than {}",
                  counted(sizes.object, "byte"));
    }
    left -= operation.size;
    if (operation.is_copy) {
      if (operation.offset > sizes.base || operation.size > sizes.base - operation.offset) {
        return fail(ErrorCode::kCorrupt, "a copy of {} at {} leaves the base of {}",
                    counted(operation.size, "byte"), operation.offset, counted(sizes.base, "byte"));
      }
      text.copy(begin, static_cast<std::size_t>(at - begin));
    } else {
      text.literal(at, operation.size);
      at += operation.size;
    }
  }
  if (left > 0) {
    return fail(ErrorCode::kCorrupt, "the delta program makes {}, not {}",
                counted(sizes.object - left, "byte"), sizes.object);
  }
  return text.size();
}

}  // namespace bale
