// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The examples that stand in the public headers, as a program would have them: with real files, the
// default options and nothing of the tests' own.

#include <string>
#include <string_view>
#include <vector>

#include "bale/object.h"
#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

struct Note {
  ObjectId id;
  ObjectType type;
  Bytes payload;
};

Note note(ObjectType type, std::string_view text) {
  return {store_id(type, as_bytes(text)), type, as_bytes(text)};
}

// bale/pack_builder.h
Result<PackSummary> build(const std::string& path, const std::vector<Note>& objects) {
  PackBuilderOptions options;
  auto builder = PackBuilder::create(path, options);
  if (!builder) return builder.error();
  for (const auto& object : objects) {
    auto added = builder->add(object.id, object.type, object.payload);
    if (!added) return added.error();
  }
  auto summary = builder->finish();  // objects.pack and objects.idx are there now, whole
  if (!summary) return summary.error();
  return summary;
}

// bale/pack_reader.h
Result<std::string> read(const std::string& path, const ObjectId& id) {
  auto pack = PackReader::open(path);
  if (!pack) return pack.error();
  ReadContext context;  // one a thread
  auto object = pack->get(id, context);
  if (!object) return object.error();  // kNotFound if the pack has no such id
  return std::string(as_text(object->payload));
}

// bale/pack_verifier.h
Result<std::size_t> count_errors(const std::string& path) {
  auto report = verify_pack(path);
  if (!report) return report.error();  // it could not be checked
  return report->errors.size();
}

TEST(PackExampleTest, TheHeadersExamplesDoWhatTheySay) {
  const TempDirectory directory;
  const std::string path = directory / "objects.pack";
  const Note greeting = note(ObjectType::kBlob, "hello");
  const Note state = note(ObjectType::kState, "tree ...");
  EXPECT_EQ(greeting.id.kind(), IdKind::kContentHash);
  EXPECT_EQ(state.id.kind(), IdKind::kChangeId);
  ASSERT_OK_AND_ASSIGN(summary, build(path, {greeting, state}));
  EXPECT_EQ(summary.objects, 2u);
  ASSERT_OK_AND_ASSIGN(text, read(path, greeting.id));
  EXPECT_EQ(text, "hello");
  ASSERT_OK_AND_ASSIGN(other, read(path, state.id));
  EXPECT_EQ(other, "tree ...");
  EXPECT_THAT(read(path, note(ObjectType::kBlob, "bye").id), FailsWith(ErrorCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(error_count, count_errors(path));
  EXPECT_EQ(error_count, 0u);
}

}  // namespace
}  // namespace bale
