#include "harness/text/terminal.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace bench {

bool takes_escapes(int fd) {
  const char* type = std::getenv("TERM");
  return isatty(fd) != 0 && type != nullptr && *type != '\0' && std::string_view(type) != "dumb";
}

}  // namespace bench
