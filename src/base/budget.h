// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Budget: the one account that every large buffer is charged to, before it is taken.
//
// A component that wants memory whose size depends on options or input asks for a Charge; the
// charge gives the bytes back when it is destroyed. What a charge refuses is an Error that names
// the need, or a signal to spill or wait: never an allocation beyond the limit. Small, constant
// things (a few KiB a component) are not charged.
//
//   Buffer buffer = TRY(Buffer::allocate(budget, 1 << 20, "the write buffer"));
//
// Thread-safe. The Budget must outlive its charges.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bale/bytes.h"
#include "bale/result.h"

namespace bale {

class Budget;

/// For tests: asked before every charge of every budget in the process, and true refuses it. Null
/// (the default) is asked by nobody. May be called from any thread; returns what was set before.
using ChargeRefuser = bool (*)(std::uint64_t bytes);
ChargeRefuser set_charge_refuser(ChargeRefuser refuser);

/// Bytes that are taken from a budget, given back on destruction. Move-only; may be empty.
class [[nodiscard]] Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept;
  Charge& operator=(Charge&& other) noexcept;
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

  ~Charge() { release(); }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  void release();

 private:
  friend class Budget;

  Charge(Budget* budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}

  Budget* budget_ = nullptr;
  std::uint64_t bytes_ = 0;
};

class Budget {
 public:
  explicit Budget(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// kLimitExceeded, with the memory that would do, if `bytes` do not fit any more. `what` goes
  /// into the message: "the write buffer".
  Result<Charge> charge(std::uint64_t bytes, std::string_view what);

  /// The same as a question: an empty charge (bytes() == 0) if they do not fit.
  Charge try_charge(std::uint64_t bytes);

  [[nodiscard]] std::uint64_t limit_bytes() const { return limit_bytes_; }

  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_.load(); }

  [[nodiscard]] std::uint64_t free_bytes() const { return limit_bytes_ - used_bytes_.load(); }

  /// The most that was ever in use at once.
  [[nodiscard]] std::uint64_t peak_bytes() const { return peak_bytes_.load(); }

 private:
  friend class Charge;

  bool take(std::uint64_t bytes);

  const std::uint64_t limit_bytes_;
  std::atomic<std::uint64_t> used_bytes_ = 0;
  std::atomic<std::uint64_t> peak_bytes_ = 0;
};

/// A large buffer together with its charge. It is its own mapping, so its pages go back to the
/// system as soon as it is destroyed, and pages that were never touched cost nothing. Move-only.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  /// `bytes` zero bytes, page-aligned. kLimitExceeded if the budget refuses, or the system does.
  [[nodiscard]] static Result<Buffer> allocate(Budget& budget, std::uint64_t bytes,
                                               std::string_view what);

  [[nodiscard]] std::byte* data() { return data_; }

  [[nodiscard]] const std::byte* data() const { return data_; }

  [[nodiscard]] std::size_t size() const { return size_; }

  [[nodiscard]] MutableBytes span() { return {data_, size_}; }

  [[nodiscard]] Bytes span() const { return {data_, size_}; }

 private:
  void unmap();

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  Charge charge_;
};

/// "16.0 MiB", "512 bytes": for messages.
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

}  // namespace bale
