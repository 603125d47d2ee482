// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BaseReader: reads an object back out of the pack that is being built, through its whole chain of
// deltas, as a base for another one. EntryLog says where everything lies.
//
// What it reads the builder wrote itself a moment ago; it is checked all the same, since a file can
// change.
//
// Memory, charged: memory_bytes(). Thread-safe: one call at a time goes on, the others wait.

#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "bale/file_system.h"
#include "bale/object.h"
#include "bale/result.h"
#include "base/budget.h"
#include "codec/zstd.h"
#include "format/entry.h"
#include "pack/deltas/base_search.h"
#include "pack/deltas/entry_log.h"

namespace bale {

class BaseReader {
 public:
  /// For objects of up to so many bytes, whose bases are no larger either.
  [[nodiscard]] static std::uint64_t memory_bytes(std::uint64_t most_object_bytes);

  /// The pack begins at `position` of `file`. All must outlive the reader.
  [[nodiscard]] static Result<std::unique_ptr<BaseReader>> create(Budget& budget,
                                                                  std::uint64_t most_object_bytes,
                                                                  File& file,
                                                                  std::uint64_t position,
                                                                  const EntryLog& log);

  BaseReader(const BaseReader&) = delete;
  BaseReader& operator=(const BaseReader&) = delete;

  struct Base {
    ObjectId id;
    std::uint64_t size = 0;
  };

  /// Fills the beginning of `out` with the payload of an entry that is in the log. Size 0 where it
  /// does not fit. kCorrupt where the pack has changed.
  Result<Base> read(std::uint64_t entry, MutableBytes out);

 private:
  struct Stored {
    EntryHeader header;
    Bytes payload;
  };

  BaseReader(File& file, std::uint64_t position, const EntryLog& log, Decompressor decompressor)
      : file_(file), position_(position), log_(log), decompressor_(std::move(decompressor)) {}

  Result<Stored> read_stored(std::uint64_t offset);
  Result<Bytes> program(const Stored& delta);
  [[nodiscard]] Error changed(std::uint64_t offset) const;

  File& file_;
  const std::uint64_t position_;
  const EntryLog& log_;
  std::mutex mutex_;  // guards what follows
  Decompressor decompressor_;
  Buffer stored_;
  Buffer program_;
  Buffer objects_[2];  // bases and what is made of them, by turns
};

}  // namespace bale
