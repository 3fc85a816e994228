# Writes build_info.cpp: what the binary is built from and with.
find_package(Git QUIET)
set(revision unknown)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} describe --always --dirty --abbrev=10 --exclude=*
                  OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND described)
    set(revision ${described})
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
