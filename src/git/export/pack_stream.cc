// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/pack_stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "format/varint.h"

namespace bale {
namespace {

constexpr unsigned kDeltaTypeNumber = 6;

unsigned git_type_number(ObjectType type) {
  switch (type) {
    case ObjectType::kState:
      return 1;
    case ObjectType::kTree:
      return 2;
    case ObjectType::kBlob:
      return 3;
    case ObjectType::kAction:
      return 4;
  }
  CHECK(false);
}

}  // namespace

void GitPackStream::DeflateDeleter::operator()(z_stream_s* stream) const {
  deflateEnd(stream);
  delete stream;
}

GitPackStream::GitPackStream(GitPackStream&&) noexcept = default;
GitPackStream::~GitPackStream() = default;

Result<GitPackStream> GitPackStream::create(GitHash hash, std::uint64_t object_count,
                                            Budget& budget, Sink sink) {
  if (object_count > UINT32_MAX) {
    return fail(ErrorCode::kLimitExceeded, "{} objects are more than one Git pack can hold",
                object_count);
  }
  GitPackStream stream(hash, std::move(sink));
  stream.out_ = TRY(Buffer::allocate(budget, kMemoryBytes, "writing a Git pack"));
  std::array<std::byte, 12> header;
  std::memcpy(header.data(), "PACK", 4);
  store_be<std::uint32_t>(header.data() + 4, 2);
  store_be<std::uint32_t>(header.data() + 8, static_cast<std::uint32_t>(object_count));
  TRY(stream.put(header));
  return stream;
}

Result<void> GitPackStream::put(Bytes bytes) {
  while (!bytes.empty()) {
    if (filled_ == out_.size()) TRY(flush());
    const std::size_t piece = std::min(bytes.size(), out_.size() - filled_);
    std::memcpy(out_.data() + filled_, bytes.data(), piece);
    filled_ += piece;
    bytes = bytes.subspan(piece);
  }
  return {};
}

Result<void> GitPackStream::flush() {
  const Bytes bytes = out_.span().first(filled_);
  hasher_.update(bytes);
  TRY(sink_(bytes));
  bytes_ += filled_;
  filled_ = 0;
  return {};
}

Result<void> GitPackStream::put_header(unsigned type, std::uint64_t size) {
  std::array<std::byte, 1 + kMaxVarintBytes> header;
  const std::uint64_t rest = size >> 4;
  header[0] = static_cast<std::byte>((rest != 0 ? 0x80U : 0U) | type << 4 | (size & 15));
  const std::size_t length = rest != 0 ? 1 + encode_varint(rest, header.data() + 1) : 1;
  return put(Bytes(header).first(length));
}

Result<void> GitPackStream::object(ObjectType type, std::uint64_t size, Bytes zlib) {
  TRY(put_header(git_type_number(type), size));
  return put(zlib);
}

Result<void> GitPackStream::delta(std::uint64_t base_position, std::uint64_t size, Bytes zlib) {
  CHECK(base_position < position());
  std::uint64_t distance = position() - base_position;
  TRY(put_header(kDeltaTypeNumber, size));
  std::array<std::byte, kMaxVarintBytes> digits;
  std::size_t begin = digits.size() - 1;
  digits[begin] = static_cast<std::byte>(distance & 0x7F);
  while ((distance >>= 7) != 0) {
    digits[--begin] = static_cast<std::byte>(0x80 | (--distance & 0x7F));
  }
  TRY(put(Bytes(digits).subspan(begin)));
  return put(zlib);
}

Result<void> GitPackStream::begin_object(ObjectType type, std::uint64_t size) {
  TRY(put_header(git_type_number(type), size));
  if (deflate_ == nullptr) {
    auto stream = std::make_unique<z_stream>();
    if (deflateInit(stream.get(), kGitZlibLevel) != Z_OK) {
      return fail(ErrorCode::kLimitExceeded, "no memory is left for zlib");
    }
    deflate_.reset(stream.release());
  } else {
    CHECK(deflateReset(deflate_.get()) == Z_OK);
  }
  return {};
}

// Compresses into the output buffer.
Result<void> GitPackStream::deflate_piece(Bytes piece, int mode) {
  constexpr std::size_t kMostAtOnce = 1 << 30;
  do {
    const Bytes part = piece.first(std::min(piece.size(), kMostAtOnce));
    piece = piece.subspan(part.size());
    // zlib does not write to its input, despite its signature.
    deflate_->next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(part.data()));
    deflate_->avail_in = static_cast<uInt>(part.size());
    int status = Z_OK;
    do {
      if (filled_ == out_.size()) TRY(flush());
      deflate_->next_out = reinterpret_cast<Bytef*>(out_.data() + filled_);
      deflate_->avail_out = static_cast<uInt>(out_.size() - filled_);
      status = deflate(deflate_.get(), mode);
      CHECK(status != Z_STREAM_ERROR);
      filled_ = out_.size() - deflate_->avail_out;
    } while (deflate_->avail_out == 0 && status != Z_STREAM_END);
  } while (!piece.empty());
  return {};
}

Result<void> GitPackStream::write(Bytes piece) {
  return piece.empty() ? Result<void>() : deflate_piece(piece, Z_NO_FLUSH);
}

Result<void> GitPackStream::end() {
  return deflate_piece({}, Z_FINISH);
}

Result<std::uint64_t> GitPackStream::finish() {
  TRY(flush());
  const GitOid trailer = hasher_.finish();
  TRY(sink_(trailer.bytes()));
  return bytes_ + trailer.bytes().size();
}

}  // namespace bale
