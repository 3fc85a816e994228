#include "harness/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace bench {

Progress::Progress(bool enabled) : enabled_(enabled), terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::show(std::string_view what, std::int64_t left_ns) {
  if (!enabled_ || !terminal_) return;
  const std::int64_t seconds = (left_ns + 999'999'999) / 1'000'000'000;
  fmt::print(stderr, "\r\x1b[2K{} · about {}:{:02} left", what, seconds / 60, seconds % 60);
  std::fflush(stderr);
  shown_ = true;
}

void Progress::round_line(std::string_view text) {
  if (enabled_ && !terminal_) line(text);
}

void Progress::line(std::string_view text) {
  clear();
  fmt::print(stderr, "bench: {}\n", text);
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\x1b[2K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace bench
