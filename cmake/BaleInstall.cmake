# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs the program, the library, its headers, and files for find_package(bale) and pkg-config.
include(CMakePackageConfigHelpers)

set(BALE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/bale)
install(TARGETS bale_cli)
install(DIRECTORY include/bale TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE README.md doc/FORMAT.md TYPE DOC)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/baleConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/baleConfigVersion.cmake DESTINATION ${BALE_CMAKE_DIR})

# bale.pc finds the rest from where it is itself (pcfiledir), so that neither --prefix at
# installation nor moving the tree later makes it wrong. Only an absolute library directory does not
# say where the prefix is; then the prefix is written at installation.
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

# Each kind of library is a component, with the files that say how to link it; the rest is the
# component Unspecified. Only the kind that BUILD_SHARED_LIBS says is part of a whole installation.
foreach(kind ${BALE_KINDS})
  set(folder ${PROJECT_BINARY_DIR}/install_${kind})
  set(component COMPONENT ${kind})
  if(NOT kind STREQUAL BALE_KIND)
    list(APPEND component EXCLUDE_FROM_ALL)
  endif()
  # Who links a static library must link what it uses as well.
  if(kind STREQUAL "static")
    set(BALE_PC_REQUIRES_KEY Requires)
    set(BALE_PC_LIBS " -lpthread")
  else()
    set(BALE_PC_REQUIRES_KEY Requires.private)
    set(BALE_PC_LIBS "")
  endif()
  install(TARGETS bale_${kind} EXPORT bale_${kind} LIBRARY ${component} ARCHIVE ${component})
  install(EXPORT bale_${kind} FILE bale-${kind}-targets.cmake NAMESPACE bale::
    DESTINATION ${BALE_CMAKE_DIR} ${component})
  configure_package_config_file(cmake/baleConfig.cmake.in ${folder}/baleConfig.cmake
    INSTALL_DESTINATION ${BALE_CMAKE_DIR})
  install(FILES ${folder}/baleConfig.cmake DESTINATION ${BALE_CMAKE_DIR} ${component})
  configure_file(cmake/bale.pc.in ${folder}/bale.pc.in @ONLY)
  install(CODE "configure_file(\"${folder}/bale.pc.in\" \"${folder}/bale.pc\" @ONLY)"
    ${component})
  install(FILES ${folder}/bale.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${component})
endforeach()
