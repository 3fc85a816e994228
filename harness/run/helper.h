// A helper server beside the run of a job: not one of the run's units, and no part of what is measured.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "measure/run_report.h"
#include "measure/shared_mapping.h"
#include "workloads/service.h"
#include "workloads/unique_fd.h"

namespace bench {

/// Serves a service of ours under `epoll` to 127.0.0.1. Its process is the launcher's child and not the run's, so that
/// the run's tree is without it, and ends with the run's process group.
class Helper {
 public:
  /// Returns when it listens. In the run's first process; `run` is that run's report, which fails when the server does.
  /// Throws std::exception.
  Helper(const Service& service, RunReport& run);
  /// Ends it and waits until it has ended.
  ~Helper();
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  std::uint16_t port() const noexcept { return port_; }

 private:
  SharedArray<RunReport> report_{1};  // its server's own
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  UniqueFd watched_;
};

}  // namespace bench
