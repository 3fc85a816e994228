// How jobs are summed up: their batches against the shortest time possible and against the serial loop.
#include "harness/summary/summary_kind.h"

namespace bench {
namespace {

double ideal_of(const Group& group, const Sample& sample) { return ideal_ns(group, sample.ideal_cpu_ns); }

std::optional<Ratio> speedup(const SummarySource& source, std::size_t index) {
  for (const std::size_t cell : source.group.cells) {
    if (source.plan.cells[cell].model->name == "serial") {
      const auto distance = [&](const Sample& sample) { return over_ideal(source.group, sample); };
      return ratio_within_rounds(by_round(source, cell, distance), by_round(source, index, distance));
    }
  }
  return std::nullopt;
}

// (CPU of the batch - CPU of the plain loop) / checkpoints, run by run.
std::optional<Estimate> checkpoint_price(const Group& group, const Samples& samples) {
  if (!group.job->checkpoints) return std::nullopt;
  const double checkpoints = static_cast<double>(group.job->checkpoints(group.batch)) * group.batch.tasks;
  std::vector<double> prices;
  for (const Sample& sample : samples) prices.push_back((sample.cpu_ns - sample.ideal_cpu_ns) / checkpoints);
  return median_estimate(prices);
}

void add_own(const SummarySource& source, const Samples& samples, CellSummary& row) {
  row.speedup = speedup(source, row.cell);
  // Where tasks compute on several CPUs at once, they slow each other down, and the plain loop has the machine alone.
  if (source.plan.cells[row.cell].model->parallel) return;
  row.checkpoint_ns = checkpoint_price(source.group, samples);
}

RankedBy ranked_by(const Group& /*group*/) { return RankedBy::time; }

double cost_by(const Group& group, const Sample& sample, RankedBy /*by*/) { return over_ideal(group, sample); }

std::string why_unranked(const CellSummary& /*row*/, RankedBy /*by*/) { return {}; }

}  // namespace

const SummaryKind job_summary{.ideal_ns = ideal_of,
                              .cost = &Sample::wall_ns,
                              .probe = &Ruler::spin_ns,
                              .add_own = add_own,
                              .ranked_by = ranked_by,
                              .cost_by = cost_by,
                              .why_unranked = why_unranked,
                              .afterword = nullptr,
                              .warn = nullptr};

}  // namespace bench
