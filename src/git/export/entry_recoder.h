// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// EntryRecoder: converts an entry's stored payload to that of a Git pack: decompresses it, converts
// a delta's program to Git's form, and compresses with zlib.
//
// Memory: memory_bytes(), charged. Not thread-safe: use one per lane.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "bale/pack_reader.h"
#include "bale/result.h"
#include "base/budget.h"
#include "codec/zstd.h"

struct libdeflate_compressor;

namespace bale {

/// The largest payload or delta program that is recoded whole, in memory.
inline constexpr std::size_t kMostRecodedBytes = 1 << 20;

class EntryRecoder {
 public:
  [[nodiscard]] static std::uint64_t memory_bytes();

  /// The budget must outlive the recoder.
  [[nodiscard]] static Result<EntryRecoder> create(Budget& budget);

  /// The longest recoded form of a payload or program of this size.
  [[nodiscard]] static std::size_t bound(std::size_t unpacked_bytes);

  struct Recoded {
    std::size_t size = 0;        ///< before compression, for Git's header
    std::size_t zlib_bytes = 0;  ///< written
  };

  /// Writes to `out`, which has room for bound(unpacked size). `base_size` is the size of a delta's
  /// base object. Requires that entry.stored is set, that payload or program have at most
  /// kMostRecodedBytes, and that a delta's object is not empty. kCorrupt if the entry is visibly
  /// damaged; messages do not name it.
  Result<Recoded> recode(const StoredEntry& entry, std::uint64_t base_size, MutableBytes out);

 private:
  struct FreeCompressor {
    void operator()(libdeflate_compressor* compressor) const;
  };

  explicit EntryRecoder(Decompressor decompressor) : decompressor_(std::move(decompressor)) {}

  Decompressor decompressor_;
  Buffer unpacked_;
  Buffer git_program_;
  Charge compressor_charge_;
  std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor_;
};

}  // namespace bale
