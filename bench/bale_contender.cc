// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale itself: PackBuilder with its default options, and PackReader.

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bench/contender.h"
#include "bench/die.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

class BaleReading final : public Reading {
 public:
  explicit BaleReading(const std::string& path) : pack_(must(PackReader::open(path))) {}

  void get(std::span<const Query> queries, Receiver& receiver) override {
    for (const Query& query : queries) {
      const auto object = pack_.get(query.id, context_);
      if (!object) die_saying(object.error().message);
      receiver.take(query, object->payload);
    }
  }

 private:
  PackReader pack_;
  ReadContext context_;
};

class Bale final : public Contender {
 public:
  [[nodiscard]] std::string_view name() const override { return "bale"; }

  [[nodiscard]] std::string manner() const override {
    return "PackBuilder with its default options; PackReader on a map";
  }

  Sample build(const Objects& objects, const std::string& directory) override {
    const Stopwatch watch;
    PackBuilder builder = must(PackBuilder::create(directory + "/bale.pack", {}));
    for (std::size_t i = 0; i < objects.count(); ++i) {
      const Object object = objects[i];
      const auto added = builder.add(object.id, ObjectType::kBlob, object.payload);
      if (!added) die_saying(added.error().message);
    }
    const PackSummary summary = must(builder.finish());
    return {.seconds = watch.seconds() - summary.sync_seconds,
            .finish_seconds = summary.finish_seconds,
            .sync_seconds = summary.sync_seconds};
  }

  [[nodiscard]] std::unique_ptr<Reading> open(const std::string& directory,
                                              const Objects& objects) override {
    static_cast<void>(objects);
    return std::make_unique<BaleReading>(directory + "/bale.pack");
  }
};

}  // namespace

std::unique_ptr<Contender> make_bale() {
  return std::make_unique<Bale>();
}

}  // namespace bale::bench
