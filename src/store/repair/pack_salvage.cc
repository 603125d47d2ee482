// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. The new pack of a pack that is damaged in its trailer alone has the old one's
// bytes, and so its name: that is why the damaged one steps aside first, in packs/, where a later
// repair finds it if this one does not come to its end.
//
//   NAME.pack -> NAME.damaged.pack     NAME.idx .gitidx -> damaged/     the new pack is installed
//   NAME.damaged.pack -> damaged/NAME.pack

#include "store/repair/pack_salvage.h"

#include <utility>

#include "base/budget.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "hash/git_hash.h"
#include "object/git_objects.h"
#include "object/link_stream.h"
#include "pack/salvage/pack_salvager.h"
#include "store/core/record_mark.h"
#include "store/core/staged_pack.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// What is longer goes through in pieces.

// Of a pack that cannot be as it was put together.
bool is_refusal(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kInvalidArgument;
}

class PackSalvage {
 public:
  PackSalvage(RepairWork& work, const Snapshot& store, std::string stem)
      : work_(work),
        store_(store),
        stem_(std::move(stem)),
        name_(stem_.substr(0, stem_.size() - (has_stepped_aside() ? kDamagedMark.size() : 0))),
        context_(work.options.work.memory_bytes / 4) {}

  Result<void> run(std::optional<GitHash> hash);

 private:
  [[nodiscard]] bool has_stepped_aside() const { return stem_.ends_with(kDamagedMark); }

  [[nodiscard]] bool is_own_record(const ObjectView& object) const {
    return is_record(object.id, object.type, object.payload, records_are_marked(store_));
  }

  Result<std::optional<ObjectView>> own_record(PackSalvager& salvager, const SalvagedEntry& entry);
  Result<void> tell(PackSalvager& salvager);
  Result<void> foretell(PackSalvager& salvager);
  Result<std::optional<GitHash>> find_hash(PackSalvager& salvager);
  Result<void> build(PackSalvager& salvager, GitHash hash, bool deltas_stay);
  Result<void> add(PackSalvager& salvager, const SalvagedEntry& entry, bool deltas_stay);
  Result<void> add_stored(PackSalvager& salvager, const SalvagedEntry& entry,
                          const std::optional<GitOid>& oid);
  Result<void> install();
  Result<void> step_aside();

  RepairWork& work_;
  const Snapshot store_;
  std::string stem_;
  const std::string name_;  // the pack's own
  ReadContext context_;
  GitHash hash_ = GitHash::kSha1;
  std::unique_ptr<StagedPack> staged_;
};

Result<void> PackSalvage::run(std::optional<GitHash> hash) {
  const StagingArea scratch = TRY(work_.scratch());
  PackSalvager salvager = TRY(PackSalvager::open(
      work_.layout.pack(stem_), {.memory_bytes = work_.options.work.memory_bytes / 2,
                                 .scratch_directory = scratch.path(),
                                 .index_path = work_.layout.index(name_),
                                 .operation = work_.options.work.operation,
                                 .file_system = &work_.files}));
  TRY(tell(salvager));
  if (work_.options.dry_run) TRY(foretell(salvager));
  if (!work_.options.dry_run && salvager.report().entries_whole > 0) {
    const std::optional<GitHash> found = TRY(find_hash(salvager));
    if (found) hash = found;
    if (!hash) {
      work_.note(fmt::format("{}: nothing says by which hash Git knows its objects: SHA-1 is taken",
                             work_.layout.pack(name_)));
    }
    TRY(build(salvager, hash.value_or(GitHash::kSha1), true));
    TRY(step_aside());
    const Result<void> installed = install();
    if (!installed && !is_refusal(installed.error())) return installed.error();
    if (!installed) {
      // Another writer's deltas may lie before their bases, or lean on too many.
      TRY(build(salvager, hash.value_or(GitHash::kSha1), false));
      TRY(install());
    }
  }
  TRY(step_aside());
  TRY(work_.set_aside(work_.layout.pack(stem_), name_ + ".pack"));
  if (salvager.report().entries_whole > 0) ++work_.summary.packs_salvaged;
  work_.summary.objects_salvaged += salvager.report().entries_whole;
  return {};
}

