// The notes' big product, and the single-word arithmetic that finds its residue in another way.
#include "workloads/product.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bench {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr std::uint64_t mersenne_61 = (std::uint64_t{1} << 61) - 1;

}  // namespace

std::size_t Product::multiply(std::uint64_t factor) {
  const std::size_t words = words_.size();
  std::uint64_t carry = 0;
  for (std::uint64_t& word : words_) {
    const Wide wide = static_cast<Wide>(word) * factor + carry;
    word = static_cast<std::uint64_t>(wide);
    carry = static_cast<std::uint64_t>(wide >> 64);
  }
  if (carry != 0) words_.push_back(carry);
  return words;
}

std::uint64_t Product::residue() const {
  std::uint64_t residue = 0;
  for (auto word = words_.rbegin(); word != words_.rend(); ++word) {
    const Wide wide = (static_cast<Wide>(residue) << 64) | *word;
    residue = static_cast<std::uint64_t>(wide % mersenne_61);
  }
  return residue;
}

std::uint64_t multiply_residue(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(static_cast<Wide>(a) * b % mersenne_61);
}

std::uint64_t factorial_residue(std::uint64_t n) {
  std::uint64_t residue = 1;
  for (std::uint64_t factor = 2; factor <= n; ++factor) residue = multiply_residue(residue, factor);
  return residue;
}

std::uint64_t product::compute(const Batch& parameters, std::uint32_t index) {
  Product product(index + std::uint64_t{1});
  for (std::uint64_t factor = 2; factor <= parameters.work; ++factor) product.multiply(factor);
  return product.residue();
}

std::optional<std::string> product::check(const Batch& parameters, std::span<const std::uint64_t> outcomes) {
  const std::uint64_t factorial = factorial_residue(parameters.work);
  return compare_outcomes(outcomes,
                          [&](std::uint32_t index) { return multiply_residue(factorial, index + std::uint64_t{1}); });
}

double product::estimate_ns(const Batch& parameters) {
  // By Stirling N! has about N·log2(N/e) bits; on the way to it each factor meets half of its words.
  const auto factors = static_cast<double>(parameters.work);
  const double words = factors * std::log2(std::max(factors / std::numbers::e, 2.0)) / 64;
  constexpr double ns_per_word = 0.8;
  constexpr double ns_per_factor = 4;
  return factors * (words / 2 * ns_per_word + ns_per_factor);
}

}  // namespace bench
