#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs a build of bale into a directory of its own and uses it as a stranger would: from CMake,
# from pkg-config, and by running the program. Called by ctest: install_test.sh BUILD CXX
set -euo pipefail
build=$1
cxx=$2
consumer=$(cd "$(dirname "$0")/consumer" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log"

cmake -S "$consumer" -B "$work/cmake" -DCMAKE_CXX_COMPILER="$cxx" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/cmake.log"
cmake --build "$work/cmake" >>"$work/cmake.log"
by_cmake=$("$work/cmake/consumer")

PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name bale.pc)")
export PKG_CONFIG_PATH
# The prefix in the file is that of the build; here it is another.
# shellcheck disable=SC2046
"$cxx" -std=c++20 "$consumer/consumer.cc" -o "$work/by_pkg_config" \
  $(pkg-config --define-variable=prefix="$work/prefix" --cflags --libs bale)
by_pkg_config=$("$work/by_pkg_config")

[ "$by_cmake" = "$by_pkg_config" ]
"$work/prefix/bin/bale" --version
echo "both consumers: $by_cmake"
