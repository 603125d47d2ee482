# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Functions for a room's CMakeLists.txt:
#   bale_sources(a.cc b.cc)            the room's files, part of libbale
#   bale_tests(ROOM a_test.cc ... [LONG A.* B.c ...])
#                                      one test program a room, every TEST a ctest of its own;
#                                      those that are listed after LONG have the label `long`
#   bale_benchmarks(ROOM a_bench.cc)   one benchmark program a room, smoke-run by ctest
#   bale_fuzzer(entry_fuzz.cc)         one libFuzzer program; its corpus is replayed by ctest

# With BALE_UNITY, several files of a target are compiled as one source, since most build time is
# spent on headers. Rooms are separate, so names need to differ only within a room. The presets
# `clang` and `fuzz` compile every file separately, which shows a missing include. BALE_UNITY_APART:
# a source that is always compiled separately, for scripts/mutate.py.
set(BALE_UNITY_FILES 10)

function(bale_unity target)
  if(NOT BALE_UNITY)
    return()
  endif()
  get_filename_component(room ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(number 0)
  foreach(source ${ARGN})
    math(EXPR group "${number} / ${BALE_UNITY_FILES}")
    math(EXPR number "${number} + 1")
    if(source IN_LIST BALE_UNITY_APART)
      continue()
    endif()
    set_source_files_properties(${source} TARGET_DIRECTORY ${target} PROPERTIES
      UNITY_GROUP ${room}_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

function(bale_sources)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  target_sources(bale_objects PRIVATE ${ARGN})
  bale_unity(bale_objects ${ARGN})
endfunction()

function(bale_link_private target)
  # As the library: its classes have members of hidden types.
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(${target} PRIVATE BALE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE bale_static bale_blake3 Threads::Threads OpenSSL::Crypto
    ZLIB::ZLIB fmt::fmt nlohmann_json::nlohmann_json PkgConfig::ZSTD PkgConfig::DEFLATE)
  bale_warnings(${target})
endfunction()

# Tests are compiled more often than run, so without most optimizations.
function(bale_quick_to_compile target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Og>)
endfunction()

function(bale_tests room)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 tests "" "" "LONG")
  string(JOIN ":" long ${tests_LONG})
  set(sources ${tests_UNPARSED_ARGUMENTS})
  add_executable(${room}_tests ${sources})
  bale_unity(${room}_tests ${sources})
  bale_link_private(${room}_tests)
  bale_quick_to_compile(${room}_tests)
  target_link_libraries(${room}_tests PRIVATE bale_testing GTest::gmock GTest::gtest
    GTest::gtest_main)
  if(NOT long STREQUAL "*")
    if(long)
      set(quick TEST_FILTER "-${long}")
    endif()
    gtest_discover_tests(${room}_tests ${quick} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
  endif()
  if(long)
    gtest_discover_tests(${room}_tests TEST_FILTER "${long}" TEST_LIST ${room}_long
      DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 900 LABELS long)
  endif()
endfunction()

function(bale_benchmarks room)
  if(NOT BUILD_TESTING OR BALE_SANITIZE)
    return()
  endif()
  add_executable(${room}_bench ${ARGN})
  bale_link_private(${room}_bench)
  target_link_libraries(${room}_bench PRIVATE benchmark::benchmark benchmark::benchmark_main)
  add_test(NAME ${room}_bench_smoke
    COMMAND ${room}_bench --benchmark_min_time=0.001 --benchmark_filter=smoke)
endfunction()

# A libFuzzer program with BALE_FUZZ, otherwise a program that replays a corpus.
function(bale_fuzzer source)
  if(NOT BUILD_TESTING)
    return()
  endif()
  get_filename_component(name ${source} NAME_WE)
  if(BALE_FUZZ)
    add_executable(${name} ${source})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE bale_replay_corpus)
  endif()
  bale_link_private(${name})
  target_link_libraries(${name} PRIVATE bale_testing GTest::gtest)
  set(corpus ${PROJECT_SOURCE_DIR}/test/corpus/${name})
  if(BALE_FUZZ)
    add_test(NAME ${name}_corpus COMMAND ${name} -runs=0 ${corpus})
  else()
    add_test(NAME ${name}_corpus COMMAND ${name} ${corpus})
  endif()
endfunction()
