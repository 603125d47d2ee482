// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Objects of up to a frame are received whole, larger ones in pieces. The id of the latter is
// checked after they are in the pack: a wrong one fails the import.

#include "git/import/import_receiver.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "format/entry.h"
#include "hash/git_hash.h"

namespace bale {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;

}  // namespace

ImportReceiver::ImportReceiver(const GitSource& source, StagedPack& pack,
                               const ImportLister& lister, LinkLog& log, const Operation& operation)
    : source_(source),
      pack_(pack),
      lister_(lister),
      log_(log),
      operation_(operation),
      payload_(kFrameBytes) {}

Result<void> ImportReceiver::run(ObjectReader& reader) {
  for (;;) {
    while (!reader.wait_for_request()) report_progress();
    const std::optional<SourceObject> object = TRY(reader.next());
    if (!object) return {};
    if (object->missing) {
      return fail(ErrorCode::kIncomplete,
                  "{}: git listed the object {} and could not read it (git fsck says more)",
                  source_.path(), object->oid.to_hex());
    }
    TRY(receive(*object, reader));
    ++totals_.objects;
    totals_.bytes += object->size;
    if (object->size > kMaxObjectBytes) ++totals_.huge_objects;
    report_progress();
  }
}

Result<void> ImportReceiver::receive(const SourceObject& object, ObjectReader& reader) {
  if (object.size > payload_.size()) return receive_in_pieces(object, reader);
  const MutableBytes payload = MutableBytes(payload_).first(object.size);
  TRY(reader.read_all(payload));
  const GitOid oid = git_oid(source_.hash(), object.type, payload);
  if (oid != object.oid) return not_its_id(object.oid, oid);
  TRY(check_is_no_record(object, payload));
  const bool is_reached = object.tag != kUnreachedTag;
  TRY(is_reached ? log_.add_object(oid, object.type, payload) : log_.add_unreached(oid));
  TRY_VOID(pack_.add(oid, object.type, payload, is_reached ? object.tag : 0));
  return {};
}

Result<void> ImportReceiver::receive_in_pieces(const SourceObject& object, ObjectReader& reader) {
  GitHasher hasher(source_.hash(), object.type, object.size);
  const bool is_reached = object.tag != kUnreachedTag;
  TRY(pack_.begin(object.type, object.size));
  TRY(is_reached ? log_.begin_object(object.oid, object.type) : log_.add_unreached(object.oid));
  for (std::uint64_t left = object.size; left > 0;) {
    const std::size_t wanted = std::min(left, kPieceBytes);
    const MutableBytes piece = MutableBytes(payload_).first(wanted);
    TRY(reader.read_all(piece));
    hasher.update(piece);
    if (left == object.size) TRY(check_is_no_record(object, piece));
    TRY(pack_.write(piece));
    if (is_reached) TRY(log_.feed(piece));
    left -= wanted;
  }
  if (is_reached) TRY(log_.end_object());
  const GitOid oid = hasher.finish();
  if (oid != object.oid) return not_its_id(object.oid, oid);
  TRY_VOID(pack_.end(oid));
  return {};
}

Result<void> ImportReceiver::check_is_no_record(const SourceObject& object, Bytes beginning) const {
  if (!pack_.is_taken_for_record(object.type, beginning)) return {};
  return fail(ErrorCode::kUnsupported,
              "{}: tag {} begins with '{{', which in this store marks a record of bale's: an "
              "earlier version made the store (import into a new store)",
              source_.path(), object.oid.to_hex());
}

Error ImportReceiver::not_its_id(const GitOid& said, const GitOid& is) const {
  return fail(ErrorCode::kIncomplete,
              "{}: the object that Git gave for {} is {} (git fsck says more)", source_.path(),
              said.to_hex(), is.to_hex());
}

// Commits arrive during the listing. This is one phase until the listing ends, so that the progress
// line does not alternate.
void ImportReceiver::report_progress() const {
  if (!lister_.listed_all()) {
    operation_.progress({.phase = "listing objects", .objects = lister_.listed()});
    return;
  }
  operation_.progress({.phase = "archiving objects",
                       .objects = totals_.objects,
                       .objects_total = lister_.expected(),
                       .bytes = totals_.bytes});
}

}  // namespace bale
