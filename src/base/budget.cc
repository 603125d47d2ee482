// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "base/budget.h"

#include <sys/mman.h>

#include <utility>

#include "base/check.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

std::atomic<ChargeRefuser> charge_refuser = nullptr;

}  // namespace

ChargeRefuser set_charge_refuser(ChargeRefuser refuser) {
  return charge_refuser.exchange(refuser);
}

Charge::Charge(Charge&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Charge& Charge::operator=(Charge&& other) noexcept {
  if (this != &other) {
    release();
    budget_ = std::exchange(other.budget_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void Charge::release() {
  if (budget_ == nullptr) return;
  const std::uint64_t before = budget_->used_bytes_.fetch_sub(bytes_);
  CHECK(before >= bytes_);
  budget_ = nullptr;
  bytes_ = 0;
}

bool Budget::take(std::uint64_t bytes) {
  const ChargeRefuser refuser = charge_refuser.load(std::memory_order_relaxed);
  if (refuser != nullptr && refuser(bytes)) [[unlikely]]
    return false;
  std::uint64_t used = used_bytes_.load();
  do {
    if (bytes > limit_bytes_ - used) return false;
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes));
  std::uint64_t peak = peak_bytes_.load();
  while (peak < used + bytes && !peak_bytes_.compare_exchange_weak(peak, used + bytes)) {
  }
  return true;
}

Result<Charge> Budget::charge(std::uint64_t bytes, std::string_view what) {
  if (!take(bytes)) {
    return fail(ErrorCode::kLimitExceeded,
                {.kind = HintKind::kNeedsMemory,
                 .needed_bytes = used_bytes() + bytes,
                 .allowed_bytes = limit_bytes_},
                "{} needs {}, and {} of the allowed {} are in use", what, format_bytes(bytes),
                format_bytes(used_bytes()), format_bytes(limit_bytes_));
  }
  return Charge(this, bytes);
}

Charge Budget::try_charge(std::uint64_t bytes) {
  if (bytes == 0 || !take(bytes)) return {};
  return {this, bytes};
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      charge_(std::move(other.charge_)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    charge_ = std::move(other.charge_);
  }
  return *this;
}

Buffer::~Buffer() {
  unmap();
}

void Buffer::unmap() {
  if (data_ == nullptr) return;
  const int status = ::munmap(data_, size_);
  CHECK(status == 0);
  data_ = nullptr;
}

Result<Buffer> Buffer::allocate(Budget& budget, std::uint64_t bytes, std::string_view what) {
  Buffer buffer;
  if (bytes == 0) return buffer;
  buffer.charge_ = TRY(budget.charge(bytes, what));
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return fail(ErrorCode::kLimitExceeded, "the system has no {} left for {}", format_bytes(bytes),
                what);
  }
  buffer.data_ = static_cast<std::byte*>(memory);
  buffer.size_ = bytes;
  return buffer;
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 10'000) return counted(bytes, "byte");
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  double scaled = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (scaled >= 1000 && unit + 1 < std::size(kUnits)) {
    scaled /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", scaled, kUnits[unit]);
}

}  // namespace bale
