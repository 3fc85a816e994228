// What runs leave behind: samples, and the rounds and rulers around them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/histogram.h"
#include "harness/measure/run_report.h"

namespace bench {

/// The percentiles that every report shows, in this order.
inline constexpr std::array<double, 4> shown_percentiles{50, 90, 99, 99.9};

/// What one run of a cell measured. Costs are per batch.
struct Sample {
  std::uint32_t round = 0;    ///< Of the workload, from 0; samples of the same round are pairs.
  std::uint32_t batches = 0;  ///< Measured; costs are means over them.
  std::uint32_t warmup_batches = 0;
  double wall_ns = 0;
  double cpu_ns = 0;      ///< Of the whole tree, in the measured batches.
  double compute_ns = 0;  ///< CPU time of the batch's computation as a plain loop, just before and after; or 0.
  double voluntary_switches = 0;
  double involuntary_switches = 0;
  double minor_faults = 0;
  double major_faults = 0;
  std::int64_t run_user_ns = 0;            ///< Of the run's whole life, with its start and warm-up.
  std::int64_t run_system_ns = 0;          ///< Likewise; user and system are split by the kernel's ticks.
  std::int32_t units_peak = 0;             ///< Units alive at once, counted.
  std::array<double, 4> latency_ns{};      ///< shown_percentiles: from a batch's start to each task's end.
  std::array<double, 4> start_delay_ns{};  ///< From a batch's start to each task's start.
  std::array<double, 4> service_ns{};      ///< From each task's start to its end.
  Histogram::Encoded latency;              ///< For merging over runs.
};

/// All that is known of a cell.
struct CellResult {
  std::vector<Sample> samples;
  std::optional<std::string> failure;  ///< Of its last run; the cell left the plan with it.
  std::int64_t peak_memory_bytes = 0;  ///< Proportional set size of the whole tree, from a run of its own; 0: unknown.
};

/// A reading of the ruler, right before or right after a round of a workload.
struct RulerReading {
  std::size_t workload = 0;  ///< Index into the plan's workloads.
  std::uint32_t round = 0;
  bool after = false;
  Ruler ruler;
};

/// Everything the runs of a plan have left so far. Indices are those of the plan.
struct Results {
  std::vector<CellResult> cells;
  std::vector<RulerReading> rulers;
  bool interrupted = false;
  std::int64_t elapsed_ns = 0;
};

/// The sample in `report`.
Sample make_sample(const RunReport& report, std::uint32_t round, std::int64_t user_ns, std::int64_t system_ns);

}  // namespace bench
