// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/source/object_reader.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "git/source/source.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/watched_thread.h"

namespace bale {
namespace {

std::string payload_of(ObjectReader& reader, const SourceObject& object) {
  std::string payload(object.size, '\0');
  EXPECT_THAT(reader.read_all(std::as_writable_bytes(std::span(payload))), IsOk());
  return payload;
}

class ObjectReaderTest : public testing::Test {
 protected:
  // A reader of the fixture's repository as it is now.
  ObjectReader& start() {
    source_ = std::make_unique<GitSource>(GitSource::open(git_.path(), operation_).value());
    reader_ = source_->start_reader().value();
    return *reader_;
  }

  std::atomic<bool> cancel_ = false;
  const Operation operation_{.report = {}, .cancel = &cancel_};
  GitFixture git_;
  std::unique_ptr<GitSource> source_;
  std::unique_ptr<ObjectReader> reader_;
};

TEST_F(ObjectReaderTest, EveryTypeComesBackByteForByte) {
  const std::string content("zero\0newline\n\xff", 14);
  git_.write("a", content);
  const GitOid commit = git_.commit("first");
  const GitOid tag = git_.tag("v1", commit);
  const GitOid empty = git_.write_blob("");
  const std::vector<std::pair<GitOid, ObjectType>> wanted = {
      {git_.oid("HEAD:a"), ObjectType::kBlob},
      {git_.oid("HEAD^{tree}"), ObjectType::kTree},
      {commit, ObjectType::kState},
      {tag, ObjectType::kAction},
      {empty, ObjectType::kBlob}};
  ObjectReader& reader = start();
  for (const auto& [oid, type] : wanted) ASSERT_THAT(reader.request(oid), IsOk());
  ASSERT_THAT(reader.finish_requests(), IsOk());
  for (const auto& [oid, type] : wanted) {
    ASSERT_OK_AND_ASSIGN(object, reader.next());
    ASSERT_TRUE(object.has_value());
    EXPECT_EQ(object->oid, oid);
    EXPECT_EQ(object->type, type);
    EXPECT_FALSE(object->missing);
    const std::string payload = payload_of(reader, *object);
    EXPECT_EQ(git_oid(GitHash::kSha1, type, as_bytes(payload)), oid);
    std::byte more{};
    EXPECT_EQ(reader.read({&more, 1}).value(), 0u);
  }
  EXPECT_EQ(reader.next().value(), std::nullopt);
  EXPECT_EQ(reader.next().value(), std::nullopt);
  EXPECT_GT(source_->children_peak_rss_bytes(), 100'000u);
}

TEST_F(ObjectReaderTest, OneThreadMayAskAndReceiveInTurn) {
  const GitOid one = git_.write_blob("one");
  const GitOid two = git_.write_blob("two");
  ObjectReader& reader = start();
  for (int round = 0; round < 20; ++round) {
    ASSERT_THAT(reader.request(one), IsOk());
    ASSERT_OK_AND_ASSIGN(first, reader.next());
    EXPECT_EQ(payload_of(reader, *first), "one");
    ASSERT_THAT(reader.request_info(two), IsOk());
    ASSERT_OK_AND_ASSIGN(second, reader.next());
    EXPECT_EQ(second->size, 3u);
    std::byte none{};
    EXPECT_EQ(reader.read({&none, 1}).value(), 0u);
  }
  ASSERT_THAT(reader.finish_requests(), IsOk());
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

TEST_F(ObjectReaderTest, TagsComeBackWithTheAnswers) {
  const GitOid there = git_.write_blob("there");
  const GitOid absent = GitOid::from_hex(kAbsentOid).value();
  ObjectReader& reader = start();
  ASSERT_THAT(reader.request(there, 17), IsOk());
  ASSERT_THAT(reader.request(absent, ~std::uint64_t{0}), IsOk());
  ASSERT_THAT(reader.request(there), IsOk());
  EXPECT_EQ(reader.next().value()->tag, 17u);
  EXPECT_EQ(reader.next().value()->tag, ~std::uint64_t{0});
  EXPECT_EQ(reader.next().value()->tag, 0u);
}

TEST_F(ObjectReaderTest, AReceiverMayWaitForRequestsInSlices) {
  const GitOid blob = git_.write_blob("x");
  ObjectReader& reader = start();
  EXPECT_FALSE(reader.wait_for_request());
  ASSERT_THAT(reader.request(blob), IsOk());
  EXPECT_TRUE(reader.wait_for_request());
  EXPECT_EQ(reader.next().value()->oid, blob);
  EXPECT_FALSE(reader.wait_for_request());
  ASSERT_THAT(reader.finish_requests(), IsOk());
  EXPECT_TRUE(reader.wait_for_request());  // for next() to say that this was all
  EXPECT_EQ(reader.next().value(), std::nullopt);
  ObjectReader& other = start();
  cancel_ = true;
  EXPECT_TRUE(other.wait_for_request());
  EXPECT_THAT(other.next(), FailsWith(ErrorCode::kInterrupted));
}

TEST_F(ObjectReaderTest, AWholeWindowOfLargeAnswersDoesNotBlockOneThread) {
  const GitOid large = git_.write_blob(std::string(20'000, 'x'));
  ObjectReader& reader = start();
  ASSERT_GT(reader.window(), 10u);
  for (std::size_t i = 0; i < reader.window(); ++i) {
    ASSERT_THAT(reader.request(large), IsOk());
  }
  for (std::size_t i = 0; i < reader.window(); ++i) {
    ASSERT_OK_AND_ASSIGN(object, reader.next());
    ASSERT_EQ(object->size, 20'000u);
  }
}

TEST_F(ObjectReaderTest, AskingWaitsWhileTheReceiverStalls) {
  const GitOid blob = git_.write_blob("x");
  ObjectReader& reader = start();
  std::atomic<std::size_t> asked = 0;
  const std::size_t total = 3 * reader.window();
  WatchedThread watched;
  std::thread asker([&] {
    for (std::size_t i = 0; i < total; ++i) {
      if (i == reader.window()) watched.begin();
      EXPECT_THAT(reader.request(blob), IsOk());
      ++asked;
    }
    EXPECT_THAT(reader.finish_requests(), IsOk());
  });
  watched.await_blocked();
  EXPECT_EQ(asked, reader.window());
  std::size_t received = 0;
  while (true) {
    const Result<std::optional<SourceObject>> object = reader.next();
    EXPECT_THAT(object, IsOk());
    if (!object || !*object) break;
    ++received;
  }
  asker.join();
  EXPECT_EQ(received, total);
}

TEST_F(ObjectReaderTest, WhatIsMissingIsAnAnswerAndTheRestGoesOn) {
  const GitOid there = git_.write_blob("there");
  const GitOid absent = GitOid::from_hex(kAbsentOid).value();
  ObjectReader& reader = start();
  for (const GitOid& oid : {absent, there, absent}) ASSERT_THAT(reader.request(oid), IsOk());
  ASSERT_THAT(reader.request_info(absent), IsOk());
  ASSERT_THAT(reader.finish_requests(), IsOk());
  EXPECT_TRUE(reader.next().value()->missing);
  ASSERT_OK_AND_ASSIGN(object, reader.next());
  EXPECT_EQ(payload_of(reader, *object), "there");
  EXPECT_TRUE(reader.next().value()->missing);
  EXPECT_TRUE(reader.next().value()->missing);
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

TEST_F(ObjectReaderTest, PayloadsThatAreNotReadAreSkipped) {
  const std::string large(700'000, 'y');
  const GitOid one = git_.write_blob(large);
  const GitOid two = git_.write_blob("two\n");
  ObjectReader& reader = start();
  for (const GitOid& oid : {one, two, one, two, one}) ASSERT_THAT(reader.request(oid), IsOk());
  ASSERT_THAT(reader.finish_requests(), IsOk());
  EXPECT_EQ(reader.next().value()->size, large.size());
  ASSERT_OK_AND_ASSIGN(second, reader.next());
  EXPECT_EQ(payload_of(reader, *second), "two\n");
  ASSERT_THAT(reader.next(), IsOk());
  std::string piece(300'000, '\0');
  ASSERT_THAT(reader.read_all(std::as_writable_bytes(std::span(piece))), IsOk());
  EXPECT_EQ(piece, large.substr(0, 300'000));
  EXPECT_EQ(reader.next().value()->oid, two);
  EXPECT_EQ(reader.next().value()->oid, one);
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

// Stores a blob of noise, and overwrites the second half of its file.
GitOid write_damaged_blob(GitFixture& git) {
  std::string noise;
  for (int i = 0; i < 40'000; ++i) noise += std::to_string(i * 7919 % 10'007);
  const GitOid blob = git.write_blob(noise);
  std::string file = read_test_file(git.loose_path(blob));
  std::fill(file.begin() + static_cast<std::ptrdiff_t>(file.size() / 2), file.end(), '\x55');
  std::filesystem::remove(git.loose_path(blob));
  write_test_file(git.loose_path(blob), file);
  return blob;
}

TEST_F(ObjectReaderTest, DamageInTheMiddleOfAnObjectIsAnErrorThatNamesIt) {
  const GitOid blob = write_damaged_blob(git_);
  ObjectReader& reader = start();
  ASSERT_THAT(reader.request(blob), IsOk());
  ASSERT_THAT(reader.finish_requests(), IsOk());
  const Result<std::optional<SourceObject>> object = reader.next();
  Result<void> read;
  if (object) {
    std::string payload((*object)->size, '\0');
    read = reader.read_all(std::as_writable_bytes(std::span(payload)));
  } else {
    read = object.error();
  }
  EXPECT_THAT(read, FailsWith(ErrorCode::kIncomplete, blob.to_hex()));
  EXPECT_THAT(reader.next(), FailsWith(ErrorCode::kIncomplete, blob.to_hex()));
}

TEST_F(ObjectReaderTest, TheAskerLearnsOfAFailureOnTheOtherSide) {
  const GitOid good = git_.write_blob("x");
  const GitOid bad = write_damaged_blob(git_);
  ObjectReader& reader = start();
  std::thread asker([&] {
    EXPECT_THAT(reader.request(bad), IsOk());
    Result<void> asked;
    while (asked) asked = reader.request(good);
    EXPECT_THAT(asked, FailsWith(ErrorCode::kIncomplete, bad.to_hex()));
    EXPECT_THAT(reader.finish_requests(), FailsWith(ErrorCode::kIncomplete));
  });
  Result<std::optional<SourceObject>> object = reader.next();
  while (object) object = reader.next();
  EXPECT_THAT(object, FailsWith(ErrorCode::kIncomplete, bad.to_hex()));
  asker.join();
}

TEST_F(ObjectReaderTest, CancellationEndsBothSides) {
  const GitOid blob = git_.write_blob("x");
  ObjectReader& reader = start();
  WatchedThread watched;
  std::thread asker([&] {
    Result<void> asked;
    for (std::size_t i = 0; asked; ++i) {
      if (i == reader.window()) watched.begin();
      asked = reader.request(blob);
    }
    EXPECT_THAT(asked, FailsWith(ErrorCode::kInterrupted));
  });
  watched.await_blocked();
  cancel_ = true;
  EXPECT_THAT(reader.next(), FailsWith(ErrorCode::kInterrupted));
  asker.join();
}

TEST_F(ObjectReaderTest, CancellationEndsTheWaitForRequests) {
  ObjectReader& reader = start();
  WatchedThread receiver;
  std::thread canceller([&] {
    receiver.await_blocked();
    cancel_ = true;
  });
  receiver.begin();
  EXPECT_THAT(reader.next(), FailsWith(ErrorCode::kInterrupted));
  canceller.join();
}

}  // namespace
}  // namespace bale
