#include "harness/claims/facts.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "harness/claims/evidence.h"
#include "measure/proc_files.h"
#include "measure/shared_mapping.h"
#include "workloads/sync.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

// The state of a process as the kernel has it: 'Z' of a zombie; 0 where there is none.
char state_of(pid_t pid) {
  const auto stat = read_process_stat(pid);
  return stat ? stat->state : '\0';
}

pid_t fork_or_throw() {
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  return child;
}

// Waits, without reaping it, until a child has ended.
void await_end(pid_t child) {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
}

Found zombie() {
  const pid_t left = fork_or_throw();
  if (left == 0) _exit(0);
  await_end(left);
  const char unreaped = state_of(left);
  waitpid(left, nullptr, 0);
  const char reaped = state_of(left);

  signal(SIGCHLD, SIG_IGN);
  const pid_t ignored = fork_or_throw();
  if (ignored == 0) _exit(0);
  while (waitpid(ignored, nullptr, 0) < 0 && errno == EINTR) {  // returns when it has gone: there is nothing to reap
  }
  const char gone = state_of(ignored);
  return fact(unreaped == 'Z' && reaped == '\0' && gone == '\0',
              fmt::format("ended and not waited for: state {}; waited for: {}; with SIGCHLD ignored: {}",
                          unreaped == '\0' ? '-' : unreaped, reaped == '\0' ? "gone" : "there",
                          gone == '\0' ? "gone" : "there"));
}

std::atomic<int> global{100};

Found sharing() {
  global = 100;
  const pid_t child = fork_or_throw();
  if (child == 0) {
    global = 0;
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  const int after_process = global;
  std::thread([] { global = 0; }).join();
  const int after_thread = global;
  return fact(
      after_process == 100 && after_thread == 0,
      fmt::format("100, set to 0 in a process: {} here; set to 0 in a thread: {}", after_process, after_thread));
}

struct Number {
  std::uint64_t value;
  bool operator<(const Number& other) const { return value < other.value; }
};

std::string order_of(QueueOrder order) {
  std::array<Number, 4> room{};
  BoundedQueue<Number> queue(room, order);
  for (const std::uint64_t value : {3U, 1U, 4U, 2U}) queue.try_push({value});
  std::string text;
  while (const auto next = queue.try_pop()) text += fmt::format("{}{}", text.empty() ? "" : " ", next->value);
  return text;
}

Found queues() {
  const std::string fifo = order_of(QueueOrder::fifo);
  const std::string lifo = order_of(QueueOrder::lifo);
  const std::string priority = order_of(QueueOrder::priority);
  return fact(fifo == "3 1 4 2" && lifo == "2 4 1 3" && priority == "1 2 3 4",
              fmt::format("3 1 4 2 put in: FIFO gives {}, LIFO {}, priority {}", fifo, lifo, priority));
}

// As `count += 1` of an interpreter: read, add, write back, each of them atomic and all three not.
std::int64_t counted_by(int threads, std::int64_t each) {
  std::atomic<std::int64_t> count{0};
  std::atomic<int> missing{threads};
  std::vector<std::jthread> adders;
  for (int i = 0; i < threads; ++i) {
    adders.emplace_back([&] {
      // Spinning: who was put to sleep would be woken when the others have finished.
      for (--missing; missing.load(std::memory_order_relaxed) > 0;) {
      }
      for (std::int64_t done = 0; done < each; ++done) {
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      }
    });
  }
  adders.clear();
  return count;
}

Found increments() {
  constexpr std::int64_t of_two = 1'000'000;
  constexpr std::int64_t of_five = 500'000;
  constexpr int tries = 50;  // threads that change places on one CPU meet seldom
  std::int64_t by_two = 2 * of_two;
  std::int64_t by_five = 5 * of_five;
  for (int i = 0; i < tries && by_two == 2 * of_two; ++i) by_two = counted_by(2, of_two);
  for (int i = 0; i < tries && by_five == 5 * of_five; ++i) by_five = counted_by(5, of_five);
  return fact(by_two < 2 * of_two && by_five < 5 * of_five,
              fmt::format("2 × 1,000,000 increments counted {}, 5 × 500,000 counted {}", by_two, by_five));
}

constexpr std::size_t text_room = 400;

void write_finding(int out, const Found& finding) {
  std::string text(1, static_cast<char>('0' + static_cast<int>(finding.verdict)));
  text += (finding.figure.empty() ? finding.why : finding.figure).substr(0, text_room);
  [[maybe_unused]] const ssize_t written = write(out, text.data(), text.size());  // fits into a pipe
}

}  // namespace

Found in_a_child(Found (*check)()) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t child = fork_or_throw();
  if (child == 0) {
    try {
      write_finding(out.get(), check());
    } catch (const std::exception& error) {
      write_finding(out.get(), {.verdict = ClaimVerdict::not_run, .why = error.what()});
    }
    _exit(0);
  }
  out.reset();
  constexpr int patience_ms = 10'000;
  pollfd watched{.fd = in.get(), .events = POLLIN, .revents = 0};
  std::array<char, text_room + 1> text{};
  ssize_t size = 0;
  if (poll(&watched, 1, patience_ms) == 1) size = read(in.get(), text.data(), text.size());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  if (size < 1) return {.verdict = ClaimVerdict::not_run, .why = "the check did not come to an end"};
  Found finding{.verdict = static_cast<ClaimVerdict>(text[0] - '0')};
  std::string& into = finding.verdict == ClaimVerdict::not_run ? finding.why : finding.figure;
  into.assign(text.data() + 1, static_cast<std::size_t>(size) - 1);
  return finding;
}

Found a_child_is_a_zombie_until_it_is_reaped() { return in_a_child(zombie); }
Found threads_share_globals_and_processes_do_not() { return in_a_child(sharing); }
Found increments_without_a_lock_are_lost() { return in_a_child(increments); }
Found queues_keep_their_order() { return in_a_child(queues); }

}  // namespace bench
