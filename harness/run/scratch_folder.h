// The folder on disk of a run whose workload needs one.
//
// It is $TMPDIR/bench-XXXXXX, of mode 0700, with the folder that the workload sees in it and a file that says whose it
// is. That file is locked for as long as a process lives that was forked from the one that made the folder: who is
// killed before it could remove its folder leaves it to the next run, which removes all that are locked by nobody.
#pragma once

#include <sys/types.h>

#include <string>

#include "workloads/scratch.h"
#include "workloads/unique_fd.h"

namespace bench {

/// Makes a folder, and removes it with all that is in it when it is destroyed in the process that made it.
class ScratchFolder {
 public:
  /// Removes what others have left behind, too. Throws std::system_error with path, reason and remedy.
  ScratchFolder();
  ~ScratchFolder() { remove(); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  /// What the workload is told; the descriptor is this folder's.
  const Scratch& scratch() const noexcept { return scratch_; }

  /// The folder itself, which holds the workload's.
  const std::string& path() const noexcept { return path_; }

  /// Removes it now. Returns why it could not, or nothing.
  std::string remove() noexcept;

 private:
  bool make();
  void open_inside();

  std::string path_;
  UniqueFd owner_;
  UniqueFd inside_;
  Scratch scratch_;
  pid_t maker_;
};

/// Removes the folders of runs whose processes have all ended, as after a SIGKILL. Those of other users stay.
void remove_forsaken_folders() noexcept;

}  // namespace bench
