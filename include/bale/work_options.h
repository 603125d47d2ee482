// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// WorkOptions: what every long operation may use, and how it is watched. The member `work` of its
// options:
//
//   bale::PackBuilderOptions options{.level = 9, .work = {.memory_bytes = 256 << 20, .lanes = 4}};

#pragma once

#include <cstddef>
#include <cstdint>

#include "bale/file_system.h"
#include "bale/progress.h"

namespace bale {

struct WorkOptions {
  /// The most that the operation takes. smallest_..._memory_bytes() says the least that it works
  /// with; less is kInvalidArgument.
  std::uint64_t memory_bytes = 64 << 20;
  /// Threads besides the caller's; 1: the caller's does all the work; 0: as many as processors.
  /// Fewer where the memory suffices for fewer.
  std::size_t lanes = 0;
  /// Make files durable before they take their names. false: fast and not safe against a power cut,
  /// for tests.
  bool sync = true;
  Operation operation{};
  /// Null: posix_file_system(). An operation on a Store uses that store's.
  FileSystem* file_system = nullptr;
};

}  // namespace bale
