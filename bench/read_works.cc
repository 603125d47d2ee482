// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reading: objects at random from what each contender stored, warm, by one core. Every contender
// reads all of it once before the clock starts, and gives a thousand objects to be compared.

#include <algorithm>
#include <functional>

#include "bale/pack_builder.h"
#include "bench/die.h"
#include "bench/limits.h"
#include "bench/stopwatch.h"
#include "bench/works.h"

namespace bale::bench {
namespace {

constexpr std::size_t kComparedObjects = 1000;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kQueries = 1'000'000;

enum class How : std::uint8_t { kGet, kGetBatches, kFind, kFindBatches };

void read(Reading& reading, How how, std::span<const Query> queries, Receiver& receiver) {
  switch (how) {
    case How::kGet:
      return reading.get(queries, receiver);
    case How::kGetBatches:
      return reading.get_batches(queries, kBatch, receiver);
    case How::kFind:
      return reading.find(queries, receiver);
    case How::kFindBatches:
      return reading.find_batches(queries, kBatch, receiver);
  }
}

// Something that reads in one way.
struct Entrant {
  std::string name;
  std::string manner;
  std::function<std::unique_ptr<Reading>()> open;
  How how = How::kGet;
  bool compares = true;  // gives payloads, by get()
};

Sample read_once(const Entrant& entrant, const Objects& objects, std::span<const Query> queries) {
  return in_child([&] {
    const std::unique_ptr<Reading> reading = entrant.open();
    if (entrant.compares) {
      const std::span<const Query> some = queries.first(std::min(kComparedObjects, queries.size()));
      Receiver receiver(objects, Receiver::Mode::kCompare);
      reading->prepare(some);
      reading->get(some, receiver);
      if (receiver.taken() != some.size()) die("{} lost objects", entrant.name);
    }
    reading->prepare(queries);
    Receiver warming(objects, Receiver::Mode::kTouch);
    read(*reading, entrant.how, queries, warming);
    Receiver receiver(objects, Receiver::Mode::kTouch);
    const Stopwatch watch;
    read(*reading, entrant.how, queries, receiver);
    const double seconds = watch.seconds();
    if (receiver.taken() != queries.size() || receiver.sum() != warming.sum()) {
      die("{} read something else the second time", entrant.name);
    }
    return Sample{.seconds = seconds};
  });
}

// The contenders of a reading work, each with the objects stored.
class Stage {
 public:
  Stage(const Objects& objects, const Settings& settings) : objects_(objects), settings_(settings) {
    contenders_.push_back(make_bale());
  }

  void add_peers(const std::vector<std::string>& names) {
    for (auto& peer : make_peers(names)) contenders_.push_back(std::move(peer));
  }

  // Stores the objects with each contender, and adds it as an entrant, with its call for many too.
  void store(How single, How batches) {
    for (const auto& contender : contenders_) {
      const std::string name(contender->name());
      const std::string directory = settings_.directory->fresh(name);
      static_cast<void>(in_child([&] {
        contender->build(objects_, directory);
        static_cast<void>(sync_tree(directory));
        return Sample{};
      }));
      const auto open = [this, &contender = *contender, directory] {
        return contender.open(directory, objects_);
      };
      entrants_.push_back(
          {.name = name, .manner = contender->manner(), .open = open, .how = single});
      if (!contender->has_batches() || batches == single) continue;
      entrants_.push_back({.name = name + " x64",
                           .manner = "by its call for many, 64 at a time",
                           .open = open,
                           .how = batches});
    }
  }

  [[nodiscard]] std::string bale_pack() const {
    return settings_.directory->path("bale") + "/bale.pack";
  }

  void add(Entrant entrant) { entrants_.insert(entrants_.begin(), std::move(entrant)); }

  // Has all entrants read the same queries in turn, and fills the work's rows.
  void run(Work& work) {
    const std::vector<Query> queries =
        random_queries(objects_, std::min(kQueries, objects_.count()));
    for (const Entrant& entrant : entrants_) {
      work.rows.push_back({.contender = entrant.name, .manner = entrant.manner});
    }
    for (int i = 0; i < settings_.runs; ++i) {
      for (std::size_t j = 0; j < entrants_.size(); ++j) {
        work.rows[j].samples.push_back(read_once(entrants_[j], objects_, queries));
      }
    }
    work.operations = queries.size();
    for (const Query& query : queries) work.bytes += objects_[query.number].payload.size();
    for (const auto& contender : contenders_) {
      settings_.directory->remove(std::string(contender->name()));
    }
  }

