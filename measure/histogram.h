// Why: a mean hides the tail and keeping every sample does not scale to millions of requests, so
// latencies are counted in a histogram of fixed size and bounded relative error that can be merged.
//
// The layout is the log-linear one of Gil Tene's HdrHistogram (http://hdrhistogram.org) with three
// significant decimal digits. Values below 2048 have a bucket each; above, every power of two is
// cut into 1024 buckets of equal width, so no bucket is wider than 1/1024 of its lower bound.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace bench {

/// Counts durations of 1 ns to about 39 hours with a relative error of at most 1/1024.
///
/// All-zero bytes are a valid empty histogram, so one may lie in a zero-filled shared mapping
/// without being constructed there. It is not atomic: one writer, and readers once it has stopped.
/// It takes about 310 KB; prefer the heap or a mapping to a thread's stack.
class Histogram {
 public:
  /// A non-empty bucket: `count` samples within `low_ns` to `high_ns`, both inclusive.
  struct Bucket {
    std::int64_t low_ns;
    std::int64_t high_ns;
    std::uint64_t count;

    bool operator==(const Bucket&) const = default;
  };

  /// The compact form: (bucket index, count) of the non-empty buckets in ascending order.
  using Encoded = std::vector<std::pair<std::uint32_t, std::uint64_t>>;

  static constexpr std::size_t value_bits = 47;
  static constexpr std::int64_t max_value_ns = (std::int64_t{1} << value_bits) - 1;
  static constexpr std::size_t half_bits = 10;
  static constexpr std::size_t half_count = std::size_t{1} << half_bits;
  static constexpr std::size_t bucket_count = (value_bits - half_bits + 1) * half_count;

  /// Counts `value_ns` `times` times. Negative values count as 0, values above `max_value_ns` as
  /// `max_value_ns`. The sum behind `mean_ns` wraps after 584 years of added-up durations.
  void record(std::int64_t value_ns, std::uint64_t times = 1) noexcept {
    if (times == 0) return;
    const std::int64_t value = std::clamp<std::int64_t>(value_ns, 0, max_value_ns);
    counts_[index_of(value)] += times;
    min_ns_ = count_ == 0 ? value : std::min(min_ns_, value);
    max_ns_ = std::max(max_ns_, value);
    sum_ns_ += static_cast<std::uint64_t>(value) * times;
    count_ += times;
  }

  /// Adds the samples of `other`, as if all had been recorded here.
  void merge(const Histogram& other) noexcept;

  /// Forgets all samples; of none this is no work.
  void clear() noexcept;

  /// Number of samples.
  std::uint64_t count() const noexcept { return count_; }

  /// Smallest and largest sample in ns, exact (after clamping); 0 when empty.
  std::int64_t min_ns() const noexcept { return min_ns_; }
  std::int64_t max_ns() const noexcept { return max_ns_; }

  /// Arithmetic mean in ns, from the exact sum; 0 when empty.
  double mean_ns() const noexcept;

  /// The value in ns that at least `p` percent of the samples do not exceed (nearest rank).
  ///
  /// It is the highest value of the bucket in which that sample lies, kept within `min_ns` and
  /// `max_ns`: never below the exact percentile, and above it by less than 1/1024.
  /// `p` outside 0 to 100 counts as the nearer end. Returns 0 when empty.
  std::int64_t percentile_ns(double p) const noexcept;

  /// The non-empty buckets in ascending order.
  std::vector<Bucket> buckets() const;

  /// The compact form, for result files; encoded histograms merge by decoding and `merge`.
  Encoded encode() const;

  /// Restores a histogram; an index that occurs twice adds up. The exact extremes are lost: minimum
  /// and maximum become the bounds of their buckets, and the mean that of the buckets' middles.
  /// Returns null if an index is out of range or the counts overflow.
  static std::unique_ptr<Histogram> decode(std::span<const std::pair<std::uint32_t, std::uint64_t>> encoded);

  /// Index of the bucket that counts `value_ns`, which must lie within 0 to `max_value_ns`.
  static constexpr std::size_t index_of(std::int64_t value_ns) noexcept {
    const auto value = static_cast<std::uint64_t>(value_ns);
    const auto width = static_cast<std::size_t>(std::bit_width(value | (2 * half_count - 1)));
    const std::size_t shift = width - (half_bits + 1);
    return shift * half_count + static_cast<std::size_t>(value >> shift);
  }

  /// Lowest value in ns of bucket `index`, which must be below `bucket_count`.
  static constexpr std::int64_t lowest_ns(std::size_t index) noexcept {
    const std::size_t shift = shift_of(index);
    return static_cast<std::int64_t>(index - shift * half_count) << shift;
  }

  /// Highest value in ns of bucket `index`, which must be below `bucket_count`.
  static constexpr std::int64_t highest_ns(std::size_t index) noexcept {
    return lowest_ns(index) + (std::int64_t{1} << shift_of(index)) - 1;
  }

  /// Same samples counted: equal buckets, minimum, maximum and sum.
  bool operator==(const Histogram&) const = default;

 private:
  // Values of this bucket differ only in their lowest `shift` bits.
  static constexpr std::size_t shift_of(std::size_t index) noexcept {
    return index < half_count ? 0 : index / half_count - 1;
  }

  std::uint64_t count_ = 0;
  std::int64_t min_ns_ = 0;
  std::int64_t max_ns_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::array<std::uint64_t, bucket_count> counts_{};
};

static_assert(std::is_trivially_copyable_v<Histogram>);
static_assert(std::is_trivially_destructible_v<Histogram>);
static_assert(std::is_standard_layout_v<Histogram>);
static_assert(Histogram::index_of(Histogram::max_value_ns) == Histogram::bucket_count - 1);
static_assert(Histogram::highest_ns(Histogram::bucket_count - 1) == Histogram::max_value_ns);

}  // namespace bench
