// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reads records. The parser's events fill the Record directly, so limits (nesting, types, duplicate
// keys) apply while a hostile payload is parsed, without a document tree.

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "bale/archive_name.h"
#include "bale/record.h"
#include "base/error.h"
#include "base/try.h"
#include "object/percent.h"
#include "object/utc_time.h"

namespace bale {
namespace {

// This version needs 2; later versions may need more.
constexpr int kMaxDepth = 16;

constexpr std::size_t kMaxReasonBytes = 200;

enum class Field : std::uint8_t {
  kArchive,
  kBytes,
  kHash,
  kHead,
  kKind,
  kMissing,
  kNumber,
  kObjects,
  kObjectsNew,
  kPrevious,
  kRefCount,
  kRefLists,
  kRefs,
  kReplaces,
  kRoot,
  kShallow,
  kSource,
  kSymrefs,
  kTime,
  kUnreached,
  kVersion,
  kUnknown,
};

// In the order of Field.
constexpr std::array<std::string_view, static_cast<std::size_t>(Field::kUnknown)> kFieldNames = {
    "archive", "bytes",       "hash",     "head",      "kind",      "missing",   "number",
    "objects", "objects_new", "previous", "ref_count", "ref_lists", "refs",      "replaces",
    "root",    "shallow",     "source",   "symrefs",   "time",      "unreached", "version"};

std::string_view name_of(Field field) {
  return kFieldNames[static_cast<std::size_t>(field)];
}

Field field_named(std::string_view name) {
  std::size_t i = 0;
  while (i < kFieldNames.size() && kFieldNames[i] != name) ++i;
  return static_cast<Field>(i);
}

std::uint32_t bit(Field field) {
  return std::uint32_t{1} << static_cast<unsigned>(field);
}

enum class Container : std::uint8_t { kNone, kObject, kArray };

Container container_of(Field field) {
  switch (field) {
    case Field::kMissing:
    case Field::kUnreached:
    case Field::kRefs:
    case Field::kSymrefs:
      return Container::kObject;
    case Field::kRefLists:
    case Field::kShallow:
      return Container::kArray;
    default:
      return Container::kNone;
  }
}

Result<std::string> bytes_from(std::string_view text) {
  return percent_decode(text);
}

Result<ObjectId> content_hash_from(std::string_view text) {
  const ObjectId id = TRY(ObjectId::from_hex(text));
  if (id.kind() != IdKind::kContentHash) {
    return fail(ErrorCode::kCorrupt, "'{}' is a change id and no content hash", text);
  }
  return id;
}

Result<RecordKind> kind_from(std::string_view text) {
  for (const RecordKind kind :
       {RecordKind::kGit, RecordKind::kDir, RecordKind::kTar, RecordKind::kRemoved}) {
    if (text == to_string(kind)) return kind;
  }
  return fail(ErrorCode::kCorrupt, "unknown kind of record");
}

Result<std::int64_t> time_from(std::string_view text) {
  const std::optional<std::int64_t> time = parse_utc(text);
  if (!time) return fail(ErrorCode::kCorrupt, "not a time like 2026-11-22T14:56:00Z");
  return *time;
}

// Handles the events of nlohmann's parser (its SAX handler concept, hence the names). Each returns
// whether to continue; if not, error() has the reason.
class RecordEvents {
 public:
  bool null() { return refuse_unless_ignored(); }

  bool boolean(bool) { return refuse_unless_ignored(); }

  bool number_integer(std::int64_t) { return refuse_unless_ignored(); }  // the negative ones

  bool number_float(double, const std::string&) { return refuse_unless_ignored(); }

  bool binary(nlohmann::json::binary_t&) { return refuse_unless_ignored(); }

  bool number_unsigned(std::uint64_t number) {
    if (ignored()) return true;
    switch (field_) {
      case Field::kBytes:
        record_.bytes = number;
        return true;
      case Field::kNumber:
        record_.number = number;
        return true;
      case Field::kObjects:
        record_.objects = number;
        return true;
      case Field::kObjectsNew:
        record_.objects_new = number;
        return true;
      case Field::kRefCount:
        record_.ref_count = number;
        return true;
      case Field::kMissing:
      case Field::kUnreached:
        if (!inside_container() || member_ != "count") return refuse();
        oid_list().count = number;
        return true;
      default:
        return refuse();
    }
  }

  bool string(const std::string& text) {
    if (ignored()) return true;
    if (inside_container() != (container_of(field_) != Container::kNone)) return refuse();
    switch (field_) {
      case Field::kArchive:
        return take(bytes_from(text), record_.archive);
      case Field::kHash:
        return take(git_hash_from_name(text), record_.hash);
      case Field::kHead:
        return take(bytes_from(text), record_.head);
      case Field::kKind:
        return take(kind_from(text), record_.kind);
      case Field::kMissing:
      case Field::kUnreached:
        return member_ == "list" ? take(content_hash_from(text), oid_list().list) : refuse();
      case Field::kPrevious:
        return take(content_hash_from(text), record_.previous);
      case Field::kReplaces:
        return take(content_hash_from(text), record_.replaces);
      case Field::kRefLists:
        if (record_.ref_lists.size() == Record::kMostRefLists) return refuse("has too many");
        return take(content_hash_from(text), record_.ref_lists.emplace_back());
      case Field::kRefs:
        return take_member(GitOid::from_hex(text), record_.refs);
      case Field::kRoot:
        return take(GitOid::from_hex(text), record_.root);
      case Field::kShallow:
        return take(GitOid::from_hex(text), record_.shallow.emplace_back());
      case Field::kSource:
        return take(bytes_from(text), record_.source);
      case Field::kSymrefs:
        return take_member(bytes_from(text), record_.symrefs);
      case Field::kTime:
        return take(time_from(text), record_.time);
      case Field::kVersion:
        return take(bytes_from(text), record_.version);
      default:
        return refuse();
    }
  }

