// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// GitPackSender: converts entries of our packs to a Git pack stream.
//
//   GitPackSender sender = TRY(GitPackSender::create(options, budget, sink));
//   for (location : in the order of (pack, offset)) TRY(sender.send(number, pack, offset));
//   const GitPackSummary summary = TRY(sender.finish());
//
// A delta whose base was sent before it stays a delta: its program is rewritten (git_delta.h), not
// run, and no bases are searched for. Other objects are sent whole, including deltas whose base is
// not sent or is after them, and those whose program has more than 1 MiB (bale writes none).
//
// The caller's thread reads entries and fills batches with their stored payloads; lanes decompress,
// rewrite and compress them; the caller's thread writes the batches, in order. Payloads above 1 MiB
// are processed on the caller's thread, in pieces. The stream does not depend on lanes or memory.
//
// The objects are not compared with their ids: a damaged program may yield another object. The
// caller checks the ids that Git computes.
//
// Memory: the budget's, whatever the number and size of objects: 3.1 MiB a lane, 2.3 MiB a batch,
// two batches a lane (one for a single lane), 1 MiB for the stream, and the rest for the log of
// what went where (sent_log.h); and apart from it a ReadContext and pages of one index. Not
// thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "base/budget.h"
#include "git/export/pack_stream.h"

namespace bale {

struct GitPackSenderOptions {
  GitHash hash = GitHash::kSha1;
  std::uint64_t object_count = 0;  ///< exact number of objects to send
  std::size_t lanes = 0;           ///< 0: one per processor; fewer if memory is short
  std::uint64_t read_memory_bytes = 16 << 20;
  std::uint64_t index_memory_bytes = 8 << 20;  ///< pages of a pack's index that may be resident
  FileSystem* file_system = nullptr;           ///< required
  std::string scratch_directory;
};

struct GitPackSummary {
  std::uint64_t bytes = 0;   ///< of the stream
  std::uint64_t deltas = 0;  ///< objects sent as deltas
};

class GitPackSender {
 public:
  /// The smallest budget that create() takes.
  [[nodiscard]] static std::uint64_t smallest_memory_bytes();

  /// Writes the stream's header. kLimitExceeded if the budget is too small, or for more objects
  /// than a Git pack can have. The budget must outlive the sender.
  [[nodiscard]] static Result<GitPackSender> create(const GitPackSenderOptions& options,
                                                    Budget& budget, GitPackStream::Sink sink);

  GitPackSender(GitPackSender&&) noexcept;
  ~GitPackSender();

  /// Sends the object at `offset` of `pack`, the store's pack of this number, and returns its size.
  /// Numbers must not decrease, nor offsets in a pack. kCorrupt, with pack and offset, if this or
  /// an earlier entry is damaged. After an error the sender may only be destroyed.
  Result<std::uint64_t> send(std::uint32_t number, const PackReader& pack, std::uint64_t offset);

  /// Writes the remaining entries and the trailer.
  Result<GitPackSummary> finish();

 private:
  class Impl;

  explicit GitPackSender(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bale
