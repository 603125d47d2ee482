// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. One walk serves all archives: whether an object is lost does not depend on who
// reaches it, and each object that was reached is read, whatever its type was said to be.

#include "store/maintain/collect_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "bale/ref_list.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/known_id.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "object/printable.h"
#include "scratch/scratch_array.h"
#include "store/core/object_links.h"
#include "store/core/oid_list.h"
#include "store/core/record_scan.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kStackBytes = 1 << 20;
constexpr std::size_t kRecentSlots = 8192;

// The longest unfinished tree entry or line to keep; Git makes none that long.
constexpr std::size_t kMostCarried = 1 << 20;

// What an object names, but for submodules, up to where it makes no sense. The payload comes in
// pieces. A grammar of its own: it shares no code with what decided what goes.
class LinkScan {
 public:
  LinkScan(GitHash hash, ObjectType type) : hash_(hash), type_(type) {}

  template <typename Use>
  Result<void> feed(Bytes piece, Use use) {
    if (done_ || type_ == ObjectType::kBlob) return {};
    text_.append(as_text(piece));
    at_ = 0;
    TRY(type_ == ObjectType::kTree ? scan_entries(use) : scan_lines(use));
    text_.erase(0, at_);
    done_ = done_ || text_.size() > kMostCarried;
    return {};
  }

 private:
  [[nodiscard]] std::string_view rest() const { return std::string_view(text_).substr(at_); }

  // The id in the line "<key><hex>\n" that comes next, if it does.
  std::optional<GitOid> take_line(std::string_view key) {
    const std::size_t digits = 2 * oid_bytes(hash_);
    const std::string_view line = rest().substr(0, key.size() + digits + 1);
    std::array<std::byte, 32> bytes{};
    const MutableBytes oid = MutableBytes(bytes).first(oid_bytes(hash_));
    if (!line.starts_with(key) || !line.ends_with('\n') ||
        !parse_hex(line.substr(key.size(), digits), oid)) {
      return std::nullopt;
    }
    at_ += line.size();
    return known_id<GitOid>(hash_, oid);
  }

  template <typename Use>
  Result<void> scan_lines(Use use) {
    const std::string_view first = type_ == ObjectType::kState ? "tree " : "object ";
    static constexpr std::string_view kParent = "parent ";
    while (!done_) {
      const std::string_view key = is_first_ ? first : kParent;
      if (rest().size() < key.size() + 2 * oid_bytes(hash_) + 1) return {};
      const std::optional<GitOid> oid = take_line(key);
      done_ = !oid || type_ != ObjectType::kState;
      is_first_ = false;
      if (oid) TRY(use(*oid));
    }
    return {};
  }

  template <typename Use>
  Result<void> scan_entries(Use use) {
    const std::size_t id_bytes = oid_bytes(hash_);
    while (!rest().empty()) {
      const std::string_view entry = rest();
      const std::size_t zero = entry.find('\0');
      if (zero == std::string_view::npos || entry.size() - zero - 1 < id_bytes) return {};
      const std::size_t space = entry.find(' ');
      done_ = space >= zero || space == 0 || space + 1 == zero;
      unsigned mode = 0;
      for (const char digit : entry.substr(0, done_ ? 0 : space)) {
        done_ = done_ || digit < '0' || digit > '7';
        mode = mode * 8 + static_cast<unsigned>(digit - '0');
      }
      if (done_) return {};
      const unsigned format = mode >> 12 & 017;
      const bool is_inside = format == 010 || format == 012 || format == 004;
      if (is_inside) TRY(use(known_id<GitOid>(hash_, as_bytes(entry.substr(zero + 1, id_bytes)))));
      at_ += zero + 1 + id_bytes;
    }
    return {};
  }

  GitHash hash_;
  ObjectType type_;
  std::string text_;    // not parsed yet
  std::size_t at_ = 0;  // in it
  bool is_first_ = true;
  bool done_ = false;
};

class CollectProof {
 public:
  CollectProof(const Snapshot& store, const CollectProofOptions& options)
      : store_(store),
        options_(options),
        budget_(options.memory_bytes / 4),
        context_(options.memory_bytes / 4),
        list_context_(options.memory_bytes / 4),
        recent_(kRecentSlots) {}

  Result<void> run(const std::set<std::string>& going, const std::set<std::string>& sound);

