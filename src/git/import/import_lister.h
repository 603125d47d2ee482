// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ImportLister: the requesting half of an import. It lists the source, looks up the objects in the
// store, and requests the others from an ObjectReader: commits and tags as they are listed, then
// trees and blobs in lineage order (lineage_order.h). Each request's tag is the object's lineage.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"
#include "git/import/import_check.h"
#include "git/import/import_plan.h"
#include "git/import/lineage_order.h"
#include "git/import/object_count.h"
#include "git/import/stored_objects.h"
#include "git/source/object_reader.h"
#include "git/source/source.h"
#include "store/core/oid_list.h"

namespace bale {

struct ImportListerOptions {
  std::uint64_t memory_bytes = 8 << 20;         ///< at least kMinLineageOrderBytes
  std::uint64_t stored_memory_bytes = 6 << 20;  ///< at least kMinStoredObjectsBytes
  std::string scratch_directory;
  const Operation* operation = nullptr;  ///< must outlive the lister
};

/// The tag of a request for an object that no ref reaches; not a valid lineage.
inline constexpr std::uint64_t kUnreachedTag = ~std::uint64_t{0};

/// One thread calls run(); meanwhile other threads may call the functions marked so, and the others
/// only afterwards. Memory: the sum of the options', and 2 MiB for lists of ids, however many
/// objects.
class ImportLister {
 public:
  /// All references must outlive the lister.
  [[nodiscard]] static Result<std::unique_ptr<ImportLister>> create(
      const Snapshot& store, GitSource& source, const ImportPlan& plan, LinkLog& log,
      const ImportListerOptions& options);

  ImportLister(const ImportLister&) = delete;
  ImportLister& operator=(const ImportLister&) = delete;
  ~ImportLister() = default;

  /// Lists and requests everything, and finishes the requests even after an error.
  Result<void> run(ObjectReader& reader);

  /// Any thread: makes run() end soon, with an error.
  void give_up() { given_up_ = true; }

  /// Any thread: the number of objects listed so far, and whether that is all.
  [[nodiscard]] std::uint64_t listed() const { return listed_; }

  [[nodiscard]] bool listed_all() const { return listed_all_; }

  /// Any thread: the total number of requests; 0 while unknown.
  [[nodiscard]] std::uint64_t expected() const { return expected_; }

  /// The objects that the source lacks.
  [[nodiscard]] OidListWriter& missing() { return missing_; }

  /// With all_objects, the unreached objects.
  [[nodiscard]] OidListWriter& unreached() { return unreached_; }

  /// The objects of the source.
  [[nodiscard]] const ObjectCount& count() const { return count_; }

  /// The number of damaged objects in the store, which were requested again.
  [[nodiscard]] std::uint64_t healed() const { return healed_; }

 private:
  ImportLister(const Snapshot& store, GitSource& source, const ImportPlan& plan, LinkLog& log,
               OidListWriter missing, OidListWriter unreached, LineageOrder order,
               StoredObjects stored)
      : store_(store),
        source_(source),
        plan_(plan),
        log_(log),
        missing_(std::move(missing)),
        unreached_(std::move(unreached)),
        order_(std::move(order)),
        stored_(std::move(stored)),
        count_(plan) {}

  Result<void> list_and_request(ObjectReader& reader);
  Result<void> take_listed(const ListedObject& listed, ObjectReader& reader);
  Result<void> take_ordered(const OrderedObject& ordered, ObjectReader& reader);
  Result<bool> is_stored(const GitOid& oid, bool is_reached);
  Result<void> check_stored(ObjectReader& reader);
  Result<void> check_given_up() const;

  const Snapshot store_;
  GitSource& source_;
  const ImportPlan& plan_;
  LinkLog& log_;
  OidListWriter missing_;
  OidListWriter unreached_;
  std::optional<LineageOrder> order_;    // until everything is requested
  std::optional<StoredObjects> stored_;  // until they are checked
  ObjectCount count_;
  std::uint64_t requested_ = 0;
  std::uint64_t healed_ = 0;

  std::atomic<std::uint64_t> listed_ = 0;
  std::atomic<std::uint64_t> expected_ = 0;
  std::atomic<bool> listed_all_ = false;
  std::atomic<bool> given_up_ = false;
};

}  // namespace bale
