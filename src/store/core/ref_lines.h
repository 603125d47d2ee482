// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The text of lists of refs (doc/FORMAT.md, section 8): a line for each ref, in the order of the
// names' bytes. No name has a byte below '!', so lines in the order of their bytes are in the order
// of their names.
//
//   NAME HEX            a ref
//   NAME HEX TARGET     a symbolic ref, and the object that it leads to
//   NAME - TARGET       a symbolic ref that leads nowhere
//   NAME -              in edits only: the ref is gone
//
// Functions are safe from any thread; objects are not.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/file_system.h"
#include "bale/ref_list.h"
#include "bale/result.h"
#include "scratch/scratch_text.h"

namespace bale {

/// How much of a list's text is kept in memory.
inline constexpr std::size_t kRefListBytes = 256 << 10;

/// The first line of a list or of edits, with its newline.
[[nodiscard]] std::string ref_list_heading(GitHash hash, bool is_whole);

/// Without a newline. A Ref with neither an id nor a target is the line of a ref that is gone.
[[nodiscard]] std::string ref_line(const Ref& ref);

/// kCorrupt for anything else than a line with an id of this hash.
[[nodiscard]] Result<Ref> parse_ref_line(std::string_view line, GitHash hash);

/// Makes a RefList. Memory: kRefListBytes.
class RefListBuilder {
 public:
  RefListBuilder(FileSystem& files, const std::string& scratch_directory, GitHash hash)
      : hash_(hash),
        text_(std::make_shared<ScratchText>(files, scratch_directory, kRefListBytes)) {}

  /// kCorrupt for a name or target with a byte below '!', for a ref that leads nowhere, and for a
  /// name that does not follow the one before.
  Result<void> add(const Ref& ref);

  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Call once.
  [[nodiscard]] RefList finish();

  /// A list of a text that was not looked at: readers check it. `size` is how many refs it has.
  [[nodiscard]] static RefList of_text(std::shared_ptr<const ScratchText> text, std::uint64_t size,
                                       GitHash hash);

 private:
  GitHash hash_;
  std::uint64_t size_ = 0;
  std::string last_;
  std::shared_ptr<ScratchText> text_;
};

/// The text of a list, for writing it as an object. Null for no refs.
class RefListText {
 public:
  [[nodiscard]] static const ScratchText* of(const RefList& list) { return list.text_.get(); }

  [[nodiscard]] static GitHash hash(const RefList& list) { return list.hash_; }
};

/// Reads a list and edits of it, newer ones over older ones, as one. At most a few dozen: each line
/// looks at all of them.
class RefMerge {
 public:
  explicit RefMerge(GitHash hash) : hash_(hash) {}

  /// Adds a newer text, which must outlive the merge: a whole list or edits. Call before next().
  Result<void> add(const ScratchText& text, bool is_whole);

  /// The next ref, the newest of its name; with neither id nor target where the newest edit says
  /// that it is gone. kCorrupt for a malformed line, or a wrong order.
  Result<std::optional<Ref>> next();

 private:
  struct Source {
    ScratchText::Lines lines;
    bool is_whole;
    std::optional<Ref> ref;  // the next one
  };

  Result<void> advance(Source& source);

  GitHash hash_;
  std::vector<Source> sources_;  // the oldest first
};

/// Calls `use` for each ref that differs between two lists, by name: with the ref before, and now;
/// one of them is nullopt where the other list has no ref of this name.
using UseRefChange =
    std::function<Result<void>(const std::optional<Ref>& before, const std::optional<Ref>& now)>;
Result<void> for_each_ref_change(const RefList& before, const RefList& now,
                                 const UseRefChange& use);

/// Appends the changes from one list to the other, as edits. Both have ids of one hash.
Result<void> append_ref_changes(const RefList& before, const RefList& now, ScratchText& edits);

}  // namespace bale
