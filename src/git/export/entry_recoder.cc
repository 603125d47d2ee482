// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/entry_recoder.h"

#include <libdeflate.h>

#include "base/check.h"
#include "base/try.h"
#include "git/export/git_delta.h"
#include "git/export/pack_stream.h"
#include "pack/read/stored_payload.h"

namespace bale {
namespace {

// libdeflate's memory for any level below 10.
constexpr std::uint64_t kCompressorBytes = 1 << 20;

}  // namespace

void EntryRecoder::FreeCompressor::operator()(libdeflate_compressor* compressor) const {
  libdeflate_free_compressor(compressor);
}

std::uint64_t EntryRecoder::memory_bytes() {
  return Decompressor::memory_bytes() + kMostRecodedBytes + git_delta_bound(kMostRecodedBytes) +
         kCompressorBytes;
}

Result<EntryRecoder> EntryRecoder::create(Budget& budget) {
  EntryRecoder recoder(TRY(Decompressor::create(budget)));
  recoder.unpacked_ = TRY(Buffer::allocate(budget, kMostRecodedBytes, "an object to export"));
  recoder.git_program_ =
      TRY(Buffer::allocate(budget, git_delta_bound(kMostRecodedBytes), "a delta to export"));
  recoder.compressor_charge_ = TRY(budget.charge(kCompressorBytes, "compressing for a Git pack"));
  recoder.compressor_.reset(libdeflate_alloc_compressor(kGitZlibLevel));
  CHECK(recoder.compressor_ != nullptr);
  return recoder;
}

std::size_t EntryRecoder::bound(std::size_t unpacked_bytes) {
  // The bound of any compressor.
  return libdeflate_zlib_compress_bound(nullptr, git_delta_bound(unpacked_bytes));
}

Result<EntryRecoder::Recoded> EntryRecoder::recode(const StoredEntry& entry,
                                                   std::uint64_t base_size, MutableBytes out) {
  Bytes content = TRY(unpack(entry, decompressor_, unpacked_.span()));
  CHECK(content.size() <= kMostRecodedBytes);
  if (entry.is_delta()) {
    const std::size_t size = TRY(
        write_git_delta(content, {.base = base_size, .object = entry.size}, git_program_.span()));
    content = git_program_.span().first(size);
  }
  const std::size_t zlib_bytes = libdeflate_zlib_compress(compressor_.get(), content.data(),
                                                          content.size(), out.data(), out.size());
  CHECK(zlib_bytes > 0);
  return Recoded{content.size(), zlib_bytes};
}

}  // namespace bale
