// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Building a pack of a hundred million objects, which do not fit in memory: how much memory that
// takes, whether adding stays as fast as for a million, and how long the end takes. Then opening
// it.

#include "bale/pack_builder.h"
#include "bench/build_once.h"
#include "bench/die.h"
#include "bench/works.h"

namespace bale::bench {
namespace {

constexpr SizeRange kSizes = {.smallest = 16, .largest = 64};
constexpr int kReferenceRuns = 3;
constexpr std::uint64_t kIndexRecordBytes = 41;
constexpr double kMebibyte = 1 << 20;

// Objects added a second: the end and the generator not counted.
double adding_rate(const Sample& sample, const Objects& objects) {
  return static_cast<double>(objects.count()) / (sample.seconds - sample.finish_seconds);
}

// The rate for a million objects of the same kind, measured beside.
double reference_rate(const Settings& settings) {
  const Objects objects = Objects::counted(settings.scaled(1'000'000), kSizes);
  std::vector<double> rates;
  for (int i = 0; i < kReferenceRuns; ++i) {
    rates.push_back(adding_rate(build_once(*make_bale(), objects, settings), objects));
  }
  return spread_of(rates).median;
}

void add_targets(Work& work, const Objects& objects, double small_rate) {
  const Sample& bale = work.find("bale")->samples.back();
  const Sample& disk = work.find("disk")->samples.back();
  const double pack_bytes = static_cast<double>(bale.bytes - objects.count() * kIndexRecordBytes);
  const double disk_rate = static_cast<double>(disk.bytes) / (disk.seconds + disk.sync_seconds) /
                           pack_bytes * static_cast<double>(objects.count());
  work.targets.push_back(
      {.what = "peak memory, MiB, the program's own included",
       .have = static_cast<double>(bale.peak_rss_bytes + bale.start_rss_bytes) / kMebibyte,
       .want = 24,
       .at_most = true});
  // Whichever is less bounds it.
  work.targets.push_back(
      {.what = fmt::format("of the adding rate of {}",
                           small_rate < disk_rate ? "a million" : "the disk, for the pack's bytes"),
       .have = adding_rate(bale, objects) / std::min(small_rate, disk_rate),
       .want = 1});
  work.targets.push_back({.what = "finishing, of the time of adding",
                          .have = bale.finish_seconds / (bale.seconds - bale.finish_seconds),
                          .want = 0.5,
                          .at_most = true});
}

}  // namespace

std::vector<Work> build_huge(const Settings& settings) {
  const Objects objects = Objects::counted(settings.scaled(100'000'000), kSizes);
  Work work{.name = "build x",
            .title = fmt::format("{} objects of 16..64 bytes, made while they are added",
                                 objects.count()),
            .operations = objects.count(),
            .bytes = objects.payload_bytes()};
  const double small_rate = reference_rate(settings);
  std::vector<std::unique_ptr<Contender>> contenders;
  contenders.push_back(make_plain_loop());
  for (auto& peer : make_peers(settings.peers_at_x)) contenders.push_back(std::move(peer));
  contenders.push_back(make_bale());
  for (const auto& contender : contenders) {
    work.rows.push_back({.contender = std::string(contender->name()),
                         .manner = contender->manner(),
                         .samples = {build_once(*contender, objects, settings)}});
    // bale's is opened below.
    if (contender != contenders.back()) {
      settings.directory->remove(std::string(contender->name()));
    }
  }
  work.rows.push_back({.contender = "disk",
                       .manner = "as many bytes as the limit's, written in a row",
                       .samples = {write_once(work.rows[0].samples[0].bytes, settings)}});
  add_targets(work, objects, small_rate);
  Work opening =
      open_pack(settings, settings.directory->path("bale") + "/bale.pack", objects.count());
  settings.directory->remove("bale");
  return {std::move(work), std::move(opening)};
}

std::vector<Work> open_huge(const Settings& settings) {
  const Objects objects = Objects::counted(settings.scaled(100'000'000), kSizes);
  static_cast<void>(build_once(*make_bale(), objects, settings));
  Work work = open_pack(settings, settings.directory->path("bale") + "/bale.pack", objects.count());
  settings.directory->remove("bale");
  return {std::move(work)};
}

}  // namespace bale::bench
