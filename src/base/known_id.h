// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Ids from bytes whose length a format's grammar has made sure of. Bytes of a caller go through
// from_bytes() instead.

#pragma once

#include "bale/bytes.h"

namespace bale {

struct KnownId {
  template <typename Id, typename Kind>
  static Id make(Kind kind, Bytes bytes) {
    return Id(kind, bytes);
  }
};

/// An ObjectId of an IdKind, or a GitOid of a GitHash. Requires as many bytes as the kind has.
template <typename Id, typename Kind>
Id known_id(Kind kind, Bytes bytes) {
  return KnownId::make<Id>(kind, bytes);
}

}  // namespace bale
