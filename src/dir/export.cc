// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Writing the files of a tree: see bale/directory_export.h.
//
// Every directory is one that was just made here, and every file is created where nothing was
// before: a tree that holds a name twice, as a symlink and as a directory, fails and is removed.

#include <string>
#include <utility>
#include <vector>

#include "bale/directory_export.h"
#include "bale/tree.h"
#include "base/error.h"
#include "base/try.h"
#include "io/staging_directory.h"
#include "object/git_objects.h"
#include "object/printable.h"
#include "object/safe_path.h"

namespace bale {
namespace {

constexpr std::uint64_t kMaxSymlinkBytes = 4096;

// What an entry of a tree leads to, against what the entry says of it.
Result<void> check_is_blob(ObjectType type, const std::string& path, const GitOid& oid) {
  if (type == ObjectType::kBlob) return {};
  return fail(ErrorCode::kCorrupt, "{}: its object {} is a {}, not a {}", quoted_name(path),
              oid.to_hex(), to_string(type), to_string(ObjectType::kBlob));
}

class DirectoryExporter {
 public:
  DirectoryExporter(const Store& store, const DirectoryExportOptions& options)
      : store_(store), options_(options), context_(options.memory_bytes) {}

  Result<DirectoryExportSummary> run(const ResolvedPath& root, const std::string& directory);

 private:
  struct Pending {
    ObjectLocation tree;
    GitOid oid;
    std::string path;
  };

  Result<void> write_entry(const std::string& parent, const TreeItem& item);
  Result<void> write_file(const std::string& path, const ObjectLocation& blob, const GitOid& oid);
  Result<void> write_symlink(const std::string& path, const ObjectLocation& blob,
                             const GitOid& oid);

  const Store& store_;
  const DirectoryExportOptions& options_;
  ReadContext context_;
  std::vector<Pending> pending_;
  DirectoryExportSummary summary_;
};

Result<DirectoryExportSummary> DirectoryExporter::run(const ResolvedPath& root,
                                                      const std::string& directory) {
  pending_.push_back({root.location, root.oid, directory});
  while (!pending_.empty()) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    std::vector<TreeItem> items;
    const Result<void> listed =
        list_tree(store_, next.tree, next.oid, context_, [&](const TreeItem& item) -> Result<void> {
          items.push_back(item);
          return {};
        });
    // Another object may say that it is a tree.
    if (!listed && listed.error().code == ErrorCode::kInvalidArgument && next.path != directory) {
      return fail(ErrorCode::kCorrupt, "{}: {}", quoted_name(next.path), listed.error().message);
    }
    TRY(listed);
    for (const TreeItem& item : items) TRY(write_entry(next.path, item));
  }
  return summary_;
}

Result<void> DirectoryExporter::write_entry(const std::string& parent, const TreeItem& item) {
  if (options_.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  TRY(check_entry_name(item.name));
  const std::string path = parent + "/" + item.name;
  if (item.submodule) return posix_file_system().create_directory(path);
  const auto location = store_.find(item.oid);
  if (!location) {
    const Error missing = store_.missing(item.oid.to_hex());
    if (missing.code == ErrorCode::kIo) return missing;
    return fail(ErrorCode::kIncomplete, "{}: its object {} is not in the store", quoted_name(path),
                item.oid.to_hex());
  }
  const ObjectType expected =
      entry_kind(item.mode) == EntryKind::kTree ? ObjectType::kTree : ObjectType::kBlob;
  const EntryInfo info = TRY(store_.info(*location, context_, item.oid));
  if (info.type != expected) {
    return fail(ErrorCode::kCorrupt, "{}: its object {} is a {}, not a {}", quoted_name(path),
                item.oid.to_hex(), git_type_name(info.type), git_type_name(expected));
  }
  switch (entry_kind(item.mode)) {
    case EntryKind::kTree:
      TRY(posix_file_system().create_directory(path));
      pending_.push_back({*location, item.oid, path});
      return {};
    case EntryKind::kSymlink:
      return write_symlink(path, *location, item.oid);
    default:
      break;
  }
  TRY(write_file(path, *location, item.oid));
  if (entry_kind(item.mode) == EntryKind::kExecutable) {
    TRY(posix_file_system().set_executable(path));
  }
  return {};
}

Result<void> DirectoryExporter::write_file(const std::string& path, const ObjectLocation& blob,
                                           const GitOid& oid) {
  const std::unique_ptr<File> file = TRY(posix_file_system().create(path, CreateMode::kExclusive));
  std::uint64_t offset = 0;
  TRY(store_.read_object(
      blob, context_,
      {.begin = [&](ObjectType type, std::uint64_t) { return check_is_blob(type, path, oid); },
       .write = [&](Bytes piece) -> Result<void> {
         TRY(file->write_at(offset, piece));
         offset += piece.size();
         return {};
       }},
      oid));
  ++summary_.files;
  summary_.bytes_out += offset;
  options_.operation.progress(
      {.phase = "writing files", .objects = summary_.files, .bytes = summary_.bytes_out});
  return {};
}

Result<void> DirectoryExporter::write_symlink(const std::string& path, const ObjectLocation& blob,
                                              const GitOid& oid) {
  const ObjectView target = TRY(store_.get(blob, context_, oid));
  TRY(check_is_blob(target.type, path, oid));
  const std::string_view text = as_text(target.payload);
  if (text.empty() || text.size() >= kMaxSymlinkBytes ||
      text.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::kCorrupt, "{}: a symlink to {} bytes that are no path",
                quoted_name(path), text.size());
  }
  TRY(posix_file_system().create_symlink(std::string(text), path));
  ++summary_.files;
  summary_.bytes_out += text.size();
  return {};
}

}  // namespace

Result<DirectoryExportSummary> export_directory(const Store& store, const ArchivePath& path,
                                                const std::string& directory,
                                                const DirectoryExportOptions& options) {
  ResolvedPath root;
  {
    ReadContext context(options.memory_bytes);
    root = TRY(resolve_path(store, path, context));
  }
  if (root.type != ObjectType::kTree) {
    return fail(ErrorCode::kInvalidArgument, "{} is a file (bale cat writes it)",
                quoted_name(path.path.value_or(path.name)));
  }
  StagingDirectory staging = TRY(StagingDirectory::create(directory));
  const DirectoryExportSummary summary =
      TRY(DirectoryExporter(store, options).run(root, staging.path()));
  TRY(staging.commit());
  return summary;
}

}  // namespace bale
