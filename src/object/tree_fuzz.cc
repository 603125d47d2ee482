// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a tree, under both hashes: the entries read, encoded again, are the bytes consumed;
// and check_entry_name() accepts any input without crashing.

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "object/git_objects.h"
#include "object/safe_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bale::Bytes payload = std::as_bytes(std::span(data, size));
  for (const bale::GitHash hash : {bale::GitHash::kSha1, bale::GitHash::kSha256}) {
    bale::TreeReader reader(hash, payload);
    std::string rebuilt;
    std::size_t entry_count = 0;
    bool is_whole = false;
    while (true) {
      const bale::Result<std::optional<bale::TreeEntry>> next = reader.next();
      is_whole = next.has_value();
      if (!is_whole || !next->has_value()) break;
      const bale::TreeEntry& entry = **next;
      rebuilt.append(entry.mode_text).append(" ").append(entry.name).push_back('\0');
      rebuilt.append(bale::as_text(entry.oid.bytes()));
      CHECK(rebuilt.size() == reader.position());
      static_cast<void>(bale::check_entry_name(entry.name).has_value());
      ++entry_count;
    }
    CHECK(bale::as_text(payload).starts_with(rebuilt));
    CHECK(is_whole == (rebuilt.size() == size));

    std::size_t link_count = 0;
    const bale::Result<void> links = bale::for_each_link(hash, bale::ObjectType::kTree, payload,
                                                         [&link_count](const bale::Link&) {
                                                           ++link_count;
                                                           return bale::Result<void>();
                                                         });
    CHECK(links.has_value() == is_whole && link_count == entry_count);
  }
  return 0;
}
