// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a pack's Git index: look-ups stay in the file, and what check() finds right is
// found.

#include <cstdint>
#include <span>

#include "base/check.h"
#include "format/git_index.h"
#include "store/core/git_index_view.h"
#include "testing/memory_file_system.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  MemoryFileSystem files;
  const Bytes bytes = std::as_bytes(std::span(data, size));
  {
    const auto file = files.create("/a.gitidx", CreateMode::kTruncate);
    CHECK(file.has_value() && (*file)->write_at(0, bytes).has_value());
  }
  // It is made for whichever pack it says.
  const auto trailer = decode_git_index_trailer(bytes);
  if (!trailer) return 0;
  const auto view = GitIndexView::open(files, "/a.gitidx", trailer->pack_trailer);
  if (!view) return 0;
  const bool sound = view->check().has_value();
  for (std::uint64_t i = 0; i < view->record_count(); ++i) {
    const auto found = view->find(view->oid(i));
    CHECK(!found || found->position < view->record_count());
    CHECK(!sound || (found && found->position == i && found->offset == view->offset(i)));
    CHECK(view->lower_bound(view->oid(i)) <= view->record_count());
  }
  return 0;
}
