// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Splits the payload at the ends of entries and lines, and passes whole ones to the parsers of
// git_objects.h.

#include "object/link_stream.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

constexpr std::size_t kMostEntryBytes = 1 << 20;
// Longer than "object HEX" and "type WORD"; longer lines are irrelevant.
constexpr std::size_t kMostLineBytes = 128;

// The length of the whole entries at the start of `text`.
std::size_t whole_entries(GitHash hash, std::string_view text) {
  std::size_t begin = 0;
  for (;;) {
    const std::size_t zero = text.find('\0', begin);
    if (zero == std::string_view::npos || text.size() - zero - 1 < oid_bytes(hash)) return begin;
    begin = zero + 1 + oid_bytes(hash);
  }
}

}  // namespace

Result<void> TreeStream::feed(Bytes piece, const TreeEntryVisitor& visit) {
  if (malformed_) return {};
  if (carry_.empty()) {
    const std::size_t whole = TRY(visit_whole(piece, visit));
    carry_ = as_text(piece.subspan(whole));
  } else {
    carry_.append(as_text(piece));
    const std::size_t whole = TRY(visit_whole(as_bytes(carry_), visit));
    carry_.erase(0, whole);
  }
  if (!malformed_ && carry_.size() > kMostEntryBytes) {
    malformed_ = fail(ErrorCode::kCorrupt, "tree: an entry of more than {} bytes", kMostEntryBytes);
  }
  if (malformed_) carry_.clear();
  return {};
}

Result<std::size_t> TreeStream::visit_whole(Bytes bytes, const TreeEntryVisitor& visit) {
  const std::size_t whole = whole_entries(hash_, as_text(bytes));
  TreeReader entries(hash_, bytes.first(whole), bytes_before_);
  for (;;) {
    const Result<std::optional<TreeEntry>> entry = entries.next();
    if (!entry) malformed_ = entry.error();
    if (!entry || !*entry) break;
    TRY(visit(**entry));
  }
  bytes_before_ += whole;
  return whole;
}

Result<void> TreeStream::finish() const {
  if (malformed_) return *malformed_;
  TreeReader rest(hash_, as_bytes(carry_), bytes_before_);
  TRY_VOID(rest.next());
  return {};
}

Result<void> LinkStream::feed(Bytes piece, const LinkVisitor& visit) {
  if (type_ == ObjectType::kTree) {
    return tree_.feed(piece, [&](const TreeEntry& entry) { return visit(link_of(entry)); });
  }
  if (done_ || type_ == ObjectType::kBlob) return {};
  return feed_lines(as_text(piece), visit);
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

// A commit has its tree in the first line, then parents; a tag its object in the first and its type
// in the second.
Result<void> LinkStream::take_line(const LinkVisitor& visit) {
  const bool is_commit = type_ == ObjectType::kState;
  if (is_commit && lines_ > 0 && !carry_.starts_with("parent ")) {
    done_ = true;
    return {};
  }
  // Parses a parent line after the tree line, as in a commit.
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
  if (type_ == ObjectType::kTree) return tree_.finish();
  const bool is_tag = type_ == ObjectType::kAction;
  if (is_tag && !done_ && lines_ == 1) TRY(take_line(visit));
  if (!malformed_ && (is_tag || type_ == ObjectType::kState) && lines_ == 0) {
    malformed_ = fail(ErrorCode::kCorrupt, "its first line does not name an object");
  }
  if (malformed_) return *malformed_;
  return {};
}

}  // namespace bale
