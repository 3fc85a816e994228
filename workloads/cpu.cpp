// `cpu`: pure computation, nothing to wait for. Each task multiplies 1·2·…·N.
#include "workloads/job.h"
#include "workloads/product.h"

namespace bench {
namespace {

Script task(const Task& task) {
  Product product(task.index + std::uint64_t{1});
  std::size_t words = 0;
  for (std::uint64_t factor = 2; factor <= task.work(); ++factor) {
    words += product.multiply(factor);
    if (words >= words_per_checkpoint) {
      words = 0;
      co_yield checkpoint();
    }
  }
  task.outcome = product.residue();
}

constexpr auto parameters = std::to_array<Parameter>(
    {tasks_parameter("64"), work_parameter("10000", 1'000'000, "N, the last factor of each task's product"),
     submit_parameter()});

}  // namespace

extern constinit const Job cpu_job{
    .name = "cpu",
    .summary = "computes: the product 1·2·…·N with multi-word arithmetic",
    .parameters = parameters,
    .task = task,
    .compute = product::compute,
    .check = product::check,
    .estimate_ns = product::estimate_ns,
};

}  // namespace bench
