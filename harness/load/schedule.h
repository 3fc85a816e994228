// When the requests of an open loop are due.
#pragma once

#include <cmath>
#include <cstdint>

#include "harness/load/load_plan.h"

namespace bench {

/// An endless series of due times that can be copied: two copies give the same times, so that one can run ahead with
/// what is due and the other follow with what is sent, and no queue is needed between them.
class Schedule {
 public:
  /// Nothing is ever due.
  Schedule() = default;

  /// `rate` requests per second from `begin_ns` on, with the first at `phase` of the distance between two
  /// (constant), or at exponential distances that depend on `seed` alone (poisson).
  Schedule(Arrivals arrivals, double rate, double phase, std::uint64_t seed, std::int64_t begin_ns)
      : poisson_(arrivals == Arrivals::poisson), begin_ns_(begin_ns), gap_ns_(1e9 / rate), state_(seed) {
    elapsed_ns_ = poisson_ ? exponential_ns() : phase * gap_ns_;
    next_ns_ = begin_ns_ + std::llround(elapsed_ns_);
  }

  /// When the next request is due.
  std::int64_t next_ns() const noexcept { return next_ns_; }

  void advance() noexcept {
    // A sum over doubles: its error stays below a nanosecond for days.
    elapsed_ns_ += poisson_ ? exponential_ns() : gap_ns_;
    next_ns_ = begin_ns_ + std::llround(elapsed_ns_);
  }

 private:
  double exponential_ns() noexcept {
    // SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    z ^= z >> 31;
    const double uniform = static_cast<double>(z >> 11) * 0x1.0p-53;  // below 1
    return -std::log1p(-uniform) * gap_ns_;
  }

  bool poisson_ = false;
  std::int64_t begin_ns_ = 0;
  double gap_ns_ = 0;
  std::uint64_t state_ = 0;
  double elapsed_ns_ = 0;
  std::int64_t next_ns_ = INT64_MAX;
};

}  // namespace bench
