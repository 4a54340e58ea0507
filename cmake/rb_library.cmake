# One library and one test program per folder of src/. Files are found by name, so adding one needs no edit here.
include(GoogleTest)

add_custom_target(unit_and_scenario_tests)  # what the sanitizers look at

# rb_objects(name SOURCES file... INCLUDES folder... LIBS library...): a static library; one without sources is legal.
function(rb_objects name)
  cmake_parse_arguments(arg "" "" "SOURCES;INCLUDES;LIBS" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    set(access PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(access INTERFACE)
  endif()
  target_include_directories(${name} ${access} ${arg_INCLUDES})
  target_link_libraries(${name} ${access} ${arg_LIBS})
endfunction()

# rb_test(name LABEL label SOURCES file... LIBS library...): a GoogleTest program, each of its tests known to ctest.
function(rb_test name)
  cmake_parse_arguments(arg "" "LABEL" "SOURCES;LIBS" ${ARGN})
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE RB_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set(seconds 900)  # end to end: many kills and restarts
  if(NOT arg_LABEL STREQUAL "e2e")
    set(seconds 300)
    add_dependencies(unit_and_scenario_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${seconds})
endfunction()

# rb_library(folder DEPS folder... LIBS library...): `folder` from *.cc and `folder_test` from *_test.cc. A *_main.cc is
# neither: it is the main file of a helper program. DEPS are folders of lower rank; tools/check_layers checks includes.
function(rb_library name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  rb_objects(${name} SOURCES ${sources} INCLUDES ${CMAKE_SOURCE_DIR}/src LIBS ${arg_DEPS} ${arg_LIBS})
  rb_test(${name}_test LABEL unit SOURCES ${tests} LIBS ${name} test_support)
endfunction()

# rb_programs(folder SUFFIX _x LIBS library... LINK_OPTIONS option... MAIN file): one program per folder/*_x.cc, with the
# folder's other sources; of those that end in _main.cc, with MAIN only.
function(rb_programs folder)
  cmake_parse_arguments(arg "" "SUFFIX;MAIN" "LIBS;LINK_OPTIONS" ${ARGN})
  file(GLOB mains CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*${arg_SUFFIX}.cc)
  file(GLOB shared CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER shared EXCLUDE REGEX "(${arg_SUFFIX}|_main)\\.cc$")
  if(arg_MAIN)
    list(APPEND shared ${CMAKE_SOURCE_DIR}/${folder}/${arg_MAIN})
  endif()
  foreach(main ${mains})
    get_filename_component(name ${main} NAME_WE)
    add_executable(${name} ${main} ${shared})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ${arg_LIBS})
    target_link_options(${name} PRIVATE ${arg_LINK_OPTIONS})
    target_compile_definitions(${name} PRIVATE RB_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${folder})
  endforeach()
endfunction()
