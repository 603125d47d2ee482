// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/git_index_view.h"

#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "io/page_release.h"
#include "pack/read/mapped_checksum.h"

namespace bale {

Result<GitIndexView> GitIndexView::open(FileSystem& file_system, const std::string& path,
                                        const Digest& pack_trailer) {
  GitIndexView view;
  view.path_ = path;
  const std::unique_ptr<File> file = TRY(file_system.open(path));
  view.map_ = TRY(file->map());
  const Bytes bytes = view.map_->bytes();
  const Result<GitIndexHeader> header = decode_git_index_header(bytes, bytes.size());
  if (!header) return fail(ErrorCode::kCorrupt, "{}: {}", path, header.error().message);
  const Result<IndexTrailer> trailer = decode_git_index_trailer(bytes);
  if (!trailer) return fail(ErrorCode::kCorrupt, "{}: {}", path, trailer.error().message);
  if (trailer->pack_trailer != pack_trailer) {
    return fail(ErrorCode::kCorrupt, "{}: the index of another pack", path);
  }
  view.header_ = *header;
  const std::size_t stride = git_record_bytes(header->hash);
  view.records_ = RecordTable(bytes.subspan(kGitIndexHeaderBytes, header->record_count * stride),
                              stride, 0, oid_bytes(header->hash));
  return view;
}

std::optional<GitIndexView::Found> GitIndexView::find(const GitOid& oid) const {
  if (oid.hash() != header_.hash) return std::nullopt;
  const std::uint64_t position = records_.find(oid.bytes());
  if (position == records_.size()) return std::nullopt;
  return Found{position, offset(position)};
}

GitOid GitIndexView::oid(std::uint64_t position) const {
  return known_id<GitOid>(header_.hash, records_.key(position));
}

std::uint64_t GitIndexView::offset(std::uint64_t position) const {
  return load_be<std::uint64_t>(records_.record(position).last(8).data());
}

std::uint64_t GitIndexView::lower_bound(const GitOid& oid) const {
  return records_.lower_bound(oid.bytes());
}

Result<void> GitIndexView::check() const {
  TRY(check_ending_checksum(*map_, path_));
  for (std::uint64_t i = 1; i < record_count(); ++i) {
    if (i % kRecordsPerRelease == 0) release_pages();
    if (oid(i - 1) < oid(i)) continue;
    return fail(ErrorCode::kCorrupt, "{}: record {} is out of order", path_, i);
  }
  return {};
}

}  // namespace bale
