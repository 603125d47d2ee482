// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bench/objects.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/endian.h"
#include "base/known_id.h"
#include "bench/die.h"
#include "bench/stopwatch.h"

namespace bale::bench {
namespace {

constexpr std::size_t kNoiseBytes = std::size_t{1} << 20;
constexpr std::size_t kWordCount = 2048;
constexpr std::size_t kPrefixBytes = 24;
constexpr std::uint64_t kMostZeroBits = 191;

// Small and fast, and not one of the standard library's, whose numbers differ between versions.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mixed(state_++); }

  std::size_t below(std::size_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

std::vector<std::byte> noise(std::size_t size) {
  Random random(1);
  std::vector<std::byte> bytes(size);
  for (std::size_t at = 0; at + 8 <= size; at += 8) store_le(bytes.data() + at, random.next());
  return bytes;
}

// Words of letters whose frequencies are as uneven as a language's.
std::vector<std::string> make_words() {
  static constexpr std::string_view kLetters = "eeeeeeetttttaaaaooooiiinnnsssrrrhhhllddcumfpgwybv";
  Random random(2);
  std::vector<std::string> words(kWordCount);
  for (std::string& word : words) {
    for (std::size_t letters = 2 + random.below(9); letters > 0; --letters) {
      word += kLetters[random.below(kLetters.size())];
    }
    word += ' ';
  }
  return words;
}

// Fills a piece with lines of words. Few words are used often and many seldom: the product of three
// random numbers leans to the small ones, as language does.
void write_text(MutableBytes out, const std::vector<std::string>& words, Random& random) {
  std::size_t at = 0;
  const auto put = [&](std::string_view text) {
    const std::size_t size = std::min(text.size(), out.size() - at);
    std::memcpy(out.data() + at, text.data(), size);
    at += size;
  };
  while (at < out.size()) {
    const std::uint64_t bits = random.next();
    const std::uint64_t product = (bits & 0xFFFF) * ((bits >> 16) & 0xFFFF) >> 16;
    put(words[product * ((bits >> 32) & 0x7FF) >> 16]);
    if (((bits >> 43) & 7) == 0) put("\n");
    if (((bits >> 46) & 31) == 0) put(std::to_string(bits >> 51));
  }
}

}  // namespace

Objects Objects::stored(std::size_t count, SizeRange sizes, Content content, IdStyle style) {
  Objects objects(count, sizes);
  objects.style_ = style;
  Random random(sizes.largest);
  objects.offsets_.reserve(count + 1);
  std::size_t end = 0;
  objects.offsets_.push_back(end);
  for (std::size_t i = 0; i < count; ++i) {
    end += sizes.smallest + random.below(sizes.largest - sizes.smallest + 1);
    objects.offsets_.push_back(end);
  }
  if (content == Content::kNoise) {
    objects.bytes_ = noise(end);
  } else {
    objects.bytes_.resize(end);
    const std::vector<std::string> words = make_words();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t begin = objects.offsets_[i];
      write_text(MutableBytes(objects.bytes_).subspan(begin, objects.offsets_[i + 1] - begin),
                 words, random);
    }
  }
  std::vector<ObjectId> ids;
  ids.reserve(count);
  for (std::size_t i = 0; i < count; ++i) ids.push_back(objects.counted_id(i));
  objects.ids_ = std::move(ids);
  return objects;
}

Objects Objects::counted(std::size_t count, SizeRange sizes) {
  Objects objects(count, sizes);
  objects.bytes_ = noise(kNoiseBytes);
  return objects;
}

ObjectId Objects::counted_id(std::size_t number) const {
  std::array<std::byte, 32> id;
  for (std::size_t word = 0; word < 4; ++word) {
    store_be(id.data() + 8 * word, mixed(4 * number + word));
  }
  if (style_ == IdStyle::kPrefix) {
    std::fill_n(id.begin(), kPrefixBytes, std::byte{0x5A});
    store_be(id.data() + kPrefixBytes, mixed(number));
  } else if (style_ == IdStyle::kEnemy) {
    const std::size_t zero_bits = mixed(~number) % (kMostZeroBits + 1);
    std::fill_n(id.begin(), zero_bits / 8, std::byte{0});
    id[zero_bits / 8] >>= static_cast<int>(zero_bits % 8);
  }
  return known_id<ObjectId>(IdKind::kContentHash, id);
}

std::uint64_t Objects::payload_bytes() const {
  if (!is_counted()) return offsets_.back();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i) sum += counted_payload(i).size();
  return sum;
}

double Objects::generator_seconds() const {
  if (!is_counted()) return 0;
  const Stopwatch watch;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const Object object = (*this)[i];
    sum += std::to_integer<std::uint64_t>(object.id.bytes()[7]) + object.payload.size();
    keep(sum);
  }
  return watch.seconds();
}

std::vector<Query> random_queries(const Objects& objects, std::size_t query_count) {
  Random random(3);
  std::vector<Query> queries;
  queries.reserve(query_count);
  for (std::size_t i = 0; i < query_count; ++i) {
    const std::size_t number = random.below(objects.count());
    queries.push_back({static_cast<std::uint32_t>(number), objects.id(number)});
  }
  return queries;
}

std::vector<std::uint32_t> order_of_ids(const Objects& objects) {
  using Key = std::pair<std::uint64_t, std::uint32_t>;
  std::vector<Key> keys;
  keys.reserve(objects.count());
  for (std::size_t i = 0; i < objects.count(); ++i) {
    const ObjectId id = objects.id(i);
    keys.emplace_back(load_be<std::uint64_t>(id.bytes().data()), static_cast<std::uint32_t>(i));
  }
  std::sort(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
    return a.first != b.first ? a.first < b.first : objects.id(a.second) < objects.id(b.second);
  });
  std::vector<std::uint32_t> order;
  order.reserve(keys.size());
  for (const Key& key : keys) order.push_back(key.second);
  return order;
}

void Receiver::compare(const Query& query, Bytes payload) const {
  const Bytes expected = (*objects_)[query.number].payload;
  if (!std::equal(payload.begin(), payload.end(), expected.begin(), expected.end())) {
    die("object {} was read back with other bytes than it was stored with", query.id.to_hex());
  }
}

}  // namespace bale::bench
