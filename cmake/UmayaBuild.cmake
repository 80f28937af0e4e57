# Compiler settings and the three kinds of target: umaya_library, umaya_core, umaya_program.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

find_program(UMAYA_CCACHE ccache)
if(UMAYA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${UMAYA_CCACHE})
endif()
find_program(UMAYA_MOLD mold)
if(UMAYA_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Werror -fno-strict-aliasing -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE)
if(UMAYA_ASAN)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  # Programs write their reports here (tests/support/sanitizer_reports.cc), whatever user they have become by then.
  set(UMAYA_SANITIZER_REPORTS ${CMAKE_BINARY_DIR}/sanitizer-reports)
  file(MAKE_DIRECTORY ${UMAYA_SANITIZER_REPORTS})
  file(CHMOD ${UMAYA_SANITIZER_REPORTS} DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
       GROUP_READ GROUP_WRITE GROUP_EXECUTE WORLD_READ WORLD_WRITE WORLD_EXECUTE)
else()
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_link_options(-pie -Wl,-z,relro,-z,now -Wl,--as-needed)
endif()
if(UMAYA_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link -Wno-unused-command-line-argument)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports coroutine frames as mismatched new/delete and inlined optional as maybe-uninitialized.
  add_compile_options(-Wno-mismatched-new-delete -Wno-maybe-uninitialized -Wno-dangling-pointer)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's stable_sort uses what it has itself deprecated.
  add_compile_options(-Wno-deprecated-declarations)
endif()

include_directories(${CMAKE_SOURCE_DIR})

# umaya_library(NAME DEPS…): static library umaya_NAME from every .cc in this folder.
function(umaya_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/libcommon/${name}/*.cc
       ${CMAKE_SOURCE_DIR}/libcommon/${name}/*/*.cc)
  if(sources)
    add_library(umaya_${name} STATIC ${sources})
    target_link_libraries(umaya_${name} PUBLIC ${ARGN})
  else()
    add_library(umaya_${name} INTERFACE)
    target_link_libraries(umaya_${name} INTERFACE ${ARGN})
  endif()
endfunction()

# umaya_core(NAME DEPS…): static library NAME_core from every .cc here that is not a main.
function(umaya_core name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/*/*.cc)
  list(FILTER sources EXCLUDE REGEX "main\\.cc$")
  add_library(${name}_core STATIC ${sources})
  target_link_libraries(${name}_core PUBLIC ${ARGN})
endfunction()

# All that is installed or run, without the tests.
add_custom_target(programs)

# umaya_program(NAME bin|sbin|libexec MAIN LIBS…): one executable, put where an uninstalled build looks for it.
function(umaya_program name place main)
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE ${ARGN})
  add_dependencies(programs ${name})
  if(UMAYA_SANITIZER_REPORTS)
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/sanitizer_reports.cc)
    target_compile_definitions(${name} PRIVATE UMAYA_SANITIZER_REPORTS="${UMAYA_SANITIZER_REPORTS}")
  endif()
  if(place STREQUAL "libexec")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/libexec)
  else()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  endif()
  set_property(GLOBAL APPEND PROPERTY UMAYA_PROGRAMS_${place} ${name})
endfunction()
