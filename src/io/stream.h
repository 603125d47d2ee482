// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sequential byte streams: pipes, terminals, parts of files, memory.
//
// A stream does not own its descriptor, File or buffer: the caller keeps it alive and closes it.
// Streams are unbuffered; see io/buffered.h. Not thread-safe, but a cancel flag may be set from any
// thread or signal handler.

#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>

#include "bale/bytes.h"
#include "bale/file_system.h"
#include "bale/result.h"

namespace bale {

class InputStream {
 public:
  virtual ~InputStream() = default;

  /// Reads 1 to out.size() bytes, as many as are available; 0 only at the end (or if `out` is
  /// empty). After an error the stream must not be used again.
  virtual Result<std::size_t> read(MutableBytes out) = 0;
};

class OutputStream {
 public:
  virtual ~OutputStream() = default;

  /// Writes all of `data`. After an error, the amount written is unknown.
  virtual Result<void> write(Bytes data) = 0;
};

/// Whether an error of a FdOutputStream means that the pipe or socket has no reader; a program then
/// exits quietly. (It must ignore SIGPIPE.)
[[nodiscard]] bool is_closed_pipe(const Error& error);

/// Reads a descriptor. Once `cancel` becomes true, a waiting read returns kInterrupted within 100
/// ms.
class FdInputStream final : public InputStream {
 public:
  /// `name` appears in messages: "standard input".
  FdInputStream(int fd, std::string name, const std::atomic<bool>* cancel = nullptr)
      : fd_(fd), name_(std::move(name)), cancel_(cancel) {}

  Result<std::size_t> read(MutableBytes out) override;

 private:
  int fd_;
  std::string name_;
  const std::atomic<bool>* cancel_;
};

/// Writes a descriptor; `cancel` as above.
class FdOutputStream final : public OutputStream {
 public:
  FdOutputStream(int fd, std::string name, const std::atomic<bool>* cancel = nullptr);

  Result<void> write(Bytes data) override;

 private:
  int fd_;
  std::string name_;
  const std::atomic<bool>* cancel_;
  std::size_t piece_bytes_;  // the most that one write() may take
};

/// A part of a file, truncated at the file's end.
struct FileRange {
  std::uint64_t offset = 0;
  std::uint64_t size = std::numeric_limits<std::uint64_t>::max();
};

/// Reads a part of a file in order, by read_at().
class FileInputStream final : public InputStream {
 public:
  explicit FileInputStream(File& file) : FileInputStream(file, FileRange()) {}

  FileInputStream(File& file, FileRange range) : file_(file), range_(range) {}

  Result<std::size_t> read(MutableBytes out) override;

 private:
  File& file_;
  FileRange range_;  // the unread part
};

}  // namespace bale
