#include "harness/text/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

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

std::string printable(std::string_view text, LineBreaks breaks) {
  std::string shown;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    const bool obeyed = (code < ' ' && !(c == '\n' && breaks == LineBreaks::keep)) || code == 0x7F;
    shown += obeyed ? fmt::format("\\x{:02X}", code) : std::string(1, c);
  }
  return shown;
}

}  // namespace bench
