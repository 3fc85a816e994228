// Hybrids: copies of an inner model, each in a process or a thread of its own.
#pragma once

#include <string>

#include "models/model.h"

namespace bench {

/// Why `outer+inner` makes no sense; empty when it does.
std::string why_no_hybrid(const Model& outer, const Model& inner);

/// The row of `outer+inner`, one for each pair, which lives as long as the program. Both rows outlive it. One thread.
const Model& hybrid_of(const Model& outer, const Model& inner);

/// How many copies of its innermost model a server of `model` has with so many workers: one listening socket for each.
std::uint32_t server_copies(const Model& model, std::uint32_t workers);

/// How many loops run a job's tasks under `model` with so many workers: one inbox for each.
std::uint32_t job_loops(const Model& model, std::uint32_t workers);

/// Runs a job under a row of the table or a hybrid, as Model::run says.
void run_under(const Model& model, JobRun& job);

/// Serves under a row of the table or a hybrid, as Model::serve says.
void serve_under(const Model& model, ServerRun& server);

}  // namespace bench
