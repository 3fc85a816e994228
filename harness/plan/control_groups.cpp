#include "harness/plan/control_groups.h"

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

namespace bench {
namespace {

// A hierarchy of control groups where it is mounted (proc(5), /proc/[pid]/mountinfo).
struct Mount {
  std::string root;   // the group that the mount point shows
  std::string point;  // where
  bool unified;       // cgroup v2
};

// Spaces and the like stand in mountinfo as three octal digits behind a backslash.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      plain += static_cast<char>(std::strtol(std::string(text.substr(at + 1, 3)).c_str(), nullptr, 8));
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

// Whether `word` is one of a list with commas.
bool lists(std::string_view list, std::string_view word) {
  std::istringstream words{std::string(list)};
  for (std::string each; std::getline(words, each, ',');) {
    if (each == word) return true;
  }
  return false;
}

// The hierarchies that may have the controller: v2, and the one of v1 that it is in.
std::vector<Mount> read_mounts(std::string_view controller, const std::string& root) {
  std::ifstream file(root + "/proc/self/mountinfo");
  std::vector<Mount> mounts;
  for (std::string line; std::getline(file, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line.substr(0, dash));
    std::istringstream behind(line.substr(dash + 3));
    std::string skipped;
    std::string shown;
    std::string point;
    std::string type;
    std::string options;
    before >> skipped >> skipped >> skipped >> shown >> point;
    behind >> type >> skipped >> options;
    if (type != "cgroup2" && (type != "cgroup" || !lists(options, controller))) continue;
    mounts.push_back({.root = unescaped(shown), .point = unescaped(point), .unified = type == "cgroup2"});
  }
  return mounts;
}

// The group of this process in a hierarchy, as a path below its root; nothing where it has none.
std::optional<std::string> group_in(std::string_view controller, bool unified, const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/group", "0::/group"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? line.starts_with("0::") : lists(controllers, controller)) return line.substr(second + 1);
  }
  return std::nullopt;
}

// From the group up to the mount point, which is the last. What the mount does not show is not looked at.
std::vector<std::string> folders_of(const Mount& mount, const std::string& group) {
  const std::string shown = mount.root == "/" ? "" : mount.root;
  std::string path;
  if (group.starts_with(shown + "/") && !group.starts_with("/..")) path = group.substr(shown.size());
  std::vector<std::string> folders;
  for (; path.size() > 1; path.erase(path.rfind('/'))) folders.push_back(mount.point + path);
  folders.push_back(mount.point);
  return folders;
}

}  // namespace

std::vector<ControlGroup> control_groups(std::string_view controller, const std::string& root) {
  std::vector<ControlGroup> groups;
  for (const Mount& mount : read_mounts(controller, root)) {
    const std::optional<std::string> group = group_in(controller, mount.unified, root);
    if (!group) continue;
    for (std::string& folder : folders_of(mount, *group)) {
      groups.push_back({.folder = std::move(folder), .unified = mount.unified});
    }
  }
  return groups;
}

}  // namespace bench
