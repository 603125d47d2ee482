#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs missing packages, builds, and runs all tests. The last lines are ctest's.
#
#   scripts/test.sh           plain: optimized, as users run it
#   scripts/test.sh asan      under the address and undefined sanitizers
#   scripts/test.sh both      plain, then asan
#   scripts/test.sh quick     plain, without the tests that take long
set -euo pipefail
cd "$(dirname "$0")/.."

select=()
case "${1:-plain}" in
  plain) presets=(dev) ;;
  asan) presets=(asan) ;;
  both) presets=(dev asan) ;;
  quick) presets=(dev); select=(--label-exclude long) ;;
  *) echo "usage: scripts/test.sh [plain | asan | both | quick]" >&2; exit 2 ;;
esac

scripts/deps.sh --test
cache=()
if command -v ccache >/dev/null; then
  cache=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for preset in "${presets[@]}"; do
  echo "== $preset: configure and build"
  cmake --preset "$preset" "${cache[@]}" >"$log" 2>&1 || { cat "$log"; exit 1; }
  cmake --build --preset "$preset" >"$log" 2>&1 || {
    grep -E "error|FAILED" -A 8 "$log" | head -100
    exit 1
  }
  echo "== $preset: tests"
  ctest --preset "$preset" --parallel "$(nproc)" "${select[@]}"
done
