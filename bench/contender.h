// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A contender: something that stores the objects, so that it can be measured beside bale.
//
// Each is used as its makers advise for this work, and manner() says how, in the report too. None
// waits for the disk while it is being loaded, where it can be told so: fsync is measured apart, in
// the same way for all.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/objects.h"
#include "bench/sample.h"

namespace bale::bench {

/// What a contender stored, open for reading. One thread.
class Reading {
 public:
  virtual ~Reading() = default;

  /// What may be done before a clock starts: translating ids, for who has others. The readings
  /// below are of exactly these queries.
  virtual void prepare(std::span<const Query> queries) { static_cast<void>(queries); }

  /// Reads the objects one after another and gives each to `receiver`.
  virtual void get(std::span<const Query> queries, Receiver& receiver) = 0;

  /// Only finds out that they are there, and how large or where.
  virtual void find(std::span<const Query> queries, Receiver& receiver) { get(queries, receiver); }

  /// get() and find() by a contender's own call for many, `batch` at a time.
  virtual void get_batches(std::span<const Query> queries, std::size_t batch, Receiver& receiver) {
    static_cast<void>(batch);
    get(queries, receiver);
  }

  virtual void find_batches(std::span<const Query> queries, std::size_t batch, Receiver& receiver) {
    get_batches(queries, batch, receiver);
  }
};

class Contender {
 public:
  virtual ~Contender() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;

  /// How it is used: for the report.
  [[nodiscard]] virtual std::string manner() const = 0;

  /// Stores all objects in the empty `directory`, ready to be read. Sets `seconds`, and
  /// `finish_seconds` and `sync_seconds` where it knows them.
  virtual Sample build(const Objects& objects, const std::string& directory) = 0;

  /// Whether Reading's calls for many are more than the single ones in a row.
  [[nodiscard]] virtual bool has_batches() const { return false; }

  /// Opens what build() left. nullptr if that cannot be read back. Both must outlive it.
  [[nodiscard]] virtual std::unique_ptr<Reading> open(const std::string& directory,
                                                      const Objects& objects) = 0;
};

/// How many processors this process may use.
[[nodiscard]] unsigned available_cores();

std::unique_ptr<Contender> make_bale();

// The limits. None can be read back.
std::unique_ptr<Contender> make_plain_loop();
std::unique_ptr<Contender> make_parallel_zstd();

// The peers. The first three are there only where their libraries were when this was built
// (BALE_BENCH_ROCKSDB and so on); nullptr where there is no git program.
std::unique_ptr<Contender> make_rocksdb();
std::unique_ptr<Contender> make_lmdb();
std::unique_ptr<Contender> make_sqlite();
std::unique_ptr<Contender> make_git();

}  // namespace bale::bench
