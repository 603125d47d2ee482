# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# BLAKE3 from the official C and assembly sources, which Debian ships inside librust-blake3-dev.
# They are compiled into libbale; the best SIMD kernel is chosen at run time.
file(GLOB BALE_BLAKE3_CANDIDATES "/usr/share/cargo/registry/blake3-*/c")
list(SORT BALE_BLAKE3_CANDIDATES COMPARE NATURAL ORDER DESCENDING)
list(APPEND BALE_BLAKE3_CANDIDATES "")
list(GET BALE_BLAKE3_CANDIDATES 0 BALE_BLAKE3_DEFAULT)
set(BALE_BLAKE3_DIR "${BALE_BLAKE3_DEFAULT}" CACHE PATH
    "The folder c/ of the official BLAKE3 sources")
if(NOT EXISTS "${BALE_BLAKE3_DIR}/blake3_dispatch.c")
  message(FATAL_ERROR
    "bale: the official BLAKE3 C sources are missing. Install Debian's package librust-blake3-dev "
    "(scripts/deps.sh does it), or point -DBALE_BLAKE3_DIR at the folder c/ of the BLAKE3 "
    "sources. Looked for: /usr/share/cargo/registry/blake3-*/c/blake3_dispatch.c")
endif()

set(blake3_sources blake3.c blake3_dispatch.c blake3_portable.c)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  list(APPEND blake3_sources blake3_sse2_x86-64_unix.S blake3_sse41_x86-64_unix.S
    blake3_avx2_x86-64_unix.S blake3_avx512_x86-64_unix.S)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  list(APPEND blake3_sources blake3_neon.c)
  set(blake3_definitions BLAKE3_USE_NEON=1)
endif()
list(TRANSFORM blake3_sources PREPEND "${BALE_BLAKE3_DIR}/")
add_library(bale_blake3_objects OBJECT ${blake3_sources})
set_target_properties(bale_blake3_objects PROPERTIES POSITION_INDEPENDENT_CODE ON
  C_STANDARD 11 C_CLANG_TIDY "")
target_compile_definitions(bale_blake3_objects PRIVATE ${blake3_definitions})
# For the headers only; the objects become part of libbale.
add_library(bale_blake3 INTERFACE)
target_include_directories(bale_blake3 SYSTEM INTERFACE $<BUILD_INTERFACE:${BALE_BLAKE3_DIR}>)
