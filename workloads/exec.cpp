// `exec`: the notes' exercise of running another program. Each task starts one, reads what it prints through a pipe to
// the end, and waits for its own end. Starting is a system call that takes about a millisecond and that no model can
// wait for otherwise; reading and waiting are transfers, a pipe and a pidfd.
//
//   --how=fork|vfork|posix-spawn   how the child is made, see child_program.h
//
// A fork write-protects all memory, so that every other thread of the process pays for a page fault when it next runs.
// With hundreds of threads that is most of the time: 300 tasks took 6 s by fork and 1 s by posix-spawn as threads, and
// 30 s and 1.4 s as gil-threads, whose waiting threads run every 5 ms (--tasks=300, one run of each, 2 CPUs).
//
//   --program=printf    prints a line and ends
//   --program=missing   there is no such program: nothing is started, and that is what has to come of it
//   --program=killed    prints a line and kills itself by SIGKILL
//   --program=flood     prints without end, and is killed after the first 64 KiB
//
// The programs are these, by absolute paths, and nothing of a command line reaches them. What they print depends on the
// task, so that another task's output shows. A task under way has two descriptors.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <system_error>

#include "workloads/child_program.h"
#include "workloads/job.h"

namespace bench {
namespace {

// Of a program's output; what comes beyond is cut off.
constexpr std::size_t most_bytes = 64 * 1024;

constexpr std::uint32_t by_signal = 128;       // added to its number
constexpr std::uint32_t never_started = 1024;  // added to the errno

struct Program {
  std::string_view word;
  ProgramCall call;   // the task's text follows
  std::uint32_t end;  // its exit status, or one of the above
  enum class Prints : std::uint8_t { nothing, a_line, lines_without_end } prints;
};

constexpr auto programs = std::to_array<Program>({
    {"printf", {"/usr/bin/printf", "%s\\n"}, 0, Program::Prints::a_line},
    {"missing", {"/nonexistent/program"}, never_started + ENOENT, Program::Prints::nothing},
    {"killed", {"/bin/sh", "-c", R"(printf '%s\n' "$0"; kill -KILL $$)"}, by_signal + SIGKILL, Program::Prints::a_line},
    {"flood", {"/usr/bin/yes"}, by_signal + SIGKILL, Program::Prints::lines_without_end},
});

constexpr auto ways = std::to_array<std::string_view>({"fork", "vfork", "posix-spawn"});  // as MadeBy has them
static_assert(ways.size() == static_cast<std::size_t>(MadeBy::posix_spawn) + 1);

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("16"),
    {.name = "how",
     .kind = ParameterKind::choice,
     .standard = ways[0],
     .meaning = "how the child process is made that runs the program",
     .choices = {ways[0], ways[1], ways[2]}},
    {.name = "program",
     .kind = ParameterKind::choice,
     .standard = programs[0].word,
     .meaning = "what is run: one that prints a line, is not there, kills itself, or prints without end and is cut off",
     .choices = {programs[0].word, programs[1].word, programs[2].word, programs[3].word}},
});

// The first where nothing is told.
const Program& program_of(const Batch& batch) {
  const auto found = std::ranges::find(programs, batch.parameters.choice("program"), &Program::word);
  return found != programs.end() ? *found : programs.front();
}

MadeBy way_of(const Batch& batch) {
  const auto found = std::ranges::find(ways, batch.parameters.choice("how"));
  return found != ways.end() ? static_cast<MadeBy>(found - ways.begin()) : MadeBy::fork;
}

// What only the program of this task prints.
std::string text_of(std::uint32_t index) { return fmt::format("this is the program of task {}", index); }

std::string expected_output(const Program& program, std::uint32_t index) {
  std::string output;
  if (program.prints == Program::Prints::nothing) return output;
  do {
    output += text_of(index) + '\n';
  } while (program.prints == Program::Prints::lines_without_end && output.size() < most_bytes);
  output.resize(std::min(output.size(), most_bytes));
  return output;
}

// A task's outcome: in its upper half a digest, in the lower one how many bytes there were, and how the program ended.
constexpr unsigned end_bits = 12;
static_assert(never_started + 1024 < 1U << end_bits && most_bytes < 1U << (32 - end_bits));

