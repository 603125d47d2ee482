// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Building packs of a million small objects, of texts, and of large texts.

#include "bench/build_once.h"
#include "bench/die.h"
#include "bench/works.h"

namespace bale::bench {
namespace {

// Who takes longer than this does not run again: it is out of the race.
constexpr double kSlowSeconds = 60;

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
      if (run > 0 && work.rows[i].samples[0].seconds > kSlowSeconds) continue;
      work.rows[i].samples.push_back(build_once(*contenders[i], objects, settings));
      settings.directory->remove(std::string(contenders[i]->name()));
    }
    disk.samples.push_back(write_once(work.rows[0].samples.back().bytes, settings));
  }
  work.rows.insert(work.rows.begin() + 1, std::move(disk));
  work.operations = objects.count();
  work.bytes = objects.payload_bytes();
}

}  // namespace

std::vector<Work> build_small(const Settings& settings) {
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
  return {std::move(work)};
}

std::vector<Work> build_medium(const Settings& settings) {
  const Objects objects = Objects::stored(settings.scaled(100'000),
                                          {.smallest = 200, .largest = 8'000}, Content::kText);
  Work work{.name = "build m",
            .title = fmt::format("{} objects of 200..8,000 bytes of text", objects.count())};
  run_build(work, objects, make_parallel_zstd(), settings);
  work.targets.push_back(
      {.what = "of the limit's speed", .have = work.times("limit"), .want = 0.9});
  return {std::move(work)};
}

std::vector<Work> build_large(const Settings& settings) {
  const Objects objects = Objects::stored(
      settings.scaled(200), {.smallest = 4 << 20, .largest = 8 << 20}, Content::kText);
  Work work{.name = "build l",
            .title = fmt::format("{} objects of 4..8 MiB of text", objects.count())};
  run_build(work, objects, make_parallel_zstd(), settings);
  work.targets.push_back(
      {.what = "of the limit's speed", .have = work.times("limit"), .want = 0.9});
  return {std::move(work)};
}

}  // namespace bale::bench
