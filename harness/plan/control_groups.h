// The control groups that this process is in: where a container's limits are written (cgroups(7)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct ControlGroup {
  std::string folder;    ///< Where its files are.
  bool unified = false;  ///< Of version 2; else of version 1, whose files have other names.
};

/// Those in which `controller` ("cpu", "pids", "memory") may bound this process: its own and every one above it that
/// can be seen, in each hierarchy that is mounted. `root` stands before the paths that are read.
std::vector<ControlGroup> control_groups(std::string_view controller, const std::string& root = "");

}  // namespace bench
