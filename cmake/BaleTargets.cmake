# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# What a room's CMakeLists.txt says, in one line each:
#   bale_sources(a.cc b.cc)            the room's files, part of libbale
#   bale_tests(ROOM a_test.cc ...)     one test program a room, every TEST a ctest of its own
#   bale_benchmarks(ROOM a_bench.cc)   one benchmark program a room, smoke-run by ctest
#   bale_fuzzer(entry_fuzz.cc)         one libFuzzer program; its corpus is replayed by ctest

function(bale_sources)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  target_sources(bale PRIVATE ${ARGN})
endfunction()

function(bale_link_private target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(${target} PRIVATE BALE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE bale bale_blake3 Threads::Threads OpenSSL::Crypto
    ZLIB::ZLIB fmt::fmt nlohmann_json::nlohmann_json PkgConfig::ZSTD PkgConfig::DEFLATE)
  bale_warnings(${target})
endfunction()

function(bale_tests room)
  if(NOT BUILD_TESTING)
    return()
  endif()
  add_executable(${room}_tests ${ARGN})
  bale_link_private(${room}_tests)
  target_link_libraries(${room}_tests PRIVATE bale_testing GTest::gmock GTest::gtest
    GTest::gtest_main)
  gtest_discover_tests(${room}_tests DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endfunction()

function(bale_benchmarks room)
  if(NOT BUILD_TESTING)
    return()
  endif()
  add_executable(${room}_bench ${ARGN})
  bale_link_private(${room}_bench)
  target_link_libraries(${room}_bench PRIVATE benchmark::benchmark benchmark::benchmark_main)
  add_test(NAME ${room}_bench_smoke
    COMMAND ${room}_bench --benchmark_min_time=0.001 --benchmark_filter=smoke)
endfunction()

# The same source is a libFuzzer program with BALE_FUZZ, and else a program that replays a corpus.
function(bale_fuzzer source)
  if(NOT BUILD_TESTING)
    return()
  endif()
  get_filename_component(name ${source} NAME_WE)
  if(BALE_FUZZ)
    add_executable(${name} ${source})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} ${source} ${PROJECT_SOURCE_DIR}/src/testing/replay_corpus.cc)
  endif()
  bale_link_private(${name})
  set(corpus ${PROJECT_SOURCE_DIR}/test/corpus/${name})
  if(BALE_FUZZ)
    add_test(NAME ${name}_corpus COMMAND ${name} -runs=0 ${corpus})
  else()
    add_test(NAME ${name}_corpus COMMAND ${name} ${corpus})
  endif()
endfunction()
