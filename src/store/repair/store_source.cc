// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A store as a source of objects that another one has lost.

#include <utility>

#include "bale/store.h"
#include "bale/store_repair.h"
#include "base/damage.h"
#include "base/try.h"
#include "store/repair/repair_work.h"

namespace bale {
namespace {

class StoreSource final : public ObjectSource {
 public:
  explicit StoreSource(Snapshot store) : store_(std::move(store)) {}

  Result<bool> fetch(const GitOid& oid, const Receiver& receiver) override {
    return read(store_.find(oid), receiver, oid);
  }

  Result<bool> fetch(const ObjectId& id, const Receiver& receiver) override {
    return read(store_.find(id), receiver, id);
  }

  [[nodiscard]] const std::string& path() const override { return store_.path(); }

 private:
  Result<bool> read(const std::optional<ObjectLocation>& location, const Receiver& receiver,
                    const LookupId& id) {
    if (!location) return false;
    // An Error of the receiver's own ends everything, whatever its code.
    Result<void> received;
    const Result<void> given = store_.read_object(*location, context_,
                                                  {.begin =
                                                       [&](ObjectType type, std::uint64_t size) {
                                                         received = receiver.begin(type, size);
                                                         return received;
                                                       },
                                                   .write =
                                                       [&](Bytes piece) {
                                                         received = receiver.write(piece);
                                                         return received;
                                                       }},
                                                  id);
    if (!received) return received.error();
    if (!given && is_damage(given.error())) return false;
    if (!given) return given.error();
    return true;
  }

  const Snapshot store_;
  ReadContext context_;
};

}  // namespace

Result<std::unique_ptr<ObjectSource>> open_store_source(const std::string& path,
                                                        FileSystem* file_system) {
  return std::unique_ptr<ObjectSource>(
      std::make_unique<StoreSource>(TRY(Store::open(path, file_system)).snapshot()));
}

}  // namespace bale
