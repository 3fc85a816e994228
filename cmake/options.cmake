# One interface target that every target of the project links: warnings, sanitizers, the include path.
add_library(bench_options INTERFACE)
target_include_directories(bench_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(bench_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
# Not under sanitizers: there g++ 12 takes its own library's std::function for uninitialised.
if(BENCH_WERROR AND NOT BENCH_SANITIZE)
  target_compile_options(bench_options INTERFACE -Werror)
endif()
# A compiler that tidies up its memory less often is faster by a seventh, and takes up to 0.8 GB for the largest files.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(bench_options INTERFACE --param=ggc-min-expand=500 --param=ggc-min-heapsize=1048576)
endif()
target_link_libraries(bench_options INTERFACE Threads::Threads fmt::fmt)
# Symbols are bound at start. Bound at their first call, each forked child would look up again what its parent has not
# called, such as _exit: 40 µs of the 220 that a child cost.
target_link_options(bench_options INTERFACE -Wl,-z,now)

if(BENCH_SANITIZE)
  target_compile_options(bench_options INTERFACE
    -fsanitize=${BENCH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(bench_options INTERFACE -fsanitize=${BENCH_SANITIZE})
  # Of undefined behaviour, not what begins with a pointer: the address sanitizer sees most of what comes of that, though
  # nothing of alignment, and each use of a pointer would be checked twice, which g++ takes long to compile.
  target_compile_options(bench_options INTERFACE -fno-sanitize=null,object-size,vptr,pointer-overflow,alignment)
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    # g++ defines these by itself.
    foreach(name address thread)
      string(TOUPPER ${name} upper)
      if(BENCH_SANITIZE MATCHES ${name})
        target_compile_definitions(bench_options INTERFACE __SANITIZE_${upper}__=1)
      endif()
    endforeach()
    # clang 14 cannot assemble what it puts before each function, where that is a coroutine.
    if(BENCH_SANITIZE MATCHES undefined)
      target_compile_options(bench_options INTERFACE -fno-sanitize=function)
    endif()
  endif()
endif()
