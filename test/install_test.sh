#!/usr/bin/env bash
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs a build of bale into its own directory and uses it as another project would: from CMake,
# from pkg-config, and by running the program. Called by ctest: install_test.sh BUILD CXX
set -euo pipefail
build=$1
cxx=$2
consumer=$(cd "$(dirname "$0")/consumer" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The prefix is not the configured one; only bale.pc knows it.
use_pkg_config() {  # PREFIX SOURCE PROGRAM
  local flags
  flags=$(PKG_CONFIG_PATH=$(dirname "$(find "$1" -name bale.pc)") pkg-config --cflags --libs bale)
  case $flags in *"-I$1/"*"-L$1/"*) ;; *) echo "flags lead out of $1: $flags" && exit 1 ;; esac
  # shellcheck disable=SC2086
  "$cxx" -std=c++20 "$2" -o "$3" $flags
}

# Each kind of library, of which the build installs one unless a component is named.
for kind in static shared; do
  prefix=$work/$kind
  for component in Unspecified "$kind"; do
    cmake --install "$build" --prefix "$prefix" --component "$component" >>"$work/install.log"
  done

  cmake -S "$consumer" -B "$work/cmake_$kind" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log"
  cmake --build "$work/cmake_$kind" >>"$work/cmake.log"
  by_cmake=$("$work/cmake_$kind/consumer")

  use_pkg_config "$prefix" "$consumer/consumer.cc" "$work/by_pkg_config"
  folder=$(dirname "$(find "$prefix" -name 'libbale.*' | head -1)")
  by_pkg_config=$(LD_LIBRARY_PATH=$folder "$work/by_pkg_config")
  [ "$by_cmake" = "$by_pkg_config" ]

  # Only the shared library is needed by a program that uses it, with the libraries below it.
  for program in "$work/cmake_$kind/consumer" "$work/by_pkg_config"; do
    needed=$(readelf -d "$program" | grep -Eo 'lib(bale|zstd)\.so[^]]*' | tr '\n' ' ')
    case $kind/$needed in
      static/libzstd.so.?" " | shared/libbale.so.*.*" ") ;;
      *) echo "$kind: $program needs $needed" && exit 1 ;;
    esac
  done
done

# The README's program, after the tree was moved; packages are staged with DESTDIR and moved too.
mv "$work/static" "$work/moved"
sed -n '/^```cpp$/,/^```$/{/^```/d;p}' "$(dirname "$0")/../README.md" >"$work/readme.cc"
use_pkg_config "$work/moved" "$work/readme.cc" "$work/readme"
(cd "$work" && ./readme | grep -Eq '^[0-9a-f]{64} 12 bytes$')
DESTDIR=$work/stage cmake --install "$build" --prefix /opt/bale >>"$work/install.log"
use_pkg_config "$work/stage/opt/bale" "$work/readme.cc" "$work/readme"

"$work/moved/bin/bale" --version
echo "both consumers: $by_cmake"
