// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reading objects out of a Git repository: one `git cat-file` that is asked for many.

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

/// The answer of an ObjectReader. If it is missing, only the id means anything.
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
/// They may be two threads: request() waits while window() requests are unanswered, so a receiver
/// that stalls stalls the asker too, and nothing queues up. Or they may be one thread, which then
/// must not leave more than window() requests unanswered: the next one would wait for itself.
/// Within the window neither side ever waits for the other to make room: git always has room to
/// take the requests, and next() passes on those that were still held back for a larger write.
///
/// After an Error every further call, on both sides, fails with it. Both sides return kInterrupted
/// within 100 ms of a cancellation. The thread that made the reader must outlive it (see
/// ChildProcess), and so must the GitProgram.
///
/// Memory: at most 1 MiB here, whatever the objects' sizes; and 2 MiB of pipes.
class ObjectReader {
 public:
  /// `what` describes the source in messages: its path. Needs git 2.36.
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

  /// How many requests may be unanswered at once.
  [[nodiscard]] std::size_t window() const { return window_; }

  /// Waits, up to 50 ms, for something that next() can tell: false if the asker has not asked yet,
  /// and may do so. For a receiver that has something else to do meanwhile.
  bool wait_for_request();

  /// The answer to the oldest request; nothing once requests are finished and all are answered.
  /// What was not read of the payload before is skipped. kIncomplete if git fails, which is how a
  /// damaged object shows; an object that git cannot find at all is an answer (`missing`).
  Result<std::optional<SourceObject>> next();

  /// The next piece of the payload of the object that next() gave last: fills `out` with as much as
  /// is there; 0 once all `size` bytes were read.
  Result<std::size_t> read(MutableBytes out);

  /// Fills all of `out`, which must not be longer than what is left of the payload.
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
  bool in_payload_ = false;  // a payload, read or not, and its newline still stand in the pipe
  bool ended_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  // All below is guarded by mutex_.
  std::deque<Request> unanswered_;
  std::string batch_;            // lines for git that were not sent yet
  std::size_t batch_count_ = 0;  // they stand at the end of unanswered_
  bool finished_ = false;
  std::optional<Error> failure_;
};

}  // namespace bale
