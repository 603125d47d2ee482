// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/git_index_builder.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "base/try.h"
#include "format/git_index.h"
#include "format/hashed_writer.h"

namespace bale {
namespace {

template <typename Sorter>
Result<void> add_to(Sorter& sorter, const GitOid& oid, std::uint64_t offset) {
  typename Sorter::Record record;
  std::copy(oid.bytes().begin(), oid.bytes().end(), record.begin());
  store_be<std::uint64_t>(record.data() + record.size() - 8, offset);
  return sorter.add(record);
}

}  // namespace

Result<GitIndexBuilder> GitIndexBuilder::create(Budget& budget, GitHash hash,
                                                const SorterOptions& options) {
  GitIndexBuilder builder(hash);
  if (hash == GitHash::kSha1) {
    builder.sha1_ = TRY(Sha1Sorter::create(budget, options));
  } else {
    builder.sha256_ = TRY(Sha256Sorter::create(budget, options));
  }
  return builder;
}

Result<void> GitIndexBuilder::add(const GitOid& oid, std::uint64_t offset) {
  CHECK(oid.hash() == hash_);
  return sha1_ ? add_to(*sha1_, oid, offset) : add_to(*sha256_, oid, offset);
}

Result<std::uint64_t> GitIndexBuilder::write(File& file, Budget& budget,
                                             const Digest& pack_trailer) {
  return sha1_ ? write_sorted(*sha1_, file, budget, pack_trailer)
               : write_sorted(*sha256_, file, budget, pack_trailer);
}

template <typename Sorter>
Result<std::uint64_t> GitIndexBuilder::write_sorted(Sorter& sorter, File& file, Budget& budget,
                                                    const Digest& pack_trailer) {
  HashedWriter out = TRY(HashedWriter::create(file, 0, budget, kGitIndexWriteBufferBytes,
                                              "the write buffer of the Git index"));
  TRY(sorter.sort());
  const auto header = encode_git_index_header({.hash = hash_, .record_count = 0});
  TRY(out.append(Bytes(header).first(kGitIndexCountPosition)));
  const Hole count_hole = TRY(out.reserve(sizeof(std::uint64_t)));
  typename Sorter::Record last{};
  std::uint64_t record_count = 0;
  while (const auto* record = TRY(sorter.next())) {
    if (record_count > 0 && std::memcmp(record->data(), last.data(), oid_bytes(hash_)) == 0) {
      continue;
    }
    last = *record;
    TRY(out.append(last));
    ++record_count;
  }
  std::array<std::byte, 8> count;
  store_be<std::uint64_t>(count.data(), record_count);
  TRY(out.fill(count_hole, count));
  TRY(out.append(encode_git_index_trailer_start(pack_trailer)));
  const Digest checksum = out.digest();
  TRY(out.append(checksum));
  TRY(out.flush());
  return out.position();
}

}  // namespace bale
