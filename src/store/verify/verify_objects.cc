// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/verify/verify_objects.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "format/container.h"
#include "hash/git_hash.h"
#include "pack/read/entry_decoder.h"
#include "store/core/record_mark.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// Offsets that are sorted before their entries are read, so that reading goes forward.
constexpr std::size_t kOffsetsAtOnce = 1 << 16;

// Steps over records such that each is met with the probability `share`, without looking at those
// between: how many are left out is distributed geometrically. The arithmetic is spelled out, since
// the distributions of the standard library differ from one to the next.
class RandomSteps {
 public:
  RandomSteps(double share, std::uint64_t seed) : random_(seed), share_(share) {}

  // How many records are left out before the next one.
  std::uint64_t skip() {
    constexpr double kScale = 1.0 / 9007199254740992.0;  // 2^-53
    constexpr double kFar = 1e18;
    const double uniform = (static_cast<double>(random_() >> 11) + 1.0) * kScale;  // (0, 1]
    if (share_ >= 1) return 0;
    return static_cast<std::uint64_t>(
        std::min(kFar, std::floor(std::log(uniform) / std::log1p(-share_))));
  }

 private:
  std::mt19937_64 random_;
  double share_;
};

}  // namespace

Result<void> ObjectChecker::check_all() {
  for (const std::uint32_t number : packs_.numbers()) {
    const auto opened = store_.pack(number);
    TRY(opened ? check_pack(number, **opened) : findings_.note_read(opened.error()));
  }
  return {};
}

// Where an entry's header cannot be read, nobody knows where the next one begins: from there on the
// index leads to them, as far as it does.
Result<void> ObjectChecker::check_pack(std::uint32_t number, const PackReader& pack) {
  std::uint64_t offset = kHeaderBytes;
  for (std::uint64_t i = 0; i < pack.entry_count(); ++i) {
    const Result<EntryInfo> info = pack.info_at(offset, context_);
    if (!info) {
      TRY(findings_.damaged_entry({number, offset}, info.error()));
      return check_from(number, pack, offset + 1);
    }
    TRY(check({number, offset}, std::nullopt));
    offset += info->entry_bytes;
  }
  return {};
}

Result<void> ObjectChecker::check_from(std::uint32_t number, const PackReader& pack,
                                       std::uint64_t offset) {
  for (std::uint64_t i = 0; i < pack.record_count(); ++i) {
    const Result<IndexRecord> record = pack.record(i);
    if (!record) return findings_.note(record.error());
    if (record->offset >= offset) TRY(check({number, record->offset}, std::nullopt));
  }
  return {};
}

Result<void> ObjectChecker::check_some(double share, std::uint64_t seed) {
  for (const std::uint32_t number : packs_.numbers()) {
    const auto opened = store_.pack(number);
    if (!opened) {
      TRY(findings_.note_read(opened.error()));
      continue;
    }
    // A pack is known by its trailer, so that others beside it change nothing.
    const std::uint64_t of_pack = load_be<std::uint64_t>((*opened)->trailer().data());
    TRY(check_some_of(number, **opened, share, seed ^ of_pack));
  }
  return {};
}

Result<void> ObjectChecker::check_some_of(std::uint32_t number, const PackReader& pack,
                                          double share, std::uint64_t seed) {
  RandomSteps steps(share, seed);
  std::vector<std::uint64_t> offsets;
  const auto check_these = [&]() -> Result<void> {
    std::sort(offsets.begin(), offsets.end());
    for (const std::uint64_t offset : offsets) TRY(check({number, offset}, std::nullopt));
    offsets.clear();
    pack.release_pages();
    return {};
  };
  const std::uint64_t count = pack.record_count();
  for (std::uint64_t i = steps.skip(); i < count; i += 1 + steps.skip()) {
    const Result<IndexRecord> record = pack.record(i);
    if (!record) {
      TRY(findings_.note(record.error()));
      continue;
    }
    offsets.push_back(record->offset);
    if (offsets.size() == kOffsetsAtOnce) TRY(check_these());
  }
  return check_these();
}

Result<void> ObjectChecker::check(const ObjectLocation& location,
                                  std::optional<ObjectType> expected) {
  if (operation_.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  const auto opened = open_pack(store_, location.pack);
  if (!opened) return findings_.note_read(opened.error());
  const StoredPack& pack = **opened;
  const Result<EntryInfo> info = pack.reader.info_at(location.offset, context_);
  if (!info) return findings_.damaged_entry(location, info.error());
  const auto where = [&] {
    return fmt::format("{}: entry at offset {}", pack.reader.path(), location.offset);
  };
  if (expected && info->type != *expected) {
    TRY(findings_.damaged_entry(
        location, fail(ErrorCode::kCorrupt, "{}: a {}, and it is linked to as a {}", where(),
                       to_string(info->type), to_string(*expected))));
  }
  EntryProof proof(info->id, info->type, info->size, records_are_marked(store_));
  std::optional<GitHasher> git_hasher;
  if (pack.git_index) git_hasher.emplace(pack.git_index->hash(), info->type, info->size);
  const Result<ObjectType> read =
      pack.reader.read_at(location.offset, context_, [&](Bytes piece) -> Result<void> {
        proof.update(piece);
        if (git_hasher) git_hasher->update(piece);
        return {};
      });
  if (!read) return findings_.damaged_entry(location, read.error());
  ++report_.objects;
  report_.bytes += info->size;
  if (report_.objects % 64 == 0) {
    operation_.progress({.phase = "checking objects",
                         .objects = report_.objects,
                         .objects_total = objects_total_,
                         .bytes = report_.bytes});
  }
  const EntryIdentity is = proof.finish();
  if (is == EntryIdentity::kWrong) {
    return findings_.damaged_entry(
        location, fail(ErrorCode::kCorrupt, "{}: the {} is not what its id {} says", where(),
                       to_string(info->type), info->id.to_hex()));
  }
  if (!git_hasher || is == EntryIdentity::kRecord) return {};
  return check_git_id(pack, location, git_hasher->finish());
}

// Of an id that repeats, the index leads to the first. An entry without its id is damaged for those
// who come by the id that the index has for it instead.
Result<void> ObjectChecker::check_git_id(const StoredPack& pack, const ObjectLocation& location,
                                         const GitOid& oid) {
  const auto indexed = pack.git_index->find(oid);
  if (indexed && indexed->offset <= location.offset) return {};
  return findings_.damaged_entry(
      location, fail(ErrorCode::kCorrupt,
                     "{}: entry at offset {}: its Git id {} is not in the pack's Git index",
                     pack.reader.path(), location.offset, oid.to_hex()));
}

}  // namespace bale
