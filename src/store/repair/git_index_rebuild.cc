// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. Entries are read in the order in which they lie, so that the bases of deltas are
// in memory, and the file is read once.

#include "store/repair/git_index_rebuild.h"

#include "bale/record.h"
#include "base/budget.h"
#include "base/damage.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "format/entry.h"
#include "hash/git_hash.h"
#include "io/atomic_file.h"
#include "io/path.h"
#include "store/core/git_index_builder.h"
#include "store/core/record_mark.h"

namespace bale {
namespace {

constexpr std::uint64_t kEntriesAReport = 256;

// Walks over the entries by their headers: calls `visit` with each, which returns whether to go on.
// Fails where a header is damaged.
Result<void> for_each_entry(const PackReader& pack, ReadContext& context,
                            const Operation& operation,
                            const std::function<Result<bool>(const StoredEntry&)>& visit) {
  std::uint64_t offset = kHeaderBytes;
  for (std::uint64_t i = 0; i < pack.entry_count(); ++i) {
    if (operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    if (i % kEntriesAReport == 0) {
      operation.progress({.phase = "hashing objects",
                          .objects = i,
                          .objects_total = pack.entry_count(),
                          .bytes = offset,
                          .bytes_total = pack.pack_bytes()});
    }
    const StoredEntry entry = TRY(pack.stored_at(offset, 0, context));
    if (!TRY(visit(entry))) return {};
    offset += entry.entry_bytes;
  }
  return {};
}

class GitIndexRebuild {
 public:
  GitIndexRebuild(const PackReader& pack, GitHash hash, const GitIndexRebuildOptions& options)
      : pack_(pack),
        options_(options),
        git_hasher_(hash, ObjectType::kBlob, 0),
        context_(options.memory_bytes / 2),
        budget_(options.memory_bytes - options.memory_bytes / 2) {}

  Result<GitIndexRebuildReport> run(GitHash hash, const std::string& path);

 private:
  Result<void> note(const Error& error);
  Result<void> add(const StoredEntry& entry);

  const PackReader& pack_;
  const GitIndexRebuildOptions& options_;
  GitHasher git_hasher_;
  ReadContext context_;
  Budget budget_;
  std::optional<GitIndexBuilder> index_;
  GitIndexRebuildReport report_;
};

// Damage is told; anything else ends the work.
Result<void> GitIndexRebuild::note(const Error& error) {
  if (!is_damage(error)) return error;
  ++report_.damaged;
  return options_.on_damage ? options_.on_damage(error) : Result<void>();
}

Result<void> GitIndexRebuild::add(const StoredEntry& entry) {
  const Result<EntryInfo> info = pack_.info_at(entry.offset, context_);
  if (!info) return note(info.error());
  EntryProof proof(info->id, info->type, info->size, options_.records_are_marked);
  git_hasher_.reset(info->type, info->size);
  const Result<ObjectType> read =
      pack_.read_at(entry.offset, context_, [&](Bytes piece) -> Result<void> {
        proof.update(piece);
        git_hasher_.update(piece);
        return {};
      });
  if (!read) return note(read.error());
  const EntryIdentity is = proof.finish();
  if (is == EntryIdentity::kWrong) {
    return note(fail(ErrorCode::kCorrupt,
                     "{}: entry at offset {}: the {} is not what its id {} says", pack_.path(),
                     entry.offset, to_string(info->type), info->id.to_hex()));
  }
  if (is == EntryIdentity::kRecord) {
    ++report_.records;
    return {};
  }
  ++report_.objects;
  return index_->add(git_hasher_.finish(), entry.offset);
}

Result<GitIndexRebuildReport> GitIndexRebuild::run(GitHash hash, const std::string& path) {
  FileSystem& files = options_.file_system != nullptr ? *options_.file_system : posix_file_system();
  index_ = TRY(GitIndexBuilder::create(
      budget_, hash,
      {.memory_bytes = budget_.limit_bytes() - kGitIndexWriteBufferBytes,
       .file_system = &files,
       .scratch_directory =
           options_.scratch_directory.empty() ? parent_directory(path) : options_.scratch_directory,
       .operation = &options_.operation}));
  Result<void> visited;
  const Result<void> walked = for_each_entry(pack_, context_, options_.operation,
                                             [&](const StoredEntry& entry) -> Result<bool> {
                                               visited = add(entry);
                                               return visited.has_value();
                                             });
  if (!visited) return visited.error();
  if (!walked) {
    TRY(note(walked.error()));
    report_.cut_short = true;
  }
  AtomicFile file = TRY(AtomicFile::create(files, path, Visibility::kHidden));
  report_.index_bytes = TRY(index_->write(file.file(), budget_, pack_.trailer()));
  TRY(file.commit({.sync = options_.sync, .staging_path = options_.staging_path}));
  return report_;
}

}  // namespace

Result<std::optional<GitHash>> find_git_hash(const PackReader& pack, bool records_are_marked,
                                             ReadContext& context, const Operation& operation) {
  std::optional<GitHash> hash;
  const Result<void> walked =
      for_each_entry(pack, context, operation, [&](const StoredEntry& entry) -> Result<bool> {
        if (entry.type.value_or(ObjectType::kAction) != ObjectType::kAction) return true;
        const Result<EntryInfo> info = pack.info_at(entry.offset, context);
        if (!info && !is_damage(info.error())) return info.error();
        if (!info || info->type != ObjectType::kAction) return true;
        const Result<std::optional<ObjectView>> object =
            get_record(pack, *info, context, records_are_marked);
        if (!object && !is_damage(object.error())) return object.error();
        if (!object || !*object) return true;
        const Result<Record> record = decode_record((*object)->payload);
        if (record) hash = record->hash;
        return !hash.has_value();
      });
  if (!walked && !is_damage(walked.error())) return walked.error();
  return hash;
}

Result<GitIndexRebuildReport> rebuild_git_index(const PackReader& pack, GitHash hash,
                                                const std::string& path,
                                                const GitIndexRebuildOptions& options) {
  if (options.memory_bytes < kMinGitIndexRebuildBytes) {
    return fail(ErrorCode::kInvalidArgument, "making a Git index needs at least {} of memory",
                memory_size(kMinGitIndexRebuildBytes));
  }
  return GitIndexRebuild(pack, hash, options).run(hash, path);
}

}  // namespace bale
