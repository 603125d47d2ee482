// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The protocol of `git cat-file --batch-command --buffer`.
//
//   we write    "contents OID" | "info OID", a line each; "flush" after a batch of them
//   git writes  OID " " TYPE " " SIZE "\n" (PAYLOAD "\n" after "contents") | OID " missing\n"
//
// git keeps requests until the flush, and buffers its answers, so there are few context switches.
//
// There is no deadlock: the window is such that all unanswered requests fit into the pipe even if
// git reads none of them (as while its answers wait for us), so writing a batch never waits. Small
// writes may leave a pipe's pages up to half empty, hence the factor.

#include "git/source/object_reader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "git/source/git_lines.h"

namespace bale {
namespace {

constexpr std::chrono::milliseconds kCancelPoll(50);
constexpr std::size_t kLongestLineBytes = sizeof("contents ") + 64;
constexpr std::size_t kPipeSafetyFactor = 4;
constexpr std::size_t kLargestWindow = 4096;
constexpr std::size_t kBatchesInWindow = 4;

std::size_t choose_window(const ChildProcess& child) {
  return std::clamp<std::size_t>(
      child.stdin_capacity_bytes() / kLongestLineBytes / kPipeSafetyFactor, 1, kLargestWindow);
}

}  // namespace

ObjectReader::ObjectReader(GitProgram& git, ChildProcess child, std::string what)
    : git_(git),
      child_(std::move(child)),
      what_(std::move(what)),
      window_(choose_window(child_)),
      output_(child_) {}

Result<std::unique_ptr<ObjectReader>> ObjectReader::start(GitProgram& git, std::string what) {
  ChildProcess child = TRY(git.start({"cat-file", "--batch-command", "--buffer"}, true));
  return std::unique_ptr<ObjectReader>(new ObjectReader(git, std::move(child), std::move(what)));
}

Error ObjectReader::remember(Error error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(error);
  changed_.notify_all();
  return *failure_;
}

// Requires the mutex. If git has stopped reading, the receiver finds its message at the end of the
// answers, and reports it to both sides.
Result<void> ObjectReader::send_batch() {
  batch_ += "flush\n";
  Result<void> sent = child_.write(as_bytes(batch_));
  batch_.clear();
  batch_count_ = 0;
  if (sent || child_.has_stopped_reading()) return {};
  if (!failure_) failure_ = std::move(sent).error();
  changed_.notify_all();
  return *failure_;
}

std::size_t ObjectReader::batch_size() const {
  return std::max<std::size_t>(window_ / kBatchesInWindow, 1);
}

Result<void> ObjectReader::ask(const Request& request) {
  std::unique_lock lock(mutex_);
  CHECK(failure_ || !finished_);
  while (!failure_ && unanswered_.size() >= window_) {
    if (batch_count_ > 0) TRY(send_batch());
    if (git_.operation().cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    changed_.wait_for(lock, kCancelPoll);
  }
  if (failure_) return *failure_;
  unanswered_.push_back(request);
  batch_ += request.with_payload ? "contents " : "info ";
  batch_ += request.oid.to_hex();
  batch_ += '\n';
  ++batch_count_;
  // The receiver waits only if git has no requests.
  if (unanswered_.size() == batch_count_) changed_.notify_all();
  if (batch_count_ >= batch_size()) TRY(send_batch());
  return {};
}

Result<void> ObjectReader::request(const GitOid& oid, std::uint64_t tag) {
  return ask({.oid = oid, .with_payload = true, .tag = tag});
}

Result<void> ObjectReader::request_info(const GitOid& oid) {
  return ask({.oid = oid, .with_payload = false});
}

Result<void> ObjectReader::finish_requests() {
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  if (finished_) return {};
  if (batch_count_ > 0) TRY(send_batch());
  finished_ = true;
  child_.close_stdin();
  changed_.notify_all();
  return {};
}

// The oldest unanswered request; waits for one.
Result<ObjectReader::Request> ObjectReader::next_request(std::unique_lock<std::mutex>& lock,
                                                         bool& at_end) {
  for (;;) {
    if (failure_) return *failure_;
    if (unanswered_.size() > batch_count_) return unanswered_.front();
    if (batch_count_ > 0) {
      TRY(send_batch());
    } else if (finished_) {
      at_end = true;
      return Request{};
    } else {
      if (git_.operation().cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
      changed_.wait_for(lock, kCancelPoll);
    }
  }
}

bool ObjectReader::wait_for_request() {
  std::unique_lock lock(mutex_);
  const auto something = [this] {
    return !unanswered_.empty() || finished_ || failure_ || git_.operation().cancelled();
  };
  return changed_.wait_for(lock, kCancelPoll, something);
}

Result<std::optional<SourceObject>> ObjectReader::next() {
  Request request;
  {
    std::unique_lock lock(mutex_);
    bool at_end = false;
    request = TRY(next_request(lock, at_end));
    if (at_end && ended_) return std::nullopt;
    if (at_end) {
      lock.unlock();
      Result<void> ended = end_payload();
      if (ended) ended = git_.finish(child_, fmt::format("reading objects of {}", what_));
      if (!ended) return remember(std::move(ended).error());
      ended_ = true;
      return std::nullopt;
    }
  }
  Result<SourceObject> object = receive(request);
  if (!object) return remember(std::move(object).error());
  current_ = *object;
  const std::lock_guard lock(mutex_);
  unanswered_.pop_front();
  // A waiting requester is woken once there is room for a batch: a context switch per object would
  // cost more than the object.
  if (unanswered_.size() == window_ - batch_size()) changed_.notify_all();
  return current_;
}

// Reads an answer's first line.
Result<SourceObject> ObjectReader::receive(const Request& request) {
  TRY(end_payload());
  const std::optional<std::string_view> line = TRY(output_.line());
  if (!line) return cut_off(request.oid);
  SourceObject object = TRY(parse_header(request, *line));
  in_payload_ = request.with_payload && !object.missing;
  payload_left_ = in_payload_ ? object.size : 0;
  return object;
}

Result<SourceObject> ObjectReader::parse_header(const Request& request,
                                                std::string_view line) const {
  const std::optional<BatchAnswer> answer = parse_batch_answer(line, request.oid);
  if (!answer) {
    return fail(ErrorCode::kIncomplete, "reading {} of {}: git answered \"{}\"",
                request.oid.to_hex(), what_, line);
  }
  return SourceObject{.oid = request.oid,
                      .missing = answer->missing,
                      .type = answer->type,
                      .size = answer->size,
                      .tag = request.tag};
}

// The child ended early: its messages say why.
Error ObjectReader::cut_off(const GitOid& oid) {
  const std::string what = fmt::format("reading {} of {}", oid.to_hex(), what_);
  // wait() closes the pipe that the other side writes to; after the mutex is released, that side
  // finds the failure.
  const std::lock_guard lock(mutex_);
  const Result<ChildExit> how = git_.wait(child_);
  if (!failure_) failure_ = how ? git_failure(*how, child_.stderr_tail(), what) : how.error();
  return *failure_;
}

// Skips the unread payload and the newline after it.
Result<void> ObjectReader::end_payload() {
  if (!in_payload_) return {};
  if (!TRY(output_.skip(payload_left_ + 1))) return cut_off(current_.oid);
  payload_left_ = 0;
  in_payload_ = false;
  return {};
}

Result<std::size_t> ObjectReader::read(MutableBytes out) {
  const std::size_t wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), payload_left_));
  if (wanted == 0) return std::size_t{0};
  const Result<std::size_t> got = output_.read(out.first(wanted));
  if (!got) return remember(got.error());
  if (*got == 0) return remember(cut_off(current_.oid));
  payload_left_ -= *got;
  return *got;
}

Result<void> ObjectReader::read_all(MutableBytes out) {
  CHECK(out.size() <= payload_left_);
  while (!out.empty()) {
    const std::size_t got = TRY(read(out));
    out = out.subspan(got);
  }
  return {};
}

}  // namespace bale