 private:
  Result<void> start(const std::set<std::string>& going, const std::set<std::string>& sound);
  Result<void> prove_records();
  Result<void> prove_archive(const std::string& name, const ObjectId& newest);
  Result<void> prove_record(const ArchiveRecord& entry, const std::string& from);
  Result<void> prove_list(const ObjectId& list, bool ids_too, const std::string& from);
  Result<void> stays(const ObjectId& id, const std::string& from) const;
  Result<void> reach(const GitOid& oid, const std::string* from, const GitOid* from_oid);
  Result<void> walk();
  Result<void> look_at(const GitOid& oid);
  [[nodiscard]] Error would_be_lost(std::string_view what, const std::string& id,
                                    const std::string& from) const;

  const Snapshot store_;
  const CollectProofOptions& options_;
  Budget budget_;
  ReadContext context_;
  ReadContext list_context_;
  std::shared_ptr<const PackSet> all_;
  std::shared_ptr<const PackSet> going_;
  std::shared_ptr<const PackSet> staying_;
  std::vector<std::uint64_t> first_bit_;  // of each table of all_
  std::optional<ScratchBits> met_;
  std::optional<ScratchStack<GitOid>> stack_;
  std::vector<std::optional<GitOid>> recent_;
  std::uint64_t count_ = 0;
};

Result<void> CollectProof::start(const std::set<std::string>& going,
                                 const std::set<std::string>& sound) {
  const PackSet& now = *packs_of(store_);
  all_ = TRY(now.only([](const std::string&) { return true; }));
  going_ = TRY(now.only([&](const std::string& name) { return going.contains(name); }));
  staying_ = TRY(now.only(
      [&](const std::string& name) { return sound.contains(name) && !going.contains(name); }));
  std::uint64_t bits = 0;
  for (std::uint32_t table = 0; table < all_->table_count(); ++table) {
    first_bit_.push_back(bits);
    bits += all_->record_count(table);
  }
  FileSystem& files = store_.file_system();
  met_ = TRY(ScratchBits::create(budget_, bits, options_.memory_bytes / 8, files,
                                 options_.scratch_directory));
  stack_ =
      TRY(ScratchStack<GitOid>::create(budget_, kStackBytes, files, options_.scratch_directory));
  return {};
}

Error CollectProof::would_be_lost(std::string_view what, const std::string& id,
                                  const std::string& from) const {
  return fail(ErrorCode::kCorrupt,
              "{}: gc would have removed the {} {}, which {} needs; nothing was removed (this is a "
              "bug of bale: please report it)",
              store_.path(), what, id, from);
}

Result<void> CollectProof::stays(const ObjectId& id, const std::string& from) const {
  if (!going_->find(id) || staying_->find(id)) return {};
  return would_be_lost("object", id.to_hex(), from);
}

Result<void> CollectProof::reach(const GitOid& oid, const std::string* from,
                                 const GitOid* from_oid) {
  std::optional<GitOid>& slot = recent_[(static_cast<std::size_t>(oid.bytes()[0]) << 8 |
                                         static_cast<std::size_t>(oid.bytes()[1])) %
                                        kRecentSlots];
  if (slot == oid) return {};
  slot = oid;
  const auto found = all_->find(oid);
  if (!found) return {};  // it was not there before either
  if (!TRY(met_->set(first_bit_[found->table] + found->position))) return {};
  if (going_->find(oid) && !staying_->find(oid)) {
    return would_be_lost("object", oid.to_hex(),
                         from != nullptr ? *from : "object " + from_oid->to_hex());
  }
  return stack_->push(oid);
}

Result<void> CollectProof::walk() {
  while (!stack_->empty()) {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    TRY(look_at(TRY(stack_->pop())));
    options_.operation->progress({.phase = "checking what goes", .objects = ++count_});
  }
  return {};
}

// What cannot be read is damaged already, and leads nowhere that is known.
Result<void> CollectProof::look_at(const GitOid& oid) {
  const auto sound = staying_->find(oid);
  const auto found = sound ? sound : all_->find(oid);
  if (sound) {
    // The checksum of the pack is right, and so is the type that a header says.
    const Result<EntryInfo> info = store_.info(found->location, context_, oid);
    if (!info && info.error().code == ErrorCode::kInterrupted) return info.error();
    if (info && info->type == ObjectType::kBlob) return {};
  }
  std::optional<LinkScan> links;
  const Result<ObjectType> read =
      TRY(read_payload(store_, found->location, context_, oid,
                       {.begin = [&](ObjectType type, std::uint64_t) -> Result<void> {
                          links.emplace(oid.hash(), type);
                          return {};
                        },
                        .write =
                            [&](Bytes piece) {
                              return links->feed(piece, [&](const GitOid& target) {
                                return reach(target, nullptr, &oid);
                              });
                            }}));
  const bool is_over = !read && (read.error().code == ErrorCode::kInterrupted ||
                                 read.error().code == ErrorCode::kLimitExceeded);
  return is_over ? Result<void>(read.error()) : Result<void>();
}