Result<void> PackSalvage::tell(PackSalvager& salvager) {
  const SalvageReport& report = salvager.report();
  const std::string path = work_.layout.pack(name_);
  work_.note(fmt::format(
      "{}: damaged: {}{} intact, {} damaged", path, counted(report.entries_whole, "entry"),
      report.entries_declared ? fmt::format(" of {}", *report.entries_declared) : std::string(),
      format_bytes(report.bytes_skipped)));
  if (report.bytes_unreadable > 0) {
    work_.note(fmt::format("{}: {} cannot be read", path, format_bytes(report.bytes_unreadable)));
  }
  if (report.gave_up) {
    work_.note(fmt::format("{}: too much was tried in vain: there may be more in it", path));
  }
  if (report.too_large > 0) {
    work_.note(fmt::format("{}: {} not checked: more memory than {} is needed", path,
                           counted(report.too_large, "entry"),
                           format_bytes(work_.options.work.memory_bytes)));
  }
  return salvager.for_each_lost([&](const SalvagedEntry& entry) -> Result<void> {
    work_.note_lost_delta(
        fmt::format("{}: object {} is lost: it is a delta on {}, which is lost or damaged, "
                    "or it is damaged itself",
                    path, entry.entry.id.to_hex(), entry.entry.base.to_hex()));
    return {};
  });
}

Result<std::optional<ObjectView>> PackSalvage::own_record(PackSalvager& salvager,
                                                          const SalvagedEntry& entry) {
  return get_record({.id = entry.entry.id,
                     .size = entry.entry.size,
                     .get = [&] { return salvager.get_at(entry, context_); },
                     .read =
                         [&](const PackReader::PayloadSink& sink) {
                           return salvager.read_at(entry, context_, sink);
                         }},
                    records_are_marked(store_));
}

// The records that would be in the new pack.
Result<void> PackSalvage::foretell(PackSalvager& salvager) {
  return salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
    if (entry.entry.type.value_or(ObjectType::kAction) != ObjectType::kAction) return {};
    const std::optional<ObjectView> object = TRY(own_record(salvager, entry));
    if (!object) return {};
    const Result<Record> record = decode_record(object->payload);
    if (record) work_.forecast.add(object->id, *record);
    return {};
  });
}

// What the first record says, or else the first commit.
Result<std::optional<GitHash>> PackSalvage::find_hash(PackSalvager& salvager) {
  std::optional<GitHash> hash;
  std::optional<GitHash> by_commit;
  TRY(salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
    const bool may_be_commit = !by_commit && entry.entry.type == ObjectType::kState;
    const ObjectType type = entry.entry.type.value_or(ObjectType::kAction);
    if (hash || (type != ObjectType::kAction && !may_be_commit)) return {};
    if (may_be_commit) {
      by_commit = TRY(hash_in_commit([&](const PackReader::PayloadSink& sink) {
        return salvager.read_at(entry, context_, sink);
      }));
      return {};
    }
    const std::optional<ObjectView> object = TRY(own_record(salvager, entry));
    if (!object) return {};
    const Result<Record> record = decode_record(object->payload);
    if (record) hash = record->hash;
    return {};
  }));
  return hash ? hash : by_commit;
}

Result<void> PackSalvage::build(PackSalvager& salvager, GitHash hash, bool deltas_stay) {
  hash_ = hash;
  staged_.reset();
  staged_ = TRY(StagedPack::create(store_, hash, work_.staged_pack_options()));
  std::uint64_t objects = 0;
  return salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
    if (work_.options.work.operation.cancelled())
      return fail(ErrorCode::kInterrupted, "interrupted");
    TRY(add(salvager, entry, deltas_stay));
    work_.options.work.operation.progress({.phase = "salvaging objects",
                                           .objects = ++objects,
                                           .objects_total = salvager.report().entries_whole});
    return {};
  });
}

