// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Counts of things in sentences: base/counted.h.

#pragma once

#include "base/counted.h"  // IWYU pragma: export
