# Sources are those that lie in a folder: a new file needs no line here.

# bench_sources(VARIABLE FOLDER…): the C++ files right in these folders.
function(bench_sources variable)
  list(TRANSFORM ARGN APPEND "/*.cpp" OUTPUT_VARIABLE patterns)
  file(GLOB found CONFIGURE_DEPENDS ${patterns})
  set(${variable} ${found} PARENT_SCOPE)
endfunction()
