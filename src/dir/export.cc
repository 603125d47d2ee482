// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Writes the files of a tree: see bale/directory_export.h.
//
// Every directory is new, and files never replace others: a tree with the same name twice, as a
// symlink and as a directory, fails and is removed. Archived entries that cannot be files are
// skipped and counted; damage to the store fails the export.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bale/directory_export.h"
#include "bale/tree.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "io/staging_directory.h"
#include "object/git_objects.h"
#include "object/printable.h"
#include "object/safe_path.h"
#include "store/core/object_links.h"

namespace bale {
namespace {

constexpr std::uint64_t kMaxSymlinkBytes = 4096;

constexpr std::size_t kMostNotes = 100;

class DirectoryExporter {
 public:
  DirectoryExporter(const Snapshot& store, const DirectoryExportOptions& options, bool may_lack,
                    std::string directory)
      : store_(store),
        options_(options),
        may_lack_(may_lack),
        directory_(std::move(directory)),
        context_(options.work.memory_bytes -
                 std::min(options.work.memory_bytes / 2, kAnyObjectBytes)),
        tree_context_(std::min(options.work.memory_bytes / 2, kAnyObjectBytes)) {}

  Result<DirectoryExportSummary> run(const ResolvedPath& root);

 private:
  struct Pending {
    ObjectLocation tree;
    GitOid oid;
    std::string path;
  };

  Result<void> write_tree(const Pending& tree);
  Result<void> write_entry(const std::string& parent, const TreeEntry& entry);
  Result<void> write_file(const std::string& path, const ObjectLocation& blob, const GitOid& oid);
  Result<void> write_symlink(const std::string& path, const ObjectLocation& blob,
                             const GitOid& oid);
  [[nodiscard]] std::string shown(const std::string& path) const;
  Result<void> check_type(ObjectType type, ObjectType expected, const std::string& path,
                          const GitOid& oid) const;
  void note(std::string text);
  Result<void> skip(std::string_view path, std::string_view why);

