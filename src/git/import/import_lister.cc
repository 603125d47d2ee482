// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// With all_objects, requests start after the listing ends: most objects are listed twice, and only
// the whole list shows which.

#include "git/import/import_lister.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<std::unique_ptr<ImportLister>> ImportLister::create(const Snapshot& store, GitSource& source,
                                                           const ImportPlan& plan, LinkLog& log,
                                                           const ImportListerOptions& options) {
  const auto list = [&] {
    return OidListWriter::create(store, source.hash(), options.scratch_directory,
                                 *options.operation);
  };
  OidListWriter missing = TRY(list());
  OidListWriter unreached = TRY(list());
  LineageOrder order = TRY(LineageOrder::create({.hash = source.hash(),
                                                 .memory_bytes = options.memory_bytes,
                                                 .file_system = &store.file_system(),
                                                 .scratch_directory = options.scratch_directory,
                                                 .operation = options.operation,
                                                 .with_database = plan.request.all_objects}));
  StoredObjects stored =
      TRY(StoredObjects::create(store, {.memory_bytes = options.stored_memory_bytes,
                                        .scratch_directory = options.scratch_directory,
                                        .operation = options.operation}));
  return std::unique_ptr<ImportLister>(new ImportLister(store, source, plan, log,
                                                        std::move(missing), std::move(unreached),
                                                        std::move(order), std::move(stored)));
}

Result<void> ImportLister::run(ObjectReader& reader) {
  const Result<void> requested = list_and_request(reader);
  const Result<void> finished = reader.finish_requests();
  return requested ? finished : requested;
}

Result<void> ImportLister::list_and_request(ObjectReader& reader) {
  for (const GitOid& tip : plan_.request.include) TRY(log_.add_tip(tip));
  TRY(source_.list_objects(
      plan_.request, [&](const ListedObject& listed) { return take_listed(listed, reader); }));
  TRY(order_->sort());
  if (!plan_.request.all_objects) {
    TRY(check_stored(reader));
    expected_ = requested_ + order_->count();
  }
  listed_all_ = true;
  while (const std::optional<OrderedObject> ordered = TRY(order_->next())) {
    TRY(take_ordered(*ordered, reader));
  }
  order_.reset();
  if (stored_) TRY(check_stored(reader));
  expected_ = requested_;
  return {};
}

Result<void> ImportLister::take_listed(const ListedObject& listed, ObjectReader& reader) {
  TRY(check_given_up());
  if (listed.missing) {
    TRY(log_.add_missing(listed.oid));
    return missing_.add(listed.oid);
  }
  ++listed_;
  if (plan_.request.all_objects) return order_->add(listed);
  if (TRY(is_stored(listed.oid, true))) return {};
  if (listed.path) return order_->add(listed);
  ++requested_;
  return reader.request(listed.oid);
}

Result<void> ImportLister::take_ordered(const OrderedObject& ordered, ObjectReader& reader) {
  TRY(check_given_up());
  if (ordered.only_database) TRY(unreached_.add(ordered.oid));
  if (plan_.request.all_objects && TRY(is_stored(ordered.oid, !ordered.only_database))) return {};
  ++requested_;
  return reader.request(ordered.oid, ordered.only_database ? kUnreachedTag : ordered.lineage);
}

// Asked once for each object, so it counts them as well.
Result<bool> ImportLister::is_stored(const GitOid& oid, bool is_reached) {
  const auto location = store_.find(oid);
  count_.add(location.has_value());
  if (location) TRY(stored_->add(oid, *location, is_reached));
  return location.has_value();
}

// Objects that the store cannot read are requested like new ones.
Result<void> ImportLister::check_stored(ObjectReader& reader) {
  TRY(stored_->check(log_, [&](const GitOid& oid, bool is_reached) -> Result<void> {
    TRY(check_given_up());
    ++healed_;
    ++requested_;
    return reader.request(oid, is_reached ? 0 : kUnreachedTag);
  }));
  stored_.reset();
  return {};
}

Result<void> ImportLister::check_given_up() const {
  return given_up_ ? fail(ErrorCode::kInterrupted, "given up") : Result<void>();
}

}  // namespace bale
