// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Cuts the payload where entries and lines end, and gives whole ones to the grammar of
// git_objects.h.

#include "object/link_stream.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

constexpr std::size_t kMostEntryBytes = 1 << 20;
// "object HEX", "type WORD": longer lines are not among those that matter.
constexpr std::size_t kMostLineBytes = 128;

}  // namespace

Result<void> LinkStream::feed(Bytes piece, const LinkVisitor& visit) {
  if (done_ || type_ == ObjectType::kBlob) return {};
  return type_ == ObjectType::kTree ? feed_tree(piece, visit) : feed_lines(as_text(piece), visit);
}

Result<void> LinkStream::feed_tree(Bytes piece, const LinkVisitor& visit) {
  carry_.append(as_text(piece));
  std::size_t begin = 0;
  for (;;) {
    const std::size_t zero = carry_.find('\0', begin);
    const std::size_t end = zero + 1 + oid_bytes(hash_);
    if (zero == std::string::npos || end > carry_.size()) break;
    Result<void> visited;
    const Result<void> parsed =
        for_each_link(hash_, type_, as_bytes(std::string_view(carry_).substr(begin, end - begin)),
                      [&](const Link& link) { return visited = visit(link); });
    TRY(visited);
    if (!parsed) {
      malformed_ = parsed.error();
      done_ = true;
      return {};
    }
    begin = end;
  }
  carry_.erase(0, begin);
  if (carry_.size() > kMostEntryBytes) {
    malformed_ = fail(ErrorCode::kCorrupt, "tree: an entry of more than {} bytes", kMostEntryBytes);
    done_ = true;
  }
  return {};
}

Result<void> LinkStream::feed_lines(std::string_view text, const LinkVisitor& visit) {
  while (!text.empty() && !done_) {
    const std::size_t line_end = text.find('\n');
    const std::size_t size = line_end == std::string_view::npos ? text.size() : line_end + 1;
    carry_.append(text.substr(0, std::min(size, kMostLineBytes)));
    text.remove_prefix(size);
    if (carry_.size() >= kMostLineBytes || carry_.ends_with('\n')) TRY(take_line(visit));
  }
  return {};
}

// A commit has its tree in the first line, then parents; a tag what it names in the first, and its
// type in the second.
Result<void> LinkStream::take_line(const LinkVisitor& visit) {
  const bool is_commit = type_ == ObjectType::kState;
  if (is_commit && lines_ > 0 && !carry_.starts_with("parent ")) {
    done_ = true;
    return {};
  }
  // A parent line is parsed behind the tree line, which brings it to the place that it needs.
  const std::string payload = header_ + carry_;
  if (is_commit ? lines_ == 0 : lines_ < 1) header_ = carry_;
  ++lines_;
  carry_.clear();
  if (!is_commit && lines_ == 1) return {};  // its type is in the next
  const bool is_first = is_commit && lines_ == 1;
  Result<void> visited;
  const Result<void> parsed =
      for_each_link(hash_, type_, as_bytes(payload), [&](const Link& link) -> Result<void> {
        if (is_commit && !is_first && !link.is_parent) return {};
        return visited = visit(link);
      });
  TRY(visited);
  if (!parsed) malformed_ = parsed.error();
  done_ = !is_commit || !parsed;
  return {};
}

Result<void> LinkStream::finish(const LinkVisitor& visit) {
  const bool is_tag = type_ == ObjectType::kAction;
  if (is_tag && !done_ && lines_ == 1) TRY(take_line(visit));
  if (!malformed_ && !done_ && type_ == ObjectType::kTree && !carry_.empty()) {
    malformed_ = fail(ErrorCode::kCorrupt, "tree: ends inside an entry");
  }
  if (!malformed_ && (is_tag || type_ == ObjectType::kState) && lines_ == 0) {
    malformed_ = fail(ErrorCode::kCorrupt, "its first line does not name an object");
  }
  if (malformed_) return *malformed_;
  return {};
}

}  // namespace bale
