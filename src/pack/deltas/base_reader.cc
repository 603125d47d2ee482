// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/deltas/base_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "codec/delta.h"

namespace bale {
namespace {

// Small entries come with one read.
constexpr std::size_t kGuessBytes = 4096;

}  // namespace

std::uint64_t BaseReader::memory_bytes(std::uint64_t most_object_bytes) {
  return 3 * most_object_bytes + kMostDeltaBytes + kMaxEntryHeaderBytes + kGuessBytes +
         Decompressor::memory_bytes();
}

Result<std::unique_ptr<BaseReader>> BaseReader::create(Budget& budget,
                                                       std::uint64_t most_object_bytes, File& file,
                                                       std::uint64_t position,
                                                       const EntryLog& log) {
  // Made first: an error on the way out of `new` would leave its memory behind.
  Decompressor decompressor = TRY(Decompressor::create(budget));
  std::unique_ptr<BaseReader> reader(new BaseReader(file, position, log, std::move(decompressor)));
  constexpr std::string_view kWhat = "reading bases back";
  reader->stored_ =
      TRY(Buffer::allocate(budget, most_object_bytes + kMaxEntryHeaderBytes + kGuessBytes, kWhat));
  reader->program_ = TRY(Buffer::allocate(budget, kMostDeltaBytes, kWhat));
  for (Buffer& object : reader->objects_) {
    object = TRY(Buffer::allocate(budget, most_object_bytes, kWhat));
  }
  return reader;
}

Error BaseReader::changed(std::uint64_t offset) const {
  return fail(ErrorCode::kCorrupt,
              "{}: the entry at offset {} has changed while the pack was built", file_.path(),
              offset);
}

Result<BaseReader::Stored> BaseReader::read_stored(std::uint64_t offset) {
  const MutableBytes to = stored_.span();
  std::size_t got = TRY(file_.read_at(position_ + offset, to.first(kGuessBytes)));
  Stored stored;
  const Result<EntryHeader> header = decode_entry_header(to.first(got));
  if (!header) return changed(offset);
  stored.header = *header;
  const std::uint64_t wanted = header->header_bytes + header->stored_size;
  if (wanted > to.size()) return changed(offset);
  if (wanted > got) {
    got += TRY(file_.read_at(position_ + offset + got, to.subspan(got, wanted - got)));
    if (got < wanted) return changed(offset);
  }
  stored.payload = to.subspan(header->header_bytes, header->stored_size);
  return stored;
}

Result<Bytes> BaseReader::program(const Stored& delta) {
  if (!starts_with_zstd_magic(delta.payload)) return delta.payload;
  const std::size_t size = TRY(decompressor_.decompress_at_most(delta.payload, program_.span()));
  return Bytes(program_.span().first(size));
}

Result<BaseReader::Base> BaseReader::read(std::uint64_t entry, MutableBytes out) {
  const std::lock_guard lock(mutex_);
  std::array<LoggedEntry, kMaxReadDepth + 1> chain;
  std::size_t depth = 0;
  chain[0] = TRY(log_.at(entry));
  if (chain[0].size > out.size()) return Base{};
  while (chain[depth].base) {
    if (depth == kMaxReadDepth) return changed(chain[0].offset);
    const LoggedEntry base = TRY(log_.at(*chain[depth].base));
    if (base.size > objects_[0].size()) return Base{};
    chain[++depth] = base;
  }
  Base base;
  MutableBytes object;
  for (std::size_t i = depth + 1; i-- > 0;) {
    const std::uint64_t offset = chain[i].offset;
    const Stored stored = TRY(read_stored(offset));
    if (stored.header.size != chain[i].size || stored.header.is_delta() != (i < depth)) {
      return changed(offset);
    }
    const MutableBytes to =
        i == 0 ? out.first(chain[i].size) : objects_[i % 2].span().first(chain[i].size);
    Result<void> made;
    if (i < depth) {
      const Result<Bytes> steps = program(stored);
      made = steps ? apply_delta(object, *steps, to) : Result<void>(steps.error());
    } else if (stored.payload.size() == to.size()) {
      if (!to.empty()) std::memcpy(to.data(), stored.payload.data(), to.size());
    } else {
      made = decompressor_.decompress(stored.payload, to);
    }
    if (!made) return changed(offset);
    object = to;
    base = {.id = stored.header.id, .size = to.size()};
  }
  return base;
}

}  // namespace bale
