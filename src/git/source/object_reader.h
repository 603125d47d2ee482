// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reads many objects from a Git repository through one `git cat-file`.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "git/child/child_output.h"
#include "git/child/git_program.h"
#include "git/child/process.h"

namespace bale {

/// The answer of an ObjectReader. If `missing`, only `oid` and `tag` are set.
struct SourceObject {
  GitOid oid;
  bool missing = false;
  ObjectType type = ObjectType::kBlob;
  std::uint64_t size = 0;
  std::uint64_t tag = 0;  ///< the request's
};

/// Answers come in the order of requests. Two sides, each for one thread at a time:
///
///   asking      request(), request_info(), finish_requests()
///   receiving   wait_for_request(), next(), read()
///
/// With two threads, request() waits while window() requests are unanswered, so the queue is
/// bounded. A single thread must not leave more than window() requests unanswered: the next one
/// would deadlock. Within the window neither side waits for the other: git always has room for the
/// requests, and next() sends those still held back for a larger write.
///
/// After an Error every further call, on both sides, fails with it. Both sides return kInterrupted
/// within 100 ms of a cancellation. The thread that made the reader must outlive it (see
/// ChildProcess), and so must the GitProgram.
///
/// Memory: at most 1 MiB here, whatever the objects' sizes; and 2 MiB of pipes.
class ObjectReader {
 public:
  /// `what` names the source in messages. Needs git 2.36.
  [[nodiscard]] static Result<std::unique_ptr<ObjectReader>> start(GitProgram& git,
                                                                   std::string what);

  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;
  ~ObjectReader() = default;

  /// Asks for an object with its payload. The answer has `tag`, for the caller's use.
  Result<void> request(const GitOid& oid, std::uint64_t tag = 0);

  /// Asks only for its type and size: the answer has no payload.
  Result<void> request_info(const GitOid& oid);

  /// No more requests will come.
  Result<void> finish_requests();

  /// The most unanswered requests.
  [[nodiscard]] std::size_t window() const { return window_; }

  /// Waits, up to 50 ms, until next() would not wait for a request; false if it still would. For a
  /// receiver with other work.
  bool wait_for_request();

  /// The answer to the oldest request; nullopt once requests are finished and all are answered.
  /// Skips the unread rest of the previous payload. kIncomplete if git fails, for a damaged object,
  /// say; an object that git cannot find is an answer (`missing`).
  Result<std::optional<SourceObject>> next();

  /// Reads the next piece of the last object's payload, as much as is available; 0 once all `size`
  /// bytes were read.
  Result<std::size_t> read(MutableBytes out);

  /// Fills all of `out`, which must not be longer than the rest of the payload.
  Result<void> read_all(MutableBytes out);

 private:
  struct Request {
    GitOid oid;
    bool with_payload = false;
    std::uint64_t tag = 0;
  };

  ObjectReader(GitProgram& git, ChildProcess child, std::string what);

  [[nodiscard]] std::size_t batch_size() const;
  Result<void> ask(const Request& request);
  Result<void> send_batch();
  Result<Request> next_request(std::unique_lock<std::mutex>& lock, bool& at_end);
  Result<SourceObject> parse_header(const Request& request, std::string_view line) const;
  Result<SourceObject> receive(const Request& request);
  Result<void> end_payload();
  [[nodiscard]] Error cut_off(const GitOid& oid);
  Error remember(Error error);

  GitProgram& git_;
  ChildProcess child_;
  const std::string what_;
  std::size_t window_;

  // The receiving side's own.
  ChildOutput output_;
  SourceObject current_;
  std::uint64_t payload_left_ = 0;
  bool in_payload_ = false;  // the pipe still holds a payload's rest and newline
  bool ended_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  // All below is guarded by mutex_.
  std::deque<Request> unanswered_;
  std::string batch_;            // unsent lines
  std::size_t batch_count_ = 0;  // number of them, last in unanswered_
  bool finished_ = false;
  std::optional<Error> failure_;
};

}  // namespace bale
