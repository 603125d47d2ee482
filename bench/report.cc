// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bench/report.h"

#include <fmt/core.h>
#include <sys/utsname.h>
#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "bench/contender.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

// Rows that are no peers: what bounds the work.
bool is_limit(const std::string& contender) {
  return contender == "limit" || contender == "disk" || contender == "bisection";
}

std::vector<double> values_of(const std::vector<Sample>& samples, double Sample::*field) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.*field);
  return values;
}

std::string scaled(double value, double unit) {
  if (value == 0) return "-";
  const double in_units = value / unit;
  return fmt::format("{:.{}f}", in_units, in_units < 10 ? 2 : in_units < 100 ? 1 : 0);
}

// Seconds with as many digits as matter.
std::string seconds_text(double seconds) {
  if (seconds == 0) return "-";
  if (seconds < 1e-3) return fmt::format("{:.1f}e-6", 1e6 * seconds);
  return fmt::format("{:.{}f}", seconds, seconds < 0.1 ? 5 : seconds < 10 ? 3 : 1);
}

std::string first_line_with(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {.median = median, .least = values.front(), .most = values.back()};
}

Spread Row::seconds() const {
  return spread_of(values_of(samples, &Sample::seconds));
}

const Row* Work::find(const std::string& contender) const {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const Row& row) { return row.contender == contender; });
  return found == rows.end() ? nullptr : &*found;
}

double Work::times(const std::string& contender) const {
  const Row* bale = find("bale");
  const Row* other = find(contender);
  if (bale == nullptr || other == nullptr || bale->median_seconds() <= 0) return 0;
  return other->median_seconds() / bale->median_seconds();
}

const Row* Work::best_peer() const {
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (is_limit(row.contender) || row.contender.starts_with("bale")) continue;
    if (best == nullptr || row.median_seconds() < best->median_seconds()) best = &row;
  }
  return best;
}

void print(const Work& work) {
  fmt::print("\n{}: {}\n", work.name, work.title);
  fmt::print("  {:<14} {:>4} {:>9} {:>19} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "", "runs",
             "seconds", "(least..most)", "kobj/s", "MB/s", "disk MB", "fsync s", "gen. s",
             "peak MiB");
  for (const Row& row : work.rows) {
    const Spread seconds = row.seconds();
    const Sample& last = row.samples.back();
    const double disk = row.contender == "disk" ? static_cast<double>(last.bytes) : 0;
    const double bytes = disk != 0 ? disk : static_cast<double>(work.bytes);
    const double sync = spread_of(values_of(row.samples, &Sample::sync_seconds)).median;
    // The disk's rate is what arrives there.
    const double rate_seconds = disk != 0 ? seconds.median + sync : seconds.median;
    fmt::print("  {:<14} {:>4} {:>9} {:>19} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8}\n", row.contender,
               row.samples.size(), seconds_text(seconds.median),
               fmt::format("({}..{})", seconds_text(seconds.least), seconds_text(seconds.most)),
               disk != 0 ? "-" : scaled(static_cast<double>(work.operations) / seconds.median, 1e3),
               scaled(bytes / rate_seconds, 1e6), scaled(static_cast<double>(last.bytes), 1e6),
               seconds_text(sync), scaled(last.generator_seconds, 1),
               scaled(static_cast<double>(last.peak_rss_bytes), 1 << 20));
  }
  for (const Target& target : work.targets) {
    fmt::print("  {:<52} {:>9.3f}  (want at {} {:g})  {}\n", target.what, target.have,
               target.at_most ? "most" : "least", target.want, target.met() ? "PASS" : "short");
  }
  std::fflush(stdout);
}

nlohmann::json to_json(const Work& work) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : work.rows) {
    const Spread seconds = row.seconds();
    nlohmann::json runs = nlohmann::json::array();
    for (const Sample& sample : row.samples) {
      runs.push_back({{"seconds", sample.seconds},
                      {"finish_seconds", sample.finish_seconds},
                      {"sync_seconds", sample.sync_seconds},
                      {"generator_seconds", sample.generator_seconds},
                      {"disk_bytes", sample.bytes},
                      {"peak_rss_bytes", sample.peak_rss_bytes},
                      {"start_rss_bytes", sample.start_rss_bytes}});
    }
    rows.push_back({{"contender", row.contender},
                    {"manner", row.manner},
                    {"seconds_median", seconds.median},
                    {"seconds_least", seconds.least},
                    {"seconds_most", seconds.most},
                    {"runs", std::move(runs)}});
  }
  nlohmann::json targets = nlohmann::json::array();
  for (const Target& target : work.targets) {
    targets.push_back({{"what", target.what},
                       {"have", target.have},
                       {"want", target.want},
                       {"bound", target.at_most ? "at most" : "at least"},
                       {"met", target.met()}});
  }
  return {
      {"work", work.name},           {"title", work.title},     {"operations", work.operations},
      {"payload_bytes", work.bytes}, {"rows", std::move(rows)}, {"targets", std::move(targets)}};
}

nlohmann::json machine_json() {
  struct utsname system {};

  static_cast<void>(::uname(&system));
  return {{"processor", first_line_with("/proc/cpuinfo", "model name")},
          {"cores", available_cores()},
          {"memory", first_line_with("/proc/meminfo", "MemTotal")},
          {"kernel", system.release},
          {"compiler", __VERSION__},
          {"zstd", ZSTD_versionString()}};
}

}  // namespace bale::bench
