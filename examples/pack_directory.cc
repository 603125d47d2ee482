// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// pack_directory DIR OUT.pack: packs every file under DIR, each under the hash of its content, and
// prints each id with its path. Read one back with read_object.

#include <bale/object.h>
#include <bale/pack_builder.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

int fail(const bale::Error& error) {
  std::fprintf(stderr, "pack_directory: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return fail({bale::ErrorCode::kInvalidArgument, "give a directory and OUT.pack"});

  // 64 MiB of memory, zstd level 3, all cores: the options' defaults.
  auto builder = bale::PackBuilder::create(argv[2], bale::PackBuilderOptions{});
  if (!builder) return fail(builder.error());

  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(file), {});
    const bale::Bytes payload = bale::as_bytes(content);
    const bale::ObjectId id = bale::content_hash(bale::ObjectType::kBlob, payload);
    const auto added = builder->add(id, bale::ObjectType::kBlob, payload);
    if (!added) return fail(added.error());
    std::printf("%s %s\n", id.to_hex().c_str(), entry.path().c_str());
  }

  // Only now do OUT.pack and OUT.idx appear, whole and durable. Without this nothing would.
  const auto summary = builder->finish();
  if (!summary) return fail(summary.error());
  std::fprintf(stderr, "%llu objects (%llu twice), %llu bytes in a pack of %llu: %.2f to 1\n",
               static_cast<unsigned long long>(summary->objects),
               static_cast<unsigned long long>(summary->duplicates),
               static_cast<unsigned long long>(summary->bytes_in),
               static_cast<unsigned long long>(summary->pack_bytes), summary->ratio());
  return 0;
}
