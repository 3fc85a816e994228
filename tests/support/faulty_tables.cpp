#include "tests/support/faulty_tables.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>
#include <string>

#include "models/blocking/blocking.h"
#include "models/references/references.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

// ---- Jobs ----

bool at_fault(const Task& task) { return task.index == task.tasks() / 2; }

constexpr std::uint64_t right_outcome(std::uint32_t index) { return index + std::uint64_t{1000}; }

std::optional<std::string> check(const Batch&, std::span<const std::uint64_t> outcomes) {
  return compare_outcomes(outcomes, right_outcome);
}

Script throws(const Task& task) {
  co_yield wait_for(1ms);
  if (at_fault(task)) throw std::runtime_error("deliberate");
  task.outcome = right_outcome(task.index);
}

Script throws_int(const Task& task) {
  co_yield wait_for(1ms);
  if (at_fault(task)) throw 42;
  task.outcome = right_outcome(task.index);
}

Script dies(const Task& task) {
  co_yield wait_for(1ms);
  if (at_fault(task)) kill(getpid(), SIGKILL);
  task.outcome = right_outcome(task.index);
}

Script exits(const Task& task) {
  co_yield wait_for(1ms);
  if (at_fault(task)) _exit(0);
  task.outcome = right_outcome(task.index);
}

Script hangs(const Task& task) {
  co_yield wait_for(at_fault(task) ? std::chrono::nanoseconds(1h) : 1ms);
  task.outcome = right_outcome(task.index);
}

Script throws_first(const Task& task) {
  co_yield wait_for(task.index == 0 ? std::chrono::nanoseconds(1ms) : 1h);
  throw std::runtime_error("deliberate");
}

Script dies_first(const Task& task) {
  co_yield wait_for(task.index == 0 ? std::chrono::nanoseconds(1ms) : 1h);
  kill(getpid(), SIGKILL);
}

Script spins(const Task& task) {
  const std::atomic<bool> for_ever = at_fault(task);
  while (for_ever.load(std::memory_order_relaxed)) {
  }
  task.outcome = right_outcome(task.index);
  co_return;
}

Script wrong(const Task& task) {
  task.outcome = at_fault(task) ? 7 : right_outcome(task.index);
  co_return;
}

Script quick(const Task& task) {
  task.outcome = right_outcome(task.index);
  co_return;
}

// About so many kilobytes of stack.
std::uint64_t descend(int kilobytes) {
  volatile char frame[1024] = {};
  frame[0] = 1;
  return kilobytes == 0 ? 0 : descend(kilobytes - 1) + static_cast<std::uint64_t>(frame[0]);
}

Script deep(const Task& task) {
  constexpr int levels = 256;
  task.outcome = right_outcome(task.index);
  if (at_fault(task)) task.outcome += descend(levels) - levels;
  co_return;
}

constexpr auto ten_tasks = std::to_array<Parameter>({tasks_parameter("10")});

constexpr Job row(std::string_view name, std::string_view summary, decltype(Job::task) task,
                  std::span<const Parameter> parameters = ten_tasks) {
  return {.name = name, .summary = summary, .parameters = parameters, .task = task, .check = check};
}

constexpr auto own_parameters = std::to_array<Parameter>({
    tasks_parameter("10"),
    {.name = "queue-order",
     .kind = ParameterKind::choice,
     .standard = "fifo",
     .meaning = "which item is taken first",
     .choices = {"fifo", "lifo", "priority"},
     .word = "order"},
    {.name = "capacity", .standard = "8", .meaning = "places of the queue", .most = 64, .title = "{} places"},
    {.name = "reads",
     .kind = ParameterKind::share,
     .standard = "100%",
     .meaning = "share of the tasks that read",
     .least = 0.25,
     .most = 1,
     .shown_at_standard = false},
});

constexpr std::array jobs{
    row("throws", "test row: a task throws", throws),
    row("throws-int", "test row: a task throws an int", throws_int),
    row("dies", "test row: a task kills its process", dies),
    row("exits", "test row: a task ends its process", exits),
    row("hangs", "test row: a task waits for an hour", hangs),
    row("throws-first", "test row: a task throws, the others wait for an hour", throws_first),
    row("dies-first", "test row: a task kills its process, the others wait for an hour", dies_first),
    row("spins", "test row: a task computes for ever", spins),
    row("wrong", "test row: a task leaves a wrong outcome", wrong),
    row("quick", "test row: tasks that do nothing", quick),
    row("told", "test row: has parameters of its own", quick, own_parameters),
    row("deep", "test row: a task needs 256 KiB of stack", deep),
};

