// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Batches form a ring: the one being filled, those with lanes, the oldest first, and free ones. An
// entry that does not fit waits until the ring's next batch, the oldest, is recoded and written.

#include "git/export/pack_sender.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/lanes.h"
#include "base/try.h"
#include "git/export/entry_recoder.h"
#include "git/export/send_batch.h"
#include "git/export/sent_log.h"
#include "pack/read/stored_payload.h"

namespace bale {
namespace {

// The bytes that the kernel maps around a touched page, and the longest index record.
constexpr std::uint64_t kPageGroupBytes = 64 << 10;
constexpr std::uint64_t kIndexRecordBytes = 41;

// With one lane there is no thread: a batch is recoded as soon as it is full.
constexpr std::size_t batch_count(std::size_t lanes) {
  return lanes == 1 ? 1 : 2 * lanes;
}

std::uint64_t memory_bytes(std::size_t lanes) {
  return GitPackStream::kMemoryBytes + SentLog::kMinMemoryBytes +
         lanes * EntryRecoder::memory_bytes() + batch_count(lanes) * SendBatch::memory_bytes();
}

}  // namespace

class GitPackSender::Impl {
 public:
  Impl(std::size_t lanes, const GitPackSenderOptions& options, Budget& budget, GitPackStream stream,
       SentLog log)
      : budget_(budget),
        context_(options.read_memory_bytes),
        index_bytes_(options.index_memory_bytes),
        stream_(std::move(stream)),
        log_(std::move(log)),
        lanes_(lanes) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start();
  Result<std::uint64_t> send(std::uint32_t number, const PackReader& pack, std::uint64_t offset);
  Result<GitPackSummary> finish();

 private:
  struct Slot {
    explicit Slot(SendBatch made) : batch(std::move(made)) {}

    SendBatch batch;
    Window on_lane{1};
  };

  Result<std::optional<SentLog::Found>> sent_base(const PackReader& pack, const StoredEntry& entry);
  Result<std::optional<std::size_t>> unpacked_bytes(const PackReader& pack,
                                                    const StoredEntry& entry) const;
  Result<void> send_in_memory(const PackReader& pack, const StoredEntry& entry,
                              const SentLog::Found& base, std::size_t unpacked_bytes);
  Result<void> send_rebuilt(const PackReader& pack, const StoredEntry& entry);
  Result<void> send_in_pieces(const PackReader& pack, const StoredEntry& entry);
  Result<void> next_batch();
  Result<void> write(Slot& slot);
  Result<void> drain();

  Budget& budget_;
  ReadContext context_;
  std::uint64_t index_bytes_;
  GitPackStream stream_;
  SentLog log_;
  std::optional<std::uint32_t> pack_number_;
  std::uint64_t lookups_ = 0;
  std::uint64_t deltas_ = 0;
  std::vector<EntryRecoder> recoders_;  // one per lane
  std::deque<Slot> slots_;              // they cannot move
  std::size_t filling_ = 0;             // the slot being filled
  Lanes lanes_;                         // last: its work ends before the others do
};

Result<void> GitPackSender::Impl::start() {
  for (std::size_t i = 0; i < lanes_.count(); ++i) {
    recoders_.push_back(TRY(EntryRecoder::create(budget_)));
  }
  for (std::size_t i = 0; i < batch_count(lanes_.count()); ++i) {
    slots_.emplace_back(TRY(SendBatch::create(budget_)));
  }
  return {};
}

Result<std::uint64_t> GitPackSender::Impl::send(std::uint32_t number, const PackReader& pack,
                                                std::uint64_t offset) {
  if (pack_number_ != number) {
    CHECK(!pack_number_ || *pack_number_ < number);
    pack_number_ = number;
    log_.start_pack();
  }
  const StoredEntry entry = TRY(pack.stored_at(offset, kMostRecodedBytes, context_));
  std::optional<SentLog::Found> base;
  if (entry.is_delta()) base = TRY(sent_base(pack, entry));
  TRY_VOID(log_.add(offset, entry.size));
  const std::optional<std::size_t> unpacked = TRY(unpacked_bytes(pack, entry));
  if (entry.is_delta()) {
    if (!base || !unpacked) {
      TRY(send_rebuilt(pack, entry));
    } else {
      ++deltas_;
      TRY(send_in_memory(pack, entry, *base, *unpacked));
    }
  } else if (unpacked) {
    TRY(send_in_memory(pack, entry, {}, *unpacked));
  } else {
    TRY(send_in_pieces(pack, entry));
  }
  return entry.size;
}

// The size of the decompressed payload or program; nullopt if too large for a batch.
Result<std::optional<std::size_t>> GitPackSender::Impl::unpacked_bytes(
    const PackReader& pack, const StoredEntry& entry) const {
  if (entry.stored.size() != entry.stored_size) return std::nullopt;
  const Result<std::uint64_t> unpacked = unpacked_bound(entry);
  if (!unpacked) {
    return fail(unpacked.error(), "{}: entry at offset {}: {}", pack.path(), entry.offset,
                unpacked.error().message);
  }
  if (*unpacked > kMostRecodedBytes) return std::nullopt;
  return std::max(*unpacked, entry.stored_size);
}

// The position of a delta's base in the stream; nullopt if it was not sent, or if Git would refuse
// the delta.
Result<std::optional<SentLog::Found>> GitPackSender::Impl::sent_base(const PackReader& pack,
                                                                     const StoredEntry& entry) {
  if (entry.size == 0) return std::nullopt;
  const std::optional<std::uint64_t> offset = pack.find(entry.base);
  // Look-ups touch random pages of the index's map. A large index releases them.
  if (pack.record_count() > index_bytes_ / kIndexRecordBytes &&
      ++lookups_ >= index_bytes_ / kPageGroupBytes) {
    pack.release_pages();
    lookups_ = 0;
  }
  if (!offset) {
    return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: its base {} is not in the index",
                pack.path(), entry.offset, entry.base.to_hex());
  }
  return log_.find(*offset);
}

