// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale_compare: measures bale beside what bounds it and beside its peers, on the same work in one
// run, prints tables and writes JSON. doc/BENCHMARKS.md says what is measured, and how.

#include <CLI/CLI.hpp>
#include <fstream>
#include <map>

#include "bench/die.h"
#include "bench/works.h"

namespace bale::bench {
namespace {

using WorkFunction = std::vector<Work> (*)(const Settings&);

const std::map<std::string, WorkFunction>& all_works() {
  static const std::map<std::string, WorkFunction> works = {
      {"s", build_small},   {"m", build_medium},      {"l", build_large},
      {"x", build_huge},    {"open", open_huge},      {"lookup", look_up_ids},
      {"get", get_objects}, {"verify", verify_packs}, {"index", index_packs}};
  return works;
}

struct PeerEntry {
  std::string name;
  std::string package;
  std::unique_ptr<Contender> (*make)();
};

const std::vector<PeerEntry>& all_peers() {
  static const std::vector<PeerEntry> peers = {
#ifdef BALE_BENCH_ROCKSDB
      {"rocksdb", "librocksdb-dev", make_rocksdb},
#else
      {"rocksdb", "librocksdb-dev", nullptr},
#endif
#ifdef BALE_BENCH_LMDB
      {"lmdb", "liblmdb-dev", make_lmdb},
#else
      {"lmdb", "liblmdb-dev", nullptr},
#endif
#ifdef BALE_BENCH_SQLITE
      {"sqlite", "libsqlite3-dev", make_sqlite},
#else
      {"sqlite", "libsqlite3-dev", nullptr},
#endif
      {"git", "git", make_git},
  };
  return peers;
}

// Says which of the peers asked for cannot take part, and what would make them.
void name_missing_peers(const std::vector<std::string>& names) {
  for (const PeerEntry& peer : all_peers()) {
    if (std::find(names.begin(), names.end(), peer.name) == names.end()) continue;
    if (peer.make != nullptr && peer.make() != nullptr) continue;
    fmt::print("{} is MISSING: install {} and build again\n", peer.name, peer.package);
  }
}

int run(int argc, char** argv) {
  CLI::App app("Measures bale beside what bounds it and beside its peers.");
  std::vector<std::string> works = {"s", "m"};
  Settings settings;
  settings.peers = {"rocksdb", "lmdb", "sqlite", "git"};
  std::string directory = "/var/tmp";
  std::string json_path;
  app.add_option("--work", works,
                 "What to measure: building s, m, l, x (opens it too); lookup, get, verify, index, "
                 "open")
      ->delimiter(',')
      ->check(CLI::IsMember(all_works()));
  app.add_option("--peers", settings.peers, "Who is measured too; none for nobody")
      ->delimiter(',')
      ->check(CLI::IsMember({"rocksdb", "lmdb", "sqlite", "git", "none"}));
  app.add_option("--x-peers", settings.peers_at_x, "Those of the peers that build x too; none")
      ->delimiter(',')
      ->check(CLI::IsMember({"rocksdb", "lmdb", "sqlite", "git", "none"}));
  app.add_option("--runs", settings.runs, "Runs of each contender, in turn; medians are told")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--scale", settings.scale, "Of the number of objects, for a quick look")
      ->check(CLI::Range(1e-6, 1.0));
  app.add_option("--directory", directory, "Where to work: on the disk that is meant")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--json", json_path, "A file for the figures");
  CLI11_PARSE(app, argc, argv);

  const WorkDirectory work_directory(directory);
  settings.directory = &work_directory;
  nlohmann::json json = {{"machine", machine_json()},
                         {"scale", settings.scale},
                         {"runs", settings.runs},
                         {"works", nlohmann::json::array()}};
  name_missing_peers(settings.peers);
  for (const std::string& name : works) {
    for (const Work& work : all_works().at(name)(settings)) {
      print(work);
      json["works"].push_back(to_json(work));
    }
    if (json_path.empty()) continue;
    // After each work: a long run that is stopped leaves what it has measured.
    std::ofstream file(json_path);
    file << json.dump(2) << '\n';
    if (!file.flush()) die("{}: cannot be written", json_path);
  }
  return 0;
}

}  // namespace

std::vector<std::unique_ptr<Contender>> make_peers(const std::vector<std::string>& names) {
  std::vector<std::unique_ptr<Contender>> peers;
  for (const PeerEntry& peer : all_peers()) {
    const bool wanted = std::find(names.begin(), names.end(), peer.name) != names.end();
    if (!wanted || peer.make == nullptr) continue;
    if (auto made = peer.make()) peers.push_back(std::move(made));
  }
  return peers;
}

}  // namespace bale::bench

int main(int argc, char** argv) {
  return bale::bench::run(argc, argv);
}
