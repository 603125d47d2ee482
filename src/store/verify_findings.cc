// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/verify_findings.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

// So many ids are remembered in order to report each once.
constexpr std::size_t kMostRemembered = 10'000;

constexpr std::uint64_t kRecordsPerRelease = 1 << 15;

}  // namespace

Result<void> VerifyFindings::note(const Error& error) {
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kNotFound) return error;
  if (report_.errors.size() < kMost) {
    report_.errors.push_back({ErrorCode::kCorrupt, error.message});
  } else {
    ++report_.errors_omitted;
  }
  return {};
}

Result<void> VerifyFindings::lose(LostObject object, std::string message) {
  if (lost_.contains(object.oid)) return {};
  if (lost_.size() < kMostRemembered) lost_.insert(object.oid);
  if (report_.lost.size() < kMost) {
    report_.lost.push_back(std::move(object));
  } else {
    ++report_.lost_omitted;
  }
  return note({ErrorCode::kCorrupt, std::move(message)});
}

Result<void> VerifyFindings::missing(const GitOid& oid, std::optional<ObjectType> type,
                                     const std::string& from) {
  any_missing_ = true;
  LostObject object;
  object.oid = oid;
  object.type = type;
  object.why = git_index_lost_ ? "it is in none of the packs, or in one whose Git index is lost"
                               : "it is in none of the packs";
  return lose(std::move(object),
              fmt::format("{} {} is in none of the packs; {} needs it",
                          type ? git_type_name(*type) : "object", oid.to_hex(), from));
}

Result<void> VerifyFindings::damaged(const GitOid& oid, const ObjectLocation& location,
                                     const Error& error) {
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kNotFound) return error;
  const bool known = damaged_.contains(location);
  if (damaged_.size() < kMostRemembered) {
    damaged_.emplace(location, error.message);
    named_.insert(location);
  }
  LostObject object;
  object.oid = oid;
  object.why = error.message;
  if (!known) return lose(std::move(object), error.message);
  // The error has been reported, without an id.
  if (lost_.insert(oid).second && report_.lost.size() < kMost) {
    report_.lost.push_back(std::move(object));
  }
  return {};
}

Result<void> VerifyFindings::damaged_entry(const ObjectLocation& location, const Error& error) {
  if (damaged_.contains(location)) return {};
  TRY(note(error));
  if (damaged_.size() < kMostRemembered) damaged_.emplace(location, error.message);
  return {};
}

void VerifyFindings::debris(std::string sentence) {
  if (report_.debris.size() < kMost) {
    report_.debris.push_back(std::move(sentence));
  } else {
    ++report_.debris_omitted;
  }
}

// Of an id that several packs have, look-ups lead to one entry. Damage in another one takes nothing
// from anybody: it is an error, and the object is not lost.
void VerifyFindings::name_entries(const PackSet& packs) {
  if (damaged_.size() == named_.size()) return;
  for (std::uint32_t table = 0; table < packs.table_count(); ++table) {
    for (std::uint64_t i = 0; i < packs.record_count(table); ++i) {
      if (i % kRecordsPerRelease == 0) packs.release_table_pages(table);
      const std::optional<ObjectLocation> location = packs.location(table, i);
      if (!location) continue;
      const auto entry = damaged_.find(*location);
      if (entry == damaged_.end() || named_.contains(*location)) continue;
      const GitOid oid = packs.oid(table, i);
      const auto found = packs.find(oid);
      if (!found || found->location != *location || lost_.contains(oid)) continue;
      if (lost_.size() < kMostRemembered) lost_.insert(oid);
      if (report_.lost.size() == kMost) {
        ++report_.lost_omitted;
        continue;
      }
      LostObject object;
      object.oid = oid;
      object.why = entry->second;
      report_.lost.push_back(std::move(object));
    }
  }
}

}  // namespace bale
