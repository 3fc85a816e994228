// Folders on disk for tests of what needs one.
#pragma once

#include <memory>
#include <string>

#include "harness/run/scratch_folder.h"
#include "workloads/service.h"

namespace bench {

/// A new folder that is $TMPDIR while this exists, and goes with it.
class OwnTemporaryFolder {
 public:
  OwnTemporaryFolder();
  ~OwnTemporaryFolder();
  OwnTemporaryFolder(const OwnTemporaryFolder&) = delete;
  OwnTemporaryFolder& operator=(const OwnTemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string before_;  // empty: there was none
};

/// Gives `context` the folder that a server of the service has, filled, as long as what is returned exists; null where
/// it has none.
std::unique_ptr<ScratchFolder> give_store(const Service& service, ServiceContext& context);

}  // namespace bench
