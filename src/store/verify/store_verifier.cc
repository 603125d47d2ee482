// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See bale/store_verifier.h.
//
//   files      what belongs to a store is there; what does not is debris (debris.h)
//   packs      the catalog, checksums, headers, indexes against packs (verify_packs.h)
//   archives   those whose file in archives/ is gone (verify_archives.h), from here on like others
//   records    each archive's chain, each readable, in groups (verify_records.h)
//   links      group by group, the closure of all refs of its records
//   objects    in the order of the packs, each decoded once, compared with both its ids
//              (verify_objects.h)
//   damage     what is lost, and all that it touches (damage_trace.h)
//
// What is found wrong is collected (verify_findings.h), and the check goes on as far as it can.

#include "bale/store_verifier.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "base/damage.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "object/printable.h"
#include "store/core/closure.h"
#include "store/core/oid_list.h"
#include "store/core/ref_lists.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"
#include "store/core/verify_archives.h"
#include "store/verify/damage_trace.h"
#include "store/verify/debris.h"
#include "store/verify/verify_findings.h"
#include "store/verify/verify_objects.h"
#include "store/verify/verify_packs.h"
#include "store/verify/verify_records.h"

namespace bale {
namespace {

// Of the memory: for ids that are missing, for reading objects.
constexpr std::uint64_t kReadShare = 4;
// How often packs may be collected under a check before it gives up.
constexpr int kVerifyAttempts = 3;

// Links of a wrong type and malformed objects that the report names.
constexpr std::size_t kMostOddities = 100;

static_assert(smallest_verify_memory_bytes() / kReadShare >= kAnyObjectBytes);

constexpr std::uint64_t kSortBytes = 1 << 20;

static_assert(smallest_verify_memory_bytes() / 2 - kSortBytes >= Closure::kMinBytes);
static_assert(smallest_verify_memory_bytes() / 2 >= kMinRecordScanBytes);

using LocationSorter = ExternalSorter<16>;

class StoreVerifier {
 public:
  StoreVerifier(const Snapshot& store, const StoreCheckOptions& options)
      : store_(store),
        options_(options),
        findings_(report_),
        context_(options.work.memory_bytes / kReadShare),
        missing_budget_(options.work.memory_bytes / kReadShare),
        sort_budget_(kSortBytes) {}

  /// nullopt where packs were collected meanwhile, so that what seems to be damage may be none.
  Result<std::optional<StoreReport>> run();

 private:
  Result<void> check();
  Result<void> trace();
  [[nodiscard]] bool packs_went() const;

  [[nodiscard]] bool is_full() const { return !options_.quick && !options_.sample; }

  Result<void> check_options() const;
  Result<std::vector<std::string>> names() const;
  Result<void> check_files();
  Result<void> add_archives_without_file(std::vector<VerifyRecords::Pointer>& pointers);

  Result<void> check_group(VerifyRecords& records, const VerifyRecords::Group& group,
                           LocationSorter* reached);
  Result<void> check_record(const Record& record, const std::string& shown,
                            const RecordAbsence& absence, Closure* closure);
  Result<void> check_unreached(const Record& record, const std::string& shown, Closure* closure);
  Result<Closure> make_closure(const RecordAbsence& absence);

  Result<void> check_objects(LocationSorter* reached);
  Result<void> check_reached(LocationSorter& reached, ObjectChecker& checker);

