// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/verify/verify_findings.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// So many ids are remembered in order to report each once.
constexpr std::size_t kMostRemembered = 10'000;

}  // namespace

Result<void> VerifyFindings::note(const Error& error) {
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kNotFound) return error;
  if (report_.errors.size() < kMost) {
    report_.errors.push_back({ErrorCode::kCorrupt, error.message, error.hint});
  } else {
    ++report_.errors_omitted;
  }
  return {};
}

Result<void> VerifyFindings::note_read(const Error& error) {
  if (error.code != ErrorCode::kIo) return note(error);
  if (report_.errors.size() < kMost) {
    report_.errors.push_back(error);
  } else {
    ++report_.errors_omitted;
  }
  return {};
}

Result<void> VerifyFindings::lose(LostObject object, const std::optional<ObjectLocation>& damaged) {
  if (lost_.size() < kMostRemembered) lost_.insert(object.oid);
  if (report_.lost.size() == kMost) {
    return more_.add({.oid = object.oid, .type = object.type, .damaged = damaged});
  }
  report_.lost.push_back(std::move(object));
  return {};
}

std::string VerifyFindings::why_missing() const {
  return git_index_lost_ ? "it is in none of the packs, or in one whose Git index is lost"
                         : "it is in none of the packs";
}

Result<void> VerifyFindings::note_causes() {
  for (const Error& error : std::exchange(if_missing_, {})) TRY(note_read(error));
  return {};
}

Result<void> VerifyFindings::missing(const GitOid& oid, std::optional<ObjectType> type,
                                     const std::string& from) {
  TRY(note_causes());
  if (packs_unread_) {
    if (unseen_.size() < kMostRemembered) unseen_.insert(oid);
    return {};
  }
  if (lost_.contains(oid)) return {};
  LostObject object;
  object.oid = oid;
  object.type = type;
  object.why = why_missing();
  TRY(lose(std::move(object), std::nullopt));
  return note(fail(ErrorCode::kCorrupt, "{} {} is in none of the packs; {} needs it",
                   type ? git_type_name(*type) : "object", oid.to_hex(), from));
}

Result<void> VerifyFindings::damaged(const GitOid& oid, const ObjectLocation& location,
                                     const Error& error) {
  const bool known = damaged_.contains(location);  // it has been noted then, without an id
  if (damaged_.size() < kMostRemembered) {
    damaged_.emplace(location, error.message);
    named_.insert(location);
  }
  if (lost_.contains(oid)) return {};
  TRY(known ? Result<void>() : note_read(error));
  LostObject object;
  object.oid = oid;
  object.why = error.message;
  return lose(std::move(object), location);
}

Result<void> VerifyFindings::damaged_entry(const ObjectLocation& location, const Error& error) {
  if (damaged_.contains(location)) return {};
  TRY(note_read(error));
  if (damaged_.size() == kMostRemembered) return more_.add_damaged_entry(location);
  damaged_.emplace(location, error.message);
  return {};
}

void VerifyFindings::debris(std::string sentence) {
  if (report_.debris.size() < kMost) {
    report_.debris.push_back(std::move(sentence));
  } else {
    ++report_.debris_omitted;
  }
}

Result<void> VerifyFindings::name_entries(const PackSet& packs) {
  std::set<ObjectLocation> nameless;
  for (const auto& [location, why] : damaged_) {
    if (!named_.contains(location)) nameless.insert(location);
  }
  TRY(for_each_name(packs, nameless,
                    [&](const GitOid& oid, const ObjectLocation& location) -> Result<void> {
                      if (lost_.contains(oid)) return {};
                      if (has_copy_ && has_copy_(oid, location)) return {};
                      LostObject object;
                      object.oid = oid;
                      object.why = damaged_.at(location);
                      return lose(std::move(object), location);
                    }));
  return more_.name_entries(packs);
}

Result<void> VerifyFindings::tell_unseen() {
  if (unseen_.empty()) return {};
  return note_read(fail(ErrorCode::kIo,
                        "objects that archives need and that are in none of the packs that can be "
                        "read: {}{} (let the others be read, and verify again)",
                        unseen_.size() == kMostRemembered ? "at least " : "", unseen_.size()));
}

Result<void> VerifyFindings::tell_others(
    const Snapshot& store, const std::function<Result<void>(const LostObject&)>& on_lost) {
  TRY(tell_unseen());
  return more_.for_each([&](const Loss& loss) -> Result<void> {
    if (loss.damaged && has_copy_ && has_copy_(loss.oid, *loss.damaged)) return {};
    ++report_.lost_omitted;
    if (!on_lost) return {};
    LostObject object;
    object.oid = loss.oid;
    object.type = loss.type;
    object.why = why_missing();
    if (loss.damaged) {
      object.why = fmt::format("{}: entry at offset {}: it cannot be read, or is another object",
                               layout_of(store).pack(store.pack_name(loss.damaged->pack)),
                               loss.damaged->offset);
    }
    return on_lost(object);
  });
}

}  // namespace bale
