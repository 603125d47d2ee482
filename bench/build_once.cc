// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bench/build_once.h"

#include <algorithm>

#include "bench/die.h"
#include "bench/limits.h"

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

}  // namespace

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

}  // namespace bale::bench
