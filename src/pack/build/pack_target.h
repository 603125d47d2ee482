// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackTarget: where a builder's pack and index go, and how they take their names in the end.
//
// Under paths: the pack grows as `PATH.part`, the index without a name; commit() makes both durable
// before either is renamed. Or into files of the caller's, or into memory, where nothing is
// renamed.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/result.h"
#include "io/atomic_file.h"

namespace bale {

class PackTarget {
 public:
  /// kIo where another build, of this process or another one, is writing the same pack.
  [[nodiscard]] static Result<PackTarget> for_paths(FileSystem& file_system,
                                                    const std::string& pack_path,
                                                    const std::string& index_path);
  /// Cuts off what stands in `pack` from pack_position on, and all of `index`.
  [[nodiscard]] static Result<PackTarget> for_files(FileSystem& file_system, File& pack,
                                                    std::uint64_t pack_position, File& index);
  [[nodiscard]] static Result<PackTarget> in_memory();

  [[nodiscard]] FileSystem& file_system() { return *file_system_; }

  [[nodiscard]] File& pack_file() { return *pack_file_; }

  /// Where in pack_file() the pack begins.
  [[nodiscard]] std::uint64_t pack_position() const { return pack_position_; }

  [[nodiscard]] bool is_in_memory() const { return memory_ != nullptr; }

  struct CommitTimes {
    double sync_seconds = 0;  ///< waiting for the disk
  };

  /// Lets `write_index` write the index, then makes both files durable (if `sync`) and gives them
  /// their names. Where that fails halfway, neither is left.
  Result<CommitTimes> commit(const std::function<Result<void>(File&)>& write_index, bool sync);

  /// The bytes of both files. Requires is_in_memory().
  Result<std::vector<std::byte>> take_pack();
  Result<std::vector<std::byte>> take_index();

 private:
  PackTarget() = default;

  Result<void> name_index(AtomicFile& index, bool sync);

  FileSystem* file_system_ = nullptr;
  std::unique_ptr<FileSystem> memory_;
  std::optional<AtomicFile> atomic_pack_;
  std::unique_ptr<FileLock> part_lock_;
  std::string index_path_;
  std::unique_ptr<File> owned_pack_;
  std::unique_ptr<File> owned_index_;
  File* pack_file_ = nullptr;
  File* index_file_ = nullptr;
  std::uint64_t pack_position_ = 0;
};

}  // namespace bale
