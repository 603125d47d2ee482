#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# The long checks, which CI does not run: thread sanitizer over the suite, clang's warnings,
# clang-format and clang-tidy, every fuzzer for a while, and the memory contract at full size.
#
#   scripts/sanitize.sh                        everything (hours)
#   scripts/sanitize.sh tsan|clang|tidy|fuzz|memory ...
#   FUZZ_SECONDS=900 scripts/sanitize.sh fuzz
set -euo pipefail
cd "$(dirname "$0")/.."
fuzz_seconds=${FUZZ_SECONDS:-60}

run_workflow() {
  echo "== $1"
  cmake --workflow --preset "$1"
}

run_tidy() {
  echo "== clang-format, clang-tidy"
  git ls-files '*.h' '*.cc' | xargs clang-format-14 --dry-run -Werror
  cmake --preset clang >/dev/null
  git ls-files 'src/*.cc' | grep -v -e _test.cc -e _fuzz.cc -e _bench.cc |
    xargs -P "$(nproc)" -n 4 clang-tidy-14 -p build/clang --quiet
}

run_fuzz() {
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz
  for source in $(git ls-files 'src/*_fuzz.cc'); do
    name=$(basename "$source" .cc)
    echo "== $name for $fuzz_seconds seconds"
    mkdir -p "build/fuzz/new/$name"
    program=$(find build/fuzz/src -name "$name" -type f)
    "$program" -max_total_time="$fuzz_seconds" -print_final_stats=1 \
      "build/fuzz/new/$name" "test/corpus/$name"
  done
}

# Peak resident memory of builds of every shape.
run_memory() {
  cmake --preset dev >/dev/null
  cmake --build --preset dev --target pack_memory
  scripts/memory.sh
}

scripts/deps.sh --all
for what in "${@:-all}"; do
  case "$what" in
    all) run_workflow tsan; run_workflow clang; run_tidy; run_fuzz; run_memory ;;
    tsan | clang) run_workflow "$what" ;;
    tidy) run_tidy ;;
    fuzz) run_fuzz ;;
    memory) run_memory ;;
    *) echo "usage: scripts/sanitize.sh [tsan|clang|tidy|fuzz|memory ...]" >&2; exit 2 ;;
  esac
done
