// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the index of a pack that is well: look-ups never leave the file, and never answer
// with another id's entry.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "base/check.h"
#include "base/known_id.h"
#include "testing/memory_file_system.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace bale {
namespace {

void write(FileSystem& files, const std::string& path, Bytes content) {
  const auto file = files.create(path, CreateMode::kTruncate);
  CHECK(file.has_value() && (*file)->write_at(0, content).has_value());
}

ObjectId numbered_id(IdKind kind, int number) {
  const std::vector<std::byte> bytes(id_bytes(kind), static_cast<std::byte>(number * 50));
  return known_id<ObjectId>(kind, bytes);
}

// Five hashes and five change ids, spread over all first bytes. The corpus has its index.
PackInMemory build() {
  PackBuilderOptions options;
  options.compress = false;
  auto builder = PackBuilder::in_memory(options);
  CHECK(builder.has_value());
  for (int number = 0; number < 5; ++number) {
    for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
      const std::string payload(static_cast<std::size_t>(number), 'x');
      CHECK(builder->add(numbered_id(kind, number), ObjectType::kBlob, as_bytes(payload)));
    }
  }
  auto built = builder->finish_in_memory();
  CHECK(built.has_value());
  return std::move(*built);
}

}  // namespace
}  // namespace bale

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  static const PackInMemory built = build();
  MemoryFileSystem files;
  write(files, "/a.pack", built.pack);
  write(files, "/a.idx", std::as_bytes(std::span(data, size)));
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    const auto pack = PackReader::open("/a.pack", {.access = access, .file_system = &files});
    if (!pack) break;
    ReadContext context(1 << 20);
    const auto look_up = [&](const ObjectId& id) {
      CHECK(pack->lower_bound(id) <= pack->record_count());
      const auto object = pack->get(id, context);
      CHECK(!object || object->id == id);
    };
    for (int number = 0; number < 5; ++number) {
      look_up(numbered_id(IdKind::kContentHash, number));
      look_up(numbered_id(IdKind::kChangeId, number));
    }
    for (std::uint64_t position = 0; position < pack->record_count(); ++position) {
      const auto record = pack->record(position);
      if (!record) continue;
      look_up(record->id);
      static_cast<void>(pack->get_at(record->offset, context).has_value());
    }
  }
  const auto report =
      verify_pack("/a.pack", {.work = {.memory_bytes = smallest_verify_pack_memory_bytes(),
                                       .sync = false,
                                       .file_system = &files}});
  CHECK(report.has_value());
  return 0;
}
