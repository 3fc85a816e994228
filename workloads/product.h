// The notes' big product 1·2·…·N with multi-word arithmetic: what `cpu` and `mixed` compute.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/job.h"

namespace bench {

/// A natural number that only grows by multiplication. Schoolbook: one 64 × 64 → 128 bit product per word.
class Product {
 public:
  explicit Product(std::uint64_t value) : words_{value} {}

  /// Multiplies by `factor` and returns the number of words that took.
  std::size_t multiply(std::uint64_t factor);

  /// The number modulo the Mersenne prime 2^61 - 1, by Horner's rule over its words.
  std::uint64_t residue() const;

 private:
  std::vector<std::uint64_t> words_;  // least significant first
};

/// A checkpoint stands after this many word products: every few microseconds.
inline constexpr std::size_t words_per_checkpoint = 4096;

/// a · b modulo 2^61 - 1, for a below 2^61 - 1.
std::uint64_t multiply_residue(std::uint64_t a, std::uint64_t b);

/// N! modulo 2^61 - 1 in single-word arithmetic: finds a Product's residue without a Product.
std::uint64_t factorial_residue(std::uint64_t n);

/// What `cpu` and `mixed` share: the product (index + 1) · 1·2·…·N.
namespace product {
std::uint64_t compute(const Batch& parameters, std::uint32_t index);
std::optional<std::string> check(const Batch& parameters, std::span<const std::uint64_t> outcomes);
double estimate_ns(const Batch& parameters);
}  // namespace product

}  // namespace bench
