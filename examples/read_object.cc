// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// read_object PACK ID: writes one object's payload to standard output, once its id has proven it.

#include <bale/object.h>
#include <bale/pack_reader.h>

#include <cstdio>

namespace {

bale::Result<void> write_object(const char* pack_path, const char* hex) {
  const bale::ObjectId id = BALE_TRY(bale::ObjectId::from_hex(hex));
  // Opening takes microseconds, whatever the size of the pack.
  const bale::PackReader pack = BALE_TRY(bale::PackReader::open(pack_path));
  bale::ReadContext context;  // one a thread; the payload lies in it or in the pack's map
  const bale::ObjectView object = BALE_TRY(pack.get(id, context));

  // get() does not prove that the payload is what the id says, since ids may be anything. These are
  // hashes of it.
  const bale::ObjectId proof = id.kind() == bale::IdKind::kContentHash
                                   ? bale::content_hash(object.type, object.payload)
                                   : bale::change_id(object.type, object.payload);
  if (proof != id) {
    return bale::Error{bale::ErrorCode::kCorrupt,
                       "the object is not what its id says: " + id.to_hex()};
  }
  const std::size_t size = object.payload.size();
  if (std::fwrite(object.payload.data(), 1, size, stdout) != size || std::fflush(stdout) != 0) {
    return bale::Error{bale::ErrorCode::kIo, "standard output cannot be written"};
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const bale::Result<void> written =
      argc == 3 ? write_object(argv[1], argv[2])
                : bale::Error{bale::ErrorCode::kInvalidArgument, "give a pack and an id in hex"};
  if (written) return 0;
  std::fprintf(stderr, "read_object: %s\n", written.error().message.c_str());
  return 1;
}