  Snapshot store_;  // the one that is checked, from usable_packs() on
  const StoreCheckOptions& options_;
  StoreReport report_;
  VerifyFindings findings_;
  ReadContext context_;
  Budget missing_budget_;
  Budget sort_budget_;
  std::string scratch_directory_;
  std::shared_ptr<const PackSet> packs_;
  std::optional<VerifyRecords> records_;
  std::uint64_t objects_total_ = 0;
};

Result<void> StoreVerifier::check_options() const {
  if (options_.work.memory_bytes < smallest_verify_memory_bytes()) {
    return fail(ErrorCode::kInvalidArgument, "verifying a store needs at least {} of memory",
                memory_size(smallest_verify_memory_bytes()));
  }
  if (options_.sample_seed && !options_.sample) {
    return fail(ErrorCode::kInvalidArgument, "a seed is for choosing a sample (ask for one)");
  }
  if (!options_.sample) return {};
  if (!(*options_.sample > 0 && *options_.sample <= 1)) {
    return fail(ErrorCode::kInvalidArgument,
                "a sample is a share above 0 and up to all of the objects");
  }
  if (options_.quick || options_.archive) {
    return fail(ErrorCode::kInvalidArgument,
                "a sample is taken of the whole store, and is a check of its own (leave out {})",
                options_.quick ? "quick" : "the archive");
  }
  return {};
}

Result<std::vector<std::string>> StoreVerifier::names() const {
  if (options_.archive) {
    const Result<std::optional<ObjectId>> newest = store_.newest_record(*options_.archive);
    if (newest && !*newest) {
      return fail(ErrorCode::kNotFound, {HintKind::kListArchives}, "{}: there is no archive {}",
                  store_.path(), *options_.archive);
    }
    if (!newest && newest.error().code != ErrorCode::kCorrupt) return newest.error();
    return std::vector<std::string>{*options_.archive};
  }
  Result<std::vector<std::string>> names = store_.archive_pointers();
  if (!names && names.error().code == ErrorCode::kCorrupt) return std::vector<std::string>();
  return names;
}

Result<void> StoreVerifier::check_files() {
  const StoreLayout& layout = layout_of(store_);
  scratch_directory_ = scratch_place(store_.file_system(), layout);
  findings_.sort_in({.file_system = &store_.file_system(),
                     .scratch_directory = scratch_directory_,
                     .operation = &options_.work.operation});
  if (options_.archive) return {};
  StoreFiles files = TRY(look_at_files(store_.file_system(), layout));
  for (const Error& error : files.damage) TRY(findings_.note(error));
  for (std::string& sentence : files.debris) findings_.debris(std::move(sentence));
  return {};
}

// What cannot be read and may be a record is told of elsewhere, but where samples are taken.
Result<void> StoreVerifier::add_archives_without_file(
    std::vector<VerifyRecords::Pointer>& pointers) {
  if (options_.archive) return {};
  std::set<std::string> names;
  for (const VerifyRecords::Pointer& pointer : pointers) names.insert(pointer.name);
  const RecordScanOptions scan{
      .memory_bytes = options_.work.memory_bytes / 2,
      .scratch_directory = scratch_directory_,
      .operation = &options_.work.operation,
      .on_damage = [this](const ObjectLocation& location, const Error& error) -> Result<void> {
        return options_.sample ? findings_.damaged_entry(location, error) : Result<void>();
      }};
  report_.archives_without_file = TRY(archives_without_file(
      store_, *packs_, scan, [&](const std::string& name) { return names.contains(name); }));
  for (const ArchiveWithoutFile& archive : report_.archives_without_file) {
    if (!archive.removed) pointers.push_back({archive.name, std::optional(archive.record)});
  }
  return {};
}

Result<std::optional<StoreReport>> StoreVerifier::run() {
  TRY(check_options());
  const Result<void> checked = check();
  const bool in_doubt = checked ? !report_.ok() : checked.error().code == ErrorCode::kNotFound;
  if (in_doubt && packs_went()) return std::nullopt;
  TRY(checked);
  TRY(trace());
  return std::move(report_);
}

// A store of many packs opens each when it is wanted.
bool StoreVerifier::packs_went() const {
  const std::vector<std::uint32_t> numbers = store_.pack_numbers();
  return std::any_of(numbers.begin(), numbers.end(), [&](std::uint32_t number) {
    const Result<FileInfo> info =
        store_.file_system().stat(layout_of(store_).pack(store_.pack_name(number)));
    return !info && info.error().code == ErrorCode::kNotFound;
  });
}

Result<void> StoreVerifier::check() {
  // Pointers first: whatever they lead to is in the packs that are looked for after that.
  std::vector<VerifyRecords::Pointer> pointers = VerifyRecords::read_pointers(store_, TRY(names()));
  TRY(check_files());
  const bool check_packs = !is_full() || !options_.archive;
  store_ = TRY(usable_packs(snapshot_of(TRY(packs_of(store_)->later(true))), check_packs, findings_,
                            options_.work.operation));
  packs_ = packs_of(store_);
  report_.packs = packs_->numbers().size();
  if (check_packs) {
    objects_total_ = TRY(verify_packs(store_, *packs_,
                                      {.memory_bytes = options_.work.memory_bytes / 2,
                                       .scratch_directory = scratch_directory_,
                                       .whole = !options_.sample,
                                       .operation = &options_.work.operation},
                                      findings_));
  }
  if (options_.quick) report_.objects = objects_total_;

  TRY(add_archives_without_file(pointers));
  records_.emplace(store_, context_);
  TRY(records_->read(pointers, findings_));
  report_.missing = records_->missing();
  std::optional<LocationSorter> reached;
  if (is_full() && options_.archive) {
    reached = TRY(LocationSorter::create(sort_budget_, {.memory_bytes = kSortBytes,
                                                        .file_system = &store_.file_system(),
                                                        .scratch_directory = scratch_directory_,
                                                        .operation = &options_.work.operation}));
  }
  for (const VerifyRecords::Group& group : records_->groups()) {
    TRY(check_group(*records_, group, reached ? &*reached : nullptr));
  }
  return options_.quick ? Result<void>() : check_objects(reached ? &*reached : nullptr);
}

Result<void> StoreVerifier::trace() {
  findings_.look_for_copies([this](const GitOid& oid, const ObjectLocation& location) {
    return store_
        .read(
            location, context_, [](Bytes) -> Result<void> { return {}; }, oid)
        .has_value();
  });
  TRY(findings_.name_entries(*packs_));
  const Result<void> traced = trace_damage(
      store_, *packs_, *records_,
      {.memory_bytes = options_.work.memory_bytes / 2,
       .scratch_directory = scratch_directory_,
       .follow = !options_.quick,
       .is_lost = [this](const GitOid& oid) { return findings_.is_lost(*packs_, oid); },
       .context = &context_,
       .missing_budget = &missing_budget_,
       .operation = &options_.work.operation},
      report_);
  // What was found is reported also where the memory is too little to trace it, or what leads there
  // cannot be read.
  const bool untraced = !traced && (traced.error().code == ErrorCode::kLimitExceeded ||
                                    traced.error().code == ErrorCode::kIo);
  if (!traced && !untraced) return traced;
  for (LostObject& lost : report_.lost) lost.traced = lost.traced && traced.has_value();
  return findings_.tell_others(store_, options_.on_lost);
}

Result<Closure> StoreVerifier::make_closure(const RecordAbsence& absence) {
  return Closure::create(
      store_,
      {.memory_bytes = options_.work.memory_bytes / 2 - kSortBytes,
       .scratch_directory = scratch_directory_,
       .shallow = &absence.shallow,
       .is_absent = [&absence](const GitOid& oid) { return absence.missing.contains(oid); },
       .on_missing = [this](const MissingLink& link) -> Result<void> {
         return findings_.missing(link.oid, link.type, link.from);
       },
       .on_damage = [this](const Error& error) { return findings_.note_read(error); },
       .on_damaged = [this](const GitOid& oid, const ObjectLocation& location,
                            const Error& error) { return findings_.damaged(oid, location, error); },
       .on_mismatch = [this](const MismatchedLink& link) -> Result<void> {
         if (report_.odd_links.size() < kMostOddities) {
           report_.odd_links.push_back({link.oid, link.claimed, link.stored, link.from});
         } else {
           ++report_.odd_links_omitted;
         }
         return {};
       },
       .on_malformed = [this](const GitOid& oid, const Error& error) -> Result<void> {
         if (report_.malformed.size() < kMostOddities) {
           report_.malformed.push_back({oid, error.message});
         } else {
           ++report_.malformed_omitted;
         }
         return {};
       },
       .operation = &options_.work.operation});
}

Result<void> StoreVerifier::check_group(VerifyRecords& records, const VerifyRecords::Group& group,
                                        LocationSorter* reached) {
  RecordAbsence absence;
  {
    Result<RecordAbsence> loaded = records.absence(group, missing_budget_);
    if (loaded) {
      absence = std::move(*loaded);
    } else {
      TRY(findings_.note_read(
          fail(loaded.error(), "{}: {}", records.shown(group.front()), loaded.error().message)));
    }
  }
  std::optional<Closure> closure;
  if (is_full()) closure = TRY(make_closure(absence));
  Closure* const walk = closure ? &*closure : nullptr;
  bool any_unreached = false;
  for (const VerifyRecords::Entry& entry : group) {
    const Record record = TRY(records.record(entry));
    TRY(check_record(record, records.shown(entry), absence, walk));
    any_unreached = any_unreached || record.unreached.list;
  }
  if (closure) TRY(closure->walk());
  if (any_unreached) {
    for (const VerifyRecords::Entry& entry : group) {
      TRY(check_unreached(TRY(records.record(entry)), records.shown(entry), walk));
    }
  }
  if (!closure || reached == nullptr) return {};
  TRY(closure->sort());
  while (const auto object = TRY(closure->next())) {
    LocationSorter::Record record;
    store_be<std::uint32_t>(record.data(), object->location.pack);
    store_be<std::uint64_t>(record.data() + 4, object->location.offset);
    store_be<std::uint32_t>(record.data() + 12, static_cast<std::uint32_t>(object->type));
    TRY(reached->add(record));
  }
  objects_total_ += closure->object_count();
  return {};
}

Result<void> StoreVerifier::check_record(const Record& record, const std::string& shown,
                                         const RecordAbsence& absence, Closure* closure) {
  const auto check_tip = [&](const GitOid& oid, const std::string& what) -> Result<void> {
    const std::string from = shown + ", " + quoted_name(what);
    if (!packs_->find(oid)) {
      if (absence.missing.contains(oid)) return {};
      return findings_.missing(oid, std::nullopt, from);
    }
    return closure != nullptr ? closure->add(oid, from) : Result<void>();
  };
  return for_each_tip(store_, record, context_, scratch_directory_, check_tip,
                      [&](const Error& error) -> Result<void> {
                        if (!is_damage(error) && error.code != ErrorCode::kIo) return error;
                        return findings_.note_read(fail(error, "{}: {}", shown, error.message));
                      });
}

// Only that they are there: what they lead to is among them, is reached, or had gone from the
// source before. So they come after the walk, which must not take them for looked at.
Result<void> StoreVerifier::check_unreached(const Record& record, const std::string& shown,
                                            Closure* closure) {
  if (!record.unreached.list) return {};
  const std::string from = shown + ", its objects without a ref";
  bool by_use = false;  // which does not end for damage
  const auto use = [&](const GitOid& oid) -> Result<void> {
    Result<void> checked;
    if (!packs_->find(oid)) {
      checked = findings_.missing(oid, std::nullopt, from);
    } else if (closure != nullptr) {
      checked = closure->add_alone(oid, from);
    }
    by_use = !checked;
    return checked;
  };
  const Result<void> listed = read_oid_list(store_, *record.unreached.list, context_, use);
  if (listed || by_use) return listed;
  return findings_.note(fail(listed.error(), "{}: {}", shown, listed.error().message));
}

Result<void> StoreVerifier::check_objects(LocationSorter* reached) {
  ObjectChecker checker(store_, *packs_, context_, options_.work.operation, findings_, report_);
  if (options_.sample) {
    report_.sample_seed = options_.sample_seed ? *options_.sample_seed : std::random_device()();
    checker.expect(
        static_cast<std::uint64_t>(static_cast<double>(objects_total_) * *options_.sample));
    return checker.check_some(*options_.sample, *report_.sample_seed);
  }
  checker.expect(objects_total_);
  return reached != nullptr ? check_reached(*reached, checker) : checker.check_all();
}

// What several groups reach is there several times.
Result<void> StoreVerifier::check_reached(LocationSorter& reached, ObjectChecker& checker) {
  TRY(reached.sort());
  LocationSorter::Record last{};  // no entry lies at offset 0
  while (const LocationSorter::Record* record = TRY(reached.next())) {
    if (std::equal(last.begin(), last.begin() + 12, record->begin())) continue;
    last = *record;
    TRY(checker.check(
        {load_be<std::uint32_t>(record->data()), load_be<std::uint64_t>(record->data() + 4)},
        static_cast<ObjectType>(load_be<std::uint32_t>(record->data() + 12))));
  }
  return {};
}

}  // namespace

Result<StoreReport> verify_store(const Store& store, const StoreCheckOptions& options) {
  for (int attempt = 0; attempt < kVerifyAttempts; ++attempt) {
    if (auto report = TRY(StoreVerifier(TRY(store.fresh_snapshot()), options).run()))
      return std::move(*report);
  }
  return fail(ErrorCode::kIo, "{}: packs were collected {} times while they were checked",
              store.path(), kVerifyAttempts);
}

}  // namespace bale
