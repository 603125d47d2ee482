// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/index_view.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<IndexView> IndexView::open(FileSystem& file_system, const std::string& path) {
  const std::unique_ptr<File> file = TRY(file_system.open(path));
  return from_file(*file, path);
}

Result<IndexView> IndexView::from_file(File& file, const std::string& path) {
  IndexView view;
  view.path_ = path;
  view.map_ = TRY(file.map());
  const Bytes bytes = view.map_->bytes();
  const Bytes tail = bytes.last(std::min(bytes.size(), kIndexTrailerBytes));
  const Result<IndexLayout> layout =
      decode_index_layout(bytes.first(std::min(bytes.size(), kHeaderBytes)), tail, bytes.size());
  if (!layout) {
    return fail(ErrorCode::kCorrupt, "{}: {} (bale pack index makes it anew from the pack)", path,
                layout.error().message);
  }
  view.layout_ = *layout;
  if (view.layout_.has_trailer) view.trailer_ = decode_index_trailer(tail);
  const std::uint64_t hash_bytes = view.layout_.hash_count * kHashRecordBytes;
  const Bytes area = bytes.subspan(kHeaderBytes, view.layout_.record_bytes());
  view.hashes_ =
      RecordTable(area.first(hash_bytes), kHashRecordBytes, 1, id_bytes(IdKind::kContentHash));
  view.changes_ =
      RecordTable(area.subspan(hash_bytes), kChangeRecordBytes, 1, id_bytes(IdKind::kChangeId));
  return view;
}

std::optional<std::uint64_t> IndexView::find(const ObjectId& id) const {
  const RecordTable& records = table(id.kind());
  const std::uint64_t position = records.find(id.bytes());
  if (position == records.size()) return std::nullopt;
  return load_be<std::uint64_t>(records.record(position).last(8).data());
}

Result<IndexRecord> IndexView::record(std::uint64_t position) const {
  CHECK(position < record_count());
  const bool is_hash = position < layout_.hash_count;
  const IdKind kind = is_hash ? IdKind::kContentHash : IdKind::kChangeId;
  const Bytes bytes = table(kind).record(is_hash ? position : position - layout_.hash_count);
  if (bytes[0] != static_cast<std::byte>(kind)) {
    return fail(ErrorCode::kCorrupt, "{}: record {} has the tag {} where {} belongs", path_,
                position, std::to_integer<unsigned>(bytes[0]), static_cast<unsigned>(kind));
  }
  return IndexRecord{ObjectId(kind, bytes.subspan(1, id_bytes(kind))),
                     load_be<std::uint64_t>(bytes.last(8).data())};
}

std::uint64_t IndexView::lower_bound(const ObjectId& id) const {
  const std::uint64_t before = id.kind() == IdKind::kContentHash ? 0 : layout_.hash_count;
  return before + table(id.kind()).lower_bound(id.bytes());
}

}  // namespace bale
