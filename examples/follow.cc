// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// follow DIR OUT.pack COPY: packs the files under DIR and sends the pack away while it grows, here
// to the file COPY. With a declared count, what flush() calls stable will not change any more.

#include <bale/object.h>
#include <bale/pack_builder.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

static int fail(const std::string& message) {
  std::cerr << "follow: " << message << '\n';
  return 1;
}

static std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int main(int argc, char** argv) {
  if (argc != 4) return fail("give DIR OUT.pack COPY");
  std::vector<std::string> contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
    if (entry.is_regular_file()) contents.push_back(content_of(entry.path()));
  }
  bale::PackBuilderOptions options;
  options.declared_count = contents.size();
  auto builder = bale::PackBuilder::create(argv[2], options);
  if (!builder) return fail(builder.error().message);

  std::ifstream pack(std::string(argv[2]) + ".part", std::ios::binary);  // its name while it grows
  std::ofstream copy(argv[3], std::ios::binary);
  std::uint64_t sent = 0;
  const auto send_until = [&](std::uint64_t end) {
    for (; sent < end; ++sent) copy.put(static_cast<char>(pack.get()));
  };
  for (const std::string& content : contents) {
    const bale::Bytes payload = bale::as_bytes(content);
    const bale::ObjectId id = bale::content_hash(bale::ObjectType::kBlob, payload);
    const auto added = builder->add(id, bale::ObjectType::kBlob, payload);
    if (!added) return fail(added.error().message);
    const auto stable = builder->flush();  // a real sender would not do so after each object
    if (!stable) return fail(stable.error().message);
    send_until(*stable);
  }
  std::cout << sent << " bytes were sent while the pack grew, of ";
  const auto summary = builder->finish();
  if (!summary) return fail(summary.error().message);
  send_until(summary->pack_bytes);
  copy.close();
  std::cout << summary->pack_bytes << '\n';
  return content_of(argv[2]) == content_of(argv[3]) ? 0 : fail("the copy differs from the pack");
}
