# Files of a folder that are compiled as one: most of what a file costs the compiler is the headers and templates that
# its neighbours take, too. Not for what is measured, whose files are optimised each for itself, but under sanitizers.
option(BENCH_TOGETHER "Compile the files of a folder as one, where they are not measured" ON)

# bench_together(TARGET [MEASURED] [EXCEPT REGEX]): eight files at a time, so that there is something for each processor.
# A name in an unnamed namespace is then known to the others of the folder, too; files that give the same name to
# different things, as those of the kinds do, are excepted. MEASURED is what is measured: only sanitizers have it so.
function(bench_together target)
  cmake_parse_arguments(PARSE_ARGV 1 arg MEASURED EXCEPT "")
  if(NOT BENCH_TOGETHER OR (arg_MEASURED AND NOT BENCH_SANITIZE))
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  if(arg_EXCEPT)
    list(FILTER sources EXCLUDE REGEX ${arg_EXCEPT})
  endif()
  foreach(source IN LISTS sources)
    cmake_path(GET source PARENT_PATH folder)
    string(SHA1 id "${folder}")
    if(NOT DEFINED count_${id})
      set(count_${id} 0)
    endif()
    math(EXPR batch "${count_${id}} / 8")
    math(EXPR count_${id} "${count_${id}} + 1")
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    string(REPLACE "/" "_" group "${folder}_${batch}")
    set_property(SOURCE ${source} PROPERTY UNITY_GROUP ${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # g++ takes what is not the first of the files for a header, where an unnamed namespace is a mistake.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()
