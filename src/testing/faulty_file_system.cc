// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/faulty_file_system.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace bale {

/// The state shared by the file system and its files.
struct FaultyState {
  std::mutex mutex;
  IoCounters counters;
  std::optional<Fault> fault;
  std::uint64_t matching_calls = 0;
  bool fired = false;
  bool tracing = false;
  std::function<void(const IoEvent&)> observer;
  std::vector<IoEvent> trace;
  std::uint64_t open_files = 0;
  std::uint64_t peak_open_files = 0;

  /// Every call begins here; returns the Error if this call is to fail.
  Result<void> begin(const IoEvent& event) {
    TRY(count(event));
    if (observer) observer(event);
    return {};
  }

  Result<void> count(const IoEvent& event) {
    const std::lock_guard guard(mutex);
    const auto kind = static_cast<std::size_t>(event.kind);
    ++counters.calls[kind];
    Result<void> verdict;
    if (fault && fault->kinds[kind] && event.path.find(fault->path_part) != std::string::npos &&
        touches_region(event)) {
      const std::uint64_t number = matching_calls++;
      if (number == fault->operation || (fault->forever && number > fault->operation)) {
        fired = true;
        verdict = fail(fault->code, "{}: {} {}", fault->message, to_string(event.kind), event.path);
      }
    }
    if (tracing) trace.push_back(event);
    return verdict;
  }

  [[nodiscard]] bool touches_region(const IoEvent& event) const {
    if (fault->region_end == 0) return true;
    return event.offset < fault->region_end && event.offset + event.bytes > fault->region_begin;
  }

  Result<void> begin(IoKind kind, const std::string& path) {
    return begin({.kind = kind, .path = path});
  }

  bool tears_writes() {
    const std::lock_guard guard(mutex);
    return fault && fault->tears_writes;
  }

  void add_bytes(std::uint64_t IoCounters::*counter, std::uint64_t bytes) {
    const std::lock_guard guard(mutex);
    counters.*counter += bytes;
  }

  void file_opened() {
    const std::lock_guard guard(mutex);
    peak_open_files = std::max(peak_open_files, ++open_files);
  }

  void file_closed() {
    const std::lock_guard guard(mutex);
    --open_files;
  }
};

namespace {

using StatePtr = std::shared_ptr<FaultyState>;

class FaultyFile final : public File {
 public:
  FaultyFile(StatePtr state, std::unique_ptr<File> below)
      : state_(std::move(state)), below_(std::move(below)) {
    state_->file_opened();
  }

  FaultyFile(const FaultyFile&) = delete;
  FaultyFile& operator=(const FaultyFile&) = delete;

  ~FaultyFile() override { state_->file_closed(); }

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
    TRY(begin(IoKind::kRead, offset, out.size()));
    const std::size_t got = TRY(below_->read_at(offset, out));
    state_->add_bytes(&IoCounters::bytes_read, got);
    return got;
  }

  Result<void> write_at(std::uint64_t offset, Bytes data) override {
    Result<void> verdict = begin(IoKind::kWrite, offset, data.size());
    if (!verdict) {
      if (state_->tears_writes()) TRY(below_->write_at(offset, data.first(data.size() / 2)));
      return verdict;
    }
    TRY(below_->write_at(offset, data));
    state_->add_bytes(&IoCounters::bytes_written, data.size());
    return {};
  }

  Result<std::uint64_t> size() override {
    TRY(begin(IoKind::kSize));
    return below_->size();
  }

  Result<void> truncate(std::uint64_t size) override {
    TRY(begin(IoKind::kTruncate, size));
    return below_->truncate(size);
  }

  Result<void> sync() override {
    TRY(begin(IoKind::kSync));
    return below_->sync();
  }

  Result<std::unique_ptr<Mapping>> map() override {
    TRY(begin(IoKind::kMap));
    return below_->map();
  }

  [[nodiscard]] const std::string& path() const override { return below_->path(); }

  [[nodiscard]] File& below() { return *below_; }

 private:
  Result<void> begin(IoKind kind, std::uint64_t offset = 0, std::uint64_t bytes = 0) {
    return state_->begin({.kind = kind, .path = path(), .offset = offset, .bytes = bytes});
  }

  StatePtr state_;
  std::unique_ptr<File> below_;
};

Result<std::unique_ptr<File>> wrap(const StatePtr& state, Result<std::unique_ptr<File>> opened) {
  std::unique_ptr<File> file = TRY(std::move(opened));
  return std::unique_ptr<File>(std::make_unique<FaultyFile>(state, std::move(file)));
}

}  // namespace

std::string_view to_string(IoKind kind) {
  static constexpr std::array<std::string_view, kIoKindCount> kNames = {"open",
                                                                        "create",
                                                                        "create_unnamed",
                                                                        "link_unnamed",
                                                                        "rename",
                                                                        "remove_file",
                                                                        "create_directory",
                                                                        "remove_directory",
                                                                        "list",
                                                                        "stat",
                                                                        "sync_directory",
                                                                        "create_symlink",
                                                                        "set_executable",
                                                                        "try_lock",
                                                                        "read_at",
                                                                        "write_at",
                                                                        "size",
                                                                        "truncate",
                                                                        "sync",
                                                                        "map"};
  static_assert(static_cast<std::size_t>(IoKind::kMap) + 1 == kIoKindCount);
  return kNames.at(static_cast<std::size_t>(kind));
}

