// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Building: the same objects into bale, into the limit's plain file and into each peer, in turn,
// each run in a process of its own. What can be read back is compared with what was stored.

#include <algorithm>
#include <cmath>

#include "bench/die.h"
#include "bench/limits.h"
#include "bench/works.h"

namespace bale::bench {
namespace {

constexpr std::size_t kComparedObjects = 1000;

void compare_some(Contender& contender, const Objects& objects, const std::string& directory) {
  const std::unique_ptr<Reading> reading = contender.open(directory, objects);
  if (reading == nullptr) return;
  const std::vector<Query> queries =
      random_queries(objects, std::min(kComparedObjects, objects.count()));
  Receiver receiver(objects, Receiver::Mode::kCompare);
  reading->prepare(queries);
  reading->get(queries, receiver);
  if (receiver.taken() != queries.size()) die("{} lost objects", contender.name());
}

Sample build_once(Contender& contender, const Objects& objects, const Settings& settings) {
  const std::string name(contender.name());
  const std::string directory = settings.directory->fresh(name);
  settings.directory->settle();
  const Sample sample = in_child([&] {
    const double generator_seconds = objects.generator_seconds();
    const std::uint64_t start_rss_bytes = resident_bytes().now;
    Sample built = contender.build(objects, directory);
    if (built.peak_rss_bytes == 0) {
      built.peak_rss_bytes = resident_bytes().peak - start_rss_bytes;
      built.start_rss_bytes = start_rss_bytes;
    }
    built.seconds -= generator_seconds;
    built.generator_seconds = generator_seconds;
    built.sync_seconds += sync_tree(directory);
    built.bytes = bytes_under(directory);
    compare_some(contender, objects, directory);
    return built;
  });
  settings.directory->remove(name);
  return sample;
}

Sample write_once(std::uint64_t bytes, const Settings& settings) {
  const std::string directory = settings.directory->fresh("disk");
  settings.directory->settle();
  const Sample sample = in_child([&] {
    Sample written = write_to_disk(bytes, directory);
    written.bytes = bytes;
    return written;
  });
  settings.directory->remove("disk");
  return sample;
}

// All contenders in turn, `runs` times. The disk writes as many bytes as the limit did.
void run_build(Work& work, const Objects& objects, std::unique_ptr<Contender> limit,
               const Settings& settings) {
  std::vector<std::unique_ptr<Contender>> contenders;
  contenders.push_back(std::move(limit));
  contenders.push_back(make_bale());
  for (auto& peer : make_peers(settings.peers)) contenders.push_back(std::move(peer));

  Row disk{.contender = "disk", .manner = "as many bytes as the limit's, written in a row"};
  for (const auto& contender : contenders) {
    work.rows.push_back(
        {.contender = std::string(contender->name()), .manner = contender->manner()});
  }
  for (int run = 0; run < settings.runs; ++run) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      work.rows[i].samples.push_back(build_once(*contenders[i], objects, settings));
    }
    disk.samples.push_back(write_once(work.rows[0].samples.back().bytes, settings));
  }
  work.rows.insert(work.rows.begin() + 1, std::move(disk));
  work.operations = objects.count();
  work.bytes = objects.payload_bytes();
}

}  // namespace

Work build_small(const Settings& settings) {
  const Objects objects =
      Objects::stored(settings.scaled(1'000'000), {.smallest = 16, .largest = 64}, Content::kNoise);
  Work work{.name = "build s", .title = fmt::format("{} objects of 16..64 bytes", objects.count())};
  run_build(work, objects, make_plain_loop(), settings);
  work.targets.push_back(
      {.what = "of the limit's speed", .have = work.times("limit"), .want = 0.7});
  if (const Row* peer = work.best_peer()) {
    work.targets.push_back({.what = "times the best peer, " + peer->contender,
                            .have = work.times(peer->contender),
                            .want = 3});
  }
  return work;
}

Work build_medium(const Settings& settings) {
  const Objects objects = Objects::stored(settings.scaled(100'000),
                                          {.smallest = 200, .largest = 8'000}, Content::kText);
  Work work{.name = "build m",
            .title = fmt::format("{} objects of 200..8,000 bytes of text", objects.count())};
  run_build(work, objects, make_parallel_zstd(), settings);
  work.targets.push_back(
      {.what = "of the limit's speed", .have = work.times("limit"), .want = 0.9});
  return work;
}

Work build_large(const Settings& settings) {
  const Objects objects = Objects::stored(
      settings.scaled(200), {.smallest = 4 << 20, .largest = 8 << 20}, Content::kText);
  Work work{.name = "build l",
            .title = fmt::format("{} objects of 4..8 MiB of text", objects.count())};
  run_build(work, objects, make_parallel_zstd(), settings);
  work.targets.push_back(
      {.what = "of the limit's speed", .have = work.times("limit"), .want = 0.9});
  return work;
}

std::size_t Settings::scaled(std::size_t count) const {
  return std::max<std::size_t>(
      10, static_cast<std::size_t>(std::llround(scale * static_cast<double>(count))));
}

}  // namespace bale::bench
