// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Speed of encoding and decoding the format's small parts: the cost of an entry before compression
// and hashing.
//
//   header    an entry's header of a content hash and a payload of 16 to 2,000 bytes
//   delta     the same with a base
//   varint    numbers of 1 to 10 bytes, as many of each length

#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "base/check.h"
#include "base/known_id.h"
#include "format/entry.h"
#include "format/varint.h"

namespace bale {
namespace {

constexpr std::size_t kCount = 1024;

std::uint64_t next_random(std::uint64_t& state) {  // Marsaglia's xorshift64
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

std::vector<EntryHeader> headers(EntryType type) {
  std::uint64_t state = 88172645463325252;
  std::vector<EntryHeader> headers;
  for (std::size_t i = 0; i < kCount; ++i) {
    std::array<std::byte, 32> id;
    for (std::byte& byte : id) byte = static_cast<std::byte>(next_random(state));
    const std::uint64_t size = 16 + next_random(state) % 1985;
    headers.push_back({.id = known_id<ObjectId>(IdKind::kContentHash, id),
                       .type = type,
                       .size = size,
                       .stored_size = size / 2,
                       .base = known_id<ObjectId>(IdKind::kContentHash, id)});
  }
  return headers;
}

void encode(benchmark::State& state, EntryType type) {
  const std::vector<EntryHeader> all = headers(type);
  std::array<std::byte, kMaxEntryHeaderBytes> bytes;
  for (auto _ : state) {
    for (const EntryHeader& header : all) {
      benchmark::DoNotOptimize(
          encode_entry_header(header, StoredSizeForm::kShortest, bytes.data()));
      benchmark::DoNotOptimize(bytes);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kCount));
}

void decode(benchmark::State& state, EntryType type) {
  std::vector<std::array<std::byte, kMaxEntryHeaderBytes>> all(kCount);
  const std::vector<EntryHeader> plain = headers(type);
  for (std::size_t i = 0; i < kCount; ++i) {
    encode_entry_header(plain[i], StoredSizeForm::kShortest, all[i].data());
  }
  for (auto _ : state) {
    for (const auto& bytes : all) {
      const Result<EntryHeader> header = decode_entry_header(bytes);
      CHECK(header.has_value());
      benchmark::DoNotOptimize(header->size);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kCount));
}

void varint(benchmark::State& state) {
  std::uint64_t random = 88172645463325252;
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < kCount; ++i) {
    numbers.push_back(next_random(random) >> (7 * (i % kMaxVarintBytes)) % 64);
  }
  std::array<std::byte, kMaxVarintBytes> bytes;
  for (auto _ : state) {
    for (const std::uint64_t number : numbers) {
      const std::size_t length = encode_varint(number, bytes.data());
      std::size_t position = 0;
      const Result<std::uint64_t> back = decode_varint(Bytes(bytes).first(length), &position);
      CHECK(back.has_value() && *back == number);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kCount));
}

BENCHMARK_CAPTURE(encode, header, EntryType::kBlob);
BENCHMARK_CAPTURE(encode, delta, EntryType::kDelta);
BENCHMARK_CAPTURE(decode, header, EntryType::kBlob);
BENCHMARK_CAPTURE(decode, delta, EntryType::kDelta);
BENCHMARK(varint)->Name("varint_to_and_fro");
BENCHMARK_CAPTURE(decode, smoke, EntryType::kBlob);

}  // namespace
}  // namespace bale
