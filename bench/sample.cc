// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bench/sample.h"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <type_traits>

#include "bench/die.h"

namespace bale::bench {

Sample in_child(const std::function<Sample()>& work) {
  static_assert(std::is_trivially_copyable_v<Sample>);
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) die_of_errno("pipe");
  std::fflush(nullptr);
  // What earlier work freed must not count as the child's memory.
  ::malloc_trim(0);
  const pid_t child = ::fork();
  if (child < 0) die_of_errno("fork");
  if (child == 0) {
    const Sample sample = work();
    const bool whole = ::write(ends[1], &sample, sizeof(sample)) == sizeof(sample);
    std::fflush(nullptr);
    ::_exit(whole ? 0 : 1);
  }
  ::close(ends[1]);
  Sample sample;
  const bool whole = ::read(ends[0], &sample, sizeof(sample)) == sizeof(sample);
  ::close(ends[0]);
  int status = 0;
  if (::waitpid(child, &status, 0) != child) die_of_errno("waitpid");
  if (!whole || status != 0) die("a measured process failed (wait status {})", status);
  return sample;
}

ResidentBytes resident_bytes(int process_id) {
  std::ifstream status(fmt::format("/proc/{}/status", process_id));
  ResidentBytes resident;
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) resident.peak = kibibytes * 1024;
    if (word == "VmRSS:" && status >> kibibytes) resident.now = kibibytes * 1024;
  }
  return resident;
}

ResidentBytes resident_bytes() {
  return resident_bytes(::getpid());
}

}  // namespace bale::bench
