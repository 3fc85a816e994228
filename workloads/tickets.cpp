// `tickets`: the notes' exercise of the last ticket. Each task is a buyer who asks how many tickets are left, which
// takes a wait, and buys one if there are any.
//
//   --locked=no      asked, waited, bought: those under way at once have all been told of the same ticket, and oversell
//   it
//   --locked=narrow  asked first, then looked again and bought under a lock: never oversold, and the waits overlap
//   --locked=wide    asked and bought under one lock: never oversold either, and the waits follow each other
//
// Buying itself is one atomic step even without the lock, so that what is counted is the gap between asking and buying
// and nothing else.
#include <fmt/format.h>

#include <algorithm>

#include "workloads/job.h"
#include "workloads/locked.h"
#include "workloads/sync.h"

namespace bench {
namespace {

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("10"),
    {.name = "left", .standard = "1", .meaning = "tickets for sale", .most = max_tasks},
    wait_parameter("5ms"),
    {.name = "locked",
     .kind = ParameterKind::choice,
     .standard = "narrow",
     .meaning = "what a buyer does alone: nothing (no), buying (narrow), asking and buying (wide)",
     .choices = {"no", "narrow", "wide"}},
});

struct Shared {
  Mutex mutex;
  Locked locked;
  std::atomic<std::int64_t> left;
};

constexpr std::uint64_t none_bought = 1;
constexpr std::uint64_t bought = 2;

// What a buyer leaves: whether it has bought, and who it is.
std::uint64_t outcome_of(std::uint32_t index, std::uint64_t what) { return std::uint64_t{index} * 4 + what; }

Script task(const Task& task) {
  Shared& shared = task.shared<Shared>();
  if (shared.locked == Locked::wide) {
    const bool held = co_yield lock(shared.mutex);
    if (!held) co_return;
  }
  std::int64_t left = shared.left.load(std::memory_order_relaxed);
  co_yield wait_for(task.wait());
  if (shared.locked == Locked::narrow) {
    const bool held = co_yield lock(shared.mutex);
    if (!held) co_return;
    left = shared.left.load(std::memory_order_relaxed);
  }
  if (left > 0) shared.left.fetch_sub(1, std::memory_order_relaxed);
  if (shared.locked != Locked::no) shared.mutex.unlock();
  task.outcome = outcome_of(task.index, left > 0 ? bought : none_bought);
}

std::uint64_t sold(std::span<const std::uint64_t> outcomes) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(outcomes, [](std::uint64_t outcome) { return outcome % 4 == bought; }));
}

// As many are gone as buyers say, all that somebody wanted are, and under a lock no more.
std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  const auto either = [&](std::uint32_t index) {
    const bool has_bought = outcomes[index] == outcome_of(index, bought);
    return outcome_of(index, has_bought ? bought : none_bought);
  };
  if (auto wrong = compare_outcomes(outcomes, either)) return wrong;
  const Shared& shared = batch.shared<Shared>();
  const std::uint64_t for_sale = batch.parameters.number("left");
  const std::uint64_t wanted = std::min<std::uint64_t>(for_sale, batch.tasks);
  const std::uint64_t count = sold(outcomes);
  const bool adds_up = shared.left.load() == static_cast<std::int64_t>(for_sale) - static_cast<std::int64_t>(count);
  if (adds_up && (count == wanted || (shared.locked == Locked::no && count > wanted))) return std::nullopt;
  return fmt::format("wrong sale: {} of {} tickets sold to {} buyers, and {} left", count, for_sale, batch.tasks,
                     shared.left.load());
}

void count(const Batch& batch, std::span<const std::uint64_t> outcomes, std::span<std::uint64_t> counts) {
  const std::uint64_t for_sale = batch.parameters.number("left");
  counts[0] = sold(outcomes);
  counts[1] = counts[0] - std::min(counts[0], for_sale);
}

std::size_t state_bytes(const Batch& /*batch*/) { return sizeof(Shared); }

void prepare(const Batch& batch) {
  Shared& shared = *new (batch.state) Shared();
  shared.locked = locked_of(batch);
  shared.left = static_cast<std::int64_t>(batch.parameters.number("left"));
}

std::chrono::nanoseconds in_turn(const Batch& batch) {
  return locked_of(batch) == Locked::wide ? batch.total_wait() : std::chrono::nanoseconds(0);
}

constexpr std::array<std::string_view, 2> tallies{"sold", "oversold"};

}  // namespace

extern constinit const Job tickets_job{
    .name = "tickets",
    .summary = "asks whether tickets are left, waits, and buys one: without a lock too many are sold",
    .parameters = parameters,
    .task = task,
    .check = check,
    .tallies = tallies,
    .count = count,
    .state_bytes = state_bytes,
    .prepare = prepare,
    .in_turn = in_turn,
};

}  // namespace bench
