// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BALE_EXPORT marks what the shared library exports; it compiles everything else hidden.

#pragma once

#define BALE_EXPORT __attribute__((visibility("default")))

/// For a class inside an exported one, at its definition.
#define BALE_HIDDEN __attribute__((visibility("hidden")))