Result<void> CollectProof::prove_list(const ObjectId& list, bool ids_too, const std::string& from) {
  TRY(stays(list, from));
  if (!ids_too || !all_->find(list)) return {};
  const Result<void> read =
      read_oid_list(store_, list, list_context_,
                    [&](const GitOid& oid) -> Result<void> { return reach(oid, &from, nullptr); });
  return read;
}

Result<void> CollectProof::prove_record(const ArchiveRecord& entry, const std::string& from) {
  const Record& record = entry.record;
  TRY(stays(entry.id, from));
  if (record.missing.list) TRY(prove_list(*record.missing.list, false, from));
  if (record.unreached.list) TRY(prove_list(*record.unreached.list, true, from));
  for (const ObjectId& list : record.ref_lists) TRY(stays(list, from));
  const RefList refs =
      TRY(RefList::read(store_, record, list_context_, options_.scratch_directory));
  RefList::Reader reader(refs);
  while (const std::optional<Ref> ref = TRY(reader.next())) {
    if (!ref->oid) continue;
    const std::string shown = from + ", " + quoted_name(ref->name);
    TRY(reach(*ref->oid, &shown, nullptr));
  }
  if (record.root) TRY(reach(*record.root, &from, nullptr));
  if (const Result<GitOid> head = GitOid::from_hex(record.head)) TRY(reach(*head, &from, nullptr));
  return walk();
}

// From the newest record back, as far as records can be read.
Result<void> CollectProof::prove_archive(const std::string& name, const ObjectId& newest) {
  std::set<ObjectId> read;
  std::optional<ObjectId> next = newest;
  for (std::uint64_t back = 0; next && read.insert(*next).second; ++back) {
    const std::string from = fmt::format("{}@{}", name, back);
    TRY(stays(*next, from));
    const Result<ArchiveRecord> entry = store_.record(*next, context_);
    if (!entry && entry.error().code == ErrorCode::kCorrupt) return {};
    if (!entry) return entry.error();
    if (entry->record.kind == RecordKind::kRemoved) return {};  // what came before it is let go
    TRY(prove_record(*entry, from));
    next = entry->record.previous;
  }
  return {};
}

Result<void> CollectProof::prove_records() {
  std::set<std::string> named;
  for (const std::string& name : TRY(store_.archive_pointers())) {
    const Result<std::optional<ObjectId>> id = store_.archive_pointer(name);
    if (!id && id.error().code == ErrorCode::kCorrupt) continue;  // as if the file were lost
    if (!id) return id.error();
    if (!*id) continue;
    const Result<ArchiveRecord> newest = store_.record(**id, context_);
    if (newest && newest->record.archive != name) continue;
    named.insert(name);
    TRY(prove_archive(name, **id));
  }
  const std::vector<RecoveredArchive> lost = TRY(
      recover_archives(store_, all_->numbers(),
                       {.memory_bytes = std::max(kMinRecordScanBytes, options_.memory_bytes / 8),
                        .scratch_directory = options_.scratch_directory,
                        .operation = options_.operation,
                        .on_damage = [](const ObjectLocation&, const Error&) -> Result<void> {
                          return {};  // CollectRoots refused what it could not place
                        }},
                       [&](const std::string& name) { return named.contains(name); }));
  for (const RecoveredArchive& archive : lost) TRY(prove_archive(archive.name, archive.record));
  return {};
}

Result<void> CollectProof::run(const std::set<std::string>& going,
                               const std::set<std::string>& sound) {
  TRY(start(going, sound));
  return prove_records();
}

}  // namespace

Result<void> prove_collection(const Snapshot& store, const std::set<std::string>& going,
                              const std::set<std::string>& sound,
                              const CollectProofOptions& options) {
  if (options.memory_bytes < kMinCollectProofBytes) {
    return fail(ErrorCode::kInvalidArgument, "checking what goes needs at least {} of memory",
                memory_size(kMinCollectProofBytes));
  }
  if (going.empty()) return {};
  return CollectProof(store, options).run(going, sound);
}

}  // namespace bale
