#!/bin/sh
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Measures the peak resident memory of builds of every shape: the table of doc/MEMORY.md, as
# Markdown, on standard output. Takes an hour or two (level 19) and 20 GB below DIRECTORY; QUICK=1
# leaves out inputs above 1 GiB.
#
#   scripts/memory.sh [DIRECTORY]

set -eu
cd "$(dirname "$0")/.."
directory=${1:-build/memory}
program=build/dev/src/pack/pack_memory
[ -x "$program" ] || {
  echo "memory.sh: $program is not there (cmake --workflow --preset dev builds it)" >&2
  exit 1
}
mkdir -p "$directory"

# One row: the input, the budget in MiB, then the program's arguments.
row() {
  what=$1 memory=$2
  shift 2
  "$program" --directory "$directory" --memory "$((memory << 20))" "$@" |
    python3 -c '
import json, sys
built = json.load(sys.stdin)
what, memory = sys.argv[1], int(sys.argv[2])
peak = built["peak_rss_bytes"] / 2**20
print(f"| {what} | {memory} | {peak:.1f} | {peak - memory:+.1f} |", flush=True)
if peak > memory + 8:
    sys.exit(f"memory.sh: {what}: {peak:.1f} MiB are more than {memory} and 8")
' "$what" "$memory"
}

echo "| built | account, MiB | peak RSS, MiB | beyond it |"
echo "|---|---|---|---|"
counts="100000 1000000 10000000"
[ -n "${QUICK:-}" ] || counts="$counts 100000000"
for count in $counts; do
  for ids in random prefix ascending descending; do
    row "$count objects of 16 to 64 bytes, ids $ids" 16 --objects "$count" --ids "$ids"
  done
done
row "10000000 objects of 16 to 64 bytes, ids random" 8 --objects 10000000 --ids random
# A level's context for 1 MiB of input takes 12.5 MiB at level 9 and 17.3 at 19.
for setting in "1 16" "3 8" "3 16" "9 16" "19 24"; do
  level=${setting% *} memory=${setting#* }
  [ -n "${QUICK:-}" ] || row "10000 payloads of 1 MiB, level $level" "$memory" \
    --objects 10000 --size 1048576 --level "$level"
done
for setting in "1 16" "3 16" "9 16" "19 24"; do
  level=${setting% *} memory=${setting#* }
  [ -n "${QUICK:-}" ] || row "one payload of 10 GiB, level $level" "$memory" \
    --payload 10737418240 --level "$level"
done
