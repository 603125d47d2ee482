// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale init: makes an empty store.

#include <memory>

#include "bale/store.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/verbs.h"

namespace bale::cli {

VerbRun declare_init(Arguments& /*arguments*/) {
  return [](Session& session) -> Result<int> {
    const std::string path = TRY(session.store_path());
    TRY(Store::init(path));
    JsonLine line;
    line.text("store", path);
    TRY(session.summary(line.object(), path + ": an empty store"));
    return kStatusDone;
  };
}

}  // namespace bale::cli