IoKinds io_kinds(std::initializer_list<IoKind> kinds) {
  IoKinds set;
  for (const IoKind kind : kinds) set.set(static_cast<std::size_t>(kind));
  return set;
}

IoKinds all_io_kinds() {
  return IoKinds().set();
}

std::uint64_t IoCounters::operations() const {
  return std::accumulate(calls.begin(), calls.end(), std::uint64_t{0});
}

FaultyFileSystem::FaultyFileSystem(FileSystem& below)
    : below_(below), state_(std::make_shared<FaultyState>()) {}

FaultyFileSystem::~FaultyFileSystem() = default;

void FaultyFileSystem::inject(Fault fault) {
  const std::lock_guard guard(state_->mutex);
  state_->fault = std::move(fault);
  state_->matching_calls = 0;
  state_->fired = false;
}

void FaultyFileSystem::clear_fault() {
  const std::lock_guard guard(state_->mutex);
  state_->fault.reset();
}

bool FaultyFileSystem::fault_fired() const {
  const std::lock_guard guard(state_->mutex);
  return state_->fired;
}

void FaultyFileSystem::observe(std::function<void(const IoEvent&)> observer) {
  state_->observer = std::move(observer);
}

IoCounters FaultyFileSystem::counters() const {
  const std::lock_guard guard(state_->mutex);
  return state_->counters;
}

void FaultyFileSystem::reset_counters() {
  const std::lock_guard guard(state_->mutex);
  state_->counters = {};
  state_->peak_open_files = state_->open_files;
}

std::uint64_t FaultyFileSystem::open_files() const {
  const std::lock_guard guard(state_->mutex);
  return state_->open_files;
}

std::uint64_t FaultyFileSystem::peak_open_files() const {
  const std::lock_guard guard(state_->mutex);
  return state_->peak_open_files;
}

void FaultyFileSystem::start_trace() {
  const std::lock_guard guard(state_->mutex);
  state_->tracing = true;
  state_->trace.clear();
}

std::vector<IoEvent> FaultyFileSystem::trace() const {
  const std::lock_guard guard(state_->mutex);
  return state_->trace;
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::string& path) {
  TRY(state_->begin(IoKind::kOpen, path));
  return wrap(state_, below_.open(path));
}

Result<std::unique_ptr<File>> FaultyFileSystem::create(const std::string& path, CreateMode mode) {
  TRY(state_->begin(IoKind::kCreate, path));
  return wrap(state_, below_.create(path, mode));
}

Result<std::unique_ptr<File>> FaultyFileSystem::create_unnamed(const std::string& directory) {
  TRY(state_->begin(IoKind::kCreateUnnamed, directory));
  return wrap(state_, below_.create_unnamed(directory));
}

Result<void> FaultyFileSystem::link_unnamed(File& file, const std::string& path) {
  TRY(state_->begin(IoKind::kLinkUnnamed, path));
  auto* faulty_file = dynamic_cast<FaultyFile*>(&file);
  if (faulty_file == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "{} is not a file of this file system", file.path());
  }
  return below_.link_unnamed(faulty_file->below(), path);
}

Result<void> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  TRY(state_->begin(IoKind::kRename, to));
  return below_.rename(from, to);
}

Result<void> FaultyFileSystem::remove_file(const std::string& path) {
  TRY(state_->begin(IoKind::kRemoveFile, path));
  return below_.remove_file(path);
}

Result<void> FaultyFileSystem::create_directory(const std::string& path) {
  TRY(state_->begin(IoKind::kCreateDirectory, path));
  return below_.create_directory(path);
}

Result<void> FaultyFileSystem::remove_directory(const std::string& path) {
  TRY(state_->begin(IoKind::kRemoveDirectory, path));
  return below_.remove_directory(path);
}

Result<std::vector<DirectoryEntry>> FaultyFileSystem::list(const std::string& path) {
  TRY(state_->begin(IoKind::kList, path));
  return below_.list(path);
}

Result<FileInfo> FaultyFileSystem::stat(const std::string& path) {
  TRY(state_->begin(IoKind::kStat, path));
  return below_.stat(path);
}

Result<void> FaultyFileSystem::sync_directory(const std::string& path) {
  TRY(state_->begin(IoKind::kSyncDirectory, path));
  return below_.sync_directory(path);
}

Result<void> FaultyFileSystem::create_symlink(const std::string& target, const std::string& path) {
  TRY(state_->begin(IoKind::kCreateSymlink, path));
  return below_.create_symlink(target, path);
}

Result<void> FaultyFileSystem::set_executable(const std::string& path) {
  TRY(state_->begin(IoKind::kSetExecutable, path));
  return below_.set_executable(path);
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::try_lock(const std::string& path,
                                                             LockMode mode) {
  TRY(state_->begin(IoKind::kLock, path));
  return below_.try_lock(path, mode);
}

}  // namespace bale
