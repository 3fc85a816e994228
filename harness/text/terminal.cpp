#include "harness/text/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace bench {

bool takes_escapes(int fd) {
  const char* type = std::getenv("TERM");
  return isatty(fd) != 0 && type != nullptr && *type != '\0' && std::string_view(type) != "dumb";
}

std::size_t terminal_width(int fd) {
  winsize size{};
  if (isatty(fd) == 0 || ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

}  // namespace bench
