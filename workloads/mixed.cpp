// `mixed`: computes, waits, computes: a request that asks a database half way through.
#include "workloads/product.h"
#include "workloads/rows.h"

namespace bench {

Script mixed::task(const JobParameters& parameters, std::uint32_t index, std::uint64_t& outcome) {
  Product product(index + std::uint64_t{1});
  std::size_t words = 0;
  const std::uint64_t middle = parameters.work / 2;
  for (std::uint64_t factor = 1; factor <= parameters.work; ++factor) {
    if (factor == middle + 1) {
      co_yield wait_for(parameters.wait_of(index));
    }
    words += product.multiply(factor);
    if (words >= words_per_checkpoint) {
      words = 0;
      co_yield checkpoint();
    }
  }
  outcome = product.residue();
}

}  // namespace bench
