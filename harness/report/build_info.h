// What this binary was built from and with; written by the build.
#pragma once

#include <string_view>

namespace bench {

struct BuildInfo {
  std::string_view version;
  std::string_view git_revision;  ///< With "-dirty" behind it for a changed tree; "unknown" outside a repository.
  std::string_view compiler;
  std::string_view flags;
  std::string_view build_type;
};

extern const BuildInfo build_info;

}  // namespace bench
