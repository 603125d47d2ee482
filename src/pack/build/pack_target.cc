// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/build/pack_target.h"

#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "io/memory_files.h"
#include "io/path.h"

namespace bale {
namespace {

Result<std::vector<std::byte>> read_all(File& file) {
  std::vector<std::byte> bytes(TRY(file.size()));
  TRY_VOID(file.read_at(0, bytes));
  return bytes;
}

// The tail of something longer would stand behind what is written.
Result<void> cut_off(File& file, std::uint64_t size) {
  const std::uint64_t before = TRY(file.size());
  if (before <= size) return {};
  return file.truncate(size);
}

}  // namespace

Result<PackTarget> PackTarget::for_paths(FileSystem& file_system, const std::string& pack_path,
                                         const std::string& index_path) {
  if (index_path == pack_path) {
    return fail(ErrorCode::kInvalidArgument, "{} cannot be both the pack and its index", pack_path);
  }
  PackTarget target;
  target.file_system_ = &file_system;
  target.index_path_ = index_path;
  const std::string part_path = pack_path + ".part";
  const auto lock_part = [&]() -> Result<void> {
    target.part_lock_ = TRY(file_system.try_lock(part_path, LockMode::kExclusive));
    if (target.part_lock_ != nullptr) return {};
    return fail(ErrorCode::kIo,
                "{}: another build is writing it (wait for it, or use another name)", part_path);
  };
  // What a dead build left is taken over; what a living one writes must not even be truncated.
  if (const Result<FileInfo> there = file_system.stat(part_path); there) {
    TRY(lock_part());
    target.part_lock_.reset();
  } else if (there.error().code != ErrorCode::kNotFound) {
    return there.error();
  }
  target.atomic_pack_ = TRY(AtomicFile::create(file_system, pack_path, Visibility::kVisible));
  TRY(lock_part());
  target.pack_file_ = &target.atomic_pack_->file();
  return target;
}

Result<PackTarget> PackTarget::for_files(FileSystem& file_system, File& pack,
                                         std::uint64_t pack_position, File& index) {
  TRY(cut_off(pack, pack_position));
  TRY(cut_off(index, 0));
  PackTarget target;
  target.file_system_ = &file_system;
  target.pack_file_ = &pack;
  target.pack_position_ = pack_position;
  target.index_file_ = &index;
  return target;
}

Result<PackTarget> PackTarget::in_memory() {
  PackTarget target;
  target.memory_ = make_memory_files();
  target.file_system_ = target.memory_.get();
  target.owned_pack_ = TRY(target.memory_->create_unnamed("/"));
  target.owned_index_ = TRY(target.memory_->create_unnamed("/"));
  target.pack_file_ = target.owned_pack_.get();
  target.index_file_ = target.owned_index_.get();
  return target;
}

Result<PackTarget::CommitTimes> PackTarget::commit(
    const std::function<Result<void>(File&)>& write_index, bool sync) {
  CommitTimes times;
  if (index_file_ != nullptr) {
    TRY(write_index(*index_file_));
    return times;
  }
  AtomicFile index = TRY(AtomicFile::create(*file_system_, index_path_, Visibility::kHidden));
  TRY(write_index(index.file()));
  const auto start = std::chrono::steady_clock::now();
  if (sync) {
    TRY(atomic_pack_->sync());
    TRY(index.sync());
  }
  TRY(atomic_pack_->commit({.sync = false}));
  const Result<void> named = name_index(index, sync);
  if (!named) {
    // Half a success is none. An older index is of a pack that has been replaced: it goes too.
    static_cast<void>(file_system_->remove_file(index_path_).has_value());
    static_cast<void>(file_system_->remove_file(atomic_pack_->final_path()).has_value());
    return named.error();
  }
  times.sync_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return times;
}

// The last steps, once the pack has its name.
Result<void> PackTarget::name_index(AtomicFile& index, bool sync) {
  const std::string& pack_path = atomic_pack_->final_path();
  const std::string directory = parent_directory(pack_path);
  if (sync) TRY(file_system_->sync_directory(directory));
  // The pack's ".part" name is free now. The index replaces an older one through it, so that a
  // crash between the two leaves no name behind that was not there before. From another directory,
  // which may be another file system, that would not work.
  const bool beside = parent_directory(index_path_) == directory;
  return index.commit({.sync = sync, .staging_path = beside ? pack_path + ".part" : std::string()});
}

Result<std::vector<std::byte>> PackTarget::take_pack() {
  return read_all(*pack_file_);
}

Result<std::vector<std::byte>> PackTarget::take_index() {
  return read_all(*index_file_);
}

}  // namespace bale
