// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Writes records. It builds the JSON directly, in sorted order of keys: a document tree would hold
// a third copy of a large repository's refs.

#include "bale/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "bale/archive_name.h"
#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "object/percent.h"
#include "object/utc_time.h"

namespace bale {
namespace {

// Percent-encoded text has no control characters, so JSON requires only these two escapes.
void append_quoted(std::string& out, std::string_view encoded) {
  out.push_back('"');
  for (const char c : encoded) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

// Begins the next member of the open object at the end of `out`.
void append_key(std::string& out, std::string_view encoded) {
  if (out.back() != '{') out.push_back(',');
  append_quoted(out, encoded);
  out.push_back(':');
}

void append_text(std::string& out, std::string_view key, std::string_view bytes) {
  if (bytes.empty()) return;
  append_key(out, key);
  append_quoted(out, percent_encode(bytes));
}

void append_number(std::string& out, std::string_view key, std::uint64_t number) {
  append_key(out, key);
  fmt::format_to(std::back_inserter(out), "{}", number);
}

void append_content_hash(std::string& out, std::string_view key,
                         const std::optional<ObjectId>& id) {
  if (!id) return;
  append_text(out, key, id->to_hex());
}

// `quoted_value` returns the value's text. Sorted by encoded name, which differs slightly from the
// order of the raw bytes.
template <typename Value, typename QuotedValue>
void append_map(std::string& out, std::string_view key, const std::map<std::string, Value>& map,
                QuotedValue quoted_value) {
  if (map.empty()) return;
  std::vector<std::pair<std::string, const Value*>> members;
  members.reserve(map.size());
  for (const auto& [name, value] : map) members.emplace_back(percent_encode(name), &value);
  std::sort(members.begin(), members.end());
  append_key(out, key);
  out.push_back('{');
  for (const auto& [name, value] : members) {
    append_key(out, name);
    append_quoted(out, quoted_value(*value));
  }
  out.push_back('}');
}

template <typename Item, typename Text>
void append_array(std::string& out, std::string_view key, const std::vector<Item>& items,
                  Text text) {
  append_key(out, key);
  char separator = '[';
  for (const Item& item : items) {
    out.push_back(separator);
    append_quoted(out, text(item));
    separator = ',';
  }
  out.push_back(']');
}

void append_oid_list(std::string& out, std::string_view key, const Record::OidList& oids) {
  append_key(out, key);
  out.push_back('{');
  append_number(out, "count", oids.count);
  append_content_hash(out, "list", oids.list);
  out.push_back('}');
}

// Refuses what decode_record() would refuse.
Result<void> check_ids(const Record& record) {
  for (const auto* id :
       {&record.previous, &record.replaces, &record.missing.list, &record.unreached.list}) {
    if (!*id || (*id)->kind() == IdKind::kContentHash) continue;
    return fail(ErrorCode::kInvalidArgument, "a record of archive {} names {}, no content hash",
                record.archive, (*id)->to_hex());
  }
  const auto fits = [&](const GitOid& oid) { return oid.hash() == record.hash; };
  if ((!record.root || fits(*record.root)) && std::ranges::all_of(record.shallow, fits) &&
      std::ranges::all_of(record.refs, fits, [](const auto& ref) { return ref.second; })) {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              "a record of archive {} has Git ids of another hash than it says", record.archive);
}

}  // namespace

std::uint64_t Record::count_refs() const {
  if (!ref_lists.empty()) return ref_count;
  const auto leads_nowhere = [this](const auto& symref) { return !refs.contains(symref.first); };
  return refs.size() +
         static_cast<std::uint64_t>(std::count_if(symrefs.begin(), symrefs.end(), leads_nowhere));
}

std::string_view to_string(RecordKind kind) {
  switch (kind) {
    case RecordKind::kGit:
      return "git";
    case RecordKind::kDir:
      return "dir";
    case RecordKind::kTar:
      return "tar";
    case RecordKind::kRemoved:
      return "removed";
  }
  CHECK(false);
}

Result<std::string> encode_record(const Record& record) {
  TRY(check_archive_name(record.archive));
  TRY(check_ids(record));
  const auto oid_text = [](const GitOid& oid) { return oid.to_hex(); };

  std::string out = "{";
  append_text(out, "archive", record.archive);
  append_number(out, "bytes", record.bytes);
  if (record.hash) append_text(out, "hash", to_string(*record.hash));
  append_text(out, "head", record.head);
  append_text(out, "kind", to_string(record.kind));
  append_oid_list(out, "missing", record.missing);
  if (record.number > 0) append_number(out, "number", record.number);
  append_number(out, "objects", record.objects);
  append_number(out, "objects_new", record.objects_new);
  append_content_hash(out, "previous", record.previous);
  if (!record.ref_lists.empty()) {
    append_number(out, "ref_count", record.ref_count);
    append_array(out, "ref_lists", record.ref_lists, [](const ObjectId& id) {
      CHECK(id.kind() == IdKind::kContentHash);
      return id.to_hex();
    });
  }
  append_map(out, "refs", record.refs, oid_text);
  append_content_hash(out, "replaces", record.replaces);
  if (record.root) append_text(out, "root", oid_text(*record.root));
  if (!record.shallow.empty()) append_array(out, "shallow", record.shallow, oid_text);
  append_text(out, "source", record.source);
  append_map(out, "symrefs", record.symrefs,
             [](const std::string& target) { return percent_encode(target); });
  append_text(out, "time", format_utc(record.time));
  if (record.unreached != Record::OidList()) append_oid_list(out, "unreached", record.unreached);
  append_text(out, "version", record.version);
  out.push_back('}');
  return out;
}

}  // namespace bale
