// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// pack_memory: builds one pack with the default options, says how much memory that took, and
// removes the pack. For memory_test.cc, and by hand for numbers too large for a test:
//
//   pack_memory 10000000 [--prefix]       so many objects of 40 bytes; with ids alike in 24 bytes
//   pack_memory --payload 4294967296      one object of so many bytes, fed in pieces
//
// Both take `--directory DIR` (default: where temporary files go). Prints one JSON object.
//
// The peak is VmHWM of /proc/self/status, not ru_maxrss: the latter begins, after exec, with what
// the process that started this one had in memory.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "bale/pack_builder.h"
#include "base/try.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

struct Arguments {
  std::uint64_t object_count = 0;
  std::uint64_t payload_bytes = 0;
  bool prefix = false;
};

Result<PackSummary> build(const std::string& path, const Arguments& arguments) {
  PackBuilderOptions options;
  options.sync = false;
  options.allow_huge = true;
  PackBuilder builder = TRY(PackBuilder::create(path, options));
  const ByteVector payload = noise(40, 1);
  for (std::uint64_t i = 0; i < arguments.object_count; ++i) {
    const ObjectId id = arguments.prefix ? prefixed_id(i) : test_id(IdKind::kContentHash, i);
    TRY(builder.add(id, ObjectType::kBlob, payload));
  }
  if (arguments.payload_bytes > 0) {
    // Half of it compresses, and no two frames are alike.
    ByteVector piece = noise(100'000, 1);
    piece.resize(200'000);
    TRY(builder.begin_object(IdKind::kContentHash, ObjectType::kBlob, arguments.payload_bytes));
    for (std::uint64_t left = arguments.payload_bytes; left > 0;) {
      const std::size_t size = std::min<std::uint64_t>(left, piece.size());
      TRY(builder.write(Bytes(piece).first(size)));
      left -= size;
    }
    TRY(builder.end_object(test_id(IdKind::kContentHash, UINT64_MAX)));
  }
  return builder.finish();
}

std::uint64_t peak_rss_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

int run(int argc, char** argv) {
  Arguments arguments;
  std::string directory;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--prefix") {
      arguments.prefix = true;
    } else if (argument == "--payload" && i + 1 < argc) {
      arguments.payload_bytes = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--directory" && i + 1 < argc) {
      directory = argv[++i];
    } else {
      arguments.object_count = std::strtoull(argument.c_str(), nullptr, 10);
    }
  }
  const TempDirectory temporary;
  if (directory.empty()) directory = temporary.path();
  const std::string path = directory + "/memory.pack";
  const Result<PackSummary> summary = build(path, arguments);
  if (!summary) {
    std::fprintf(stderr, "pack_memory: %s\n", summary.error().message.c_str());
    return 1;
  }
  static_cast<void>(posix_file_system().remove_file(path).has_value());
  static_cast<void>(posix_file_system().remove_file(default_index_path(path)).has_value());
  std::printf(
      "{\"objects\":%llu,\"bytes_in\":%llu,\"pack_bytes\":%llu,\"scratch_bytes\":%llu,"
      "\"peak_rss_bytes\":%llu}\n",
      static_cast<unsigned long long>(summary->objects),
      static_cast<unsigned long long>(summary->bytes_in),
      static_cast<unsigned long long>(summary->pack_bytes),
      static_cast<unsigned long long>(summary->scratch_bytes),
      static_cast<unsigned long long>(peak_rss_bytes()));
  return 0;
}

}  // namespace
}  // namespace bale

int main(int argc, char** argv) {
  return bale::run(argc, argv);
}
