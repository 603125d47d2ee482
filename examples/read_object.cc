// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// read_object PACK ID: writes one object's payload to standard output, once its id has proven it.

#include <bale/object.h>
#include <bale/pack_reader.h>

#include <cstdio>

namespace {

int fail(const bale::Error& error) {
  std::fprintf(stderr, "read_object: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return fail({bale::ErrorCode::kInvalidArgument, "give a pack and an id in hex"});
  const auto id = bale::ObjectId::from_hex(argv[2]);
  if (!id) return fail(id.error());

  const auto pack = bale::PackReader::open(argv[1]);  // microseconds, whatever its size
  if (!pack) return fail(pack.error());
  bale::ReadContext context;  // one a thread; the payload lies in it or in the pack's map
  const auto object = pack->get(*id, context);
  if (!object) return fail(object.error());

  // get() does not prove that the payload is what the id says, since ids may be anything. These are
  // hashes of it.
  const bale::ObjectId proof = id->kind() == bale::IdKind::kContentHash
                                   ? bale::content_hash(object->type, object->payload)
                                   : bale::change_id(object->type, object->payload);
  if (proof != *id) {
    return fail({bale::ErrorCode::kCorrupt, "the object is not what its id says: " + id->to_hex()});
  }
  const std::size_t size = object->payload.size();
  return std::fwrite(object->payload.data(), 1, size, stdout) == size && std::fflush(stdout) == 0
             ? 0
             : fail({bale::ErrorCode::kIo, "standard output cannot be written"});
}
