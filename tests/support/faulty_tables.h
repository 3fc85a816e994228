// Rows for tests only: workloads and models with one fault each, to see that the harness notices and names it.
//
// Workloads; unless said otherwise the task at fault is number tasks / 2 and the others end well; none takes --work or
// --wait:
//   throws           a task throws std::runtime_error("deliberate")
//   throws-int       a task throws something that is no std::exception
//   dies             a task kills its own process with SIGKILL
//   exits            a task ends its own process with exit status 0
//   hangs            a task waits for an hour
//   throws-first     task 0 throws, and all others wait for an hour
//   dies-first       task 0 kills its own process, and all others wait for an hour
//   spins            a task computes for ever, without a checkpoint
//   wrong            a task leaves a wrong outcome
//   quick            no fault: does nothing, 10 tasks
//   told             no fault: likewise, and has parameters of its own: a choice, a count, a share
//   deep             no fault on a stack of 512 KiB: a task needs 256 KiB of it
//
// Models; each runs its tasks one after another, like `serial`:
//   loses-a-task     never runs the last task
//   runs-twice       runs the first task twice
//   no-batch         returns without having run anything
//   cuts-waits       goes on with a script without letting its wait pass
//   leaves-a-child   ends with a child process alive
//   leaves-a-session ends with a child alive that has left the run's process group
//   throws-at-start  throws before its first unit
//   unavailable      is not available on any machine
//   noted            has a note
//   epoll-again      no fault: epoll under another name, which nothing may tell from it
//   threads-again    no fault: threads likewise
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "models/model.h"
#include "workloads/job.h"

namespace bench {

/// The rows above and nothing else.
RowList<Job> faulty_jobs();
RowList<Model> faulty_models();

/// A pointer to each row: what a RowList goes over.
template <typename Row, std::size_t size>
std::array<const Row*, size> pointers_to(const std::array<Row, size>& rows) {
  std::array<const Row*, size> pointers{};
  std::ranges::transform(rows, pointers.begin(), [](const Row& row) { return &row; });
  return pointers;
}

/// The row of that name among those above and those of the program. Throws std::out_of_range.
const Job& job_named(std::string_view name);
const Model& model_named(std::string_view name);

}  // namespace bench
