// One run of a service: a server, a load generator, and what both have found.
#pragma once

#include "harness/run/launcher.h"

namespace bench {

/// Starts the server and the load of the request's cell in processes of their own on the plan's CPUs, and leaves what
/// they found in `report`. `scratch` is the server's folder on disk, where it has one. In the run's own process. Throws
/// std::exception.
void run_service(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report);

/// The same to measure memory: from a server without connections to one with `request.connections` of them, each of
/// which has had a reply and is idle.
void run_service_memory(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report);

/// Adds to the bare system calls of the request's cell what no server can do without besides, once all of the load is
/// counted: for a whole run it is done.
void add_computation(const Plan& plan, const RunRequest& request, ServiceMeasurement& measured);

}  // namespace bench