// Objects go in under the id that the salvager has proven. They are compared with nothing in the
// store: what is there may be this very entry.
Result<void> PackSalvage::add(PackSalvager& salvager, const SalvagedEntry& entry,
                              bool deltas_stay) {
  if (entry.entry.is_delta()) {
    const ObjectView object = TRY(salvager.get_at(entry, context_));
    std::optional<GitOid> oid;
    if (!is_own_record(object)) oid = git_oid(hash_, object.type, object.payload);
    if (deltas_stay && !entry.base_lost) return add_stored(salvager, entry, oid);
    TRY(staged_->begin(object.type, object.payload.size()));
    TRY(staged_->write(object.payload));
    return staged_->end_as(object.id, oid);
  }
  const ObjectType type = *entry.entry.type;
  GitHasher hasher(hash_, type, entry.entry.size);
  EntryProof proof(entry.entry.id, type, entry.entry.size, records_are_marked(store_));
  TRY_VOID(salvager.read_at(entry, context_, [&](Bytes piece) -> Result<void> {
    proof.update(piece);
    hasher.update(piece);
    return {};
  }));
  std::optional<GitOid> oid;
  if (proof.finish() != EntryIdentity::kRecord) oid = hasher.finish();
  return add_stored(salvager, entry, oid);
}

Result<void> PackSalvage::add_stored(PackSalvager& salvager, const SalvagedEntry& entry,
                                     const std::optional<GitOid>& oid) {
  if (entry.entry.stored_size <= kFrameBytes) {
    const StoredEntry stored = TRY(salvager.stored_at(entry, kFrameBytes, context_));
    return staged_->add_stored(oid, stored);
  }
  TRY(staged_->begin_stored(entry.entry));
  TRY(salvager.read_stored(entry, context_, [this](Bytes piece) { return staged_->write(piece); }));
  return staged_->end_stored(oid);
}

Result<void> PackSalvage::install() {
  const Result<InstalledPack> installed = staged_->install();
  staged_.reset();
  return installed ? Result<void>() : installed.error();
}

// The indexes of a pack of this name that is there by now are that one's.
Result<void> PackSalvage::step_aside() {
  if (!has_stepped_aside() && !work_.options.dry_run) {
    const std::string stem = name_ + std::string(kDamagedMark);
    TRY(work_.files.rename(work_.layout.pack(stem_), work_.layout.pack(stem)));
    TRY(work_.sync_directory(work_.layout.packs()));
    stem_ = stem;
  } else if (has_stepped_aside() && TRY(work_.is_there(work_.layout.pack(name_)))) {
    return {};
  }
  TRY(work_.set_aside(work_.layout.index(name_), name_ + ".idx"));
  return work_.set_aside(work_.layout.git_index(name_), name_ + ".gitidx");
}

}  // namespace

Result<std::optional<GitHash>> hash_in_commit(
    const std::function<Result<ObjectType>(const PackReader::PayloadSink&)>& read) {
  std::optional<GitHash> found;
  LinkStream sha1(GitHash::kSha1, ObjectType::kState);
  LinkStream sha256(GitHash::kSha256, ObjectType::kState);
  const LinkVisitor take = [&](const Link& link) -> Result<void> {
    found = link.oid.hash();
    return {};
  };
  TRY_VOID(read([&](Bytes piece) -> Result<void> {
    TRY(sha1.feed(piece, take));
    return sha256.feed(piece, take);
  }));
  return found;
}

Result<void> salvage_pack(RepairWork& work, const Snapshot& store, const std::string& stem,
                          std::optional<GitHash> hash) {
  return PackSalvage(work, store, stem).run(hash);
}

}  // namespace bale
