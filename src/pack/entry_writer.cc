// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/entry_writer.h"

#include <array>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/try.h"

namespace bale {

Result<EntryWriter> EntryWriter::create(File& file, std::uint64_t file_offset, Budget& budget,
                                        std::optional<std::uint64_t> declared_count) {
  EntryWriter writer(TRY(HashedWriter::create(file, file_offset, budget, kPackWriteBufferBytes,
                                              "the pack's write buffer")));
  const FileHeader header = encode_pack_header(declared_count.value_or(0));
  if (declared_count) {
    TRY(writer.out_.append(header));
  } else {
    TRY(writer.out_.append(Bytes(header).first(kCountPosition)));
    writer.count_hole_ = TRY(writer.out_.reserve(sizeof(std::uint64_t)));
  }
  return writer;
}

Result<std::uint64_t> EntryWriter::append(const EntryHeader& header, Bytes stored) {
  CHECK(header.stored_size == stored.size() && !id_hole_.has_value());
  const std::uint64_t offset = out_.position();
  std::array<std::byte, kMaxEntryHeaderBytes> bytes;
  const std::size_t header_bytes =
      encode_entry_header(header, StoredSizeForm::kShortest, bytes.data());
  TRY(out_.append(Bytes(bytes).first(header_bytes)));
  TRY(out_.append(stored));
  ++entry_count_;
  return offset;
}

Result<std::uint64_t> EntryWriter::begin(IdKind kind, ObjectType type, std::uint64_t size,
                                         std::optional<std::uint64_t> stored_size) {
  CHECK(!id_hole_.has_value());
  const std::uint64_t offset = out_.position();
  const std::array<std::byte, 32> no_id{};
  const EntryHeader header{.id = ObjectId(kind, Bytes(no_id).first(id_bytes(kind))),
                           .type = entry_type(type),
                           .size = size,
                           .stored_size = stored_size.value_or(0)};
  std::array<std::byte, kMaxEntryHeaderBytes> bytes;
  const std::size_t header_bytes = encode_entry_header(
      header, stored_size ? StoredSizeForm::kShortest : StoredSizeForm::kPadded, bytes.data());
  const std::size_t id_end = 1 + id_bytes(kind);
  const std::size_t known_end = stored_size ? header_bytes : padded_size_position(header_bytes);
  TRY(out_.append(Bytes(bytes).first(1)));
  id_hole_ = TRY(out_.reserve(id_bytes(kind)));
  TRY(out_.append(Bytes(bytes).subspan(id_end, known_end - id_end)));
  if (!stored_size) size_hole_ = TRY(out_.reserve(kMaxVarintBytes));
  payload_position_ = out_.position();
  ++entry_count_;
  return offset;
}

Result<void> EntryWriter::append_payload(Bytes piece) {
  return out_.append(piece);
}

Result<void> EntryWriter::end(const ObjectId& id) {
  const Hole id_hole = *std::exchange(id_hole_, std::nullopt);
  CHECK(id.bytes().size() == id_hole.bytes);
  TRY(out_.fill(id_hole, id.bytes()));
  if (!size_hole_) return {};
  const Hole size_hole = *std::exchange(size_hole_, std::nullopt);
  return out_.fill(size_hole, encode_padded_varint(open_payload_bytes()));
}

Result<std::uint64_t> EntryWriter::flush() {
  TRY(out_.flush());
  if (count_hole_) return 0;
  return id_hole_ ? id_hole_->offset : out_.position();
}

Result<EntryWriter::Finished> EntryWriter::finish() {
  CHECK(!id_hole_.has_value());
  if (count_hole_) {
    std::array<std::byte, 8> count;
    store_be<std::uint64_t>(count.data(), entry_count_);
    TRY(out_.fill(*std::exchange(count_hole_, std::nullopt), count));
  }
  Finished finished;
  finished.trailer = out_.digest();
  TRY(out_.append(finished.trailer));
  finished.name = out_.digest();
  TRY(out_.flush());
  finished.pack_bytes = out_.position();
  return finished;
}

}  // namespace bale
