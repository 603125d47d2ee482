// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bench/limits.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "bale/pack_reader.h"
#include "bench/die.h"
#include "bench/disk.h"
#include "bench/stopwatch.h"
#include "hash/blake3.h"

namespace bale::bench {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

// Of an index (doc/FORMAT.md): a header, then records of a tag, an id and an offset.
constexpr std::size_t kIndexHeaderBytes = 16;
constexpr std::size_t kIndexTrailerBytes = 72;
constexpr std::size_t kRecordBytes = 1 + 32 + 8;

// A file that is opened, and closed in the end.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) die_of_errno(path);
  }

  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  ~OpenFile() { ::close(descriptor_); }

  [[nodiscard]] int descriptor() const { return descriptor_; }

  // Fills all of `out`.
  void read_at(std::uint64_t offset, MutableBytes out) const {
    while (!out.empty()) {
      const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got <= 0) die_of_errno("pread");
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }

 private:
  int descriptor_;
};

// A file seen as memory.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const OpenFile file(path);

    struct stat info {};

    if (::fstat(file.descriptor(), &info) != 0) die_of_errno(path);
    size_ = static_cast<std::size_t>(info.st_size);
    map_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (map_ == MAP_FAILED) die_of_errno(path);
  }

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  ~MappedFile() { ::munmap(map_, size_); }

  [[nodiscard]] Bytes bytes() const { return {static_cast<const std::byte*>(map_), size_}; }

 private:
  void* map_ = nullptr;
  std::size_t size_ = 0;
};

// One reused context and one reused buffer.
class Unpacker {
 public:
  Unpacker() : context_(ZSTD_createDCtx()) {}

  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  ~Unpacker() { ZSTD_freeDCtx(context_); }

  // The content; a raw one is what is stored.
  Bytes unpack(Bytes stored, std::uint64_t content_bytes) {
    if (stored.size() == content_bytes) return stored;
    if (buffer_.size() < content_bytes) buffer_.resize(content_bytes);
    const std::size_t size =
        ZSTD_decompressDCtx(context_, buffer_.data(), buffer_.size(), stored.data(), stored.size());
    if (size != content_bytes) die("zstd does not give back what bale stored");
    return Bytes(buffer_).first(size);
  }

 private:
  ZSTD_DCtx* context_;
  std::vector<std::byte> buffer_;
};

StoredPiece stored_payload(const PackReader& pack, std::uint64_t offset, ReadContext& context) {
  const EntryInfo info = must(pack.info_at(offset, context));
  return {.offset = info.offset + info.entry_bytes - info.stored_size,
          .stored_size = info.stored_size,
          .size = info.size};
}

class Bisection final : public Reading {
 public:
  explicit Bisection(const std::string& index_path)
      : file_(index_path),
        records_(file_.bytes().subspan(
            kIndexHeaderBytes, file_.bytes().size() - kIndexHeaderBytes - kIndexTrailerBytes)) {}

  void get(std::span<const Query> queries, Receiver& receiver) override { find(queries, receiver); }

  void find(std::span<const Query> queries, Receiver& receiver) override {
    for (const Query& query : queries) {
      const Bytes id = query.id.bytes();
      std::size_t low = 0;
      std::size_t high = records_.size() / kRecordBytes;
      while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        const std::byte* record = records_.data() + middle * kRecordBytes;
        if (std::memcmp(record + 1, id.data(), id.size()) < 0) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      const std::byte* record = records_.data() + low * kRecordBytes;
      if (low * kRecordBytes == records_.size() ||
          std::memcmp(record + 1, id.data(), id.size()) != 0) {
        die("bisection does not find object {}", query.id.to_hex());
      }
      receiver.take_number(std::to_integer<std::uint64_t>(record[kRecordBytes - 1]));
    }
  }

 private:
  MappedFile file_;
  Bytes records_;
};

class ZstdReading final : public Reading {
 public:
  explicit ZstdReading(const std::string& pack_path)
      : file_(pack_path), pack_(must(PackReader::open(pack_path))) {}

  void prepare(std::span<const Query> queries) override {
    payloads_.clear();
    ReadContext context;
    for (const Query& query : queries) {
      const auto offset = pack_.find(query.id);
      if (!offset) die("bale does not find object {}", query.id.to_hex());
      payloads_.push_back(stored_payload(pack_, *offset, context));
    }
  }

  void get(std::span<const Query> queries, Receiver& receiver) override {
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const StoredPiece& payload = payloads_[i];
      const Bytes stored = file_.bytes().subspan(payload.offset, payload.stored_size);
      receiver.take(queries[i], unpacker_.unpack(stored, payload.size));
    }
  }

 private:
  MappedFile file_;
  PackReader pack_;
  Unpacker unpacker_;
  std::vector<StoredPiece> payloads_;
};

}  // namespace

