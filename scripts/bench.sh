#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Compares bale with hardware limits and its peers: installs missing packages (the peers' libraries
# too), builds optimized, and runs every benchmark. doc/BENCHMARKS.md explains the figures.
#
#   scripts/bench.sh                      everything: an hour, 16 GB of memory, 40 GB of disk
#   scripts/bench.sh --work s,m --runs 3  any options of bale_compare (see --help)
#   scripts/bench.sh --scale 0.01         everything, small: a minute
#
# It works in a new directory of ${BENCH_DIR:-/var/tmp}, which should be on the disk to measure. It
# writes the figures to build/bench/figures.json, or to the file of --json.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/deps.sh
peers=(librocksdb-dev liblmdb-dev libsqlite3-dev)
missing=()
for package in "${peers[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  echo "Installing the peers: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c '
    apt-get update -q >/dev/null
    apt-get install -q -y --no-install-recommends "$@" >/dev/null' sh "${missing[@]}" ||
    echo "scripts/bench.sh: going on without those that could not be installed" >&2
fi

echo "Building (build/bench) ..."
work=$(mktemp -d "${BENCH_DIR:-/var/tmp}/bale-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
{
  cmake -S . -B build/bench -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DBALE_BENCH=ON
  cmake --build build/bench --target bale_compare
} >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

arguments=("$@")
says() { printf '%s\n' "${arguments[@]}" | grep -q -- "^$1"; }
says --work || arguments+=(--work s,m,l,get,lookup,verify,index,x)
says --json || arguments+=(--json build/bench/figures.json)
build/bench/bench/bale_compare --directory "$work" "${arguments[@]}"