  bool start_object(std::size_t) { return open(Container::kObject); }

  bool start_array(std::size_t) { return open(Container::kArray); }

  bool end_object() { return close(); }

  bool end_array() { return close(); }

  bool key(std::string& name) {
    if (depth_ == 1) {
      field_ = field_named(name);
      if (field_ == Field::kUnknown) return true;
      if ((seen_ & bit(field_)) != 0) return refuse("stands there twice");
      seen_ |= bit(field_);
    } else if (depth_ == 2) {
      member_ = std::move(name);
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    error_ = fail(ErrorCode::kCorrupt, "record: no JSON at byte {}", position);
    return false;
  }

  [[nodiscard]] bool seen(Field field) const { return (seen_ & bit(field)) != 0; }

  [[nodiscard]] const Error& error() const { return error_; }

  [[nodiscard]] Record& record() { return record_; }

 private:
  [[nodiscard]] bool inside_container() const { return depth_ == 2; }

  [[nodiscard]] bool is_oid_list() const {
    return field_ == Field::kMissing || field_ == Field::kUnreached;
  }

  [[nodiscard]] Record::OidList& oid_list() {
    return field_ == Field::kMissing ? record_.missing : record_.unreached;
  }

  // Whether the next value belongs to an unknown key.
  [[nodiscard]] bool ignored() const {
    return field_ == Field::kUnknown ||
           (is_oid_list() && depth_ >= 2 && member_ != "count" && member_ != "list");
  }

  bool open(Container container) {
    if (depth_ == kMaxDepth) {
      error_ = fail(ErrorCode::kCorrupt, "record: nested deeper than {} levels", kMaxDepth);
      return false;
    }
    const bool expected =
        depth_ == 0 || ignored() || (depth_ == 1 && container_of(field_) == container);
    if (!expected) return refuse();
    ++depth_;
    return true;
  }

  bool close() {
    --depth_;
    return true;
  }

  template <typename From, typename To>
  bool take(Result<From> value, To& to) {
    if (!value) {
      // The message may quote the payload, which can be long and contain terminal escapes.
      const std::string_view reason = value.error().message;
      return refuse("cannot be read: " + percent_encode(reason.substr(0, kMaxReasonBytes)));
    }
    to = std::move(*value);
    return true;
  }

  template <typename Value>
  bool take_member(Result<Value> value, std::map<std::string, Value>& to) {
    std::string name;
    if (!take(bytes_from(member_), name)) return false;
    // Two spellings of one name ("a" and "%61") must not hide one of the values.
    const auto [member, is_new] = to.try_emplace(std::move(name));
    if (!is_new) return refuse("has a name twice");
    return take(std::move(value), member->second);
  }

  bool refuse_unless_ignored() { return ignored() || refuse(); }

  bool refuse(std::string_view why = "is of another type than it must be") {
    error_ = fail(ErrorCode::kCorrupt, "record: '{}' {}", name_of(field_), why);
    return false;
  }

  Record record_;
  Error error_{ErrorCode::kCorrupt, ""};
  int depth_ = 0;
  Field field_ = Field::kUnknown;  // of the current member of the outermost object
  std::string member_;             // the key within that member, if it is an object
  std::uint32_t seen_ = 0;
};

bool all_ids_match_hash(const Record& record) {
  const auto matches = [&record](const GitOid& oid) { return oid.hash() == record.hash; };
  return std::all_of(record.refs.begin(), record.refs.end(),
                     [&](const auto& ref) { return matches(ref.second); }) &&
         std::all_of(record.shallow.begin(), record.shallow.end(), matches) &&
         (!record.root || matches(*record.root));
}

}  // namespace

Result<Record> decode_record(Bytes payload) {
  // nlohmann's parser ignores white space before it.
  if (payload.empty() || payload.front() != std::byte{'{'}) {
    return fail(ErrorCode::kCorrupt, "record: does not start with '{{'");
  }
  const std::string_view text = as_text(payload);
  RecordEvents events;
  const bool complete = nlohmann::json::sax_parse(text.begin(), text.end(), &events);
  if (!complete) return events.error();

  for (const Field required : {Field::kArchive, Field::kKind, Field::kTime}) {
    if (!events.seen(required)) {
      return fail(ErrorCode::kCorrupt, "record: '{}' is missing", name_of(required));
    }
  }
  Record& record = events.record();
  // Recovery creates a file of this name.
  if (const Result<void> name = check_archive_name(record.archive); !name) {
    return fail(ErrorCode::kCorrupt, "record: 'archive' cannot be used: {}", name.error().message);
  }
  if (!all_ids_match_hash(record)) {
    return fail(ErrorCode::kCorrupt, "record: a Git id is of another kind than 'hash' says");
  }
  if (record.ref_lists.empty() && record.ref_count > 0) {
    return fail(ErrorCode::kCorrupt, "record: it has 'ref_count' without 'ref_lists'");
  }
  if (!record.ref_lists.empty() && (!record.refs.empty() || !record.symrefs.empty())) {
    return fail(ErrorCode::kCorrupt, "record: it has both 'refs' and 'ref_lists'");
  }
  return std::move(record);
}

}  // namespace bale
