# How everything here is compiled: language, warnings, sanitizers, and the fast tools when they are present.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# Checks stay on in every build (no NDEBUG): a broken invariant must end the process, not corrupt a delivery.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1")

add_compile_options(-Wall -Wextra)
if(RB_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports overlaps inside its own std::string at -O2: https://gcc.gnu.org/PR105651
  add_compile_options(-Wno-restrict)
endif()
# Bounds checks of the standard library, in the release build too: input is hostile.
add_compile_definitions(_GLIBCXX_ASSERTIONS)

if(RB_SANITIZE)
  # Without vptr: it opens a pipe to look at memory, and so sees a broken object wherever descriptors have run out,
  # which is what a test of net/ makes happen.
  add_compile_options(-fsanitize=${RB_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${RB_SANITIZE})
endif()

find_program(RB_CCACHE ccache)
if(RB_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${RB_CCACHE})
endif()
find_program(RB_MOLD mold)
find_program(RB_LLD ld.lld)
if(RB_MOLD)
  add_link_options(-fuse-ld=mold)
elseif(RB_LLD)
  add_link_options(-fuse-ld=lld)
endif()
