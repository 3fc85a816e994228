// `mixed`: computes, waits, computes: a request that asks a database half way through.
#include "workloads/job.h"
#include "workloads/product.h"

namespace bench {
namespace {

Script task(const Task& task) {
  Product product(task.index + std::uint64_t{1});
  std::size_t words = 0;
  const std::uint64_t middle = task.work() / 2;
  for (std::uint64_t factor = 1; factor <= task.work(); ++factor) {
    if (factor == middle + 1) {
      co_yield wait_for(task.wait());
    }
    words += product.multiply(factor);
    if (words >= words_per_checkpoint) {
      words = 0;
      co_yield checkpoint();
    }
  }
  task.outcome = product.residue();
}

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("100"),
    work_parameter("3000", 1'000'000, "N, the last factor of each task's product"),
    wait_parameter("5ms"),
});

}  // namespace

extern constinit const Job mixed_job{
    .name = "mixed",
    .summary = "computes, waits, computes: half the product, a wait, the other half",
    .parameters = parameters,
    .task = task,
    .compute = product::compute,
    .check = product::check,
    .estimate_ns = product::estimate_ns,
};

}  // namespace bench
