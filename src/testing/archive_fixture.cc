// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/archive_fixture.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "store/core/record_chain.h"
#include "store/core/staged_pack.h"
#include "testing/matchers.h"

namespace bale {
namespace {

constexpr int kLevel = 1;

}  // namespace

Result<ObjectId> grow_archive(Store& store, const std::string& name, std::int64_t time) {
  const std::unique_ptr<StagedPack> staged = TRY(StagedPack::create(
      store, GitHash::kSha1,
      {.level = kLevel, .memory_bytes = StagedPack::smallest_memory_bytes(kLevel), .lanes = 1}));
  const std::string payload = name + " at " + std::to_string(time);
  const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(payload));
  TRY(staged->add(oid, ObjectType::kBlob, as_bytes(payload)));
  Record record{.archive = name,
                .hash = GitHash::kSha1,
                .time = time,
                .refs = {{"refs/tags/blob", oid}},
                .objects = 1,
                .objects_new = 1};
  record.previous = TRY(store.snapshot().archive_pointer(name));
  const ObjectId id = TRY(staged->add_record(record));
  TRY(staged->install());
  TRY(move_archive(store, name, id, true));
  TRY(store.refresh());
  return id;
}

Result<std::vector<std::int64_t>> record_times(const Snapshot& store, const std::string& name) {
  std::vector<std::int64_t> times;
  ReadContext context;
  const std::optional<ObjectId> newest = TRY(store.newest_record(name));
  RecordChain chain = chain_from(store, newest, context);
  while (const std::optional<ArchiveRecord> entry = TRY(chain.next())) {
    times.push_back(entry->record.time);
    for (const auto& [ref, oid] : entry->record.refs) {
      const std::optional<ObjectLocation> location = store.find(oid);
      if (!location) return fail(ErrorCode::kCorrupt, "{}: {} is not there", name, ref);
      TRY_VOID(store.get(*location, context));
    }
  }
  return times;
}

Store made_store(FileSystem& files) {
  CHECK(Store::init("/store", &files).has_value());
  return std::move(Store::open("/store", &files)).value();
}

void TwoArchivesTest::SetUp() {
  for (const std::int64_t time : {1, 2, 3}) ASSERT_THAT(grow_archive(store_, "x", time), IsOk());
  ASSERT_THAT(grow_archive(store_, "y", 1), IsOk());
}

std::vector<std::int64_t> TwoArchivesTest::times(const std::string& name) {
  const Result<std::vector<std::int64_t>> times = record_times(store_, name);
  return times ? *times : std::vector<std::int64_t>{-1};
}

}  // namespace bale
