// `deadlock`: the notes' exercise of two locks that tasks take in opposite order: those with an even number first A and
// then B, the others first B and then A, with a wait in between. Each holds what the other waits for, and without a
// cure both would wait for ever. Here nobody does: a task waits for its second lock no longer than `--patience`, and
// then walks the wait-for graph (R. C. Holt, "Some Deadlock Properties of Computer Systems", 1972): who holds the lock
// that it waits for, what that task waits for, and so on. If that leads back to itself, the cycle is recorded, and the
// task gives up what it has to do; otherwise it only had to queue, and waits on.
//
//   --cure=none       as said: a task of each cycle is lost
//   --cure=order      all take A first
//   --cure=recursive  one lock in place of both, which its holder may take again
//   --cure=timeout    who has waited for `--patience` lets go of its first lock, and begins again a while later
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <span>
#include <vector>

#include "workloads/job.h"
#include "workloads/sync.h"

namespace bench {
namespace {

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("10"),
    wait_parameter("5ms"),
    {.name = "cure",
     .kind = ParameterKind::choice,
     .standard = "none",
     .meaning = "what prevents the deadlock: nothing, one order of locks, one recursive lock, giving up after a while",
     .choices = {"none", "order", "recursive", "timeout"}},
    {.name = "patience",
     .kind = ParameterKind::duration,
     .standard = "20ms",
     .meaning = "how long a task waits for its second lock before it looks for a deadlock, or gives up",
     .least = 1e6,
     .most = 60e9},
});

enum class Cure : std::uint8_t { none, order, recursive, timeout };

Cure cure_of(const Batch& batch) {
  const std::string_view word = batch.parameters.choice("cure");
  if (word == "order") return Cure::order;
  if (word == "recursive") return Cure::recursive;
  return word == "timeout" ? Cure::timeout : Cure::none;
}

constexpr std::size_t lock_count = 2;
constexpr std::uint32_t nobody = 0xFFFF'FFFF;
constexpr std::uint32_t nothing = 0xFFFF'FFFF;

// Who waits for which lock, and who holds it.
class WaitForGraph {
 public:
  explicit WaitForGraph(std::span<InTurn<std::uint32_t>> wants) : wants_(wants.data()) {
    for (InTurn<std::uint32_t>& holder : holders_) holder = nobody;
    for (InTurn<std::uint32_t>& want : wants) want = nothing;
  }

  void wants(std::uint32_t task, std::uint32_t lock) {
    const std::lock_guard held(guard_);
    wants_[task] = lock;
  }

  void has(std::uint32_t task, std::uint32_t lock) {
    const std::lock_guard held(guard_);
    wants_[task] = nothing;
    holders_[lock] = task;
  }

  void lets_go(std::uint32_t lock) {
    const std::lock_guard held(guard_);
    holders_[lock] = nobody;
  }

  void gives_up(std::uint32_t task) {
    const std::lock_guard held(guard_);
    wants_[task] = nothing;
  }

  /// Whether `task` waits for itself. If so, it wants nothing from here on: of all in the cycle it alone is told.
  bool breaks_cycle(std::uint32_t task) {
    const std::lock_guard held(guard_);
    std::array<std::uint32_t, lock_count> locks{};
    std::size_t length = 0;
    std::uint32_t at = task;
    do {
      const std::uint32_t lock = wants_[at];
      if (lock == nothing || length == lock_count || holders_[lock] == nobody) return false;
      locks[length++] = lock;
      at = holders_[lock];
    } while (at != task);
    if (cycles_ == 0) describe(std::span(locks).first(length));
    cycles_ = cycles_ + 1;
    wants_[task] = nothing;
    return true;
  }

  std::uint64_t cycles() const { return cycles_; }
  std::string_view first_cycle() const { return first_; }

 private:
  void describe(std::span<const std::uint32_t> locks) {
    char* out = first_;
    std::uint32_t waiter = holders_[locks.back()];
    for (const std::uint32_t lock : locks) {
      const auto room = static_cast<std::size_t>(std::end(first_) - out) - 1;
      out = fmt::format_to_n(out, room, "{}task {} waits for lock {}, which task {} holds", out == first_ ? "" : "; ",
                             waiter, "AB"[lock], static_cast<std::uint32_t>(holders_[lock]))
                .out;
      waiter = holders_[lock];
    }
    *out = 0;
  }

  Guard guard_;
  std::array<InTurn<std::uint32_t>, lock_count> holders_;
  InTurn<std::uint32_t>* wants_;
  InTurn<std::uint64_t> cycles_{};
  char first_[160] = "";
};

struct Shared {
  explicit Shared(std::span<InTurn<std::uint32_t>> wants) : graph(wants) {}
  Cure cure;
  std::chrono::nanoseconds patience;
  std::array<Mutex, lock_count> locks;
  RecursiveMutex both;
  WaitForGraph graph;
  std::atomic<std::uint64_t> retries{0};
  InTurn<std::uint64_t> done{};  // by those who held what they needed
};

constexpr std::uint64_t lost = 1;
constexpr std::uint64_t done = 2;

