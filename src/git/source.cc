// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Opening a repository, and putting its refs, its listing and its readers under one roof.

#include "git/source.h"

#include <utility>

#include "base/try.h"

namespace bale {

Result<GitSource> GitSource::open(const std::string& path, const Operation& operation) {
  RepositoryPaths paths = TRY(find_repository(path));
  const GitHash hash = TRY(read_repository_format(paths, operation));
  GitProgram git = TRY(GitProgram::create(hash, paths.common_dir + "/objects", operation));
  GitSource source(std::move(paths), hash, std::make_unique<GitProgram>(std::move(git)));
  std::vector<GitOid> shallow = TRY(read_shallow(source.paths_, hash));
  TRY(source.set_shallow(std::move(shallow)));
  return source;
}

// git learns of the boundary by a file in the scratch repository.
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

Result<RefSnapshot> GitSource::refs() {
  RefSnapshot snapshot = TRY(read_refs(paths_, hash_));
  TRY(set_shallow(snapshot.shallow));
  return snapshot;
}

Result<void> GitSource::list_objects(const ListRequest& request, const UseListed& use) {
  return list_repository_objects(*git_, paths_.git_dir, shallow_, request, use);
}

Result<std::unique_ptr<ObjectReader>> GitSource::start_reader() {
  return ObjectReader::start(*git_, paths_.git_dir);
}

}  // namespace bale
