// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// pack_memory: builds one pack, says how much memory that took, and removes the pack. For
// memory_test.cc, scripts/memory.sh, and by hand for numbers too large for a test:
//
//   pack_memory --objects 100000000 --ids prefix     so many objects of 16 to 64 bytes
//   pack_memory --objects 10000 --size 1048576       so many of 1 MiB, half of which compresses
//   pack_memory --payload 10737418240                one of so many bytes, fed in pieces
//
// --ids random, prefix (alike in their first 24 bytes), ascending or descending; --level, --memory
// (bytes) and --lanes as in PackBuilderOptions; --directory, which is where temporary files go
// otherwise. Prints one JSON object.
//
// The peak is VmHWM of /proc/self/status, not ru_maxrss: the latter begins, after exec, with what
// the process that started this one had in memory.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include "bale/pack_builder.h"
#include "base/check.h"
#include "base/endian.h"
#include "base/known_id.h"
#include "base/try.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::map<std::string, std::string> given;

  [[nodiscard]] std::uint64_t number(const std::string& name, std::uint64_t otherwise) const {
    const auto found = given.find(name);
    return found == given.end() ? otherwise : std::stoull(found->second);
  }

  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = given.find(name);
    return found == given.end() ? otherwise : found->second;
  }
};

// The id of object `number` of `count`.
ObjectId id_of(const std::string& order, std::uint64_t number, std::uint64_t count) {
  if (order == "prefix") return prefixed_id(number);
  if (order == "random") return test_id(IdKind::kContentHash, number);
  CHECK(order == "ascending" || order == "descending");
  std::array<std::byte, 32> id{};
  store_be<std::uint64_t>(id.data(), order == "ascending" ? number : count - number);
  return known_id<ObjectId>(IdKind::kContentHash, id);
}

Result<PackSummary> build(const std::string& path, const Arguments& arguments, double* seconds) {
  PackBuilderOptions options;
  options.work.sync = false;
  options.allow_huge = true;
  options.level = static_cast<int>(arguments.number("--level", 3));
  options.work.memory_bytes = arguments.number("--memory", 16 << 20);
  options.work.lanes = arguments.number("--lanes", 0);
  const Clock::time_point start = Clock::now();
  PackBuilder builder = TRY(PackBuilder::create(path, options));
  const std::uint64_t count = arguments.number("--objects", 0);
  const std::uint64_t size = arguments.number("--size", 0);
  const std::string order = arguments.text("--ids", "random");
  // Half of it compresses, and no two pieces of it are alike.
  ByteVector content = noise(size / 2, 1);
  content.resize(size);
  const ByteVector small = noise(256, 1);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Bytes payload = size > 0 ? Bytes(content) : Bytes(small).subspan(i % 192, 16 + i % 49);
    if (size >= 8) store_be(content.data(), i);
    TRY(builder.add(id_of(order, i, count), ObjectType::kBlob, payload));
  }
  if (const std::uint64_t bytes = arguments.number("--payload", 0); bytes > 0) {
    ByteVector piece = noise(100'000, 1);
    piece.resize(200'000);
    TRY(builder.begin_object(IdKind::kContentHash, ObjectType::kBlob, bytes));
    for (std::uint64_t left = bytes; left > 0;) {
      const std::size_t taken = std::min<std::uint64_t>(left, piece.size());
      TRY(builder.write(Bytes(piece).first(taken)));
      left -= taken;
    }
    TRY(builder.end_object(test_id(IdKind::kContentHash, UINT64_MAX)));
  }
  *seconds = std::chrono::duration<double>(Clock::now() - start).count();
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
  for (int i = 1; i + 1 < argc; i += 2) arguments.given[argv[i]] = argv[i + 1];
  const TempDirectory temporary;
  const std::string path = arguments.text("--directory", temporary.path()) + "/memory.pack";
  double seconds = 0;
  const Result<PackSummary> summary = build(path, arguments, &seconds);
  if (!summary) {
    std::fprintf(stderr, "pack_memory: %s\n", summary.error().message.c_str());
    return 1;
  }
  static_cast<void>(posix_file_system().remove_file(path).has_value());
  static_cast<void>(posix_file_system().remove_file(default_index_path(path)).has_value());
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "{\"objects\":%llu,\"bytes_in\":%llu,\"pack_bytes\":%llu,\"scratch_bytes\":%llu,"
      "\"add_seconds\":%.2f,\"finish_seconds\":%.2f,\"peak_rss_bytes\":%llu}\n",
      number(summary->objects), number(summary->bytes_in), number(summary->pack_bytes),
      number(summary->scratch_bytes), seconds, summary->finish_seconds, number(peak_rss_bytes()));
  return 0;
}

}  // namespace
}  // namespace bale

int main(int argc, char** argv) {
  return bale::run(argc, argv);
}
