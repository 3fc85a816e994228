#include "workloads/scratch.h"

#include <cstdlib>

namespace bench {

std::string temporary_folder() {
  const char* const given = std::getenv("TMPDIR");
  return given != nullptr && *given != 0 ? given : "/tmp";
}

}  // namespace bench
