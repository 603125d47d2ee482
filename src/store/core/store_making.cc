// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/store_making.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "io/atomic_file.h"
#include "io/path.h"
#include "store/core/archive_files.h"
#include "store/core/layout.h"
#include "store/core/locks.h"

namespace bale {
namespace {

// How long to wait for another who makes the store, or takes it back: both take milliseconds.
constexpr int kMakingAttempts = 3000;
constexpr std::chrono::milliseconds kPause{10};

FileSystem& or_posix(FileSystem* file_system) {
  return file_system != nullptr ? *file_system : posix_file_system();
}

// A file system without unnamed files leaves this where an init() dies.
std::string part_of_mark(const StoreLayout& layout) {
  return layout.mark() + ".part";
}

std::array<std::string, 3> directories_of(const StoreLayout& layout) {
  return {layout.packs(), layout.archives(), layout.staging()};
}

Result<bool> is_there(FileSystem& files, const std::string& path) {
  const Result<FileInfo> info = files.stat(path);
  if (info) return true;
  if (info.error().code == ErrorCode::kNotFound) return false;
  return info.error();
}

Result<bool> is_empty(FileSystem& files, const StoreLayout& layout, const std::string& directory) {
  if (directory == layout.archives()) return holds_no_archive(files, layout);
  return TRY(files.list(directory)).empty();
}

// Whether this is what an init() or a remove_empty() leaves that was cut off.
Result<bool> is_piece_of_empty_store(FileSystem& files, const StoreLayout& layout,
                                     const DirectoryEntry& entry) {
  const std::string path = join_path(layout.root, entry.name);
  if (entry.kind == FileKind::kRegular) {
    if (path == part_of_mark(layout)) return true;
    return path == layout.lock() && TRY(files.stat(path)).size == 0;
  }
  const auto directories = directories_of(layout);
  const bool known = std::find(directories.begin(), directories.end(), path) != directories.end();
  return known && entry.kind == FileKind::kDirectory && TRY(is_empty(files, layout, path));
}

// kInvalidArgument where the directory holds anything else.
Result<void> check_free(FileSystem& files, const StoreLayout& layout) {
  for (const DirectoryEntry& entry : TRY(files.list(layout.root))) {
    if (TRY(is_piece_of_empty_store(files, layout, entry))) continue;
    return fail(ErrorCode::kInvalidArgument,
                "{}: the directory is not empty (name a new or an empty directory)", layout.root);
  }
  return {};
}

Result<void> complete_store(FileSystem& files, const StoreLayout& layout) {
  for (const std::string& directory : directories_of(layout)) {
    if (!TRY(is_there(files, directory))) TRY(files.create_directory(directory));
  }
  if (!TRY(is_there(files, layout.lock()))) {
    TRY_VOID(files.create(layout.lock(), CreateMode::kExclusive));
  }
  if (TRY(is_there(files, part_of_mark(layout)))) TRY(files.remove_file(part_of_mark(layout)));
  // The mark comes last: with it, everything else is there, also after a power cut.
  TRY(files.sync_directory(layout.root));
  AtomicFile mark = TRY(AtomicFile::create(files, layout.mark(), Visibility::kHidden));
  TRY(mark.file().write_at(0, as_bytes(kStoreMark)));
  return mark.commit();
}

enum class Making : std::uint8_t {
  kMade,
  kThereAlready,
  kAgain,  // somebody else is at it, or took the directory away
};

// Makes the directory, unless something has its name; whether it did.
Result<bool> make_root(FileSystem& files, const StoreLayout& layout) {
  const Result<std::vector<DirectoryEntry>> entries = files.list(layout.root);
  if (entries) return false;
  if (entries.error().code != ErrorCode::kNotFound) return entries.error();
  const Result<void> made = files.create_directory(layout.root);
  if (made) return true;
  // Another process was quicker, and may have taken it back by now.
  const Result<FileInfo> now = files.stat(layout.root);
  const bool other = now && !files.list(layout.root) && files.stat(layout.root);
  if (other || made.error().code == ErrorCode::kNotFound) return made.error();
  return false;
}

Result<Making> make_in_root(FileSystem& files, const StoreLayout& layout, bool made_root) {
  // Without the lock first, which would wait for whoever works in a store that is there.
  if (TRY(is_there(files, layout.mark()))) return Making::kThereAlready;
  const std::unique_ptr<FileLock> lock = TRY(files.try_lock(layout.root, LockMode::kExclusive));
  if (lock == nullptr) return Making::kAgain;
  if (TRY(is_there(files, layout.mark()))) return Making::kThereAlready;
  TRY(check_free(files, layout));
  TRY(complete_store(files, layout));
  // What is imported into it shall not be lost with the store's own name. A directory that was
  // there may be in one that this user may not read; then it is for others to have it durable.
  const Result<void> synced = files.sync_directory(parent_directory(layout.root));
  if (!synced && made_root) return synced.error();
  return Making::kMade;
}

struct MadeStore {
  bool store = false;  // and not there already
  bool root = false;   // its directory
};

Result<MadeStore> make_store(FileSystem& files, const StoreLayout& layout) {
  bool made_root = false;
  for (int attempt = 0; attempt < kMakingAttempts; ++attempt) {
    made_root = TRY(make_root(files, layout)) || made_root;
    const Result<Making> making = make_in_root(files, layout, made_root);
    if (making && *making != Making::kAgain) return MadeStore{*making == Making::kMade, made_root};
    // The directory may be taken back at any moment in which its lock is not held.
    const bool again =
        making || (making.error().code == ErrorCode::kNotFound && !files.stat(layout.root));
    if (!again) return making.error();
    std::this_thread::sleep_for(kPause);
  }
  return fail(ErrorCode::kIo,
              "{}: another process holds the directory and does not finish the store (end it, or "
              "name another directory)",
              layout.root);
}

// As Store::remove_empty(), which removes the directory too.
Result<void> remove_content(FileSystem& files, const StoreLayout& layout, bool with_directory) {
  const std::string& path = layout.root;
  const auto in_use = [&path] {
    return fail(ErrorCode::kInvalidArgument, "{}: the store is in use or not empty", path);
  };
  const std::unique_ptr<FileLock> hold = TRY(files.try_lock(path, LockMode::kExclusive));
  if (hold == nullptr) return in_use();
  const std::unique_ptr<FileLock> lock = TRY(files.try_lock(layout.lock(), LockMode::kExclusive));
  if (lock == nullptr) return in_use();
  for (const DirectoryEntry& entry : TRY(files.list(path))) {
    if (entry.name == kStoreMarkName) continue;
    if (!TRY(is_piece_of_empty_store(files, layout, entry))) return in_use();
  }
  // The mark goes first: without it, nobody takes what is left for a store.
  TRY(files.remove_file(layout.mark()));
  TRY(files.sync_directory(path));
  TRY(remove_archive_locks(files, layout));
  for (const std::string& directory : directories_of(layout)) {
    TRY(files.remove_directory(directory));
  }
  TRY(files.remove_file(layout.lock()));
  return with_directory ? files.remove_directory(path) : Result<void>();
}

}  // namespace

Result<void> Store::init(const std::string& path, FileSystem* file_system) {
  if (TRY(make_store(or_posix(file_system), StoreLayout{path})).store) return {};
  return fail(ErrorCode::kInvalidArgument,
              "{}: there is a store already (name a new or an empty directory)", path);
}

Result<void> Store::remove_empty(const std::string& path, FileSystem* file_system) {
  return remove_content(or_posix(file_system), StoreLayout{path}, true);
}

Result<void> take_back(StoreInPlace into) {
  into.hold.reset();
  if (!into.made) return {};
  return remove_content(into.store.file_system(), StoreLayout{into.store.path()},
                        into.made_directory);
}

Result<StoreInPlace> open_or_make_store(const std::string& path, const Operation& operation,
                                        FileSystem* file_system) {
  FileSystem& files = or_posix(file_system);
  const StoreLayout layout{path};
  MadeStore made;
  for (int attempt = 0; attempt < kMakingAttempts; ++attempt) {
    Result<std::unique_ptr<FileLock>> hold =
        wait_for_lock(files, path, LockMode::kShared, operation, "waiting for the store");
    if (!hold && hold.error().code == ErrorCode::kInterrupted) return hold.error();
    if (hold || hold.error().code != ErrorCode::kNotFound) {
      Result<Store> store = Store::open(path, &files);
      if (store) {
        return StoreInPlace{hold ? std::move(*hold) : nullptr, std::move(*store), made.store,
                            made.root};
      }
      if (store.error().code != ErrorCode::kNotFound) return store.error();
      if (hold) hold->reset();
    }
    // It may be there by now, and be gone again in a moment.
    const MadeStore now = TRY(make_store(files, layout));
    made = {made.store || now.store, made.root || now.root};
  }
  return fail(ErrorCode::kIo, "{}: the store is made and taken back again and again", path);
}

}  // namespace bale
