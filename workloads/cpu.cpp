// `cpu`: pure computation, nothing to wait for. Each task multiplies 1·2·…·N.
#include "workloads/product.h"
#include "workloads/rows.h"

namespace bench {

Script cpu::task(const JobParameters& parameters, std::uint32_t index, std::uint64_t& outcome) {
  Product product(index + std::uint64_t{1});
  std::size_t words = 0;
  for (std::uint64_t factor = 2; factor <= parameters.work; ++factor) {
    words += product.multiply(factor);
    if (words >= words_per_checkpoint) {
      words = 0;
      co_yield checkpoint();
    }
  }
  outcome = product.residue();
}

}  // namespace bench