// What a task leaves: whether it got both locks, and who it is.
std::uint64_t outcome_of(std::uint32_t index, std::uint64_t what) { return std::uint64_t{index} * 4 + what; }

Script take_one_twice(const Task& task) {
  Shared& shared = task.shared<Shared>();
  const bool once = co_yield lock(shared.both);
  co_yield wait_for(task.wait());
  const bool twice = co_yield lock(shared.both);
  if (!once || !twice) co_return;
  shared.done = shared.done + 1;
  shared.both.unlock();
  shared.both.unlock();
  task.outcome = outcome_of(task.index, done);
}

// After so many attempts: no two tasks that begin with different locks come back at the same time.
std::chrono::nanoseconds pause_of(const Task& task, std::uint32_t attempts) {
  constexpr std::chrono::nanoseconds least = std::chrono::milliseconds(1);
  return 2 * (1 + task.index % 16 + attempts) * std::max(task.wait(), least);
}

Script take_both(const Task& task) {
  Shared& shared = task.shared<Shared>();
  const std::uint32_t me = task.index;
  const std::uint32_t first = shared.cure == Cure::order ? 0 : me % 2;
  const std::uint32_t second = 1 - first;
  for (std::uint32_t attempts = 1;; ++attempts) {
    shared.graph.wants(me, first);
    const bool held = co_yield lock(shared.locks[first]);
    if (!held) co_return;
    shared.graph.has(me, first);
    co_yield wait_for(task.wait());

    shared.graph.wants(me, second);
    bool has_both = false;
    do {
      has_both = co_yield lock(shared.locks[second], shared.patience);
    } while (!has_both && shared.cure != Cure::timeout && !shared.graph.breaks_cycle(me));
    if (has_both) {
      shared.graph.has(me, second);
      shared.done = shared.done + 1;
      shared.graph.lets_go(second);
      shared.locks[second].unlock();
    } else {
      shared.graph.gives_up(me);
    }
    shared.graph.lets_go(first);
    shared.locks[first].unlock();
    task.outcome = outcome_of(me, has_both ? done : lost);
    if (has_both || shared.cure != Cure::timeout) co_return;
    ++shared.retries;
    co_yield wait_for(pause_of(task, attempts));
  }
}

Script task(const Task& task) {
  return task.shared<Shared>().cure == Cure::recursive ? take_one_twice(task) : take_both(task);
}

// Each is done, or was the one of a cycle that is lost; with a cure there was no cycle.
std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  const Shared& shared = batch.shared<Shared>();
  const auto is_lost = [](std::uint64_t outcome) { return outcome % 4 == lost; };
  const auto lost_tasks = static_cast<std::uint64_t>(std::ranges::count_if(outcomes, is_lost));
  const auto either = [&](std::uint32_t index) { return outcome_of(index, is_lost(outcomes[index]) ? lost : done); };
  if (auto wrong = compare_outcomes(outcomes, either)) return wrong;
  const std::uint64_t cycles = shared.graph.cycles();
  if (lost_tasks == cycles && shared.done == batch.tasks - lost_tasks && (cycles == 0 || shared.cure == Cure::none)) {
    return std::nullopt;
  }
  return fmt::format("wrong end: {} tasks were lost in {} deadlocks, and {} of {} had both locks", lost_tasks, cycles,
                     static_cast<std::uint64_t>(shared.done), batch.tasks);
}

void count(const Batch& batch, std::span<const std::uint64_t> /*outcomes*/, std::span<std::uint64_t> counts) {
  counts[0] = batch.shared<Shared>().graph.cycles();
  counts[1] = batch.shared<Shared>().retries.load();
}

std::string remark(const Batch& batch) { return std::string(batch.shared<Shared>().graph.first_cycle()); }

std::size_t state_bytes(const Batch& batch) { return sizeof(Shared) + batch.tasks * sizeof(InTurn<std::uint32_t>); }

void prepare(const Batch& batch) {
  const std::span wants(reinterpret_cast<InTurn<std::uint32_t>*>(batch.state + sizeof(Shared)), batch.tasks);
  Shared& shared = *new (batch.state) Shared(wants);
  shared.cure = cure_of(batch);
  shared.patience = std::chrono::nanoseconds(batch.parameters.number("patience"));
}

// A task holds its first lock while it waits.
std::chrono::nanoseconds in_turn(const Batch& batch) {
  const Cure cure = cure_of(batch);
  if (cure == Cure::order || cure == Cure::recursive) return batch.total_wait();
  std::array<std::chrono::nanoseconds, lock_count> held{};
  for (std::uint32_t index = 0; index < batch.tasks; ++index) held[index % 2] += batch.wait_of(index);
  return std::ranges::max(held);
}

constexpr std::array<std::string_view, 2> tallies{"deadlocks", "retries"};

}  // namespace

extern constinit const Job deadlock_job{
    .name = "deadlock",
    .summary = "takes two locks in opposite order: finds the cycle, and shows the cures",
    .parameters = parameters,
    .task = task,
    .check = check,
    .tallies = tallies,
    .count = count,
    .remark = remark,
    .state_bytes = state_bytes,
    .prepare = prepare,
    .in_turn = in_turn,
};

}  // namespace bench
