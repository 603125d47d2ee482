// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/read/index_view.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "pack/read/mapped_checksum.h"
#include "pack/read/record_search.h"

namespace bale {
namespace {

// What a search came to: the record's offset, if it is of this id.
std::optional<std::uint64_t> offset_at(const RecordTable& records, std::uint64_t position,
                                       const ObjectId& id) {
  if (position == records.size()) return std::nullopt;
  const std::byte* record = records.record(position).data() + 1;
  const std::size_t key_bytes = id_bytes(id.kind());
  if (std::memcmp(record, id.bytes().data(), key_bytes) != 0) return std::nullopt;
  return load_be<std::uint64_t>(record + key_bytes);
}

std::unique_ptr<GuessMemo> make_memo(RecordTable& table) {
  std::unique_ptr<GuessMemo> memo = GuessMemo::create(table.size());
  if (memo != nullptr) table.learn_in(*memo);
  return memo;
}

}  // namespace

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
    return fail(ErrorCode::kCorrupt, {HintKind::kRebuildIndex}, "{}: {}", path,
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
  view.hash_memo_ = make_memo(view.hashes_);
  view.change_memo_ = make_memo(view.changes_);
  return view;
}

std::optional<std::uint64_t> IndexView::find(const ObjectId& id) const {
  const RecordTable& records = table(id.kind());
  return offset_at(records, records.lower_bound(id.bytes()), id);
}

void IndexView::find_many(std::span<const ObjectId> ids,
                          std::span<std::optional<std::uint64_t>> offsets) const {
  CHECK(ids.size() == offsets.size());
  while (!ids.empty()) {
    const std::size_t count = std::min(ids.size(), kLookupsAtOnce);
    find_group(ids.first(count), offsets.first(count));
    ids = ids.subspan(count);
    offsets = offsets.subspan(count);
  }
}

// All searches take a step by turns: while one waits for memory, the others' memory is on its way.
void IndexView::find_group(std::span<const ObjectId> ids,
                           std::span<std::optional<std::uint64_t>> offsets) const {
  std::array<RecordSearch, kLookupsAtOnce> searches;
  std::array<std::uint8_t, kLookupsAtOnce> going_on;
  std::size_t count = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    searches[i] = RecordSearch(table(ids[i].kind()), ids[i].bytes().data());
    if (searches[i].done()) continue;
    searches[i].prefetch();
    going_on[count++] = static_cast<std::uint8_t>(i);
  }
  while (count > 0) {
    std::size_t left = 0;
    for (std::size_t i = 0; i < count; ++i) {
      RecordSearch& search = searches[going_on[i]];
      search.step();
      if (search.done()) continue;
      search.prefetch();
      going_on[left++] = going_on[i];
    }
    count = left;
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    searches[i].teach();
    offsets[i] = offset_at(table(ids[i].kind()), searches[i].position(), ids[i]);
  }
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
  return IndexRecord{known_id<ObjectId>(kind, bytes.subspan(1, id_bytes(kind))),
                     load_be<std::uint64_t>(bytes.last(8).data())};
}

Result<void> IndexView::check_checksum() const {
  return trailer_ ? check_ending_checksum(*map_, path_) : Result<void>();
}

bool IndexView::record_is(std::uint64_t position, const SortRecord& record) const {
  if (position < layout_.hash_count) {
    const std::byte* found = hashes_.record(position).data();
    return std::memcmp(found, record.data(), kHashRecordBytes) == 0 && found[0] == std::byte{0};
  }
  // The sort record has zeros between id and offset.
  const std::byte* found = changes_.record(position - layout_.hash_count).data();
  return found[0] == std::byte{1} && std::memcmp(found, record.data(), 17) == 0 &&
         std::memcmp(found + 17, record.data() + 33, 8) == 0;
}

std::uint64_t IndexView::lower_bound(const ObjectId& id) const {
  const std::uint64_t before = id.kind() == IdKind::kContentHash ? 0 : layout_.hash_count;
  return before + table(id.kind()).lower_bound(id.bytes());
}

}  // namespace bale
