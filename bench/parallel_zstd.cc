// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The limit for larger objects: zstd with a reused context on each core, BLAKE3 over the output,
// one sequential write. The content is cut into frames of at most 1 MiB, as bale cuts it: the same
// compressed bytes. A core takes a block of frames, compresses and hashes it; blocks are written in
// their order by whoever finishes the one that is due.

#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "bench/contender.h"
#include "bench/die.h"
#include "bench/disk.h"
#include "bench/stopwatch.h"
#include "hash/blake3.h"

namespace bale::bench {
namespace {

constexpr std::size_t kFrameBytes = std::size_t{1} << 20;
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr int kLevel = 3;

// A row of frames' contents; of one object each.
using Block = std::vector<Bytes>;

std::vector<Block> cut_into_blocks(const Objects& objects) {
  std::vector<Block> blocks;
  std::size_t block_bytes = kBlockBytes;
  for (std::size_t i = 0; i < objects.count(); ++i) {
    for (Bytes rest = objects[i].payload; !rest.empty();) {
      const Bytes frame = rest.first(std::min(rest.size(), kFrameBytes));
      rest = rest.subspan(frame.size());
      if (block_bytes + frame.size() > kBlockBytes) {
        blocks.emplace_back();
        block_bytes = 0;
      }
      blocks.back().push_back(frame);
      block_bytes += frame.size();
    }
  }
  return blocks;
}

// Writes blocks in their order, whoever brings them.
class OrderedWriter {
 public:
  explicit OrderedWriter(const std::string& path) : file_(path) {}

  // Takes block `number`, and gives back a buffer to use for another.
  std::vector<std::byte> put(std::size_t number, std::vector<std::byte> block) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(number, std::move(block));
    while (!waiting_.empty() && waiting_.begin()->first == next_) {
      file_.write(waiting_.begin()->second);
      spare_.push_back(std::move(waiting_.begin()->second));
      waiting_.erase(waiting_.begin());
      ++next_;
    }
    std::vector<std::byte> buffer;
    if (!spare_.empty()) {
      buffer = std::move(spare_.back());
      spare_.pop_back();
    }
    return buffer;
  }

 private:
  std::mutex mutex_;
  SequentialFile file_;
  std::size_t next_ = 0;
  std::map<std::size_t, std::vector<std::byte>> waiting_;
  std::vector<std::vector<std::byte>> spare_;
};

class Core {
 public:
  Core() : context_(ZSTD_createCCtx()) {}

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  ~Core() { ZSTD_freeCCtx(context_); }

  void compress(const Block& block, std::vector<std::byte>& out) {
    std::size_t bound = 0;
    for (const Bytes frame : block) bound += ZSTD_compressBound(frame.size());
    out.resize(bound);
    std::size_t used = 0;
    for (const Bytes frame : block) {
      const std::size_t size = ZSTD_compressCCtx(context_, out.data() + used, out.size() - used,
                                                 frame.data(), frame.size(), kLevel);
      if (ZSTD_isError(size) != 0) die("zstd: {}", ZSTD_getErrorName(size));
      used += size;
    }
    out.resize(used);
    keep(blake3(out));
  }

 private:
  ZSTD_CCtx* context_;
};

class ParallelZstd final : public Contender {
 public:
  [[nodiscard]] std::string_view name() const override { return "limit"; }

  [[nodiscard]] std::string manner() const override {
    return fmt::format("zstd {} with a reused context, BLAKE3, one sequential write; {} cores",
                       kLevel, available_cores());
  }

  Sample build(const Objects& objects, const std::string& directory) override {
    const Stopwatch watch;
    const std::vector<Block> blocks = cut_into_blocks(objects);
    OrderedWriter writer(directory + "/limit.zst");
    std::atomic<std::size_t> next = 0;
    const auto run = [&] {
      Core core;
      std::vector<std::byte> buffer;
      for (std::size_t i = next++; i < blocks.size(); i = next++) {
        core.compress(blocks[i], buffer);
        buffer = writer.put(i, std::move(buffer));
      }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < available_cores(); ++i) threads.emplace_back(run);
    run();
    for (std::thread& thread : threads) thread.join();
    return {.seconds = watch.seconds()};
  }

  [[nodiscard]] std::unique_ptr<Reading> open(const std::string& directory,
                                              const Objects& objects) override {
    static_cast<void>(directory);
    static_cast<void>(objects);
    return nullptr;
  }
};

}  // namespace

std::unique_ptr<Contender> make_parallel_zstd() {
  return std::make_unique<ParallelZstd>();
}

}  // namespace bale::bench