unsigned available_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max(1U, static_cast<unsigned>(CPU_COUNT(&cores)));
}

Sample write_to_disk(std::uint64_t bytes, const std::string& directory) {
  // A disk that finds holes or repetition must not look faster than it is.
  std::vector<std::byte> buffer(kBufferBytes);
  for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = static_cast<std::byte>(mixed(i));
  const Stopwatch watch;
  {
    const SequentialFile file(directory + "/disk");
    for (std::uint64_t left = bytes; left > 0;) {
      const std::size_t size = std::min<std::uint64_t>(left, buffer.size());
      file.write(Bytes(buffer).first(size));
      left -= size;
    }
  }
  const double written = watch.seconds();
  return {.seconds = written, .sync_seconds = sync_tree(directory)};
}

std::unique_ptr<Reading> open_bisection(const std::string& index_path) {
  return std::make_unique<Bisection>(index_path);
}

std::unique_ptr<Reading> open_zstd(const std::string& pack_path) {
  return std::make_unique<ZstdReading>(pack_path);
}

std::vector<StoredPiece> stored_pieces(const std::string& pack_path) {
  const MappedFile file(pack_path);
  const PackReader pack = must(PackReader::open(pack_path));
  ReadContext context;
  std::vector<StoredPiece> pieces;
  for (std::uint64_t i = 0; i < pack.record_count(); ++i) {
    const StoredPiece payload = stored_payload(pack, must(pack.record(i)).offset, context);
    if (payload.stored_size == payload.size) {
      pieces.push_back(payload);
      continue;
    }
    Bytes rest = file.bytes().subspan(payload.offset, payload.stored_size);
    for (std::uint64_t offset = payload.offset; !rest.empty();) {
      const std::size_t stored_size = ZSTD_findFrameCompressedSize(rest.data(), rest.size());
      if (ZSTD_isError(stored_size) != 0) die("zstd does not know bale's frames");
      pieces.push_back({.offset = offset,
                        .stored_size = stored_size,
                        .size = ZSTD_getFrameContentSize(rest.data(), rest.size())});
      offset += stored_size;
      rest = rest.subspan(stored_size);
    }
  }
  std::sort(pieces.begin(), pieces.end());
  return pieces;
}

double hash_and_decompress(const std::string& pack_path, std::span<const StoredPiece> pieces) {
  // What one core takes at a time: enough to be hashed at full speed, and to stay in its cache.
  struct Block {
    std::size_t begin = 0;
    std::size_t end = 0;  // both count pieces
  };

  std::vector<Block> blocks;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (blocks.empty() || pieces[i].offset - pieces[blocks.back().begin].offset >= kBlockBytes) {
      blocks.push_back({.begin = i, .end = i});
    }
    blocks.back().end = i + 1;
  }
  const OpenFile pack(pack_path);

  struct stat info {};

  if (::fstat(pack.descriptor(), &info) != 0) die_of_errno(pack_path);
  const auto pack_bytes = static_cast<std::uint64_t>(info.st_size);

  const Stopwatch watch;
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    Unpacker unpacker;
    std::vector<std::byte> buffer;
    for (std::size_t i = next++; i < blocks.size(); i = next++) {
      const Block& block = blocks[i];
      const std::uint64_t begin = i == 0 ? 0 : pieces[block.begin].offset;
      const std::uint64_t end = block.end == pieces.size() ? pack_bytes : pieces[block.end].offset;
      buffer.resize(end - begin);
      pack.read_at(begin, buffer);
      keep(blake3(buffer));
      for (std::size_t j = block.begin; j < block.end; ++j) {
        const Bytes stored = Bytes(buffer).subspan(pieces[j].offset - begin, pieces[j].stored_size);
        keep(unpacker.unpack(stored, pieces[j].size));
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < available_cores(); ++i) threads.emplace_back(run);
  run();
  for (std::thread& thread : threads) thread.join();
  return watch.seconds();
}

double read_and_hash(const std::string& path) {
  const Stopwatch watch;
  const OpenFile file(path);
  std::vector<std::byte> buffer(kBufferBytes);
  Blake3Hasher hasher;
  for (;;) {
    const ssize_t got = ::read(file.descriptor(), buffer.data(), buffer.size());
    if (got < 0) die_of_errno(path);
    if (got == 0) break;
    hasher.update(Bytes(buffer).first(static_cast<std::size_t>(got)));
  }
  keep(hasher.finish());
  return watch.seconds();
}

}  // namespace bale::bench
