// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Peak memory. getrusage(2) would include the parent's peak, which survives fork and exec. The
// kernel's "VmHWM" counts this program's memory only.

#include "cli/rss.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <array>
#include <charconv>
#include <span>
#include <string_view>
#include <utility>

#include "io/posix_file.h"

namespace bale::cli {
namespace {

std::uint64_t high_water_kib() {
  constexpr std::string_view kKey = "VmHWM:";
  constexpr const char* kPath = "/proc/self/status";
  Descriptor descriptor(retry_interrupted([] { return ::open(kPath, O_RDONLY | O_CLOEXEC); }));
  if (descriptor.get() < 0) return 0;
  std::array<char, 4096> buffer;
  PosixFile status(std::move(descriptor), kPath, /*linkable=*/false);
  const auto got = status.read_at(0, std::as_writable_bytes(std::span(buffer)));
  if (!got) return 0;
  std::string_view text(buffer.data(), *got);
  const std::size_t key = text.find(kKey);
  if (key == std::string_view::npos) return 0;
  text.remove_prefix(key + kKey.size());
  const std::size_t digits = text.find_first_of("0123456789");
  if (digits == std::string_view::npos) return 0;
  std::uint64_t kib = 0;
  static_cast<void>(std::from_chars(text.data() + digits, text.data() + text.size(), kib));
  return kib;
}

}  // namespace

std::uint64_t peak_rss_bytes() {
  const std::uint64_t kib = high_water_kib();
  if (kib != 0) return kib << 10;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
}

}  // namespace bale::cli
