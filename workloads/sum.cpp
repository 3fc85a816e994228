// `sum`: a loop with a checkpoint at every step, so that what a switch costs shows against the plain loop.
//
// Each step adds the digits of a 16-digit number, as a check digit does: about 15 to 30 ns, ten times what a checkpoint
// costs that is not taken.
#include "workloads/job.h"

namespace bench {
namespace {

constexpr std::uint64_t first_number = 1'000'000'000'000'000;

inline std::uint64_t digit_sum(std::uint64_t number) {
  std::uint64_t digits = 0;
  for (; number != 0; number /= 10) digits += number % 10;
  return digits;
}

// The task's numbers begin where those of the task before end, in the lower 15 digits.
std::uint64_t first_of(const Batch& parameters, std::uint32_t index) { return index * parameters.work; }

// The sum of the digits of 0, 1, …, n - 1, place by place: each place runs through 0…9 once every 10 · place numbers.
std::uint64_t digits_below(std::uint64_t n) {
  std::uint64_t total = 0;
  for (std::uint64_t place = 1; place < n; place *= 10) {
    const std::uint64_t rounds = n / (place * 10);
    const std::uint64_t digit = n / place % 10;
    total += rounds * 45 * place + digit * (digit - 1) / 2 * place + digit * (n % place);
  }
  return total;
}

Script task(const Task& task) {
  const std::uint64_t first = first_number + first_of(task.batch, task.index);
  const std::uint64_t end = first + task.work();
  std::uint64_t total = 0;
  for (std::uint64_t number = first; number != end; ++number) {
    total += digit_sum(number);
    co_yield checkpoint();
  }
  task.outcome = total;
}

std::uint64_t compute(const Batch& parameters, std::uint32_t index) {
  const std::uint64_t first = first_number + first_of(parameters, index);
  const std::uint64_t end = first + parameters.work;
  std::uint64_t total = 0;
  for (std::uint64_t number = first; number != end; ++number) total += digit_sum(number);
  return total;
}

std::optional<std::string> check(const Batch& parameters, std::span<const std::uint64_t> outcomes) {
  return compare_outcomes(outcomes, [&](std::uint32_t index) {
    const std::uint64_t first = first_of(parameters, index);
    const std::uint64_t leading_ones = parameters.work;
    return leading_ones + digits_below(first + parameters.work) - digits_below(first);
  });
}

double estimate_ns(const Batch& parameters) { return 20.0 * static_cast<double>(parameters.work); }

std::uint64_t checkpoints(const Batch& parameters) { return parameters.work; }

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("10"),
    work_parameter("1000000", 100'000'000, "steps of each task's loop"),
});

}  // namespace

extern constinit const Job sum_job{
    .name = "sum",
    .summary = "adds digits with a checkpoint at every step: what a switch costs",
    .parameters = parameters,
    .task = task,
    .compute = compute,
    .check = check,
    .estimate_ns = estimate_ns,
    .checkpoints = checkpoints,
};

}  // namespace bench
