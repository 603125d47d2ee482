// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Git as a peer: `git fast-import` of blobs through a pipe, and `git cat-file --batch`. Git names
// objects itself, so ids are translated before a clock starts. Deltas are not tried (--depth=0): no
// two neighbours are alike, and trying would only cost it time.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <thread>

#include "bale/git_oid.h"
#include "bench/contender.h"
#include "bench/die.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

// A git process with a pipe to it and one from it.
class Git {
 public:
  Git(const std::string& repository, const std::vector<std::string>& arguments) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) {
      die_of_errno("pipe");
    }
    std::vector<std::string> words = {"git", "--git-dir=" + repository, "-c", "core.fsync=none"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    if (child_ < 0) die_of_errno("fork");
    if (child_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::execvp("git", argv.data());
      die_of_errno("git");
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = out[0];
    static_cast<void>(::fcntl(to_, F_SETPIPE_SZ, static_cast<int>(kBufferBytes)));
    static_cast<void>(::fcntl(from_, F_SETPIPE_SZ, static_cast<int>(kBufferBytes)));
  }

  Git(const Git&) = delete;
  Git& operator=(const Git&) = delete;

  ~Git() {
    close_input();
    ::close(from_);
    int status = 0;
    if (::waitpid(child_, &status, 0) == child_ && status != 0) die("git failed");
  }

  void write(Bytes data) {
    while (!data.empty()) {
      const ssize_t written = ::write(to_, data.data(), data.size());
      if (written < 0) die_of_errno("write to git");
      data = data.subspan(static_cast<std::size_t>(written));
    }
  }

  // 0 at the end.
  std::size_t read(MutableBytes out) {
    const ssize_t got = ::read(from_, out.data(), out.size());
    if (got < 0) die_of_errno("read from git");
    return static_cast<std::size_t>(got);
  }

  void close_input() {
    if (to_ >= 0) ::close(to_);
    to_ = -1;
  }

  [[nodiscard]] int process_id() const { return child_; }

 private:
  pid_t child_ = -1;
  int to_ = -1;
  int from_ = -1;
};

// Gathers small writes.
class Stream {
 public:
  explicit Stream(Git& git) : git_(git) { buffer_.reserve(kBufferBytes); }

  void put(Bytes bytes) {
    if (buffer_.size() + bytes.size() > kBufferBytes) flush();
    if (bytes.size() >= kBufferBytes) return git_.write(bytes);
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }

  void put(std::string_view text) { put(as_bytes(text)); }

  void flush() {
    git_.write(buffer_);
    buffer_.clear();
  }

 private:
  Git& git_;
  std::vector<std::byte> buffer_;
};

// Takes the answers of cat-file apart: "OID blob SIZE\n", and with contents the payload and "\n".
class Answers {
 public:
  explicit Answers(Git& git) : git_(git), buffer_(kBufferBytes) {}

  std::uint64_t next_size() {
    std::size_t length = 0;
    while (std::find(at(length), end(), std::byte{'\n'}) == end()) {
      length = available();
      fill();
    }
    const auto line_end = std::find(at(0), end(), std::byte{'\n'});
    const std::string_view line = as_text(Bytes(at(0), line_end));
    const std::size_t space = line.rfind(' ');
    std::uint64_t size = 0;
    if (line.find(" blob ") == std::string_view::npos ||
        std::from_chars(line.data() + space + 1, line.data() + line.size(), size).ec !=
            std::errc{}) {
      die("git cat-file: {}", line);
    }
    begin_ += line.size() + 1;
    return size;
  }

  // The payload that follows; valid until the next call.
  Bytes payload(std::uint64_t size) {
    while (available() < size + 1) fill();
    const Bytes payload(at(0), size);
    begin_ += size + 1;
    return payload;
  }

 private:
  using Iterator = std::vector<std::byte>::const_iterator;

  [[nodiscard]] Iterator at(std::size_t position) const {
    return buffer_.begin() + static_cast<std::ptrdiff_t>(begin_ + position);
  }

  [[nodiscard]] Iterator end() const { return buffer_.begin() + static_cast<std::ptrdiff_t>(end_); }

  [[nodiscard]] std::size_t available() const { return end_ - begin_; }

  // Moves what is there to the front when the room behind it has run out, and reads more.
  void fill() {
    if (end_ == buffer_.size()) {
      std::copy(at(0), end(), buffer_.begin());
      end_ -= begin_;
      begin_ = 0;
      if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    }
    const std::size_t got = git_.read(MutableBytes(buffer_).subspan(end_));
    if (got == 0) die("git cat-file ended early");
    end_ += got;
  }

  Git& git_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

class GitReading final : public Reading {
 public:
  GitReading(std::string repository, const Objects& objects)
      : repository_(std::move(repository)), objects_(objects) {}

  void prepare(std::span<const Query> queries) override {
    requests_.clear();
    for (const Query& query : queries) {
      requests_ +=
          git_oid(GitHash::kSha1, ObjectType::kBlob, objects_[query.number].payload).to_hex() +
          "\n";
    }
  }

  void get(std::span<const Query> queries, Receiver& receiver) override {
    Git git(repository_, {"cat-file", "--batch", "--buffer"});
    std::thread asking([&] { ask(git); });
    Answers answers(git);
    for (const Query& query : queries) receiver.take(query, answers.payload(answers.next_size()));
    asking.join();
  }

  void find(std::span<const Query> queries, Receiver& receiver) override {
    Git git(repository_, {"cat-file", "--batch-check", "--buffer"});
    std::thread asking([&] { ask(git); });
    Answers answers(git);
    for (std::size_t i = 0; i < queries.size(); ++i) receiver.take_number(answers.next_size());
    asking.join();
  }

 private:
  void ask(Git& git) {
    git.write(as_bytes(requests_));
    git.close_input();
  }

  std::string repository_;
  const Objects& objects_;
  std::string requests_;
};

class GitPeer final : public Contender {
 public:
  [[nodiscard]] std::string_view name() const override { return "git"; }

  [[nodiscard]] std::string manner() const override {
    return "git fast-import of blobs (its own compression, no deltas, core.fsync=none); "
           "git cat-file --batch --buffer, starting it in the time";
  }

  Sample build(const Objects& objects, const std::string& directory) override {
    const std::string repository = directory + "/objects.git";
    const std::string command = "git init --quiet --bare " + repository;
    if (std::system(command.c_str()) != 0) die("{} failed", command);
    std::uint64_t peak = 0;
    const Stopwatch watch;
    {
      Git git(repository,
              {"-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--done", "--depth=0"});
      Stream stream(git);
      for (std::size_t i = 0; i < objects.count(); ++i) {
        const Bytes payload = objects[i].payload;
        stream.put("blob\ndata ");
        stream.put(std::to_string(payload.size()));
        stream.put("\n");
        stream.put(payload);
        stream.put("\n");
      }
      stream.flush();
      peak = resident_bytes(git.process_id()).peak;
      stream.put("done\n");
      stream.flush();
    }
    return {.seconds = watch.seconds(), .peak_rss_bytes = peak};
  }

  [[nodiscard]] std::unique_ptr<Reading> open(const std::string& directory,
                                              const Objects& objects) override {
    return std::make_unique<GitReading>(directory + "/objects.git", objects);
  }
};

}  // namespace

std::unique_ptr<Contender> make_git() {
  return std::system("git --version >/dev/null 2>&1") == 0 ? std::make_unique<GitPeer>() : nullptr;
}

}  // namespace bale::bench
