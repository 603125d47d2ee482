// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a commit and as a tag, under both hashes: the parsed fields, written again, are the
// start of the payload (hex digits in any case).

#include <cctype>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "object/git_objects.h"

namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

void check_commit(bale::GitHash hash, bale::Bytes payload) {
  const bale::Result<bale::Commit> commit = bale::parse_commit(hash, payload);
  if (!commit) return;
  std::string rebuilt = "tree " + commit->tree.to_hex() + "\n";
  for (const bale::GitOid& parent : commit->parents) {
    rebuilt += "parent " + parent.to_hex() + "\n";
  }
  CHECK(lower_case(bale::as_text(payload)).starts_with(rebuilt));
}

void check_tag(bale::GitHash hash, bale::Bytes payload) {
  const bale::Result<bale::Tag> tag = bale::parse_tag(hash, payload);
  if (!tag) return;
  std::string rebuilt = "object " + tag->object.to_hex() + "\n";
  if (tag->type) {
    rebuilt.append("type ").append(bale::git_type_name(*tag->type)).append("\n");
    if (!tag->name.empty()) rebuilt += "tag " + lower_case(tag->name) + "\n";
  }
  CHECK(lower_case(bale::as_text(payload)).starts_with(rebuilt));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bale::Bytes payload = std::as_bytes(std::span(data, size));
  for (const bale::GitHash hash : {bale::GitHash::kSha1, bale::GitHash::kSha256}) {
    check_commit(hash, payload);
    check_tag(hash, payload);
  }
  return 0;
}
