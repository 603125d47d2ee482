// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. With all_objects nothing is requested before all is listed: most objects come
// twice, and only the whole list tells which.

#include "git/import_lister.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<std::unique_ptr<ImportLister>> ImportLister::create(const Store& store, GitSource& source,
                                                           const ImportPlan& plan,
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
  return std::unique_ptr<ImportLister>(new ImportLister(store, source, plan, std::move(missing),
                                                        std::move(unreached), std::move(order)));
}

Result<void> ImportLister::run(ObjectReader& reader) {
  const Result<void> requested = list_and_request(reader);
  const Result<void> finished = reader.finish_requests();
  return requested ? finished : requested;
}

Result<void> ImportLister::list_and_request(ObjectReader& reader) {
  TRY(source_.list_objects(
      plan_.request, [&](const ListedObject& listed) { return take_listed(listed, reader); }));
  TRY(order_->sort());
  if (!plan_.request.all_objects) expected_ = requested_ + order_->count();
  listed_all_ = true;
  while (const std::optional<OrderedObject> ordered = TRY(order_->next())) {
    TRY(take_ordered(*ordered, reader));
  }
  order_.reset();
  expected_ = requested_;
  return {};
}

Result<void> ImportLister::take_listed(const ListedObject& listed, ObjectReader& reader) {
  TRY(check_given_up());
  if (listed.missing) return missing_.add(listed.oid);
  ++listed_;
  if (plan_.request.all_objects) return order_->add(listed);
  if (is_stored(listed.oid)) return {};
  if (listed.path) return order_->add(listed);
  ++requested_;
  return reader.request(listed.oid);
}

Result<void> ImportLister::take_ordered(const OrderedObject& ordered, ObjectReader& reader) {
  TRY(check_given_up());
  if (ordered.only_database) TRY(unreached_.add(ordered.oid));
  if (plan_.request.all_objects && is_stored(ordered.oid)) return {};
  ++requested_;
  return reader.request(ordered.oid, ordered.lineage);
}

// Asked once for each object, so it counts them as well.
bool ImportLister::is_stored(const GitOid& oid) {
  const bool stored = store_.find(oid).has_value();
  count_.add(stored);
  return stored;
}

Result<void> ImportLister::check_given_up() const {
  return given_up_ ? fail(ErrorCode::kInterrupted, "given up") : Result<void>();
}

}  // namespace bale
