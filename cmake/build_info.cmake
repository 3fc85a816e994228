# Writes build_info.cpp: what the binary is built from and with.
find_package(Git QUIET)
set(revision unknown)
function(ask_git variable)
  # Whoever owns the checkout: nothing of it is run.
  execute_process(COMMAND ${GIT_EXECUTABLE} -c safe.directory=* -C ${SOURCE_DIR} ${ARGN}
                  OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set(${variable} "${answer}" PARENT_SCOPE)
endfunction()
if(GIT_FOUND)
  # Sources without a history of their own may lie inside somebody else's, whose revision says nothing of them.
  ask_git(top rev-parse --show-toplevel)
  file(REAL_PATH "${SOURCE_DIR}" source_dir)
  if(top)
    file(REAL_PATH "${top}" top)
  endif()
  if(top STREQUAL source_dir)
    ask_git(described describe --always --dirty --abbrev=10 --exclude=*)
    if(described)
      set(revision ${described})
    endif()
  endif()
endif()
string(STRIP "${FLAGS}" FLAGS)
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#include "harness/report/build_info.h"

namespace bench {
const BuildInfo build_info{
    .version = "@VERSION@",
    .git_revision = "@revision@",
    .compiler = "@COMPILER@",
    .flags = "@FLAGS@",
    .build_type = "@BUILD_TYPE@",
};
}  // namespace bench
]])
file(TOUCH ${OUTPUT})
