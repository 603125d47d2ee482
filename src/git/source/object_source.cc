// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See bale/git_object_source.h. git exits at a damaged object, which counts as missing; another git
// is started for the next one. The number of restarts is limited.

#include <array>
#include <optional>
#include <utility>

#include "bale/git_object_source.h"
#include "base/error.h"
#include "base/try.h"
#include "git/source/source.h"

namespace bale {
namespace {

constexpr std::size_t kRequestBytes = 64 << 10;
constexpr int kMostFailures = 1000;

class GitObjectSource final : public ObjectSource {
 public:
  explicit GitObjectSource(GitSource source) : source_(std::move(source)) {}

  Result<bool> fetch(const GitOid& oid, const Receiver& receiver) override;

  // Git does not have bale's ids.
  Result<bool> fetch(const ObjectId& /*id*/, const Receiver& /*receiver*/) override {
    return false;
  }

  [[nodiscard]] const std::string& path() const override { return source_.path(); }

 private:
  Result<bool> read(const GitOid& oid, const Receiver& receiver, bool& by_receiver);

  GitSource source_;
  std::unique_ptr<ObjectReader> reader_;  // goes before source_
  int failures_ = 0;
};

Result<bool> GitObjectSource::fetch(const GitOid& oid, const Receiver& receiver) {
  if (oid.hash() != source_.hash()) return false;
  bool by_receiver = false;
  const Result<bool> fetched = read(oid, receiver, by_receiver);
  if (fetched || by_receiver) return fetched;
  reader_.reset();
  if (fetched.error().code != ErrorCode::kIncomplete || ++failures_ > kMostFailures) {
    return fetched;
  }
  return false;
}

Result<bool> GitObjectSource::read(const GitOid& oid, const Receiver& receiver, bool& by_receiver) {
  if (reader_ == nullptr) reader_ = TRY(source_.start_reader());
  TRY(reader_->request(oid));
  const std::optional<SourceObject> object = TRY(reader_->next());
  if (!object || object->missing) return false;
  const auto received = [&](const Result<void>& result) {
    by_receiver = !result;
    return result;
  };
  TRY(received(receiver.begin(object->type, object->size)));
  std::array<std::byte, kRequestBytes> piece;
  for (;;) {
    const std::size_t got = TRY(reader_->read(piece));
    if (got == 0) return true;
    TRY(received(receiver.write(Bytes(piece).first(got))));
  }
}

}  // namespace

Result<std::unique_ptr<ObjectSource>> open_git_object_source(const std::string& path,
                                                             const Operation& operation) {
  GitSource source = TRY(GitSource::open(path, operation));
  return std::unique_ptr<ObjectSource>(std::make_unique<GitObjectSource>(std::move(source)));
}

}  // namespace bale
