// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Stores for tests, and descriptions that must be equal for a repository and its export.
//
//   GitFixture git;
//   StoreFixture fixture;
//   ASSERT_THAT(fixture.import(git.path(), "linux"), IsOk());
//   ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("linux"));
//   EXPECT_EQ(describe_repository(git, exported), describe_repository(git, git.path()));

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "bale/git_export.h"
#include "bale/git_import.h"
#include "bale/store.h"
#include "bale/store_verifier.h"
#include "testing/git_fixture.h"
#include "testing/temp_directory.h"

namespace bale {

/// An empty store in its own directory, without syncs. Not thread-safe.
class StoreFixture {
 public:
  StoreFixture();

  [[nodiscard]] Store& store() { return store_; }

  [[nodiscard]] const std::string& path() const { return store_.path(); }

  /// A path beside the store.
  [[nodiscard]] std::string beside(const std::string& name) const { return directory_ / name; }

  /// A second Store of the same directory. Ends the program if it cannot be opened.
  [[nodiscard]] Store reopened() const;

  Result<GitImportSummary> import(const std::string& source, const std::string& name);

  /// The same with options; they are used without sync.
  Result<GitImportSummary> import_with(const std::string& source, GitImportOptions options);

  /// Exports to a new path beside the store, and returns it.
  Result<std::string> export_git(const std::string& name, std::uint64_t record_back = 0);

  /// Reopens and verifies the store.
  [[nodiscard]] Result<StoreReport> verify(const StoreCheckOptions& options = {}) const;

  /// The newest pack. Ends the program if there is none.
  [[nodiscard]] std::shared_ptr<const PackReader> newest_pack() const;

  /// The newest record, or an older one. Ends the program if there is none.
  [[nodiscard]] Record record(const std::string& name, std::uint64_t back = 0) const;

  /// The files in packs/, archives/ and staging/ with their sizes, and the archives' content: which
  /// a failed import must not change. Locks, which have no content, are left out.
  [[nodiscard]] std::map<std::string, std::string> files() const;

  /// The path of the only file in packs/ with this suffix that is not in `but`.
  [[nodiscard]] std::string pack_file(std::string_view suffix,
                                      const std::map<std::string, std::string>& but = {}) const;

 private:
  TempDirectory directory_;
  Store store_;
  int exports_ = 0;
};

/// A description that is equal for repositories with the same objects, refs, HEAD and boundary.
struct RepositoryState {
  std::string objects;     ///< "oid type size", a line for each object that refs and HEAD reach
  std::string refs;        ///< "name oid symref", a line each
  std::string head;        ///< the content of the file HEAD
  std::string shallow;     ///< the boundary's ids
  std::string complaints;  ///< of `git fsck --full`

  bool operator==(const RepositoryState&) const = default;
};

/// For messages of tests.
void PrintTo(const RepositoryState& state, std::ostream* out);

/// Runs git in `directory`, a git directory or a work tree. Leaves missing objects out of
/// `objects`.
[[nodiscard]] RepositoryState describe_repository(GitFixture& git, const std::string& directory);

/// Every object of the database with type and size, reached or not; a line each, sorted.
[[nodiscard]] std::string describe_database(GitFixture& git, const std::string& directory);

/// Bytes that do not compress, the same for the same seed.
[[nodiscard]] std::string random_text(std::size_t size, std::uint64_t seed);

/// Inverts the byte of a file at `offset`; a negative one counts from the end.
void flip_byte(const std::string& path, std::int64_t offset);

}  // namespace bale