  const Snapshot store_;
  const DirectoryExportOptions& options_;
  const bool may_lack_;  // the archive was imported without some objects
  const std::string directory_;
  ReadContext context_;
  ReadContext tree_context_;  // for the tree being written
  std::vector<Pending> pending_;
  DirectoryExportSummary summary_;
};

// The path in the exported tree.
std::string DirectoryExporter::shown(const std::string& path) const {
  return path == directory_ ? "/" : quoted_name(path.substr(directory_.size() + 1));
}

// Compares the verified type with that of the entry's header.
Result<void> DirectoryExporter::check_type(ObjectType type, ObjectType expected,
                                           const std::string& path, const GitOid& oid) const {
  if (type == expected) return {};
  return fail(ErrorCode::kCorrupt, "{}: its object {} is a {}, not a {}", shown(path), oid.to_hex(),
              git_type_name(type), git_type_name(expected));
}

void DirectoryExporter::note(std::string text) {
  if (summary_.notes.size() < kMostNotes) summary_.notes.push_back(std::move(text));
}

Result<void> DirectoryExporter::skip(std::string_view path, std::string_view why) {
  ++summary_.skipped;
  note(fmt::format("{}: skipped: {}", path, why));
  return {};
}

Result<DirectoryExportSummary> DirectoryExporter::run(const ResolvedPath& root) {
  pending_.push_back({root.location, root.oid, directory_});
  while (!pending_.empty()) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    TRY(write_tree(next));
  }
  return summary_;
}

Result<void> DirectoryExporter::write_tree(const Pending& tree) {
  const LinksRead read =
      TRY(read_tree(store_, tree.tree, tree_context_, tree.oid, tree.oid.hash(),
                    [&](const TreeEntry& entry) { return write_entry(tree.path, entry); }));
  if (!read.type) return read.type.error();
  TRY(check_type(*read.type, ObjectType::kTree, tree.path, tree.oid));
  if (!read.malformed) return {};
  return skip(shown(tree.path), "the rest of the directory; " + read.malformed->message);
}

Result<void> DirectoryExporter::write_entry(const std::string& parent, const TreeEntry& entry) {
  if (options_.work.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  TRY(check_entry_name(entry.name));
  const std::string path = parent + "/" + std::string(entry.name);
  const EntryKind kind = entry_kind(entry.mode);
  if (kind == EntryKind::kSubmodule) return posix_file_system().create_directory(path);
  const auto location = store_.find(entry.oid);
  if (!location) {
    const Error missing =
        store_.missing(fmt::format("{}: its object {}", shown(path), entry.oid.to_hex()));
    if (!may_lack_ || missing.code == ErrorCode::kIo) return missing;
    return skip(shown(path),
                fmt::format("its object {} is not in the store, and the archive was made without "
                            "some objects",
                            entry.oid.to_hex()));
  }
  const ObjectType type = TRY(store_.proven_info(*location, context_, entry.oid)).type;
  if (type != ObjectType::kTree && type != ObjectType::kBlob) {
    return skip(shown(path), fmt::format("its object {} is a {}, not a file or a directory",
                                         entry.oid.to_hex(), git_type_name(type)));
  }
  const bool as_claimed = (type == ObjectType::kTree) == (kind == EntryKind::kTree);
  if (!as_claimed) {
    ++summary_.mismatched_entries;
    note(fmt::format("{}: its mode is {:06o}, but its object {} is a {}: written as a {}",
                     shown(path), entry.mode, entry.oid.to_hex(), git_type_name(type),
                     type == ObjectType::kTree ? "directory" : "file"));
  }
  if (type == ObjectType::kTree) {
    TRY(posix_file_system().create_directory(path));
    pending_.push_back({*location, entry.oid, path});
    return {};
  }
  if (kind == EntryKind::kSymlink) return write_symlink(path, *location, entry.oid);
  TRY(write_file(path, *location, entry.oid));
  if (kind == EntryKind::kExecutable) TRY(posix_file_system().set_executable(path));
  return {};
}

Result<void> DirectoryExporter::write_file(const std::string& path, const ObjectLocation& blob,
                                           const GitOid& oid) {
  const std::unique_ptr<File> file = TRY(posix_file_system().create(path, CreateMode::kExclusive));
  std::uint64_t offset = 0;
  TRY(store_.read_object(
      blob, context_,
      {.begin = [&](ObjectType type,
                    std::uint64_t) { return check_type(type, ObjectType::kBlob, path, oid); },
       .write = [&](Bytes piece) -> Result<void> {
         TRY(file->write_at(offset, piece));
         offset += piece.size();
         return {};
       }},
      oid));
  ++summary_.files;
  summary_.bytes_out += offset;
  options_.work.operation.progress(
      {.phase = "writing files", .objects = summary_.files, .bytes = summary_.bytes_out});
  return {};
}

Result<void> DirectoryExporter::write_symlink(const std::string& path, const ObjectLocation& blob,
                                              const GitOid& oid) {
  std::string target;  // truncated if it is too long
  std::uint64_t target_bytes = 0;
  TRY(store_.read_object(
      blob, context_,
      {.begin = [&](ObjectType type,
                    std::uint64_t) { return check_type(type, ObjectType::kBlob, path, oid); },
       .write = [&](Bytes piece) -> Result<void> {
         target_bytes += piece.size();
         target += as_text(piece).substr(0, kMaxSymlinkBytes - target.size());
         return {};
       }},
      oid));
  if (target.empty() || target_bytes >= kMaxSymlinkBytes ||
      target.find('\0') != std::string::npos) {
    return skip(shown(path), fmt::format("a symlink whose {} are not a valid path",
                                         counted(target_bytes, "byte")));
  }
  TRY(posix_file_system().create_symlink(target, path));
  ++summary_.files;
  summary_.bytes_out += target_bytes;
  return {};
}

}  // namespace

Result<DirectoryExportSummary> export_directory(const Snapshot& store, const ArchivePath& path,
                                                const std::string& directory,
                                                const DirectoryExportOptions& options) {
  ResolvedPath root;
  bool may_lack = false;
  {
    ReadContext context(options.work.memory_bytes);
    root = TRY(resolve_path(store, path, context));
    may_lack = TRY(store.record(path.name, path.record_back, context)).record.missing.count > 0;
  }
  if (root.type != ObjectType::kTree) {
    return fail(ErrorCode::kInvalidArgument, {HintKind::kReadFile}, "{} is a file",
                quoted_name(path.path.value_or(path.name)));
  }
  StagingDirectory staging = TRY(StagingDirectory::create(directory));
  DirectoryExportSummary summary =
      TRY(DirectoryExporter(store, options, may_lack, staging.path()).run(root));
  TRY(staging.commit());
  return summary;
}

}  // namespace bale
