// Why: the parts of the histogram that run after a measurement, and so may take their time.
#include "measure/histogram.h"

#include <cmath>
#include <limits>

namespace bench {
namespace {

// Rank (from 1) of the sample at percentile `p` among `count` samples. The product of an inexact
// percentile such as 99.9 may come out a rounding error above a whole number, and `ceil` must not
// turn that into the next rank.
std::uint64_t rank_of(double p, std::uint64_t count) {
  if (!(p > 0)) return 1;
  if (p >= 100) return count;
  const double exact = p * static_cast<double>(count) / 100;
  const double rank = std::ceil(exact * (1 - 4 * std::numeric_limits<double>::epsilon()));
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rank), 1, count);
}

}  // namespace

void Histogram::merge(const Histogram& other) noexcept {
  if (other.count_ == 0) return;
  for (std::size_t i = 0; i < bucket_count; ++i) counts_[i] += other.counts_[i];
  min_ns_ = count_ == 0 ? other.min_ns_ : std::min(min_ns_, other.min_ns_);
  max_ns_ = std::max(max_ns_, other.max_ns_);
  sum_ns_ += other.sum_ns_;
  count_ += other.count_;
}

void Histogram::clear() noexcept {
  if (count_ == 0) return;
  // Not `*this = {}`, which may put a temporary of 250 KB on the stack.
  counts_.fill(0);
  count_ = 0;
  min_ns_ = 0;
  max_ns_ = 0;
  sum_ns_ = 0;
}

double Histogram::mean_ns() const noexcept {
  return count_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(count_);
}

std::int64_t Histogram::percentile_ns(double p) const noexcept {
  if (count_ == 0) return 0;
  const std::uint64_t rank = rank_of(p, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::clamp(highest_ns(i), min_ns_, max_ns_);
  }
  return max_ns_;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> filled;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    if (counts_[i] != 0) filled.push_back({lowest_ns(i), highest_ns(i), counts_[i]});
  }
  return filled;
}

Histogram::Encoded Histogram::encode() const {
  Encoded encoded;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    if (counts_[i] != 0) encoded.emplace_back(static_cast<std::uint32_t>(i), counts_[i]);
  }
  return encoded;
}

std::unique_ptr<Histogram> Histogram::decode(std::span<const std::pair<std::uint32_t, std::uint64_t>> encoded) {
  auto decoded = std::make_unique<Histogram>();
  for (const auto& [index, times] : encoded) {
    if (index >= bucket_count) return nullptr;
    if (times > std::numeric_limits<std::uint64_t>::max() - decoded->count_) return nullptr;
    if (times == 0) continue;
    const std::int64_t low = lowest_ns(index);
    const std::int64_t high = highest_ns(index);
    decoded->record(low + (high - low) / 2, times);
    decoded->min_ns_ = std::min(decoded->min_ns_, low);
    decoded->max_ns_ = std::max(decoded->max_ns_, high);
  }
  return decoded;
}

}  // namespace bench
