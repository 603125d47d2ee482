#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs the examples on real files and checks what they say. Called by ctest:
# examples_test.sh BUILD FOLDER, where FOLDER is what gets packed: the sources beside it as well.
set -euo pipefail
build=$1
folder=$(dirname "$2")/src
[ -d "$folder" ] || folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$build/pack_directory" "$folder" "$work/out.pack" >"$work/ids" 2>"$work/summary"
[ "$(wc -l <"$work/ids")" -eq "$(find "$folder" -type f | wc -l)" ]
grep -q "^$(wc -l <"$work/ids") objects" "$work/summary"
[ ! -e "$work/out.pack.part" ]

# Files come back as they are: every tenth.
while read -r id path; do
  "$build/read_object" "$work/out.pack" "$id" | cmp - "$path"
done < <(awk 'NR % 10 == 1' "$work/ids")

# An id that is not there is said so.
none=$(printf '0%.0s' {1..64})
if "$build/read_object" "$work/out.pack" "$none" 2>"$work/error"; then exit 1; fi
grep -q "$none" "$work/error"

# A payload that is not what its id says is not given out: change a byte of the stored one.
mkdir "$work/small"
printf 'a payload that is stored as it comes' >"$work/small/file"
"$build/pack_directory" "$work/small" "$work/small.pack" >"$work/small.ids" 2>/dev/null
read -r id path <"$work/small.ids"
printf X | dd of="$work/small.pack" bs=1 seek=60 conv=notrunc status=none
if "$build/read_object" "$work/small.pack" "$id" 2>"$work/error"; then exit 1; fi
grep -q "not what its id says" "$work/error"

"$build/follow" "$folder" "$work/follow.pack" "$work/copy" >"$work/sent"
cmp "$work/follow.pack" "$work/copy"
cmp "$work/follow.pack" "$work/out.pack"
awk '{ exit !($1 > $NF / 2) }' "$work/sent"
cat "$work/summary" "$work/sent"
