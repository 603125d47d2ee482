// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. A chain is walked from the delta to its base until something whole is found, in
// the pack or in the cache, and then applied the other way. Its length is counted across what the
// cache holds, so what is refused does not depend on what was read before.

#include "pack/read/entry_decoder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/delta.h"
#include "codec/zstd.h"
#include "pack/read/plain_header.h"
#include "pack/read/stored_payload.h"

namespace bale {
namespace {

// What one read brings: enough for a small entry where reading jumps about, and for many of them
// where it goes on from where it was.
constexpr std::size_t kJumpBytes = 4 << 10;
constexpr std::size_t kWindowBytes = ReadMemory::kWindowBytes;

constexpr std::size_t kPieceBytes = 256 << 10;

// What earlier reads have left in the context may be in the way: then it is given back, and the
// work is tried again, unless `given` says that a part of it has been handed out.
template <typename Work>
auto with_memory(ReadMemory& context, const Work& work, const bool& given = false) {
  auto done = work();
  if (done || given || done.error().code != ErrorCode::kLimitExceeded) return done;
  context.start_frugal();
  done = work();
  context.end_frugal();
  return done;
}

}  // namespace

Error EntryDecoder::corrupt(std::uint64_t offset, std::string_view what) const {
  return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: {}", pack_->path(), offset, what);
}

// A view of the file's bytes, valid until the next call with this context.
Result<Bytes> EntryDecoder::bytes(std::uint64_t offset, std::uint64_t size,
                                  ReadMemory& context) const {
  if (pack_->mapped()) return pack_->view(offset, size);
  ReadMemory::Window& window = context.window;
  const bool same_pack = window.pack == pack_->serial();
  if (same_pack && offset >= window.offset && offset - window.offset <= window.size &&
      size <= window.size - (offset - window.offset)) {
    return Bytes(window.buffer.data() + (offset - window.offset), size);
  }
  if (size > kWindowBytes) {
    const MutableBytes room = TRY(context.room(ReadMemory::kStored, size, "a stored payload"));
    TRY(pack_->read(offset, room));
    return Bytes(room);
  }
  TRY(context.ensure_window());
  const bool goes_on =
      same_pack && offset >= window.offset && offset - window.offset <= window.size + kJumpBytes;
  const std::size_t wanted = std::max<std::size_t>(goes_on ? kWindowBytes : kJumpBytes, size);
  std::size_t there = std::min(wanted, pack_->file_bytes() - offset);
  window.pack = 0;
  Result<void> read = pack_->read(offset, window.buffer.span().first(there));
  if (!read && read.error().code == ErrorCode::kIo && size < there) {
    // The block that the disk does not give may lie behind what was asked for.
    there = size;
    read = pack_->read(offset, window.buffer.span().first(there));
  }
  TRY(read);
  window.pack = pack_->serial();
  window.offset = offset;
  window.size = there;
  return Bytes(window.buffer.data(), size);
}

Result<EntryHeader> EntryDecoder::header(std::uint64_t offset, ReadMemory& context) const {
  return with_memory(context, [&] { return read_header(offset, context); });
}

Result<EntryHeader> EntryDecoder::read_header(std::uint64_t offset, ReadMemory& context) const {
  if (offset < pack_->entries_begin() || offset >= pack_->entries_end()) {
    return corrupt(offset, "the index leads outside the pack's entries");
  }
  const std::uint64_t left = pack_->entries_end() - offset;
  const Bytes start =
      TRY(bytes(offset, std::min<std::uint64_t>(left, kMaxEntryHeaderBytes), context));
  Result<EntryHeader> header = decode_entry_header(start);
  if (!header) return corrupt(offset, header.error().message);
  if (header->stored_size > left - header->header_bytes) {
    return corrupt(offset, "its payload runs past the pack's trailer");
  }
  return header;
}

Result<std::uint64_t> EntryDecoder::base_offset(const Link& delta) const {
  const auto offset = index_ == nullptr ? std::nullopt : index_->find(delta.header.base);
  if (!offset) {
    return corrupt(delta.offset, "its base " + delta.header.base.to_hex() + " is not in the index");
  }
  return *offset;
}

Result<EntryInfo> EntryDecoder::info(std::uint64_t offset, ReadMemory& context) const {
  Link link{offset, TRY(header(offset, context))};
  EntryInfo info{.id = link.header.id,
                 .size = link.header.size,
                 .stored_size = link.header.stored_size,
                 .offset = offset,
                 .entry_bytes = link.header.header_bytes + link.header.stored_size};
  if (link.header.is_delta()) info.base = link.header.base;
  while (link.header.is_delta()) {
    if (++info.depth > kMaxReadDepth) return corrupt(offset, "its chain of deltas is too long");
    const ObjectId base = link.header.base;
    link.offset = TRY(base_offset(link));
    link.header = TRY(header(link.offset, context));
    if (link.header.id != base) return corrupt(link.offset, "the index leads to another object");
  }
  info.type = link.header.object_type();
  return info;
}

// The payload of an entry that is no delta: a view of the file, of the window, or of the buffer for
// `use`.
Result<Bytes> EntryDecoder::whole(std::uint64_t offset, const EntryHeader& header,
                                  ReadMemory::Use use, ReadMemory& context) const {
  const Bytes stored = TRY(bytes(offset + header.header_bytes, header.stored_size, context));
  if (header.stored_size == header.size) return stored;
  return decompress(offset, stored, header.size, use, context);
}

Result<Bytes> EntryDecoder::decompress(std::uint64_t offset, Bytes stored, std::uint64_t size,
                                       ReadMemory::Use use, ReadMemory& context) const {
  if (size > kFrameBytes) {
    // Before taking much memory: can these bytes hold that much at all?
    const Result<std::uint64_t> bound = content_bound(stored);
    if (!bound) return corrupt(offset, bound.error().message);
    if (*bound < size) return corrupt(offset, "it claims more than its frames can hold");
  }
  const MutableBytes out = TRY(context.room(use, size, "an object"));
  Decompressor* decompressor = TRY(context.decompressor());
  const Result<void> decompressed = decompressor->decompress(stored, out);
  if (!decompressed) return corrupt(offset, decompressed.error().message);
  return Bytes(out);
}

Result<void> EntryDecoder::check_frames(std::uint64_t offset, Bytes frames,
                                        std::uint64_t content_bytes, ReadMemory& context) const {
  static_cast<void>(TRY(decompress(offset, frames, content_bytes, ReadMemory::kEven, context)));
  return {};
}

// How much memory decompressing a delta program takes: none where it is not compressed.
Result<std::uint64_t> EntryDecoder::program_room(const Link& link, Bytes stored) const {
  const Result<std::uint64_t> bound = program_bound(stored, link.header.size);
  if (!bound) return corrupt(link.offset, bound.error().message);
  return *bound;
}

// The delta program, decompressed.
Result<Bytes> EntryDecoder::program(const Link& link, ReadMemory& context) const {
  const Bytes stored =
      TRY(bytes(link.offset + link.header.header_bytes, link.header.stored_size, context));
  if (!starts_with_zstd_magic(stored)) return stored;
  const std::uint64_t most = TRY(program_room(link, stored));
  const MutableBytes out = TRY(context.room(ReadMemory::kProgram, most, "a delta program"));
  Decompressor* decompressor = TRY(context.decompressor());
  const Result<std::size_t> size = decompressor->decompress_at_most(stored, out);
  if (!size) return corrupt(link.offset, size.error().message);
  return Bytes(out).first(*size);
}

Result<StoredEntry> EntryDecoder::stored(std::uint64_t offset, std::uint64_t most_stored_bytes,
                                         ReadMemory& context) const {
  const EntryHeader header = TRY(this->header(offset, context));
  StoredEntry entry{.id = header.id,
                    .size = header.size,
                    .stored_size = header.stored_size,
                    .offset = offset,
                    .entry_bytes = header.header_bytes + header.stored_size};
  if (header.is_delta()) {
    entry.base = header.base;
  } else {
    entry.type = header.object_type();
  }
  if (header.stored_size <= most_stored_bytes) {
    entry.stored = TRY(with_memory(
        context, [&] { return bytes(offset + header.header_bytes, header.stored_size, context); }));
  }
  return entry;
}

Result<void> EntryDecoder::read_stored(std::uint64_t offset, ReadMemory& context,
                                       const PackReader::PayloadSink& sink) const {
  const EntryHeader header = TRY(this->header(offset, context));
  std::uint64_t position = offset + header.header_bytes;
  const std::uint64_t end = position + header.stored_size;
  while (position < end) {
    const std::uint64_t size = std::min<std::uint64_t>(kPieceBytes, end - position);
    TRY(sink(TRY(with_memory(context, [&] { return bytes(position, size, context); }))));
    position += size;
  }
  return {};
}

Result<ObjectView> EntryDecoder::get(std::uint64_t offset, ReadMemory& context) const {
  const Result<EntryHeader> header = this->header(offset, context);
  if (!header) return header.error();
  return get(offset, *header, context);
}

Result<ObjectView> EntryDecoder::get(std::uint64_t offset, const EntryHeader& header,
                                     ReadMemory& context) const {
  Result<ObjectView> object = decode(offset, header, context);
  if (!object && object.error().code == ErrorCode::kLimitExceeded) [[unlikely]] {
    return decode_frugally(offset, header, context);
  }
  return object;
}

Result<EntryHeader> EntryDecoder::header_of(const ObjectId& id, std::uint64_t offset,
                                            ReadMemory& context) const {
  Result<EntryHeader> header = this->header(offset, context);
  if (header && header->id != id) {
    return fail(ErrorCode::kCorrupt, "{}: the record of {} leads to offset {}, which holds {}",
                index_->path(), id.to_hex(), offset, header->id.to_hex());
  }
  return header;
}

// The short way for objects that are neither deltas nor large, nor damaged, in a mapped pack.
std::optional<ObjectView> EntryDecoder::get_plain(const ObjectId& id, std::uint64_t offset,
                                                  ReadMemory& context) const {
  if (!pack_->mapped() || pack_->entries_end() < kMaxEntryHeaderBytes || offset < kHeaderBytes ||
      offset > pack_->entries_end() - kMaxEntryHeaderBytes) {
    return std::nullopt;
  }
  PlainHeader header;
  if (!read_plain_header(pack_->view(offset, 0).data(), id, header)) return std::nullopt;
  const std::uint64_t payload_offset = offset + header.header_bytes;
  if (header.stored_size > pack_->entries_end() - payload_offset) return std::nullopt;
  Bytes payload = pack_->view(payload_offset, header.stored_size);
  if (header.stored_size != header.size) {
    const auto out = decompress(offset, payload, header.size, ReadMemory::kEven, context);
    if (!out) return std::nullopt;
    payload = *out;
  }
  remember(offset, header.type, payload, context);
  return ObjectView{id, header.type, payload};
}

Result<ObjectView> EntryDecoder::get(const ObjectId& id, std::uint64_t offset,
                                     ReadMemory& context) const {
  const std::optional<ObjectView> plain = get_plain(id, offset, context);
  if (plain) [[likely]] {
    return *plain;
  }
  const Result<EntryHeader> header = header_of(id, offset, context);
  if (!header) return header.error();
  return get(offset, *header, context);
}

Result<ObjectView> EntryDecoder::decode(std::uint64_t offset, const EntryHeader& header,
                                        ReadMemory& context) const {
  if (header.is_delta()) return rebuild(offset, header, context);
  const Bytes payload = TRY(whole(offset, header, ReadMemory::kEven, context));
  const ObjectView object{header.id, header.object_type(), payload};
  remember(offset, object.type, payload, context);
  return object;
}

// The cache is there once a delta was seen: what follows may be based on a whole object.
void EntryDecoder::remember(std::uint64_t offset, ObjectType type, Bytes payload,
                            ReadMemory& context) const {
  if (!context.cache().enabled()) return;
  context.cache().put({pack_->serial(), offset}, type, 0, payload);
}

Result<ObjectView> EntryDecoder::rebuild(std::uint64_t offset, const EntryHeader& header,
                                         ReadMemory& context) const {
  context.enable_cache();
  BaseCache& cache = context.cache();
  std::array<Link, kMaxReadDepth> links;
  int link_count = 0;
  links[0] = {offset, header};
  ObjectView base;
  int base_depth = 0;
  auto base_use = ReadMemory::kEven;
  for (;;) {
    const Link& last = links[static_cast<std::size_t>(link_count++)];
    const std::uint64_t next = TRY(base_offset(last));
    if (const auto hit = cache.find({pack_->serial(), next})) {
      // A copy, because the cache makes way for larger buffers; perhaps for this very one.
      const MutableBytes copy = TRY(context.room(base_use, hit->payload.size(), "a base"));
      if (const auto still = cache.find({pack_->serial(), next})) {
        std::memcpy(copy.data(), still->payload.data(), copy.size());
        base = {header.id, still->type, copy};
        base_depth = still->depth;
        break;
      }
    }
    const EntryHeader next_header = TRY(read_header(next, context));
    if (next_header.id != last.header.base) {
      return corrupt(next, "the index leads to another object");
    }
    if (!next_header.is_delta()) {
      Bytes payload = TRY(whole(next, next_header, base_use, context));
      if (!pack_->mapped() && next_header.stored_size == next_header.size) {
        // It lies where the programs will be read to.
        const MutableBytes copy = TRY(context.room(base_use, payload.size(), "a base"));
        if (!payload.empty()) std::memcpy(copy.data(), payload.data(), payload.size());
        payload = copy;
      }
      base = {header.id, next_header.object_type(), payload};
      cache.put({pack_->serial(), next}, base.type, 0, base.payload);
      break;
    }
    if (link_count == kMaxReadDepth) return corrupt(offset, "its chain of deltas is too long");
    links[static_cast<std::size_t>(link_count)] = {next, next_header};
  }
  if (base_depth + link_count > kMaxReadDepth) {
    return corrupt(offset, "its chain of deltas is too long");
  }
  while (link_count > 0) {
    const Link& link = links[static_cast<std::size_t>(--link_count)];
    const auto use = base_use == ReadMemory::kEven ? ReadMemory::kOdd : ReadMemory::kEven;
    const Bytes steps = TRY(program(link, context));
    // Before taking as much memory as the header claims: does the program make that much?
    const Result<std::uint64_t> made = delta_output_size(steps);
    if (!made) return corrupt(link.offset, made.error().message);
    if (*made != link.header.size) {
      return corrupt(link.offset, fmt::format("its program makes {} of {}", counted(*made, "byte"),
                                              link.header.size));
    }
    const MutableBytes out = TRY(context.room(use, link.header.size, "a rebuilt object"));
    const Result<void> applied = apply_delta(base.payload, steps, out);
    if (!applied) return corrupt(link.offset, applied.error().message);
    base.payload = out;
    base_use = use;
    ++base_depth;
    cache.put({pack_->serial(), link.offset}, base.type, base_depth, base.payload);
  }
  return base;
}

Result<ObjectType> EntryDecoder::read(std::uint64_t offset, ReadMemory& context,
                                      const PackReader::PayloadSink& sink) const {
  const Result<EntryHeader> header = this->header(offset, context);
  if (!header) return header.error();
  return read(offset, *header, context, sink);
}

Result<ObjectType> EntryDecoder::read(std::uint64_t offset, const EntryHeader& header,
                                      ReadMemory& context,
                                      const PackReader::PayloadSink& sink) const {
  if (header.is_delta() || header.size <= kFrameBytes) {
    const ObjectView object = TRY(get(offset, header, context));
    TRY(sink(object.payload));
    return object.type;
  }
  bool given = false;
  const PackReader::PayloadSink give = [&](Bytes piece) {
    given = true;
    return sink(piece);
  };
  return with_memory(
      context, [&] { return read_in_pieces(offset, header, context, give); }, given);
}

Result<ObjectType> EntryDecoder::read_in_pieces(std::uint64_t offset, const EntryHeader& header,
                                                ReadMemory& context,
                                                const PackReader::PayloadSink& sink) const {
  const bool raw = header.stored_size == header.size;
  StreamDecompressor stream(context.budget(), header.size);
  std::uint64_t position = offset + header.header_bytes;
  const std::uint64_t end = position + header.stored_size;
  while (position < end) {
    const std::uint64_t size = std::min<std::uint64_t>(kPieceBytes, end - position);
    const Bytes piece = TRY(bytes(position, size, context));
    position += size;
    if (raw) {
      TRY(sink(piece));
      continue;
    }
    Result<void> sunk;
    const Result<void> fed = stream.feed(piece, [&](Bytes content) -> Result<void> {
      sunk = sink(content);
      return sunk;
    });
    if (!sunk) return sunk.error();
    if (!fed && fed.error().code != ErrorCode::kCorrupt) return fed.error();
    if (!fed) return corrupt(offset, fed.error().message);
  }
  if (!raw) {
    const Result<void> finished = stream.finish();
    if (!finished) return corrupt(offset, finished.error().message);
  }
  return header.object_type();
}

}  // namespace bale