std::uint64_t outcome_of(std::uint32_t index, const std::string& output, std::uint32_t end) {
  const auto digest = static_cast<std::uint64_t>(std::hash<std::string>()(text_of(index) + output));
  return (digest >> 32U) << 32U | output.size() << end_bits | end;
}

std::string describe(std::uint64_t outcome) {
  const auto bytes = (outcome & 0xFFFF'FFFF) >> end_bits;
  const auto end = static_cast<std::uint32_t>(outcome & ((1U << end_bits) - 1));
  if (end >= never_started) return fmt::format("errno {} instead of a program", end - never_started);
  return fmt::format("{} bytes and status {}", bytes, end);
}

// Both ends of a pipe; what is written into `in` comes out of `out`. Throws std::system_error.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "make a pipe (two for each task under way, `ulimit -n`)");
    }
    out = UniqueFd(ends[0]);
    in = UniqueFd(ends[1]);
  }
  UniqueFd out;
  UniqueFd in;
};

// Throws std::system_error but for what is the program's own end: that it is not there.
std::uint32_t start(ChildProgram& child, const Batch& batch, const std::string& text, int output) {
  const Program& program = program_of(batch);
  const int error = child.start(way_of(batch), program.call, text.c_str(), output);
  if (error == 0) return 0;
  const std::uint32_t end = never_started + static_cast<std::uint32_t>(error);
  if (end != program.end) throw start_failure(program.call[0], error);
  return end;
}

Script task(const Task& task) {
  Pipe pipe;
  ChildProgram child;
  std::string output;
  std::uint32_t end = start(child, task.batch, text_of(task.index), pipe.in.get());
  pipe.in.reset();  // the program has it now, and ends the output with itself
  if (child.is_running()) {
    std::array<std::byte, 4096> room;
    std::int64_t size = 1;
    while (size != 0 && output.size() < most_bytes) {
      const std::size_t wanted = std::min(room.size(), most_bytes - output.size());
      size = co_yield read_from(pipe.out.get(), std::span(room).first(wanted));
      if (size < 0) throw std::system_error(static_cast<int>(-size), std::generic_category(), "read from a program");
      output.append(reinterpret_cast<const char*>(room.data()), static_cast<std::size_t>(size));
    }
    if (size != 0) child.kill();
    co_yield close_socket(pipe.out.release());
    const std::int64_t status = co_yield end_of(child.pidfd());
    if (status < 0) throw std::system_error(static_cast<int>(-status), std::generic_category(), "wait for a program");
    end = static_cast<std::uint32_t>(status);
    co_yield close_socket(child.release());
  }
  task.outcome = outcome_of(task.index, output, end);
}

// Names the first task that is wrong, and counts those that are.
std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  const Program& program = program_of(batch);
  std::optional<std::string> first;
  std::size_t wrong = 0;
  for (std::uint32_t index = 0; index < outcomes.size(); ++index) {
    const std::uint64_t expected = outcome_of(index, expected_output(program, index), program.end);
    if (outcomes[index] == expected) continue;
    ++wrong;
    if (first) continue;
    const bool digests = (outcomes[index] ^ expected) >> 32U != 0;
    first = fmt::format("wrong outcome: task {} left {}{}, expected {}", index, describe(outcomes[index]),
                        digests ? " with another digest" : "", describe(expected));
  }
  if (first) *first += fmt::format("; wrong are {} of {} tasks of {}", wrong, outcomes.size(), program.word);
  return first;
}

void count(const Batch& /*batch*/, std::span<const std::uint64_t> outcomes, std::span<std::uint64_t> counts) {
  constexpr std::uint32_t first_signal = 128;
  for (const std::uint64_t outcome : outcomes) {
    const auto end = static_cast<std::uint32_t>(outcome & ((1U << end_bits) - 1));
    ++counts[end >= never_started ? 2 : (end >= first_signal ? 1 : 0)];
  }
}

constexpr std::array<std::string_view, 3> tallies{"ended", "killed", "not there"};

// From bare programs on a small machine; not what the model's own process waits meanwhile.
double estimate_ns(const Batch& /*batch*/) { return 1e6; }

}  // namespace

extern constinit const Job exec_job{
    .name = "exec",
    .summary = "starts programs, reads what they print and waits for their ends",
    .parameters = parameters,
    .task = task,
    .check = check,
    .tallies = tallies,
    .count = count,
    .estimate_ns = estimate_ns,
    .descriptors_per_task = 3,
};

}  // namespace bench
