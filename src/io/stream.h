// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Bytes that come or go in order, once: pipes, terminals, parts of files, memory.
//
// A stream never owns what it stands on (a descriptor, a File, a buffer): the caller keeps it alive
// and closes it. Streams hold no buffers; io/buffered.h does. Not thread-safe, but a cancel flag
// may be set from any thread or signal handler.

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

  /// Reads at least one byte and at most out.size(), as many as are at hand; 0 only at the end (or
  /// if `out` is empty). After an error the stream must not be used any more.
  virtual Result<std::size_t> read(MutableBytes out) = 0;
};

class OutputStream {
 public:
  virtual ~OutputStream() = default;

  /// Writes all of `data`. After an error it is not known how much was written.
  virtual Result<void> write(Bytes data) = 0;
};

/// Whether an error of a FdOutputStream says that nobody reads the pipe or socket any more, which a
/// program answers by ending quietly. (It must ignore SIGPIPE to get this far.)
[[nodiscard]] bool is_closed_pipe(const Error& error);

/// Reads a descriptor. Where `cancel` is given, a wait for a slow pipe ends with kInterrupted at
/// most 100 ms after it became true.
class FdInputStream final : public InputStream {
 public:
  /// `name` goes into messages: "standard input".
  FdInputStream(int fd, std::string name, const std::atomic<bool>* cancel = nullptr)
      : fd_(fd), name_(std::move(name)), cancel_(cancel) {}

  Result<std::size_t> read(MutableBytes out) override;

 private:
  int fd_;
  std::string name_;
  const std::atomic<bool>* cancel_;
};

/// Writes a descriptor; the same about `cancel`.
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

/// A part of a file, cut where the file ends.
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
  FileRange range_;  // what is still to be read
};

}  // namespace bale
