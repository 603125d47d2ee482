#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs verbs on a disk that is too small, for many sizes of free space. A verb that runs out of
# space exits with 1 and one line that says so, leaves nothing behind, and the store is intact; with
# space, it works. Mounts a tmpfs, so needs root.
#
#   full_disk_test.sh BALE                 DISK_STEPS=200 full_disk_test.sh BALE    more sizes
set -euo pipefail

bale=$1
steps=${DISK_STEPS:-5}
disk_kib=6144

work=$(mktemp -d)
disk=$work/disk
mkdir "$disk"
cleanup() {
  umount "$disk" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

if ! mount -t tmpfs -o size=${disk_kib}k,nr_inodes=2000 tmpfs "$disk" 2>"$work/mount.err"; then
  echo "skipped: no tmpfs can be mounted here ($(cat "$work/mount.err"))"
  exit 77
fi

fail() {
  echo "FAILED: $*"
  exit 1
}

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org

# make_repository PATH KIB: adds a commit with KIB of incompressible data.
make_repository() {
  [ -d "$1" ] || git init -q -b main "$1"
  head -c "$(($2 * 1024))" /dev/urandom >"$1/noise"
  date +%N >"$1/text"
  git -C "$1" add -A
  git -C "$1" commit -q -m "a commit"
}

make_repository "$work/a" 300
export BALE_STORE=$work/base
"$bale" --quiet import git "$work/a" --name a
make_repository "$work/a" 200
"$bale" --quiet import git "$work/a" --name a
make_repository "$work/b" 300
# A pack that gc needs partly: the objects of main, after the other branch is deleted.
git -C "$work/b" checkout -q -b other
make_repository "$work/b" 100
"$bale" --quiet import git "$work/b" --name gone
git -C "$work/b" checkout -q main
git -C "$work/b" branch -q -D other
"$bale" --quiet import git "$work/b" --name b
"$bale" --quiet archive rm gone
make_repository "$work/a" 500
make_repository "$work/new" 900
export BALE_STORE=$disk/store

verify() {
  "$bale" verify --json >"$work/verify.out" 2>&1 || fail "$1: $(cat "$work/verify.out")"
}

# The store's files that an import must not leave behind.
files() {
  (cd "$disk/store" && find packs staging archives -mindepth 1 -name '.*' -prune -o -print | sort)
}

# try_verb LEFT_KIB ARGUMENTS...: 0 if it ran out of space, 1 if there was enough.
try_verb() {
  local left=$1 status=0
  shift
  rm -rf "$disk"/*
  cp -r "$work/base" "$disk/store"
  files >"$work/before"
  local free
  free=$(df --output=avail -k "$disk" | tail -1)
  if [ "$free" -gt "$left" ]; then fallocate -l "$((free - left))k" "$disk/filler"; fi
  "$bale" "$@" --quiet >"$work/out" 2>"$work/err" || status=$?
  [ $status -eq 0 ] || [ $status -eq 1 ] || fail "$*, $left KiB: status $status: $(cat "$work/err")"
  if [ $status -eq 1 ]; then
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "$*, $left KiB: not one line: $(cat "$work/err")"
    grep -q "No space left on device" "$work/err" || fail "$*, $left KiB: $(cat "$work/err")"
    files >"$work/after"
    cmp -s "$work/before" "$work/after" ||
      fail "$*, $left KiB left behind: $(diff "$work/before" "$work/after")"
  fi
  verify "$*, $left KiB"
  if [ $status -eq 1 ]; then
    rm -f "$disk/filler"
    "$bale" "$@" --quiet 2>"$work/err" || fail "$*, with room again: $(cat "$work/err")"
    verify "$*, with room again"
  fi
  return $((1 - status))
}

full=0
for verb in "import git $work/new --name new" "import git $work/a --name a" "archive rm b" \
  "archive prune a --keep 1" "repack" "repack --delta" "gc"; do
  ran_out=0
  for step in $(seq 0 "$((steps - 1))"); do
    # From nothing to nearly enough for the largest; more steps with little.
    left=$((step * step * 1000 / (steps * steps)))
    # shellcheck disable=SC2086 # a verb is several words
    if try_verb "$left" $verb; then ran_out=$((ran_out + 1)); fi
  done
  echo "$verb: ran out of room $ran_out times of $steps" | sed "s|$work/||"
  [ "$ran_out" -gt 0 ] || fail "$verb: it never ran out of room"
  full=$((full + ran_out))
done
echo "full disks: $full, nothing lost and nothing left behind"
