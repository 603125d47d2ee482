// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Parsers for the grammar in git_objects.h. They accept what Git 2.39 accepts, so that every object
// that Git can walk has the same links here.

#include "object/git_objects.h"

#include <array>

#include "base/check.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/known_id.h"
#include "base/try.h"

namespace bale {
namespace {

constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kTypeFile = 0100000;
constexpr std::uint32_t kTypeSymlink = 0120000;
constexpr std::uint32_t kTypeTree = 0040000;
constexpr std::uint32_t kOwnerMayExecute = 0100;

// Reads the header lines at the start of a commit or a tag.
class HeaderLines {
 public:
  HeaderLines(const char* what, GitHash hash, Bytes payload)
      : what_(what), hash_(hash), text_(as_text(payload)) {}

  [[nodiscard]] bool next_is(std::string_view key) const {
    return text_.substr(position_, key.size()) == key;
  }

  // Whether the rest is longer than "<key><hex>".
  [[nodiscard]] bool has_more_than(std::string_view key) const {
    return text_.size() - position_ > key.size() + 2 * oid_bytes(hash_);
  }

  // The id in a line "<key><hex>\n".
  Result<GitOid> take_oid(std::string_view key) {
    if (!next_is(key)) return missing(key);
    const std::size_t hex_start = position_ + key.size();
    const std::size_t digit_count = 2 * oid_bytes(hash_);
    const std::size_t line_end = hex_start + digit_count;
    std::array<std::byte, 32> bytes{};
    const MutableBytes oid = MutableBytes(bytes).first(oid_bytes(hash_));
    if (line_end >= text_.size() || text_[line_end] != '\n' ||
        !parse_hex(text_.substr(hex_start, digit_count), oid)) {
      return fail(ErrorCode::kCorrupt,
                  "{}: no object id of {} hex digits and a line end at byte {}", what_, digit_count,
                  hex_start);
    }
    position_ = line_end + 1;
    return known_id<GitOid>(hash_, oid);
  }

  // Returns the text of a line "<key><text>\n"; nullopt, without advancing, for any other line.
  std::optional<std::string_view> take_text(std::string_view key) {
    if (!next_is(key)) return std::nullopt;
    const std::size_t start = position_ + key.size();
    const std::size_t line_end = text_.find('\n', start);
    if (line_end == std::string_view::npos) return std::nullopt;
    position_ = line_end + 1;
    return text_.substr(start, line_end - start);
  }

 private:
  [[nodiscard]] Error missing(std::string_view key) const {
    return fail(ErrorCode::kCorrupt, "{}: no '{}' at byte {}", what_, key, position_);
  }

