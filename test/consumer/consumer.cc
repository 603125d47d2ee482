// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Packs one object in memory with an installed bale, to check that headers and library are
// complete.

#include <bale/object.h>
#include <bale/pack_builder.h>
#include <bale/store.h>

#include <cstdio>

int main() {
  auto builder = bale::PackBuilder::in_memory({});
  if (!builder) return 1;
  const bale::Bytes payload = bale::as_bytes("hello, bale");
  const bale::ObjectId id = bale::content_hash(bale::ObjectType::kBlob, payload);
  if (!builder->add(id, bale::ObjectType::kBlob, payload)) return 1;
  const auto built = builder->finish_in_memory();
  if (!built) return 1;
  std::printf("%s %zu\n", built->summary.name.c_str(), built->pack.size());
  const auto store = bale::Store::open("/nonexistent");
  return built->summary.objects == 1 && !store ? 0 : 1;
}
