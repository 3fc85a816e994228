// Progress on standard error: one line that is rewritten on a terminal, plain lines elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

class Progress {
 public:
  /// `enabled` false keeps quiet but for line(). Looks at standard error to see whether it is a terminal.
  explicit Progress(bool enabled);

  /// What runs now and about how long the plan still takes, in nanoseconds. Terminal only.
  void show(std::string_view what, std::int64_t left_ns);

  /// A line for each round. Not on a terminal, where show() says as much.
  void round_line(std::string_view text);

  /// A line that stays, whatever the setting: a warning or a failure.
  void line(std::string_view text);

  /// Removes the rewritten line.
  void clear();

 private:
  bool enabled_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace bench
