// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bench/limits.h"

#include <sched.h>

#include <algorithm>
#include <vector>

#include "bench/contender.h"
#include "bench/disk.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

}  // namespace

unsigned available_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max(1U, static_cast<unsigned>(CPU_COUNT(&cores)));
}

Sample write_to_disk(std::uint64_t bytes, const std::string& directory) {
  // A disk that finds holes or repetition must not look faster than it is.
  std::vector<std::byte> buffer(kBufferBytes);
  for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = static_cast<std::byte>(mixed(i));
  const Stopwatch watch;
  {
    const SequentialFile file(directory + "/disk");
    for (std::uint64_t left = bytes; left > 0;) {
      const std::size_t size = std::min<std::uint64_t>(left, buffer.size());
      file.write(Bytes(buffer).first(size));
      left -= size;
    }
  }
  return {.seconds = watch.seconds(), .sync_seconds = sync_tree(directory)};
}

}  // namespace bale::bench
