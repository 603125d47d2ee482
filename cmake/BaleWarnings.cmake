# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
#
# bale_warnings(TARGET): all warnings, and the configured sanitizers.
function(bale_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-qual
    -Wnon-virtual-dtor -Woverloaded-virtual -Wmissing-declarations -Wformat=2)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE
      -Wsuggest-override -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wuseless-cast)
    # GCC 12 reports initializers that a designated list leaves to their defaults.
    target_compile_options(${target} PRIVATE -Wno-missing-field-initializers)
    # GCC 12 mistakes the unused half of a std::variant (so of a Result) for an uninitialized value.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    if(BALE_UNITY)
      # It is for headers, and mistakes an included source for one.
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
  if(BALE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

if(BALE_SANITIZE)
  add_compile_options(-fsanitize=${BALE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BALE_SANITIZE})
endif()
