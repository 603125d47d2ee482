// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a builder takes outside its account: the heap, counted here by an allocator of our own (so
// this is a program of its own), and the account's buffers, which are mappings and not on the heap.
// Sanitizers have an allocator of theirs: under them there is nothing to count.

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "testing/matchers.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BALE_COUNTS_HEAP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BALE_COUNTS_HEAP 0
#else
#define BALE_COUNTS_HEAP 1
#endif
#else
#define BALE_COUNTS_HEAP 1
#endif

namespace {

std::atomic<std::size_t> heap_bytes = 0;
std::atomic<std::size_t> heap_peak_bytes = 0;

}  // namespace

#if BALE_COUNTS_HEAP
void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  const std::size_t now = heap_bytes += malloc_usable_size(memory);
  std::size_t peak = heap_peak_bytes;
  while (peak < now && !heap_peak_bytes.compare_exchange_weak(peak, now)) {
  }
  return memory;
}

void operator delete(void* memory) noexcept {
  if (memory != nullptr) heap_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}
#endif

namespace bale {
namespace {

// The most that the heap grew by while `object_count` objects were built with the least memory.
std::size_t heap_peak_of(std::uint64_t object_count) {
  const TempDirectory directory;
  const ByteVector payload = noise(20, 1);
  PackBuilderOptions options = test_options();
  options.compress = false;
  options.work.memory_bytes = smallest_build_memory_bytes(options);
  const std::size_t before = heap_bytes;
  heap_peak_bytes = before;
  {
    auto builder = PackBuilder::create(directory / "a.pack", options);
    EXPECT_THAT(builder, IsOk());
    for (std::uint64_t i = 0; i < object_count; ++i) {
      EXPECT_TRUE(builder->add(prefixed_id(i), ObjectType::kBlob, payload).has_value());
    }
    EXPECT_THAT(builder->finish(), IsOk());
  }
  EXPECT_EQ(heap_bytes, before);
  return heap_peak_bytes - before;
}

TEST(HeapTest, OutsideItsAccountABuilderTakesLittleHoweverManyObjectsThereAre) {
  if (!BALE_COUNTS_HEAP) GTEST_SKIP() << "the sanitizer has an allocator of its own";
  const std::size_t few = heap_peak_of(10'000);
  const std::size_t many = heap_peak_of(200'000);
  EXPECT_GT(few, 0u);
  EXPECT_LT(few, 256u << 10);
  // 40 bytes a run, of which there are 32, and vectors that double.
  EXPECT_LT(many, few + (16 << 10));
}

TEST(HeapTest, AReaderTakesAsLittleForALargePackAsForASmallOne) {
  if (!BALE_COUNTS_HEAP) GTEST_SKIP() << "the sanitizer has an allocator of its own";
  const TempDirectory directory;
  for (const std::size_t count : {std::size_t{10}, std::size_t{20'000}}) {
    const std::string path = directory / std::to_string(count);
    auto builder = PackBuilder::create(path, test_options());
    ASSERT_THAT(builder, IsOk());
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(builder->add(prefixed_id(i), ObjectType::kBlob, {}).has_value());
    }
    ASSERT_THAT(builder->finish(), IsOk());
    const std::size_t before = heap_bytes;
    heap_peak_bytes = before;
    {
      const auto pack = PackReader::open(path);
      ASSERT_THAT(pack, IsOk());
      ReadContext context;
      for (std::uint64_t i = 0; i < count; ++i) {
        ASSERT_TRUE(pack->get(prefixed_id(i), context).has_value());
      }
    }
    EXPECT_LT(heap_peak_bytes - before, 16u << 10);
    EXPECT_EQ(heap_bytes, before);
  }
}

}  // namespace
}  // namespace bale
