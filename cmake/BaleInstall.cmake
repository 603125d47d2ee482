# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs the program, the library, its headers, and files for find_package(bale) and pkg-config.
include(CMakePackageConfigHelpers)

install(TARGETS bale EXPORT bale-targets)
install(TARGETS bale_cli)
install(DIRECTORY include/bale TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE README.md doc/FORMAT.md TYPE DOC)

set(BALE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/bale)
install(EXPORT bale-targets NAMESPACE bale:: DESTINATION ${BALE_CMAKE_DIR})
configure_package_config_file(cmake/baleConfig.cmake.in ${PROJECT_BINARY_DIR}/baleConfig.cmake
  INSTALL_DESTINATION ${BALE_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/baleConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/baleConfig.cmake ${PROJECT_BINARY_DIR}/baleConfigVersion.cmake
  DESTINATION ${BALE_CMAKE_DIR})

# Users of a static library must also link its dependencies.
if(BUILD_SHARED_LIBS)
  set(BALE_PC_REQUIRES_KEY Requires.private)
else()
  set(BALE_PC_REQUIRES_KEY Requires)
endif()
# bale.pc locates the prefix relative to itself (pcfiledir), so that --prefix at installation and
# moving the tree later work. With an absolute library directory the prefix is written at
# installation.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(BALE_PC_PREFIX "@CMAKE_INSTALL_PREFIX@")
else()
  file(RELATIVE_PATH up "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(BALE_PC_PREFIX "\${pcfiledir}/${up}")
endif()
set(BALE_PC_LIBDIR "\${pcfiledir}/..")
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(BALE_PC_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(BALE_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/bale.pc.in ${PROJECT_BINARY_DIR}/bale.pc.in @ONLY)
install(CODE "set(from \"${PROJECT_BINARY_DIR}/bale.pc.in\")
configure_file(\"\${from}\" \"${PROJECT_BINARY_DIR}/bale.pc\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/bale.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
