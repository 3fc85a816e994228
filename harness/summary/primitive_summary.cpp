// How primitives are summed up: each operation for itself.
#include "harness/summary/summary_kind.h"

namespace bench {
namespace {

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
                                    .afterword = nullptr,
                                    .warn = nullptr};

}  // namespace bench