Result<void> GitPackSender::Impl::send_in_memory(const PackReader& pack, const StoredEntry& entry,
                                                 const SentLog::Found& base,
                                                 std::size_t unpacked_bytes) {
  if (slots_[filling_].batch.add(pack, entry, base, unpacked_bytes)) return {};
  TRY(next_batch());
  const bool added = slots_[filling_].batch.add(pack, entry, base, unpacked_bytes);
  CHECK(added);
  return {};
}

// Passes the filled batch to a lane, and empties the ring's oldest.
Result<void> GitPackSender::Impl::next_batch() {
  Slot& full = slots_[filling_];
  full.on_lane.enter();
  lanes_.post([this, &full](std::size_t lane) {
    full.batch.recode(recoders_[lane]);
    full.on_lane.leave();
  });
  filling_ = (filling_ + 1) % slots_.size();
  return write(slots_[filling_]);
}

Result<void> GitPackSender::Impl::write(Slot& slot) {
  slot.on_lane.wait_until_empty();
  return slot.batch.write(stream_, log_);
}

// Writes all batches.
Result<void> GitPackSender::Impl::drain() {
  if (!slots_[filling_].batch.empty()) TRY(next_batch());
  for (std::size_t i = 1; i < slots_.size(); ++i) {
    TRY(write(slots_[(filling_ + i) % slots_.size()]));
  }
  return {};
}

// Sends the rebuilt object of a delta whose base was not sent, or whose program is longer than any
// of bale's.
Result<void> GitPackSender::Impl::send_rebuilt(const PackReader& pack, const StoredEntry& entry) {
  if (entry.size > kMostRecodedBytes) return send_in_pieces(pack, entry);
  const ObjectView object = TRY(pack.get_at(entry.offset, context_));
  return send_in_memory(pack,
                        {.id = entry.id,
                         .type = object.type,
                         .base = {},
                         .size = entry.size,
                         .stored_size = entry.size,
                         .offset = entry.offset,
                         .stored = object.payload},
                        {}, entry.size);
}

Result<void> GitPackSender::Impl::send_in_pieces(const PackReader& pack, const StoredEntry& entry) {
  TRY(drain());
  const ObjectType type = entry.type ? *entry.type : TRY(pack.info_at(entry.offset, context_)).type;
  TRY(log_.place(stream_.position()));
  TRY(stream_.begin_object(type, entry.size));
  static_cast<void>(
      TRY(pack.read_at(entry.offset, context_, [&](Bytes piece) { return stream_.write(piece); })));
  return stream_.end();
}

Result<GitPackSummary> GitPackSender::Impl::finish() {
  TRY(drain());
  const std::uint64_t bytes = TRY(stream_.finish());
  return GitPackSummary{.bytes = bytes, .deltas = deltas_};
}

std::uint64_t GitPackSender::smallest_memory_bytes() {
  return bale::memory_bytes(1);
}

Result<GitPackSender> GitPackSender::create(const GitPackSenderOptions& options, Budget& budget,
                                            GitPackStream::Sink sink) {
  std::size_t lanes = options.lanes == 0 ? Lanes::available_processors() : options.lanes;
  while (lanes > 1 && memory_bytes(lanes) > budget.free_bytes()) --lanes;
  // The remainder is for the log.
  const std::uint64_t free_bytes = budget.free_bytes();
  const std::uint64_t rest_bytes =
      free_bytes > memory_bytes(lanes) ? free_bytes - memory_bytes(lanes) : 0;
  SentLog log = TRY(SentLog::create(budget, {.memory_bytes = SentLog::kMinMemoryBytes + rest_bytes,
                                             .file_system = options.file_system,
                                             .scratch_directory = options.scratch_directory}));
  GitPackStream stream =
      TRY(GitPackStream::create(options.hash, options.object_count, budget, std::move(sink)));
  auto impl = std::make_unique<Impl>(lanes, options, budget, std::move(stream), std::move(log));
  TRY(impl->start());
  return GitPackSender(std::move(impl));
}

GitPackSender::GitPackSender(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GitPackSender::GitPackSender(GitPackSender&&) noexcept = default;
GitPackSender::~GitPackSender() = default;

Result<std::uint64_t> GitPackSender::send(std::uint32_t number, const PackReader& pack,
                                          std::uint64_t offset) {
  return impl_->send(number, pack, offset);
}

Result<GitPackSummary> GitPackSender::finish() {
  return impl_->finish();
}

}  // namespace bale
