// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/verify/damage_masks.h"

#include <algorithm>

#include "base/damage.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "store/core/object_links.h"

namespace bale {
namespace {

constexpr std::uint64_t kKnown = std::uint64_t{1} << 63;    // the mask is
constexpr std::uint64_t kVisited = std::uint64_t{1} << 62;  // is_first_visit() was asked
constexpr std::uint64_t kMask = kVisited - 1;

// For headers, which are read while links of an object are followed that context_ holds.
constexpr std::uint64_t kMaskTypeReadBytes = 512 << 10;

constexpr std::size_t kLatelySlots = 4096;
constexpr std::uint64_t kMaskStackBytes = 1 << 20;

std::size_t beginning(const GitOid& oid) {
  return load_be<std::uint16_t>(oid.bytes().data()) >> 4;
}

}  // namespace

Result<DamageMasks> DamageMasks::create(const Snapshot& store, const PackSet& packs,
                                        const std::vector<GitOid>& lost,
                                        const RecordAbsence& absence, const Options& options) {
  CHECK(lost.size() <= kMostLost && options.operation != nullptr);
  DamageMasks masks(store, packs, absence, options);
  TRY(masks.start(lost));
  return masks;
}

Result<void> DamageMasks::start(const std::vector<GitOid>& lost) {
  for (std::size_t i = 0; i < lost.size(); ++i) {
    if (absence_->missing.contains(lost[i])) continue;
    lost_.emplace_back(lost[i], std::uint64_t{1} << i);
    lost_beginnings_.set(beginning(lost[i]));
  }
  std::sort(lost_.begin(), lost_.end());
  if (!any()) return {};
  std::uint64_t keys = 0;
  // Without links, no masks are kept.
  for (std::uint32_t table = 0; table < packs_->table_count(); ++table) {
    first_key_.push_back(keys);
    keys += options_.follow ? packs_->record_count(table) : 0;
  }
  FileSystem& files = store_.file_system();
  const std::uint64_t stack_bytes = std::min(kMaskStackBytes, options_.memory_bytes / 16);
  masks_ =
      TRY(ScratchArray<std::uint64_t>::create(*budget_, keys, options_.memory_bytes / 4, files,
                                              options_.scratch_directory, "what objects reach"));
  steps_ =
      TRY(ScratchStack<Step>::create(*budget_, stack_bytes, files, options_.scratch_directory));
  begun_ = TRY(ScratchStack<std::uint64_t>::create(*budget_, stack_bytes / 4, files,
                                                   options_.scratch_directory));
  lately_charge_ = TRY(budget_->charge(kLatelySlots * sizeof(Lately), "recent links"));
  lately_.resize(kLatelySlots);
  type_context_.emplace(kMaskTypeReadBytes);
  context_.emplace(budget_->free_bytes() - std::min(budget_->free_bytes(), kMaskTypeReadBytes));
  return {};
}

std::uint64_t DamageMasks::bit_of(const GitOid& oid) const {
  if (lost_beginnings_.test(beginning(oid))) {
    const auto found =
        std::lower_bound(lost_.begin(), lost_.end(), std::pair(oid, std::uint64_t{0}));
    if (found != lost_.end() && found->first == oid) return found->second;
  }
  const Others* const others = options_.others;
  if (others == nullptr || !others->is_lost(oid)) return 0;
  return others->traced.contains(oid) || absence_->missing.contains(oid) ? 0 : kOther;
}

DamageMasks::Lately& DamageMasks::lately(const GitOid& oid) {
  return lately_[load_be<std::uint64_t>(oid.bytes().data()) % kLatelySlots];
}

Result<DamageMasks::Look> DamageMasks::look(const GitOid& oid) {
  Look look;
  look.mask = bit_of(oid);
  if (*look.mask != 0 || !options_.follow) return look;
  Lately& slot = lately(oid);
  if (slot.used && slot.oid == oid) {
    look.mask = slot.mask;
    return look;
  }
  const auto found = packs_->find(oid);
  if (!found) return look;  // another one that is lost, or missing by declaration
  look.step = {
      .oid = oid, .location = found->location, .key = first_key_[found->table] + found->position};
  std::uint64_t word = TRY(masks_->get(look.step.key));
  if ((word & kKnown) == 0) {
    // Links may claim any type, so it is looked up. A blob reaches nothing.
    const auto info = store_.info(found->location, *type_context_, oid);
    if (!info || info->type != ObjectType::kBlob) {
      look.mask.reset();
      return look;
    }
    word |= kKnown;
    TRY(masks_->set(look.step.key, word));
  }
  look.mask = word & kMask;
  slot = {oid, *look.mask, true};
  return look;
}

Result<std::optional<ObjectType>> DamageMasks::type_of(const GitOid& oid) {
  const auto found = packs_->find(oid);
  if (!found) return std::nullopt;
  const Result<EntryInfo> info = store_.info(found->location, *context_);
  if (info) return info->type;
  if (!is_damage(info.error())) return info.error();
  return std::nullopt;
}

Result<std::uint64_t> DamageMasks::of(const GitOid& oid) {
  if (!any()) return std::uint64_t{0};
  if (const std::uint64_t bit = bit_of(oid); bit != 0) return bit;
  const Look first = TRY(look(oid));
  if (first.mask) return *first.mask;
  TRY(begun_->push(0));
  TRY(steps_->push(first.step));
  TRY(walk());
  return begun_->pop();
}

Result<void> DamageMasks::walk() {
  while (!steps_->empty()) {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const Step step = TRY(steps_->pop());
    TRY(step.leave ? leave(step) : enter(step));
  }
  return {};
}

Result<void> DamageMasks::add_to_top(std::uint64_t mask) {
  if (mask == 0) return {};
  const std::uint64_t top = TRY(begun_->pop());
  return begun_->push(top | mask);
}

Result<void> DamageMasks::enter(const Step& step) {
  // Another way may have led to it since it was put on the stack.
  const std::uint64_t word = TRY(masks_->get(step.key));
  if ((word & kKnown) != 0) return add_to_top(word & kMask);
  Step after = step;
  after.leave = true;
  TRY(steps_->push(after));
  std::uint64_t mask = 0;
  const bool read = TRY(links(step.location, step.oid, [&](const Link& link) -> Result<void> {
    const Look linked = TRY(look(link.oid));
    if (!linked.mask) return steps_->push(linked.step);
    mask |= *linked.mask;
    return {};
  }));
  const bool is_other =
      !read && options_.others != nullptr && !options_.others->traced.contains(step.oid);
  if (is_other) mask |= kOther;
  return begun_->push(mask);
}

Result<void> DamageMasks::leave(const Step& step) {
  const std::uint64_t mask = TRY(begun_->pop());
  TRY(masks_->set(step.key, mask | kKnown));
  lately(step.oid) = {step.oid, mask, true};
  options_.operation->progress({.phase = "tracing damage", .objects = ++done_});
  return add_to_top(mask);
}

// What cannot be parsed is the damage of another object.
Result<bool> DamageMasks::links(const ObjectLocation& location, const GitOid& oid,
                                const LinkVisitor& use) {
  const bool cut = absence_->shallow.contains(oid);
  const LinksRead read = TRY(read_links(store_, location, *context_, oid, oid.hash(),
                                        [&](ObjectType, const Link& link) -> Result<void> {
                                          if (link.submodule || (cut && link.is_parent)) return {};
                                          return use(link);
                                        }));
  if (!read.type && !is_damage(read.type.error())) return read.type.error();
  return read.type.has_value();
}

Result<void> DamageMasks::for_each_link(
    const GitOid& oid,
    const std::function<Result<void>(const Link& link, std::uint64_t mask)>& use) {
  if (!options_.follow) return {};
  const auto found = packs_->find(oid);
  if (!found) return {};
  TRY_VOID(links(found->location, oid, [&](const Link& link) -> Result<void> {
    const Look linked = TRY(look(link.oid));
    return use(link, linked.mask.value_or(0));
  }));
  return {};
}

Result<bool> DamageMasks::is_first_visit(const GitOid& oid) {
  const auto found = packs_->find(oid);
  if (!found) return false;
  const std::uint64_t key = first_key_[found->table] + found->position;
  const std::uint64_t word = TRY(masks_->get(key));
  if ((word & kVisited) != 0) return false;
  TRY(masks_->set(key, word | kVisited));
  return true;
}

}  // namespace bale
