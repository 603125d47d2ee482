// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// EntryRecoder: from an entry's stored payload to what stands in a Git pack: decompressed, a
// delta's program in Git's form, and compressed with zlib.
//
// Memory: memory_bytes(), charged. Not thread-safe: one a lane.

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

/// Payloads and delta programs of up to this size are recoded in memory, as a whole.
inline constexpr std::size_t kMostRecodedBytes = 1 << 20;

class EntryRecoder {
 public:
  [[nodiscard]] static std::uint64_t memory_bytes();

  /// The budget must outlive the recoder.
  [[nodiscard]] static Result<EntryRecoder> create(Budget& budget);

  /// Recoded, so many bytes of payload or program take no more than this.
  [[nodiscard]] static std::size_t bound(std::size_t unpacked_bytes);

  struct Recoded {
    std::size_t size = 0;        ///< of what was compressed: Git's header says it
    std::size_t zlib_bytes = 0;  ///< written
  };

  /// Writes to `out`, which has room for bound(unpacked size). `base_size`: of the base's object,
  /// where the entry is a delta. Requires that entry.stored is there, that payload or program have
  /// at most kMostRecodedBytes, and of a delta that its object is not empty. kCorrupt where the
  /// entry is damaged, as far as that shows; messages do not name it.
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
