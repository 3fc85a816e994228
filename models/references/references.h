// Reference runtimes: well-known libraries that do what a textbook model does, so that a reader can tell a model from
// its implementation.
#pragma once

#include <span>

#include "models/model.h"

namespace bench {

/// The reference runtimes that were there when this was compiled, as rows like those of the model table.
std::span<const Model> all_references();

void run_asio(JobRun& job);
void serve_asio(ServerRun& server);

void run_libuv(JobRun& job);
void serve_libuv(ServerRun& server);

void run_boost_fiber(JobRun& job);
void serve_boost_fiber(ServerRun& server);

}  // namespace bench
