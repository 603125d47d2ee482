// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// RocksDB as a peer: its bulk load (PrepareForBulkLoad, no log, a vector for a memtable), then one
// compaction by all cores, zstd throughout. Its file system is told not to wait for the disk, so
// that fsync is measured apart as for all others.

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include <string>

#include "bench/contender.h"
#include "bench/die.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{1} << 20;
constexpr std::size_t kBlockCacheBytes = std::size_t{4} << 30;

void check(const rocksdb::Status& status, std::string_view what) {
  if (!status.ok()) die("RocksDB: {}: {}", what, status.ToString());
}

rocksdb::Slice slice_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes bytes_of(const rocksdb::Slice& slice) {
  return as_bytes({slice.data(), slice.size()});
}

class UnsyncedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* context) override {
    static_cast<void>(options);
    static_cast<void>(context);
    return rocksdb::IOStatus::OK();
  }

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* context) override {
    return Sync(options, context);
  }
};

class UnsyncedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  UnsyncedFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  [[nodiscard]] const char* Name() const override { return "UnsyncedFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    rocksdb::IOStatus status = target()->NewWritableFile(name, options, &file, context);
    if (status.ok()) *result = std::make_unique<UnsyncedFile>(std::move(file));
    return status;
  }
};

rocksdb::Options make_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kZSTD;
  options.IncreaseParallelism(static_cast<int>(available_cores()));
  options.max_subcompactions = available_cores();
  options.PrepareForBulkLoad();
  options.info_log_level = rocksdb::ERROR_LEVEL;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

std::unique_ptr<rocksdb::DB> open_database(const rocksdb::Options& options,
                                           const std::string& directory) {
  rocksdb::DB* database = nullptr;
  check(rocksdb::DB::Open(options, directory, &database), "open");
  return std::unique_ptr<rocksdb::DB>(database);
}

class RocksdbReading final : public Reading {
 public:
  explicit RocksdbReading(const std::string& directory) {
    rocksdb::DB* database = nullptr;
    check(rocksdb::DB::OpenForReadOnly(make_options(), directory, &database), "open");
    database_.reset(database);
  }

  void get(std::span<const Query> queries, Receiver& receiver) override {
    for (const Query& query : queries) {
      check(
          database_->Get({}, database_->DefaultColumnFamily(), slice_of(query.id.bytes()), &value_),
          "get");
      receiver.take(query, bytes_of(value_));
      value_.Reset();
    }
  }

  void get_batches(std::span<const Query> queries, std::size_t batch, Receiver& receiver) override {
    std::vector<rocksdb::Slice> keys(batch);
    std::vector<rocksdb::PinnableSlice> values(batch);
    std::vector<rocksdb::Status> statuses(batch);
    while (!queries.empty()) {
      const std::span<const Query> part = queries.first(std::min(batch, queries.size()));
      queries = queries.subspan(part.size());
      for (std::size_t i = 0; i < part.size(); ++i) keys[i] = slice_of(part[i].id.bytes());
      database_->MultiGet({}, database_->DefaultColumnFamily(), part.size(), keys.data(),
                          values.data(), statuses.data());
      for (std::size_t i = 0; i < part.size(); ++i) {
        check(statuses[i], "multiget");
        receiver.take(part[i], bytes_of(values[i]));
        values[i].Reset();
      }
    }
  }

 private:
  std::unique_ptr<rocksdb::DB> database_;
  rocksdb::PinnableSlice value_;
};

class Rocksdb final : public Contender {
 public:
  [[nodiscard]] std::string_view name() const override { return "rocksdb"; }

  [[nodiscard]] std::string manner() const override {
    return fmt::format(
        "RocksDB {}.{}.{}, PrepareForBulkLoad, no log, batches of 1 MiB, then CompactRange; zstd, "
        "{} cores",
        ROCKSDB_MAJOR, ROCKSDB_MINOR, ROCKSDB_PATCH, available_cores());
  }

  Sample build(const Objects& objects, const std::string& directory) override {
    const std::unique_ptr<rocksdb::Env> env =
        rocksdb::NewCompositeEnv(std::make_shared<UnsyncedFileSystem>());
    const Stopwatch watch;
    double added = 0;
    {
      rocksdb::Options options = make_options();
      options.env = env.get();
      options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
      options.allow_concurrent_memtable_write = false;
      const std::unique_ptr<rocksdb::DB> database = open_database(options, directory);
      rocksdb::WriteOptions unlogged;
      unlogged.disableWAL = true;
      rocksdb::WriteBatch batch;
      for (std::size_t i = 0; i < objects.count(); ++i) {
        const Object object = objects[i];
        check(batch.Put(slice_of(object.id.bytes()), slice_of(object.payload)), "put");
        if (batch.GetDataSize() < kBatchBytes && i + 1 < objects.count()) continue;
        check(database->Write(unlogged, &batch), "write");
        batch.Clear();
      }
      check(database->Flush({}), "flush");
      added = watch.seconds();
      check(database->CompactRange({}, nullptr, nullptr), "compact");
      check(database->Close(), "close");
    }
    const double all = watch.seconds();
    return {.seconds = all, .finish_seconds = all - added};
  }

  [[nodiscard]] bool has_batches() const override { return true; }

  [[nodiscard]] std::unique_ptr<Reading> open(const std::string& directory,
                                              const Objects& objects) override {
    static_cast<void>(objects);
    return std::make_unique<RocksdbReading>(directory);
  }
};

}  // namespace

std::unique_ptr<Contender> make_rocksdb() {
  return std::make_unique<Rocksdb>();
}

}  // namespace bale::bench
