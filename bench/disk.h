// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The disk under the contenders: a directory to work in, plain sequential writing, and fsync apart.

#pragma once

#include <cstdint>
#include <string>

#include "bale/bytes.h"

namespace bale::bench {

/// A directory of this run's own inside `parent`, removed with all in it in the end, and when the
/// program dies (die.h). There may be one at a time.
class WorkDirectory {
 public:
  explicit WorkDirectory(const std::string& parent);
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  ~WorkDirectory();

  /// The path of an empty directory: what was there under this name is removed.
  [[nodiscard]] std::string fresh(const std::string& name) const;

  void remove(const std::string& name) const;

  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

  /// Waits until nothing that earlier work wrote is still on its way to the disk.
  void settle() const;

 private:
  std::string path_;
};

/// fsyncs each file under `directory`; returns the seconds that took.
[[nodiscard]] double sync_tree(const std::string& directory);

/// Of all files under `directory`, as the disk holds them: holes do not count.
[[nodiscard]] std::uint64_t bytes_under(const std::string& directory);

/// A file that is written from its first byte to its last, with write(2) and nothing else.
class SequentialFile {
 public:
  explicit SequentialFile(const std::string& path);
  SequentialFile(const SequentialFile&) = delete;
  SequentialFile& operator=(const SequentialFile&) = delete;
  ~SequentialFile();

  void write(Bytes data) const;

 private:
  int descriptor_;
};

}  // namespace bale::bench
