// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// LMDB as a peer: a tree of pages in a map. It is loaded in the order of ids by appending, which is
// the fastest way it has; the ids are sorted first, and that is part of the time.

#include <lmdb.h>

#include <string>

#include "bench/contender.h"
#include "bench/die.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

constexpr unsigned kLoadFlags = MDB_NOSYNC | MDB_WRITEMAP | MDB_NOMETASYNC | MDB_NOLOCK;
constexpr unsigned kReadFlags = MDB_RDONLY | MDB_NOLOCK | MDB_NORDAHEAD;

// Puts in one transaction: its dirty pages are listed in memory.
constexpr std::size_t kPutsATransaction = 100'000;
constexpr std::uint64_t kSpareMapBytes = std::uint64_t{1} << 28;

void check(int status, std::string_view what) {
  if (status != MDB_SUCCESS) die("LMDB: {}: {}", what, mdb_strerror(status));
}

MDB_val value_of(Bytes bytes) {
  // LMDB does not write to what it is given; its C interface cannot say so.
  return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}

class Environment {
 public:
  Environment(const std::string& directory, unsigned flags, std::uint64_t map_bytes) {
    check(mdb_env_create(&environment_), "create");
    check(mdb_env_set_mapsize(environment_, map_bytes), "set_mapsize");
    check(mdb_env_open(environment_, directory.c_str(), flags, 0666), "open");
  }

  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  ~Environment() { mdb_env_close(environment_); }

  MDB_txn* begin(unsigned flags, MDB_dbi& table) {
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_, nullptr, flags, &transaction), "begin");
    check(mdb_dbi_open(transaction, nullptr, 0, &table), "dbi_open");
    return transaction;
  }

 private:
  MDB_env* environment_ = nullptr;
};

class LmdbReading final : public Reading {
 public:
  explicit LmdbReading(const std::string& directory)
      : environment_(directory, kReadFlags, 0),
        transaction_(environment_.begin(MDB_RDONLY, table_)) {}

  LmdbReading(const LmdbReading&) = delete;
  LmdbReading& operator=(const LmdbReading&) = delete;

  ~LmdbReading() override { mdb_txn_abort(transaction_); }

  void get(std::span<const Query> queries, Receiver& receiver) override {
    for (const Query& query : queries) {
      MDB_val key = value_of(query.id.bytes());
      MDB_val value{};
      check(mdb_get(transaction_, table_, &key, &value), "get");
      receiver.take(query, Bytes(static_cast<const std::byte*>(value.mv_data), value.mv_size));
    }
  }

 private:
  Environment environment_;
  MDB_dbi table_ = 0;
  MDB_txn* transaction_;
};

class Lmdb final : public Contender {
 public:
  [[nodiscard]] std::string_view name() const override { return "lmdb"; }

  [[nodiscard]] std::string manner() const override {
    return fmt::format(
        "LMDB {}.{}.{}, ids sorted first (in the time), MDB_APPEND, NOSYNC, WRITEMAP; "
        "stores payloads as they come",
        MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
  }

  Sample build(const Objects& objects, const std::string& directory) override {
    // The map is address space; a page holds few objects at worst, a large one fills pages.
    const std::uint64_t map_bytes =
        kSpareMapBytes + objects.count() * (2 * objects.sizes().largest + 256);
    const Stopwatch watch;
    const std::vector<std::uint32_t> order = order_of_ids(objects);
    Environment environment(directory, kLoadFlags, map_bytes);
    for (std::size_t begin = 0; begin < order.size(); begin += kPutsATransaction) {
      MDB_dbi table = 0;
      MDB_txn* transaction = environment.begin(0, table);
      const std::size_t end = std::min(order.size(), begin + kPutsATransaction);
      for (std::size_t i = begin; i < end; ++i) {
        const Object object = objects[order[i]];
        MDB_val key = value_of(object.id.bytes());
        MDB_val value = value_of(object.payload);
        check(mdb_put(transaction, table, &key, &value, MDB_APPEND), "put");
      }
      check(mdb_txn_commit(transaction), "commit");
    }
    return {.seconds = watch.seconds()};
  }

  [[nodiscard]] std::unique_ptr<Reading> open(const std::string& directory,
                                              const Objects& objects) override {
    static_cast<void>(objects);
    return std::make_unique<LmdbReading>(directory);
  }
};

}  // namespace

std::unique_ptr<Contender> make_lmdb() {
  return std::make_unique<Lmdb>();
}

}  // namespace bale::bench
