// What a server that somebody else runs uses in the window of a load.
#pragma once

#include <string>

#include "harness/plan/plan.h"
#include "harness/run/server_process.h"
#include "measure/outside_tree.h"

namespace bench {

/// One window. `server` outlives it; it may have no process that is known.
class ForeignUsage {
 public:
  explicit ForeignUsage(const ForeignServer& server) : server_(server) {}

  /// Nothing at the beginning; at the end what the server has used since, or nothing where that is unknown.
  UsageReading at(Edge edge);

  /// Has the measurement say what is unknown, once the window is over.
  void explain(ServiceMeasurement& measured) const;

 private:
  const ForeignServer& server_;
  std::string why_another_;  // serves; empty where it seems to be this one
  TreeReading before_;
  WindowUsage window_;
};

}  // namespace bench
