#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Demonstrates bale on a real repository: installs missing packages, builds, archives the repository
# into a store, verifies and exports it, compares every object id and every ref with the source, and
# prints the numbers.
#
#   scripts/demo.sh [REPO]     REPO: any Git repository; this one if none is named
#
# The source is only read. Files are in a new directory of ${TMPDIR:-/var/tmp}, which needs room for
# the objects twice; it is removed at the end, unless KEEP=1 is set.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
repository=$(cd "${1:-$here}" && pwd)
cd "$here"

scripts/deps.sh
echo "Building (build/release) ..."
log=$(mktemp)
{ cmake --preset release && cmake --build --preset release; } >"$log" 2>&1 ||
  { cat "$log"; rm -f "$log"; exit 1; }
rm -f "$log"
bale=$here/build/release/bin/bale

work=$(mktemp -d "${TMPDIR:-/var/tmp}/bale-demo-XXXXXX")
cleanup() {
  if [ "${KEEP:-0}" = 1 ]; then echo "Kept: $work"; else rm -rf "$work"; fi
}
trap cleanup EXIT
store=$work/store.bale
exported=$work/exported.git

# Git with only the repository's configuration.
plain_git() {
  env -u GIT_DIR -u GIT_INDEX_FILE -u GIT_WORK_TREE -u GIT_OBJECT_DIRECTORY \
    GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_COUNT=1 \
    GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' GIT_NO_REPLACE_OBJECTS=1 \
    LC_ALL=C git -C "$1" "${@:2}"
}
number() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], 0))' "$@"
}
size_of() { numfmt --to=iec-i --suffix=B --format=%.1f "$1"; }
import() {
  "$bale" import git "$repository" --store "$store" --name demo --json "$@" >"$work/import.json"
}

echo "Archiving $repository ..."
status=0
import || status=$?
if [ "$status" = 5 ]; then
  echo "The source is not complete. Archiving what is there, and recording what is not ..."
  status=0
  import --allow-missing || status=$?
fi
[ "$status" = 0 ] || exit "$status"

echo "Verifying: every object, every link, every Git id ..."
"$bale" verify demo --store "$store" --json >"$work/verify.json"

echo "Exporting ..."
"$bale" export git demo "$exported" --store "$store" --json >"$work/export.json"

echo "Comparing ..."
# The objects that HEAD and all refs reach, with type and size, without missing ones.
reached() {
  local head=()
  if plain_git "$1" rev-parse -q --verify HEAD >/dev/null; then head=(HEAD); fi
  plain_git "$1" rev-list --objects --all "${head[@]}" --missing=print |
    sed -e '/^?/d' -e 's/ .*//' | plain_git "$1" cat-file --batch-check | LC_ALL=C sort
}
refs() {
  plain_git "$1" for-each-ref --format='%(refname) %(objectname) %(symref)'
  plain_git "$1" symbolic-ref -q HEAD || plain_git "$1" rev-parse -q --verify HEAD || true
}
reached "$repository" >"$work/source.objects"
reached "$exported" >"$work/exported.objects"
refs "$repository" >"$work/source.refs"
refs "$exported" >"$work/exported.refs"
same=yes
cmp -s "$work/source.objects" "$work/exported.objects" || same=no
cmp -s "$work/source.refs" "$work/exported.refs" || same=no

start=$(date +%s.%N)
plain_git "$repository" cat-file --batch-all-objects --batch --unordered --buffer |
  sha1sum >/dev/null
read_seconds=$(python3 -c 'import sys; print(float(sys.argv[1]) - float(sys.argv[2]))' \
  "$(date +%s.%N)" "$start")
source_pack=$(plain_git "$repository" count-objects -v |
  awk '/^(size|size-pack):/ { kib += $2 } END { print kib * 1024 }')

i=$work/import.json
echo
printf '%-44s %s\n' \
  "objects" "$(number "$i" objects)" \
  "missing in the source" "$(number "$i" missing)" \
  "bytes of payload" "$(size_of "$(number "$i" bytes_in)")" \
  "pack" "$(size_of "$(number "$i" pack_bytes)")" \
  "indexes" "$(size_of "$(number "$i" index_bytes)")" \
  "the source's own objects, as Git keeps them" "$(size_of "$source_pack")" \
  "import, seconds" "$(printf %.2f "$(number "$i" seconds)")" \
  "git reading all objects, seconds" "$(printf %.2f "$read_seconds")" \
  "import, peak memory of bale" "$(size_of "$(number "$i" peak_rss_bytes)")" \
  "import, peak memory of git" "$(size_of "$(number "$i" children_peak_rss_bytes)")" \
  "export, seconds" "$(printf %.2f "$(number "$work/export.json" seconds)")" \
  "verified objects" "$(number "$work/verify.json" objects)" \
  "refs compared" "$(wc -l <"$work/source.refs")" \
  "object ids compared" "$(wc -l <"$work/source.objects")" \
  "export equals source" "$same"
if [ "$same" = no ]; then
  echo "scripts/demo.sh: the export differs from the source:" >&2
  diff "$work/source.refs" "$work/exported.refs" | head -5 >&2 || true
  diff "$work/source.objects" "$work/exported.objects" | head -5 >&2 || true
  exit 3
fi