 private:
  const Objects& objects_;
  const Settings& settings_;
  std::vector<std::unique_ptr<Contender>> contenders_;
  std::vector<Entrant> entrants_;
};

void want_times(Work& work, const std::string& other, double want) {
  if (work.find(other) == nullptr) return;
  work.targets.push_back({.what = "times " + other, .have = work.times(other), .want = want});
}

std::vector<std::string> without_sqlite(std::vector<std::string> names) {
  names.erase(std::remove(names.begin(), names.end(), "sqlite"), names.end());
  return names;
}

// bale beside plain bisection over the same index; beside the peers where ids are hashes.
Work look_up(const Settings& settings, IdStyle style, Work work) {
  const Objects objects = Objects::stored(settings.scaled(10'000'000),
                                          {.smallest = 8, .largest = 8}, Content::kNoise, style);
  work.title = fmt::format("at random among {} {}", objects.count(), work.title);
  Stage stage(objects, settings);
  if (style == IdStyle::kHash) stage.add_peers(without_sqlite(settings.peers));
  stage.store(How::kFind, How::kFindBatches);
  stage.add({.name = "bisection",
             .manner = "plain bisection over the records of bale's index",
             .open = [&] { return open_bisection(default_index_path(stage.bale_pack())); },
             .how = How::kFind,
             .compares = false});
  stage.run(work);
  // Offsets and 8 bytes of payload say nothing about a rate.
  work.bytes = 0;
  return work;
}

Work get_small(const Settings& settings) {
  const Objects objects =
      Objects::stored(settings.scaled(1'000'000), {.smallest = 16, .largest = 64}, Content::kNoise);
  Work work{.name = "get s",
            .title = fmt::format("at random from {} objects of 16..64 bytes", objects.count())};
  Stage stage(objects, settings);
  stage.add_peers(settings.peers);
  stage.store(How::kGet, How::kGetBatches);
  stage.run(work);
  want_times(work, "lmdb", 2);
  return work;
}

Work get_medium(const Settings& settings) {
  const Objects objects = Objects::stored(settings.scaled(100'000),
                                          {.smallest = 200, .largest = 8'000}, Content::kText);
  Work work{.name = "get m",
            .title = fmt::format("at random from {} objects of 200..8,000 bytes of text",
                                 objects.count())};
  Stage stage(objects, settings);
  stage.add_peers(settings.peers);
  stage.store(How::kGet, How::kGetBatches);
  stage.add({.name = "limit",
             .manner = "zstd with a reused context on bale's stored payloads, places known",
             .open = [&] { return open_zstd(stage.bale_pack()); }});
  stage.run(work);
  work.targets.push_back({.what = "of zstd's own speed", .have = work.times("limit"), .want = 0.9});
  return work;
}

Work look_up_hashes(const Settings& settings) {
  Work work = look_up(settings, IdStyle::kHash, {.name = "lookup", .title = "ids that are hashes"});
  want_times(work, "lmdb", 2);
  const Row* batches = work.find("bale x64");
  const Row* single = work.find("bale");
  if (batches != nullptr) {
    work.targets.push_back({.what = "batches of 64, times bale one by one",
                            .have = single->median_seconds() / batches->median_seconds(),
                            .want = 2});
    if (const Row* lmdb = work.find("lmdb")) {
      work.targets.push_back({.what = "batches of 64, times lmdb",
                              .have = lmdb->median_seconds() / batches->median_seconds(),
                              .want = 4});
    }
  }
  return work;
}

Work look_up_prefixes(const Settings& settings) {
  Work work = look_up(settings, IdStyle::kPrefix,
                      {.name = "lookup prefix", .title = "ids that share their first 24 bytes"});
  want_times(work, "bisection", 1);
  return work;
}

Work look_up_enemies(const Settings& settings) {
  Work work = look_up(
      settings, IdStyle::kEnemy,
      {.name = "lookup enemy", .title = "ids of 0..191 leading zero bits, any number as likely"});
  want_times(work, "bisection", 1);
  return work;
}

}  // namespace

std::vector<Work> get_objects(const Settings& settings) {
  std::vector<Work> works;
  works.push_back(get_small(settings));
  works.push_back(get_medium(settings));
  return works;
}

std::vector<Work> look_up_ids(const Settings& settings) {
  std::vector<Work> works;
  works.push_back(look_up_hashes(settings));
  works.push_back(look_up_prefixes(settings));
  works.push_back(look_up_enemies(settings));
  return works;
}

}  // namespace bale::bench
