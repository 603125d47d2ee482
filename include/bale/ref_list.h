// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// RefList: the refs of one import, sorted by name, read one after the other: there may be millions.
//
//   const bale::Store store = BALE_TRY(bale::Store::open("archive.bale"));
//   const bale::Snapshot snapshot = store.snapshot();
//   bale::ReadContext context;
//   const bale::ArchiveRecord newest = BALE_TRY(snapshot.record("linux", 0, context));
//   const auto refs = BALE_TRY(bale::RefList::read(snapshot, newest.record, context));
//   bale::RefList::Reader reader(refs);
//   while (const std::optional<bale::Ref> ref = BALE_TRY(reader.next())) print(ref->name);
//
// Memory: 256 KiB of text a list (what is more is on scratch, in a file without a name), and 16 KiB
// a reader. Copies of a list share its text. Thread-safe, with a reader for each thread.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bale/export.h"
#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/record.h"
#include "bale/result.h"
#include "bale/snapshot.h"

namespace bale {

class ScratchText;

/// A ref: of an object, or symbolic.
struct Ref {
  std::string name;           ///< in full: "refs/heads/main"; bytes, not only UTF-8
  std::optional<GitOid> oid;  ///< none for a symbolic ref that leads nowhere
  std::string target;         ///< of a symbolic ref: the name that it leads to; empty for others

  bool operator==(const Ref&) const = default;
};

class BALE_EXPORT RefList {
 public:
  /// No refs.
  RefList() = default;

  /// The refs of a record. `scratch_directory` is where a long list is kept meanwhile; empty: the
  /// system's directory for temporary files. kCorrupt where a list that the record names is not in
  /// the store, or is no list of refs; kIo where it cannot be read. Memory of the call: that of the
  /// list, and 48 KiB for each list that the record names (at most 32).
  [[nodiscard]] static Result<RefList> read(const Snapshot& store, const Record& record,
                                            ReadContext& context,
                                            const std::string& scratch_directory = {});

  /// How many refs there are.
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Returns the ref of this name, or nullopt. Reads the list up to it.
  [[nodiscard]] Result<std::optional<Ref>> find(std::string_view name) const;

  /// Reads a list from its first ref on. Keeps the list's text alive. Not thread-safe.
  class BALE_EXPORT Reader {
   public:
    explicit Reader(const RefList& list);
    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;
    ~Reader();

    /// The next ref in the order of names' bytes; nullopt after the last one.
    Result<std::optional<Ref>> next();

   private:
    class Impl;
    std::unique_ptr<Impl> impl_;
  };

 private:
  friend class RefListBuilder;
  friend class RefListText;

  GitHash hash_ = GitHash::kSha1;
  std::uint64_t size_ = 0;
  std::shared_ptr<const ScratchText> text_;  // null for no refs
};

}  // namespace bale
