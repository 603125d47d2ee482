// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Short names for our own code; public headers define no macro that another program may have.
//
//   const uint64_t size = TRY(file.size());
//   TRY(file.sync());
//   TRY_VOID(file.size());

#pragma once

#include "bale/result.h"

#define TRY(expr) BALE_TRY(expr)
#define TRY_VOID(expr) BALE_TRY_VOID(expr)
