// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale itself: PackBuilder in 16 MiB, and PackReader.

#include <algorithm>
#include <functional>
#include <optional>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "base/try.h"
#include "bench/contender.h"
#include "bench/die.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

// The calls for many ids at once are younger than this program: without them it takes one by one.
template <typename Pack>
concept FindsMany = requires(const Pack& pack, std::span<const ObjectId> ids,
                             std::span<std::optional<std::uint64_t>> offsets) {
  pack.find_many(ids, offsets);
};

template <typename Pack>
void find_many(const Pack& pack, std::span<const ObjectId> ids,
               std::span<std::optional<std::uint64_t>> offsets) {
  if constexpr (FindsMany<Pack>) {
    static_cast<void>(pack.find_many(ids, offsets));
  } else {
    for (std::size_t i = 0; i < ids.size(); ++i) offsets[i] = pack.find(ids[i]);
  }
}

using ObjectSink = std::function<Result<void>(std::size_t, const Result<ObjectView>&)>;

template <typename Pack>
concept GetsMany = requires(const Pack& pack, std::span<const ObjectId> ids, ReadContext& context,
                            const ObjectSink& sink) {
  pack.get_many(ids, context, sink);
};

template <typename Pack>
Result<void> get_many(const Pack& pack, std::span<const ObjectId> ids, ReadContext& context,
                      const ObjectSink& sink) {
  if constexpr (GetsMany<Pack>) {
    return pack.get_many(ids, context, sink);
  } else {
    for (std::size_t i = 0; i < ids.size(); ++i) TRY(sink(i, pack.get(ids[i], context)));
    return {};
  }
}

class BaleReading final : public Reading {
 public:
  explicit BaleReading(const std::string& path) : pack_(must(PackReader::open(path))) {}

  void prepare(std::span<const Query> queries) override {
    ids_.clear();
    for (const Query& query : queries) ids_.push_back(query.id);
  }

  void get(std::span<const Query> queries, Receiver& receiver) override {
    for (const Query& query : queries) {
      const auto object = pack_.get(query.id, context_);
      if (!object) die_saying(object.error().message);
      receiver.take(query, object->payload);
    }
  }

  void get_batches(std::span<const Query> queries, std::size_t batch, Receiver& receiver) override {
    std::size_t begin = 0;
    const ObjectSink take = [&](std::size_t i, const Result<ObjectView>& object) -> Result<void> {
      if (!object) return object.error();
      receiver.take(queries[begin + i], object->payload);
      return {};
    };
    for (; begin < queries.size(); begin += batch) {
      const std::size_t size = std::min(batch, queries.size() - begin);
      must(get_many(pack_, std::span(ids_).subspan(begin, size), context_, take));
    }
  }

  void find(std::span<const Query> queries, Receiver& receiver) override {
    for (const Query& query : queries) take_place(pack_.find(query.id), receiver);
  }

  void find_batches(std::span<const Query> queries, std::size_t batch,
                    Receiver& receiver) override {
    std::vector<std::optional<std::uint64_t>> offsets(batch);
    for (std::size_t begin = 0; begin < queries.size(); begin += batch) {
      const std::size_t size = std::min(batch, queries.size() - begin);
      const std::span<std::optional<std::uint64_t>> found = std::span(offsets).first(size);
      find_many(pack_, std::span(ids_).subspan(begin, size), found);
      for (const auto& offset : found) take_place(offset, receiver);
    }
  }

 private:
  static void take_place(std::optional<std::uint64_t> offset, Receiver& receiver) {
    if (!offset) die("bale does not find an object");
    receiver.take_number(*offset);
  }

  PackReader pack_;
  ReadContext context_;
  std::vector<ObjectId> ids_;
};

class Bale final : public Contender {
 public:
  [[nodiscard]] std::string_view name() const override { return "bale"; }

  [[nodiscard]] std::string manner() const override {
    return "PackBuilder in 16 MiB; PackReader on a map";
  }

  Sample build(const Objects& objects, const std::string& directory) override {
    const Stopwatch watch;
    PackBuilder builder =
        must(PackBuilder::create(directory + "/bale.pack", {.work = {.memory_bytes = 16 << 20}}));
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

  [[nodiscard]] bool has_batches() const override { return FindsMany<PackReader>; }

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
