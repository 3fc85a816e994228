// How primitives are summed up: each operation for itself.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "harness/summary/summary_kind.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

// A kind of unit and the least that it costs in any of its rows; without an interval nothing is told apart.
struct UnitCost {
  std::string_view unit;
  Estimate cost;
};

// Of the kinds of units that a reader chooses between, dearest first.
template <typename Cost>
std::vector<UnitCost> unit_costs(const SummarySource& source, const GroupSummary& summary, Cost cost) {
  constexpr auto units = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"processes", "process"}, {"threads", "thread"}, {"fibers", "fiber"}, {"coroutines", "coroutine"}});
  std::vector<UnitCost> costs;
  for (const auto& [model, unit] : units) {
    UnitCost least{.unit = unit, .cost = {}};
    for (const CellSummary& row : summary.cells) {
      if (source.plan.cells[row.cell].model->name != model || !row.runs.valid()) continue;
      const Estimate estimate = cost(row);
      if (estimate.bounded && estimate.median > 0 && (least.cost.median <= 0 || estimate.median < least.cost.median))
        least.cost = estimate;
    }
    if (least.cost.median > 0) costs.push_back(least);
  }
  std::ranges::stable_sort(costs, std::ranges::greater(), [](const UnitCost& each) { return each.cost.median; });
  return costs;
}

// "a process takes 9.9 times as long as a thread, a thread 71 times as long as a fiber"; `as` is "as long as".
std::string compared(const std::vector<UnitCost>& costs, std::string_view verb, std::string_view as) {
  std::vector<std::string> parts;
  for (std::size_t index = 0; index + 1 < costs.size(); ++index) {
    const auto& [unit, cost] = costs[index];
    const auto& [other, other_cost] = costs[index + 1];
    const bool overlap = cost.low <= other_cost.high;
    const double times = cost.median / other_cost.median;
    parts.push_back(fmt::format("a {}{}{} {}{} a {}", unit, index == 0 ? " " : "", index == 0 ? verb : "",
                                overlap      ? "about "
                                : times < 10 ? fmt::format("{:.1f} times ", times)
                                             : fmt::format("{} times ", format_count(times)),
                                as, other));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string afterword(const SummarySource& source, const GroupSummary& summary) {
  const auto times = unit_costs(source, summary, [](const CellSummary& row) { return row.wall_ns; });
  if (times.size() < 2) return {};
  std::string text = fmt::format("At the cheapest, {}.", compared(times, "takes", "as long as"));
  if (!source.group.primitive->measures_memory) return text;
  const auto bytes = unit_costs(source, summary, [](const CellSummary& row) {
    const Estimate& user = row.primitive->user_bytes;
    const Estimate& kernel = row.primitive->kernel_bytes;
    // What the kernel uses is read of the whole machine: a reading below nothing is what others gave back meanwhile.
    return Estimate{.median = user.median + std::max(kernel.median, 0.0),
                    .low = user.low + std::max(kernel.low, 0.0),
                    .high = user.high + std::max(kernel.high, 0.0),
                    .samples = user.samples,
                    .bounded = user.bounded};
  });
  if (bytes.size() < 2) return text;
  return text + fmt::format(" While it waits, {}.", compared(bytes, "takes", "as much memory as"));
}

void add_own(const SummarySource& /*source*/, const Samples& samples, CellSummary& row) {
  const auto estimate = [&](double UnitMemory::*field) {
    return median_estimate(column(samples, [&](const Sample& sample) { return sample.primitive->memory.*field; }));
  };
  row.primitive = {.user_bytes = estimate(&UnitMemory::user_bytes),
                   .kernel_bytes = estimate(&UnitMemory::kernel_bytes)};
}

}  // namespace

const SummaryKind primitive_summary{.ideal_ns = nullptr,
                                    .cost = &Sample::wall_ns,
                                    .probe = &Ruler::spin_ns,
                                    .add_own = add_own,
                                    .ranked_by = nullptr,
                                    .cost_by = nullptr,
                                    .why_unranked = nullptr,
                                    .afterword = afterword,
                                    .alone = nullptr,
                                    .warn = nullptr};

}  // namespace bench
