#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Long runs of the tests in test/trust/, which ctest runs briefly: a store's promises under all
# kinds of failure. Each prints the number of trials.
#
#   scripts/trust.sh                     all of them (about an hour)
#   scripts/trust.sh crash               a million states that a power cut can leave
#   scripts/trust.sh faults              every call and every charge of memory fails
#   scripts/trust.sh kills               the program is killed before any system call on files
#   scripts/trust.sh calls               calls of all its threads are interrupted, short, or fail
#   scripts/trust.sh disk                disks of many sizes that are too small (needs root)
#   scripts/trust.sh damage              every bit flipped, every length cut, every case repaired
#   scripts/trust.sh hammer              ten minutes of readers beside a writer
#   scripts/trust.sh model               ten minutes of random sequences against a model, twice
#
# BALE_CRASH_STATES, KILLS, SYSTEM_FAULTS, DISK_STEPS, HAMMER_SECONDS, MODEL_SECONDS and MODEL_SEED
# set their sizes.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/deps.sh --test
cmake --preset dev >/dev/null
cmake --build --preset dev --target trust_tests bale_cli system_faults >/dev/null
bale=$PWD/build/dev/bin/bale
faults=$PWD/build/dev/test/trust/libsystem_faults.so

run() {
  build/dev/test/trust/trust_tests --gtest_brief=1 --gtest_filter="$1"
}

all=(crash faults kills calls disk damage hammer model)
[ $# -gt 0 ] || set -- "${all[@]}"
for what in "$@"; do
  echo "== $what"
  case "$what" in
    crash) BALE_CRASH_STATES=${BALE_CRASH_STATES:-1000000} run 'CrashStatesTest.*' ;;
    faults) run 'FaultsTest.*' ;;
    kills) KILLS=${KILLS:-1000} python3 test/trust/kill_test.py "$bale" ;;
    calls) SYSTEM_FAULTS=${SYSTEM_FAULTS:-2000} python3 test/trust/system_faults_test.py "$bale" \
      "$faults" ;;
    disk) DISK_STEPS=${DISK_STEPS:-100} test/trust/full_disk_test.sh "$bale" ;;
    damage) BALE_DAMAGE=1 run 'DamageTest.*' ;;
    hammer) HAMMER_SECONDS=${HAMMER_SECONDS:-600} run 'HammerTest.*' ;;
    model) MODEL_SECONDS=${MODEL_SECONDS:-600} run 'ModelTest.*' ;;
    *) echo "usage: scripts/trust.sh [${all[*]}]" >&2; exit 2 ;;
  esac
done
