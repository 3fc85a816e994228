// A folder on disk that a run has for itself, as its workload sees it. Who makes and removes it is
// harness/run/scratch_folder.h.
#pragma once

#include <string>

namespace bench {

/// Where the folder is. It exists, belongs to this user alone and is empty when a workload first sees it; whatever a
/// workload leaves there goes with the run.
struct Scratch {
  std::string path{};  ///< Empty: the run has none.
  int fd = -1;         ///< Of the folder, for openat(2); its owner is who made the folder.
};

/// Where temporary files go: $TMPDIR, or /tmp.
std::string temporary_folder();

/// What an error with files there should say: what to do about it.
inline constexpr const char* temporary_folder_remedy = "$TMPDIR chooses the folder";

}  // namespace bench
