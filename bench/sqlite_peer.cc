// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// SQLite as a peer: one transaction without a journal and without waiting, a prepared statement, in
// the order of ids. Small objects lie in the tree of ids itself (WITHOUT ROWID), larger ones beside
// it, as its documentation advises.

#include <sqlite3.h>

#include <string>

#include "bench/contender.h"
#include "bench/die.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

// The documentation's advice for WITHOUT ROWID: rows of at most a twentieth of a page of 4 KiB.
constexpr std::size_t kInlineBytes = 200;

class Database {
 public:
  explicit Database(const std::string& path) {
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) fail("open");
    run("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
        "PRAGMA cache_size=-1000000; PRAGMA mmap_size=1099511627776; PRAGMA temp_store=MEMORY;");
  }

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  ~Database() { sqlite3_close(database_); }

  void run(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
  }

  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr) != SQLITE_OK) fail(sql);
    return statement;
  }

  [[noreturn]] void fail(const char* what) {
    die("SQLite: {}: {}", what, sqlite3_errmsg(database_));
  }

 private:
  sqlite3* database_ = nullptr;
};

// Bound bytes stay where they are: they outlive the step.
void bind(sqlite3_stmt* statement, int position, Bytes bytes) {
  sqlite3_bind_blob(statement, position, bytes.data(), static_cast<int>(bytes.size()), nullptr);
}

class SqliteReading final : public Reading {
 public:
  explicit SqliteReading(const std::string& directory)
      : database_(directory + "/objects.sqlite"),
        select_(database_.prepare("SELECT payload FROM objects WHERE id = ?")) {}

  SqliteReading(const SqliteReading&) = delete;
  SqliteReading& operator=(const SqliteReading&) = delete;

  ~SqliteReading() override { sqlite3_finalize(select_); }

  void get(std::span<const Query> queries, Receiver& receiver) override {
    database_.run("BEGIN");
    for (const Query& query : queries) {
      bind(select_, 1, query.id.bytes());
      if (sqlite3_step(select_) != SQLITE_ROW) database_.fail("select");
      const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(select_, 0));
      receiver.take(query, Bytes(data, static_cast<std::size_t>(sqlite3_column_bytes(select_, 0))));
      sqlite3_reset(select_);
    }
    database_.run("COMMIT");
  }

 private:
  Database database_;
  sqlite3_stmt* select_;
};

class Sqlite final : public Contender {
 public:
  [[nodiscard]] std::string_view name() const override { return "sqlite"; }

  [[nodiscard]] std::string manner() const override {
    return fmt::format(
        "SQLite {}, ids sorted first (in the time), one transaction, no journal, synchronous=OFF; "
        "stores payloads as they come",
        sqlite3_libversion());
  }

  Sample build(const Objects& objects, const std::string& directory) override {
    const Stopwatch watch;
    const std::vector<std::uint32_t> order = order_of_ids(objects);
    {
      Database database(directory + "/objects.sqlite");
      database.run(objects.sizes().largest <= kInlineBytes
                       ? "CREATE TABLE objects (id BLOB PRIMARY KEY, payload BLOB) WITHOUT ROWID"
                       : "CREATE TABLE objects (id BLOB PRIMARY KEY, payload BLOB)");
      database.run("BEGIN");
      sqlite3_stmt* insert = database.prepare("INSERT INTO objects VALUES (?, ?)");
      for (const std::uint32_t number : order) {
        const Object object = objects[number];
        bind(insert, 1, object.id.bytes());
        bind(insert, 2, object.payload);
        if (sqlite3_step(insert) != SQLITE_DONE) database.fail("insert");
        sqlite3_reset(insert);
      }
      sqlite3_finalize(insert);
      database.run("COMMIT");
    }
    return {.seconds = watch.seconds()};
  }

  [[nodiscard]] std::unique_ptr<Reading> open(const std::string& directory,
                                              const Objects& objects) override {
    static_cast<void>(objects);
    return std::make_unique<SqliteReading>(directory);
  }
};

}  // namespace

std::unique_ptr<Contender> make_sqlite() {
  return std::make_unique<Sqlite>();
}

}  // namespace bale::bench
