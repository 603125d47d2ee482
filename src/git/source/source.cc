// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Opens a repository and provides its refs, listing and readers.

#include "git/source/source.h"

#include <cctype>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "git/source/tips.h"
#include "hash/git_hash.h"

namespace bale {
namespace {

// The most objects of a message to look up.
constexpr std::size_t kExplainedIds = 16;

constexpr std::size_t kReadBytes = 64 << 10;

// The ids in a message.
std::set<GitOid> ids_in(std::string_view text, GitHash hash) {
  std::set<GitOid> ids;
  for (std::size_t begin = 0; begin < text.size() && ids.size() < kExplainedIds;) {
    std::size_t end = begin;
    while (end < text.size() && std::isxdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    if (end - begin == 2 * oid_bytes(hash)) {
      const Result<GitOid> oid = GitOid::from_hex(text.substr(begin, end - begin));
      if (oid) ids.insert(*oid);
    }
    begin = end + 1;
  }
  return ids;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

Result<GitSource> GitSource::open(const std::string& path, const Operation& operation) {
  RepositoryPaths paths = TRY(find_repository(path));
  const GitHash hash = TRY(read_repository_format(paths, operation));
  GitProgram git = TRY(GitProgram::create(hash, paths.common_dir + "/objects", operation));
  GitSource source(std::move(paths), hash, std::make_unique<GitProgram>(std::move(git)));
  std::vector<GitOid> shallow = TRY(read_shallow(source.paths_, hash));
  TRY(source.set_shallow(std::move(shallow)));
  return source;
}

// git reads the boundary from a file in the scratch repository.
Result<void> GitSource::set_shallow(std::vector<GitOid> shallow) {
  shallow_ = std::move(shallow);
  if (shallow_.empty()) {
    git_->scratch().remove("shallow");
    return {};
  }
  std::string lines;
  for (const GitOid& oid : shallow_) {
    lines += oid.to_hex();
    lines += '\n';
  }
  return git_->scratch().write("shallow", lines);
}

Result<RefSnapshot> GitSource::refs(BadRefs bad_refs) {
  RefSnapshot snapshot = TRY(read_refs(paths_, hash_, git_->scratch().path(), bad_refs));
  TRY(set_shallow(snapshot.shallow));
  return snapshot;
}

Result<void> GitSource::check_objects() {
  database_ = TRY(inspect_object_database(objects(), hash_, git_->operation()));
  if (database_.empty_files == 0) return {};
  git_->use_objects(TRY(make_database_without_empty_files(database_, git_->scratch().path())));
  without_empty_files_ = true;
  return {};
}

Result<void> GitSource::list_empty_files(const std::function<Result<void>(const GitOid&)>& use) {
  if (database_.empty_files == 0) return {};
  const std::unique_ptr<ObjectReader> reader = TRY(start_reader());
  for (const std::string& fanout : database_.fanouts_with_empty_files) {
    const std::vector<GitOid> oids = TRY(empty_files_in(fanout, hash_));
    TRY(look_up(*reader, oids, [&](const SourceObject& object) {
      return object.missing ? use(object.oid) : Result<void>();
    }));
  }
  TRY(reader->finish_requests());
  TRY(reader->next());
  return {};
}

Result<std::unique_ptr<MissingSearch>> GitSource::search_missing(
    const std::string& scratch_directory) {
  ObjectDatabase database = TRY(inspect_object_database(objects(), hash_, git_->operation()));
  return MissingSearch::create(std::move(database), scratch_directory, git_->operation());
}

Result<void> GitSource::check_unseen(const std::string& missing) const {
  if (!database_.ignored_alternates.empty()) {
    return fail(ErrorCode::kIncomplete,
                "{}: objects are missing that may be in an alternate: {} (make it available, or "
                "remove it from that file): {}",
                paths_.git_dir, database_.ignored_alternates.front(), missing);
  }
  if (database_.packs_without_index.empty()) return {};
  CauseCount packs;
  for (const std::string& pack : database_.packs_without_index) packs.add(pack);
  return fail(ErrorCode::kIncomplete,
              "{}: objects are missing that may be in a pack without an index: {} (run git "
              "index-pack PACK, or remove the pack if that fails): {}",
              paths_.git_dir, packs.shown(), missing);
}

Result<void> GitSource::check_packs_are_whole() const {
  if (!database_.packs_without_index.empty()) {
    return fail(ErrorCode::kIncomplete,
                "{} has no index, so git does not see what is in it (run git index-pack on it, or "
                "remove it if that fails)",
                database_.packs_without_index.front());
  }
  if (database_.indexes_without_pack.empty()) return {};
  return fail(ErrorCode::kIncomplete,
              "{} has no pack: that was lost (restore it, or remove the index)",
              database_.indexes_without_pack.front());
}

bool GitSource::can_read(const GitOid& oid) {
  const auto computed = [&]() -> Result<GitOid> {
    const std::unique_ptr<ObjectReader> reader = TRY(start_reader());
    TRY(reader->request(oid));
    TRY(reader->finish_requests());
    const std::optional<SourceObject> object = TRY(reader->next());
    if (!object || object->missing) return fail(ErrorCode::kNotFound, "missing");
    GitHasher hasher(hash_, object->type, object->size);
    std::vector<std::byte> piece(kReadBytes);
    while (const std::size_t got = TRY(reader->read(piece))) hasher.update(Bytes(piece).first(got));
    TRY(reader->next());
    return hasher.finish();
  }();
  return computed && *computed == oid;
}

Error GitSource::explain(Error error) {
  if (error.code != ErrorCode::kIncomplete) return error;
  // Git's message names the substitute directory.
  for (std::size_t i = database_.directories.size(); without_empty_files_ && i-- > 0;) {
    replace_all(error.message, fmt::format("{}/objects-{}/", git_->scratch().path(), i),
                database_.directories[i] + "/");
  }
  const auto causes = [&]() -> Result<MissingCauses> {
    const std::unique_ptr<MissingSearch> search = TRY(search_missing(git_->scratch().path()));
    for (const GitOid& oid : ids_in(error.message, hash_)) {
      if (!can_read(oid)) TRY(search->add(oid));
    }
    return search->finish();
  }();
  // The database is worse than it was.
  if (!causes) {
    return fail(causes.error(), "{}; {}", error.message, causes.error().message);
  }
  if (causes->unreadable.count > 0) {
    return {ErrorCode::kIo, fmt::format("{}; {}", error.message, causes->unreadable.shown())};
  }
  for (const std::string& place : causes->damaged.first) {
    const std::string file = place.substr(0, place.rfind(" (object "));
    if (error.message.find(file) == std::string::npos) error.message += "; see " + place;
  }
  return error;
}

Result<void> GitSource::list_objects(const ListRequest& request, const UseListed& use) {
  return list_repository_objects(*git_, paths_.git_dir, shallow_, request, use);
}

Result<std::unique_ptr<ObjectReader>> GitSource::start_reader() {
  return ObjectReader::start(*git_, paths_.git_dir);
}

}  // namespace bale
