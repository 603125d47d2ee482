#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs the missing Debian packages that bale needs, and names them.
#
#   scripts/deps.sh          what building and running the program needs
#   scripts/deps.sh --test   and what the tests need
#   scripts/deps.sh --all    and what sanitizers, fuzzers and clang-tidy need
set -euo pipefail

packages=(g++ cmake ninja-build pkg-config git python3
  librust-blake3-dev libzstd-dev libdeflate-dev zlib1g-dev libssl-dev libfmt-dev
  nlohmann-json3-dev libcli11-dev)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev b3sum rsync strace time)
all_packages=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev)

case "${1:-}" in
  "") ;;
  --test) packages+=("${test_packages[@]}") ;;
  --all) packages+=("${test_packages[@]}" "${all_packages[@]}") ;;
  *) echo "usage: scripts/deps.sh [--test | --all]" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "All ${#packages[@]} packages that bale needs here are installed."
  exit 0
fi

echo "Installing: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "scripts/deps.sh: run it as root, or install sudo: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q >/dev/null
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null
echo "Installed."
