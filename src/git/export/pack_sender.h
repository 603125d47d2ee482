// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// GitPackSender: entries of our packs in, a Git pack stream out.
//
//   GitPackSender sender = TRY(GitPackSender::create(options, budget, sink));
//   for (location : in the order of (pack, offset)) TRY(sender.send(number, pack, offset));
//   const GitPackSummary summary = TRY(sender.finish());
//
// A delta stays one where its base went before it: its program is rewritten (git_delta.h), never
// run, and no base is searched for. A whole object stays whole, and so does what lost its base:
// because that was not among what is sent, or stands behind its delta. (So does a delta whose
// program has more than 1 MiB; bale writes none.)
//
// The caller's thread reads entries and fills batches with their stored payloads; lanes decompress,
// rewrite and compress them; the caller's thread writes the batches, in order. What is larger than
// 1 MiB goes through on the caller's thread, in pieces. The stream does not depend on lanes or
// memory.
//
// Nothing proves that the objects are what their ids say: a damaged program may make something else
// unseen. That is for the caller, who sees the ids that Git finds.
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
  std::uint64_t object_count = 0;  ///< exactly so many are sent
  std::size_t lanes = 0;           ///< 0: one a processor; fewer where memory does not do for more
  std::uint64_t read_memory_bytes = 16 << 20;
  std::uint64_t index_memory_bytes = 8 << 20;  ///< pages of a pack's index that may be resident
  FileSystem* file_system = nullptr;           ///< required
  std::string scratch_directory;
};

struct GitPackSummary {
  std::uint64_t bytes = 0;   ///< of the stream
  std::uint64_t deltas = 0;  ///< objects that went as deltas
};

class GitPackSender {
 public:
  /// The smallest budget that create() takes.
  [[nodiscard]] static std::uint64_t smallest_memory_bytes();

  /// Writes the stream's header. kLimitExceeded where the budget does not do, or for more objects
  /// than a Git pack holds. The budget must outlive the sender.
  [[nodiscard]] static Result<GitPackSender> create(const GitPackSenderOptions& options,
                                                    Budget& budget, GitPackStream::Sink sink);

  GitPackSender(GitPackSender&&) noexcept;
  ~GitPackSender();

  /// Sends the object at `offset` of `pack`, the store's pack of this number. Numbers must not
  /// fall, nor offsets in a pack. kCorrupt, with pack and offset, where an entry is damaged: this
  /// one or one that was sent before. Returns the size of the object. After an error the sender can
  /// only be destroyed.
  Result<std::uint64_t> send(std::uint32_t number, const PackReader& pack, std::uint64_t offset);

  /// Writes what is left and the trailer.
  Result<GitPackSummary> finish();

 private:
  class Impl;

  explicit GitPackSender(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bale
