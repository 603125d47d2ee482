// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Running the built program: posix_spawn, with files in memory for the standard streams.

#include "cli/program_under_test.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "format/object_stream.h"

namespace bale::cli {
namespace {

int file_in_memory() {
  const int fd = ::memfd_create("bale-test", MFD_CLOEXEC);
  EXPECT_GE(fd, 0);
  return fd;
}

std::string content_of(int fd) {
  std::string content;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got =
        ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(content.size()));
    if (got <= 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Ours, with BALE_STORE as the test wants it.
std::vector<std::string> environment(const std::string& store_variable) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("BALE_STORE=")) variables.emplace_back(*entry);
  }
  if (!store_variable.empty()) variables.push_back("BALE_STORE=" + store_variable);
  return variables;
}

}  // namespace

ProgramRun::ProgramRun(const std::vector<std::string>& arguments, std::string_view input,
                       StandardStreams streams, const std::string& store_variable)
    : in_(file_in_memory()), out_(file_in_memory()), err_(file_in_memory()) {
  EXPECT_EQ(::pwrite(in_, input.data(), input.size(), 0), static_cast<ssize_t>(input.size()));
  posix_spawn_file_actions_t actions;
  EXPECT_EQ(::posix_spawn_file_actions_init(&actions), 0);
  const std::array<int, 3> fds = {streams.in < 0 ? in_ : streams.in,
                                  streams.out < 0 ? out_ : streams.out, err_};
  for (int target = 0; target < 3; ++target) {
    const int fd = fds.at(static_cast<std::size_t>(target));
    EXPECT_EQ(::posix_spawn_file_actions_adddup2(&actions, fd, target), 0);
  }
  std::vector<std::string> words = {BALE_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment(store_variable);
  EXPECT_EQ(::posix_spawn(&pid_, BALE_PROGRAM, &actions, nullptr, pointers(words).data(),
                          pointers(variables).data()),
            0);
  EXPECT_EQ(::posix_spawn_file_actions_destroy(&actions), 0);
}

ProgramRun::~ProgramRun() {
  if (!finished_) static_cast<void>(finish());
  for (const int fd : {in_, out_, err_}) ::close(fd);
}

FinishedRun ProgramRun::finish() {
  finished_ = true;
  FinishedRun run;
  int status = 0;
  pid_t waited = -1;
  do {
    waited = ::waitpid(pid_, &status, 0);
  } while (waited < 0 && errno == EINTR);
  EXPECT_EQ(waited, pid_);
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  run.out = content_of(out_);
  run.err = content_of(err_);
  return run;
}

FinishedRun run_bale(const std::vector<std::string>& arguments, std::string_view input) {
  return ProgramRun(arguments, input).finish();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> objects;
  for (const std::string& line : lines_of(text)) {
    objects.push_back(nlohmann::json::parse(line, nullptr, false));
    EXPECT_FALSE(objects.back().is_discarded()) << line;
  }
  return objects;
}

std::string read_file(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_file(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  EXPECT_TRUE(file.good()) << path;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string golden_directory() {
  for (const char* directory :
       {BALE_SOURCE_DIR "/test/golden", BALE_SOURCE_DIR "/../shared/golden"}) {
    if (std::filesystem::exists(directory)) return directory;
  }
  return {};
}

std::string framed_blob(std::string_view payload) {
  std::array<std::byte, kMaxObjectFrameBytes> frame;
  const StreamedObject object{.id = content_hash(ObjectType::kBlob, as_bytes(payload)),
                              .type = ObjectType::kBlob,
                              .size = payload.size()};
  const std::size_t size = encode_object_frame(object, frame.data());
  std::string framed(as_text(Bytes(frame).first(size)));
  return framed.append(payload);
}

}  // namespace bale::cli
