#include "harness/session/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "harness/text/terminal.h"

namespace bench {
namespace {

// Progress that nobody can read is no reason to stop, so failures to write are passed over.
void write_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

// As much of UTF-8 `text` as fits in one line of the terminal.
std::string_view one_line(std::string_view text) {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return text;
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool starts_character = (text[at] & 0xC0) != 0x80;
    if (starts_character && ++columns >= size.ws_col) return text.substr(0, at);
  }
  return text;
}

}  // namespace

Progress::Progress(bool enabled) : enabled_(enabled), terminal_(takes_escapes(STDERR_FILENO)) {}

void Progress::show(std::string_view what, std::int64_t left_ns) {
  if (!enabled_ || !terminal_) return;
  const std::int64_t seconds = (left_ns + 999'999'999) / 1'000'000'000;
  const std::string text = fmt::format("about {}:{:02} left · {}", seconds / 60, seconds % 60, what);
  write_error(fmt::format("\r\x1b[2K{}", one_line(text)));
  shown_ = true;
}

void Progress::round_line(std::string_view text) {
  if (enabled_ && !terminal_) line(text);
}

void Progress::line(std::string_view text) {
  clear();
  write_error(fmt::format("bench: {}\n", text));
}

void Progress::clear() {
  if (!shown_) return;
  write_error("\r\x1b[2K");
  shown_ = false;
}

}  // namespace bench
