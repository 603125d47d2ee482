// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a pack, under an index that fits as far as one can: made from the pack where it is
// whole, else of whatever entries can be walked over. Everything is read in both ways; what comes
// back is an answer to what was asked, or an Error.
//
// The checksum in the input is corrected first: a fuzzer would never find a right one.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "base/check.h"
#include "base/endian.h"
#include "format/container.h"
#include "format/entry.h"
#include "hash/blake3.h"
#include "testing/memory_file_system.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace bale {
namespace {

const std::string kPack = "/a.pack";
const std::string kIndex = "/a.idx";

void write(FileSystem& files, const std::string& path, Bytes content) {
  const auto file = files.create(path, CreateMode::kTruncate);
  CHECK(file.has_value() && (*file)->write_at(0, content).has_value());
}

// Records of all entries up to the first that makes no sense, in order, the first of each id.
std::vector<std::byte> index_by_hand(Bytes pack, std::uint64_t entry_count) {
  std::vector<SortRecord> records;
  std::uint64_t offset = kHeaderBytes;
  const std::uint64_t end = pack.size() - kPackTrailerBytes;
  while (records.size() < entry_count && offset < end) {
    const auto header = decode_entry_header(pack.subspan(offset, end - offset));
    if (!header || header->stored_size > end - offset - header->header_bytes) break;
    records.push_back(make_sort_record(header->id, offset));
    offset += header->header_bytes + header->stored_size;
  }
  std::sort(records.begin(), records.end());
  records.erase(std::unique(records.begin(), records.end(),
                            [](const SortRecord& a, const SortRecord& b) {
                              return sort_record_id(a) == sort_record_id(b);
                            }),
                records.end());
  const FileHeader header = encode_index_header(records.size());
  std::vector<std::byte> index(header.begin(), header.end());
  for (const SortRecord& record : records) {
    const std::size_t id_end = 1 + id_bytes(sort_record_id(record).kind());
    index.insert(index.end(), record.begin(), record.begin() + static_cast<std::ptrdiff_t>(id_end));
    index.insert(index.end(), record.end() - 8, record.end());
  }
  Digest trailer;
  std::copy(pack.end() - 32, pack.end(), trailer.begin());
  const auto start = encode_index_trailer_start(trailer);
  index.insert(index.end(), start.begin(), start.end());
  const Blake3Hash checksum = blake3(index);
  index.insert(index.end(), checksum.begin(), checksum.end());
  return index;
}

void read_everything(FileSystem& files, bool is_whole) {
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    const auto pack = PackReader::open(kPack, {.access = access, .file_system = &files});
    CHECK(!is_whole || pack.has_value());
    if (!pack) return;
    ReadContext context(4 << 20);
    for (std::uint64_t position = 0; position < pack->record_count(); ++position) {
      const auto record = pack->record(position);
      CHECK(record.has_value());  // the index is ours
      std::uint64_t read_bytes = 0;
      const auto read = pack->read(record->id, context, [&](Bytes piece) -> Result<void> {
        read_bytes += piece.size();
        return {};
      });
      const auto info = pack->info(record->id, context);
      const auto object = pack->get(record->id, context);
      CHECK(!is_whole || (read && info && object) ||
            (!object && object.error().code == ErrorCode::kLimitExceeded));
      if (!object) continue;
      CHECK(info && info->id == record->id && info->size == object->payload.size());
      CHECK(object->id == record->id && object->type == info->type);
      CHECK(read && *read == object->type && read_bytes == info->size);
    }
  }
}

}  // namespace
}  // namespace bale

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  const Bytes input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> bytes(input.begin(), input.end());
  if (bytes.size() >= kMinPackBytes) {
    const Blake3Hash checksum = blake3(Bytes(bytes).first(bytes.size() - 32));
    std::copy(checksum.begin(), checksum.end(), bytes.end() - 32);
  }
  MemoryFileSystem files;
  write(files, kPack, bytes);
  const PackCheckOptions options{.work = {.memory_bytes = smallest_verify_pack_memory_bytes(),
                                          .sync = false,
                                          .file_system = &files}};
  const bool indexed = make_index(kPack, options).has_value();
  if (!indexed) {
    const auto count = decode_pack_header(bytes);
    if (bytes.size() < kMinPackBytes || !count) {
      const auto report = verify_pack(kPack, options);
      CHECK(report.has_value() && !report->ok());
      return 0;
    }
    write(files, kIndex, index_by_hand(bytes, *count));
  }
  const auto report = verify_pack(kPack, options);
  CHECK(report.has_value() || report.error().code == ErrorCode::kLimitExceeded);
  read_everything(files, indexed && report.has_value() && report->ok());
  return 0;
}
