// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Budget: the account to which every large buffer is charged before it is allocated.
//
// A component whose memory depends on options or input takes a Charge, which releases the bytes
// when it is destroyed. A refused charge is an Error that states the need, or a signal to spill or
// wait; the limit is never exceeded. Small constant memory (a few KiB a component) is not charged.
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

/// For tests: called before every charge of every budget in the process; true refuses the charge.
/// Null by default. Called from any thread. Returns the previous one.
using ChargeRefuser = bool (*)(std::uint64_t bytes);
ChargeRefuser set_charge_refuser(ChargeRefuser refuser);

/// Bytes taken from a budget, released on destruction. Move-only; may be empty.
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

  /// kLimitExceeded, with the memory that would suffice, if `bytes` do not fit. `what` appears in
  /// the message: "the write buffer".
  Result<Charge> charge(std::uint64_t bytes, std::string_view what);

  /// Returns an empty charge (bytes() == 0) if `bytes` do not fit.
  Charge try_charge(std::uint64_t bytes);

  [[nodiscard]] std::uint64_t limit_bytes() const { return limit_bytes_; }

  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_.load(); }

  [[nodiscard]] std::uint64_t free_bytes() const { return limit_bytes_ - used_bytes_.load(); }

  /// The highest amount in use so far.
  [[nodiscard]] std::uint64_t peak_bytes() const { return peak_bytes_.load(); }

 private:
  friend class Charge;

  bool take(std::uint64_t bytes);

  const std::uint64_t limit_bytes_;
  std::atomic<std::uint64_t> used_bytes_ = 0;
  std::atomic<std::uint64_t> peak_bytes_ = 0;
};

/// A large buffer with its charge. It is its own mapping: destruction returns its pages to the
/// system at once, and untouched pages cost nothing. Move-only.
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