// ---- Models ----

// Lets no wait pass.
struct HastyHost : BlockingHost {
  static Done wait_for(std::chrono::nanoseconds) { return Done::now; }
};

void run_one_after_another(JobRun& job) {
  const JobRun::Unit unit(job);
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index < job.tasks(); ++index) run_blocking(job, index);
  }
}

void run_losing_a_task(JobRun& job) {
  const JobRun::Unit unit(job);
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index + 1 < job.tasks(); ++index) run_blocking(job, index);
  }
}

void run_twice(JobRun& job) {
  const JobRun::Unit unit(job);
  while (job.next_batch()) {
    run_blocking(job, 0);
    for (std::uint32_t index = 0; index < job.tasks(); ++index) run_blocking(job, index);
  }
}

void run_no_batch(JobRun&) {}

void run_cutting_waits(JobRun& job) {
  const JobRun::Unit unit(job);
  while (job.next_batch()) {
    for (std::uint32_t index = 0; index < job.tasks(); ++index) run_task(job, index, HastyHost());
  }
}

void run_leaving_a_child(JobRun& job) {
  run_one_after_another(job);
  if (fork() == 0) {
    while (true) pause();
  }
}

void run_leaving_a_session(JobRun& job) {
  run_one_after_another(job);
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
  if (fork() == 0) {
    setsid();
    close(ends[0]);
    close(ends[1]);
    while (true) pause();
  }
  close(ends[1]);
  char byte = 0;
  const ssize_t end_of_file = read(ends[0], &byte, 1);  // the child has left the group
  if (end_of_file != 0) throw std::runtime_error("the child wrote");
}

void run_throwing(JobRun&) { throw std::runtime_error("no resource for the first unit"); }

std::string why_never() { return "it is a row for tests"; }
std::string tests_note() { return "is a row for tests"; }

constexpr Model row(std::string_view name, std::string_view summary, void (*run)(JobRun&),
                    std::string (*why_unavailable)() = nullptr, std::string (*note)() = nullptr) {
  return {.name = name,
          .summary = summary,
          .unit = UnitKind::thread,
          .units = HowMany::one,
          .in_flight = HowMany::one,
          .run = run,
          .why_unavailable = why_unavailable,
          .note = note};
}

constexpr std::array models{
    row("loses-a-task", "test row: never runs the last task", run_losing_a_task),
    row("runs-twice", "test row: runs the first task twice", run_twice),
    row("no-batch", "test row: returns without having run anything", run_no_batch),
    row("cuts-waits", "test row: lets no wait pass", run_cutting_waits),
    row("leaves-a-child", "test row: ends with a child alive", run_leaving_a_child),
    row("leaves-a-session", "test row: ends with a child alive in a session of its own", run_leaving_a_session),
    row("throws-at-start", "test row: throws before its first unit", run_throwing),
    row("unavailable", "test row: not available anywhere", run_one_after_another, why_never),
    row("noted", "test row: does something otherwise", run_one_after_another, nullptr, tests_note),
};

Model renamed(std::string_view name, std::string_view otherwise) {
  const auto found = std::ranges::find(all_models(), name, &Model::name);
  Model model = *found;
  model.name = otherwise;
  model.aliases = {};
  return model;
}

template <typename Row>
const Row& named(std::string_view name, RowList<Row> faulty, RowList<Row> all) {
  for (const RowList<Row> rows : {faulty, all}) {
    const auto found = std::ranges::find(rows, name, &Row::name);
    if (found != rows.end()) return *found;
  }
  throw std::out_of_range(std::string(name));
}

}  // namespace

RowList<Job> faulty_jobs() {
  static const std::array rows = pointers_to(jobs);
  return rows;
}

RowList<Model> faulty_models() {
  static const auto again = std::to_array<Model>({
      renamed("epoll", "epoll-again"),
      renamed("threads", "threads-again"),
  });
  static const auto rows = [] {
    std::array<const Model*, models.size() + again.size()> all{};
    std::ranges::copy(pointers_to(again), std::ranges::copy(pointers_to(models), all.begin()).out);
    return all;
  }();
  return rows;
}

const Job& job_named(std::string_view name) { return named(name, faulty_jobs(), all_jobs()); }
const Model& model_named(std::string_view name) {
  const auto reference = std::ranges::find(all_references(), name, &Model::name);
  return reference != all_references().end() ? *reference : named(name, faulty_models(), all_models());
}

}  // namespace bench
