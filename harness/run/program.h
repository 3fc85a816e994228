// Another program, run to its end.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace bench {

/// How a program ended.
struct ProgramEnd {
  int status = 0;          ///< Its exit status, or 128 and its signal.
  std::string said;        ///< What it wrote to standard error, to the last 64 KiB.
  bool cancelled = false;  ///< It was ended since `go_on` said no.
};

/// Runs `arguments`, the first of which is the program's path or a name that PATH has, in `folder` (empty: this one),
/// without input and with its standard output thrown away. Asks `go_on` some times a second; when that is false, the
/// program and what it has started get SIGINT, twice, and after ten seconds SIGKILL. The program itself does not
/// outlive this process. Throws std::system_error where it cannot be started.
ProgramEnd run_to_end(const std::vector<std::string>& arguments, const std::string& folder,
                      const std::function<bool()>& go_on);

}  // namespace bench
