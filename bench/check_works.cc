// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Whole packs: verifying, making an index anew, and opening a large one.

#include <fcntl.h>
#include <unistd.h>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "bench/die.h"
#include "bench/limits.h"
#include "bench/stopwatch.h"
#include "bench/works.h"

namespace bale::bench {
namespace {

constexpr int kOpenings = 1000;

// Stores the objects in a pack of bale's, which is warm then, and returns its path.
std::string store(const Objects& objects, const Settings& settings) {
  const std::string directory = settings.directory->fresh("bale");
  static_cast<void>(in_child([&] {
    make_bale()->build(objects, directory);
    return Sample{};
  }));
  return directory + "/bale.pack";
}

struct PackOf {
  char letter;
  Objects objects;
};

Work verify(const Settings& settings, const PackOf& input) {
  const Objects& objects = input.objects;
  Work work{
      .name = fmt::format("verify {}", input.letter),
      .title = fmt::format("the pack of {} objects: every byte, every payload", objects.count()),
      .operations = objects.count(),
      .bytes = objects.payload_bytes()};
  const std::string pack = store(objects, settings);
  const std::vector<StoredPiece> pieces = stored_pieces(pack);
  Row limit{
      .contender = "limit",
      .manner = fmt::format("reading the pack, BLAKE3 over it and zstd of its frames, {} cores",
                            available_cores())};
  Row bale{.contender = "bale", .manner = "verify_pack with its default options"};
  for (int i = 0; i < settings.runs; ++i) {
    limit.samples.push_back(
        in_child([&] { return Sample{.seconds = hash_and_decompress(pack, pieces)}; }));
    bale.samples.push_back(in_child([&] {
      const std::uint64_t start_rss_bytes = resident_bytes().now;
      const Stopwatch watch;
      const PackReport report = must(verify_pack(pack));
      const double seconds = watch.seconds();
      if (!report.ok() || report.objects != objects.count()) die("bale finds its pack damaged");
      return Sample{.seconds = seconds,
                    .peak_rss_bytes = resident_bytes().peak - start_rss_bytes,
                    .start_rss_bytes = start_rss_bytes};
    }));
  }
  work.rows = {std::move(limit), std::move(bale)};
  work.targets.push_back(
      {.what = "of the limit's speed", .have = work.times("limit"), .want = 0.9});
  settings.directory->remove("bale");
  return work;
}

Work index(const Settings& settings, const PackOf& input) {
  const Objects& objects = input.objects;
  Work work{.name = fmt::format("index {}", input.letter),
            .title = fmt::format("the index of {} objects from their pack alone", objects.count()),
            .operations = objects.count(),
            .bytes = objects.payload_bytes()};
  const std::string pack = store(objects, settings);
  Row limit{.contender = "limit", .manner = "reading the file and BLAKE3 over it, one core"};
  Row bale{.contender = "bale", .manner = "make_index with its default options, not synced"};
  for (int i = 0; i < settings.runs; ++i) {
    limit.samples.push_back(in_child([&] { return Sample{.seconds = read_and_hash(pack)}; }));
    const std::string out = settings.directory->fresh("index");
    bale.samples.push_back(in_child([&] {
      const std::uint64_t start_rss_bytes = resident_bytes().now;
      const Stopwatch watch;
      const IndexReport report =
          must(make_index(pack, {.index_path = out + "/new.idx", .work = {.sync = false}}));
      const double seconds = watch.seconds();
      if (report.objects != objects.count()) die("bale indexes other objects than it stored");
      return Sample{.seconds = seconds,
                    .sync_seconds = sync_tree(out),
                    .bytes = bytes_under(out),
                    .peak_rss_bytes = resident_bytes().peak - start_rss_bytes,
                    .start_rss_bytes = start_rss_bytes};
    }));
  }
  work.rows = {std::move(limit), std::move(bale)};
  work.targets.push_back(
      {.what = "of the limit's speed", .have = work.times("limit"), .want = 0.9});
  settings.directory->remove("bale");
  settings.directory->remove("index");
  return work;
}

PackOf small_input(const Settings& settings) {
  return {'s', Objects::stored(settings.scaled(1'000'000), {.smallest = 16, .largest = 64},
                               Content::kNoise)};
}

PackOf medium_input(const Settings& settings) {
  return {'m', Objects::stored(settings.scaled(100'000), {.smallest = 200, .largest = 8'000},
                               Content::kText)};
}

PackOf large_input(const Settings& settings) {
  return {'l', Objects::stored(settings.scaled(200), {.smallest = 4 << 20, .largest = 8 << 20},
                               Content::kText)};
}

// Asks the system to forget the file's pages, which are on the disk.
void forget(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) die_of_errno(path);
  static_cast<void>(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED));
  ::close(descriptor);
}

double open_seconds(const std::string& pack) {
  const Stopwatch watch;
  const PackReader reader = must(PackReader::open(pack));
  return watch.seconds();
}

}  // namespace

std::vector<Work> verify_packs(const Settings& settings) {
  std::vector<Work> works;
  works.push_back(verify(settings, medium_input(settings)));
  works.push_back(verify(settings, large_input(settings)));
  return works;
}

std::vector<Work> index_packs(const Settings& settings) {
  std::vector<Work> works;
  works.push_back(index(settings, small_input(settings)));
  works.push_back(index(settings, medium_input(settings)));
  works.push_back(index(settings, large_input(settings)));
  return works;
}

Work open_pack(const Settings& settings, const std::string& pack_path, std::uint64_t object_count) {
  Work work{.name = "open",
            .title = fmt::format("opening the pack of {} objects", object_count),
            .operations = 1};
  Row warm{.contender = "bale", .manner = "median of 1,000 openings in a row"};
  Row cold{.contender = "bale cold",
           .manner = "once, after the system was told to forget the files"};
  for (int i = 0; i < settings.runs; ++i) {
    cold.samples.push_back(in_child([&] {
      forget(pack_path);
      forget(default_index_path(pack_path));
      return Sample{.seconds = open_seconds(pack_path)};
    }));
    warm.samples.push_back(in_child([&] {
      std::vector<double> seconds;
      for (int opening = 0; opening < kOpenings; ++opening) {
        seconds.push_back(open_seconds(pack_path));
      }
      return Sample{.seconds = spread_of(seconds).median};
    }));
  }
  work.rows = {std::move(warm), std::move(cold)};
  work.targets.push_back({.what = "microseconds",
                          .have = 1e6 * work.rows[0].median_seconds(),
                          .want = 100,
                          .at_most = true});
  return work;
}

}  // namespace bale::bench
