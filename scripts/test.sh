#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing, builds, and runs all tests: plain, then under the address and undefined
# sanitizers. The last lines are ctest's.
#
#   scripts/test.sh           both
#   scripts/test.sh plain     only plain
#   scripts/test.sh asan      only under the sanitizers
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-both}" in
  both) presets=(dev asan) ;;
  plain) presets=(dev) ;;
  asan) presets=(asan) ;;
  *) echo "usage: scripts/test.sh [plain | asan]" >&2; exit 2 ;;
esac

scripts/deps.sh --test
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for preset in "${presets[@]}"; do
  echo "== $preset: configure and build"
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log"; exit 1; }
  cmake --build --preset "$preset" >"$log" 2>&1 || {
    grep -E "error|FAILED" -A 8 "$log" | head -100
    exit 1
  }
  echo "== $preset: tests"
  ctest --preset "$preset"
done