  const char* what_;
  GitHash hash_;
  std::string_view text_;
  std::size_t position_ = 0;
};

ObjectType linked_type(EntryKind kind) {
  switch (kind) {
    case EntryKind::kTree:
      return ObjectType::kTree;
    case EntryKind::kSubmodule:
      return ObjectType::kState;
    case EntryKind::kFile:
    case EntryKind::kExecutable:
    case EntryKind::kSymlink:
      return ObjectType::kBlob;
  }
  CHECK(false);
}

Result<void> visit_tree(GitHash hash, Bytes payload, const LinkVisitor& visit) {
  TreeReader reader(hash, payload);
  while (const std::optional<TreeEntry> entry = TRY(reader.next())) TRY(visit(link_of(*entry)));
  return {};
}

Result<void> visit_commit(GitHash hash, Bytes payload, const LinkVisitor& visit) {
  HeaderLines lines("commit", hash, payload);
  const GitOid tree = TRY(lines.take_oid("tree "));
  TRY(visit({.oid = tree, .type = ObjectType::kTree}));
  // Git looks for another parent only while the rest is longer than such a line.
  while (lines.next_is("parent ") && lines.has_more_than("parent ")) {
    const GitOid parent = TRY(lines.take_oid("parent "));
    TRY(visit({.oid = parent, .type = ObjectType::kState, .is_parent = true}));
  }
  return {};
}

}  // namespace

EntryKind entry_kind(std::uint32_t mode) {
  switch (mode & kTypeMask) {
    case kTypeFile:
      return (mode & kOwnerMayExecute) != 0 ? EntryKind::kExecutable : EntryKind::kFile;
    case kTypeSymlink:
      return EntryKind::kSymlink;
    case kTypeTree:
      return EntryKind::kTree;
    default:
      return EntryKind::kSubmodule;
  }
}

Link link_of(const TreeEntry& entry) {
  const EntryKind kind = entry_kind(entry.mode);
  return {.oid = entry.oid,
          .type = linked_type(kind),
          .name = entry.name,
          .submodule = kind == EntryKind::kSubmodule};
}

Result<std::optional<TreeEntry>> TreeReader::next() {
  const std::string_view rest = as_text(payload_).substr(position_);
  if (rest.empty()) return std::nullopt;

  TreeEntry entry;
  std::size_t at = 0;
  for (; at < rest.size() && rest[at] >= '0' && rest[at] <= '7'; ++at) {
    // Excess digits overflow at the top, as in Git: the type is in the low 16 bits.
    entry.mode = entry.mode << 3 | static_cast<std::uint32_t>(rest[at] - '0');
  }
  if (at == 0 || at == rest.size() || rest[at] != ' ') {
    return fail(ErrorCode::kCorrupt, "tree: no octal mode and a space at byte {}",
                bytes_before_ + position_);
  }
  entry.mode_text = rest.substr(0, at);

  const std::size_t name_start = at + 1;
  const std::size_t name_end = rest.find('\0', name_start);
  if (name_end == std::string_view::npos || name_end == name_start) {
    return fail(ErrorCode::kCorrupt, "tree: no name with a zero byte after it at byte {}",
                bytes_before_ + position_ + name_start);
  }
  entry.name = rest.substr(name_start, name_end - name_start);

  const std::size_t oid_start = name_end + 1;
  if (rest.size() - oid_start < oid_bytes(hash_)) {
    return fail(ErrorCode::kCorrupt, "tree: ends inside the object id at byte {}",
                bytes_before_ + position_ + oid_start);
  }
  entry.oid = known_id<GitOid>(hash_, payload_.subspan(position_ + oid_start, oid_bytes(hash_)));
  position_ += oid_start + oid_bytes(hash_);
  return entry;
}

Result<Commit> parse_commit(GitHash hash, Bytes payload) {
  Commit commit;
  TRY(visit_commit(hash, payload, [&commit](const Link& link) {
    if (link.type == ObjectType::kTree) {
      commit.tree = link.oid;
    } else {
      commit.parents.push_back(link.oid);
    }
    return Result<void>();
  }));
  return commit;
}

Result<Tag> parse_tag(GitHash hash, Bytes payload) {
  HeaderLines lines("tag", hash, payload);
  Tag tag;
  tag.object = TRY(lines.take_oid("object "));
  if (const std::optional<std::string_view> word = lines.take_text("type ")) {
    const Result<ObjectType> type = object_type_from_git(*word);
    if (type) tag.type = *type;
  }
  tag.name = lines.take_text("tag ").value_or("");
  return tag;
}

Result<void> for_each_link(GitHash hash, ObjectType type, Bytes payload, const LinkVisitor& visit) {
  switch (type) {
    case ObjectType::kBlob:
      return {};
    case ObjectType::kTree:
      return visit_tree(hash, payload, visit);
    case ObjectType::kState:
      return visit_commit(hash, payload, visit);
    case ObjectType::kAction: {
      const Tag tag = TRY(parse_tag(hash, payload));
      return visit({.oid = tag.object,
                    .type = tag.type.value_or(ObjectType::kBlob),
                    .claims_type = tag.type.has_value()});
    }
  }
  CHECK(false);
}

}  // namespace bale
