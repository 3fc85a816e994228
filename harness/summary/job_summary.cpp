// How jobs are summed up: their batches against the shortest time possible and against the serial loop.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "harness/summary/summary_kind.h"
#include "harness/text/quantities.h"

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

// Files of earlier versions may have none.
std::vector<Tally> tallies_of(std::span<const std::string_view> names, const Samples& samples) {
  const auto has_all = [&](const Sample& sample) { return sample.tallies.size() == names.size(); };
  if (!std::ranges::all_of(samples, has_all)) return {};
  std::vector<Tally> tallies;
  for (std::size_t index = 0; index < names.size(); ++index) {
    const auto count = [&](const Sample& sample) { return sample.tallies[index]; };
    tallies.push_back({names[index], median_estimate(column(samples, count))});
  }
  return tallies;
}

void add_own(const SummarySource& source, const Samples& samples, CellSummary& row) {
  row.speedup = speedup(source, row.cell);
  row.tallies = tallies_of(source.group.job->tallies, samples);
  const auto remarked = std::ranges::find_if(samples, [](const Sample& sample) { return !sample.remark.empty(); });
  if (remarked != samples.end()) row.remark = remarked->get().remark;
  // Where tasks compute on several CPUs at once, they slow each other down, and the plain loop has the machine alone.
  // Where batches are too short to be believed, the price would be that of what lies around them.
  if (source.plan.cells[row.cell].model->parallel || !row.runs.valid()) return;
  row.checkpoint_ns = checkpoint_price(source.group, samples);
}

RankedBy ranked_by(const Group& /*group*/) { return RankedBy::time; }

double cost_by(const Group& group, const Sample& sample, RankedBy /*by*/) { return over_ideal(group, sample); }

std::string why_unranked(const CellSummary& /*row*/, RankedBy /*by*/) { return {}; }

// A cell of a pool, its place in the ranking, and its cost by rounds.
struct PoolCost {
  std::size_t cell;
  std::size_t place;
  std::uint32_t workers;
  ByRound cost;
};

std::string longer(double times) {
  return times < 1.5 ? fmt::format("{:.0f}% longer", (times - 1) * 100) : fmt::format("{:.1f} times as long", times);
}

// "thread-pool: 100 workers are enough; 50 take 1.9 times as long; more gain nothing." As good as the best are those
// that the ranking cannot tell from it.
std::string enough_workers(std::string_view model, const std::vector<PoolCost>& pools, const Ranking& ranking) {
  const PoolCost& best = *std::ranges::min_element(pools, {}, &PoolCost::place);
  const auto is_as_good = [&](const PoolCost& pool) {
    const auto holds = [](const std::vector<std::size_t>& tie, std::size_t cell) {
      return std::ranges::find(tie, cell) != tie.end();
    };
    return &pool == &best || std::ranges::any_of(ranking.ties, [&](const auto& tie) {
      return holds(tie, pool.cell) && holds(tie, best.cell);
    });
  };
  const auto enough = std::ranges::find_if(pools, is_as_good);
  std::string text = fmt::format("{}: {} worker{} {} enough", model, enough->workers, enough->workers == 1 ? "" : "s",
                                 enough->workers == 1 ? "is" : "are");
  if (enough != pools.begin()) {
    const PoolCost& fewer = *std::prev(enough);
    if (const auto ratio = ratio_within_rounds(fewer.cost, enough->cost)) {
      text += fmt::format("; {} take{} {}", fewer.workers, fewer.workers == 1 ? "s" : "", longer(ratio->effect));
    }
  }
  return text + (std::next(enough) == pools.end() ? "; more were not tried." : "; more gain nothing.");
}

// How many workers a pool needs, where several numbers were tried.
std::string afterword(const SummarySource& source, const GroupSummary& summary) {
  const Ranking& ranking = summary.ranking;
  if (!ranking.bounded) return {};
  std::map<std::string_view, std::vector<PoolCost>> pools;
  for (const Place& place : ranking.order) {
    const Cell& cell = source.plan.cells[place.cell];
    if (!cell.shows_workers) continue;
    const ByRound cost = by_round(source, place.cell, [&](const Sample& sample) {  //
      return over_ideal(source.group, sample);
    });
    pools[cell.model->name].push_back({.cell = place.cell,
                                       .place = static_cast<std::size_t>(&place - ranking.order.data()),
                                       .workers = cell.workers,
                                       .cost = cost});
  }
  std::vector<std::string> sentences;
  for (auto& [model, costs] : pools) {
    std::ranges::sort(costs, {}, &PoolCost::workers);
    if (costs.size() > 1) sentences.push_back(enough_workers(model, costs, ranking));
  }
  return fmt::format("{}", fmt::join(sentences, " "));
}

std::string alone(const SummarySource& source, const CellSummary& row) {
  std::string text = fmt::format("{} takes {}", source.plan.cells[row.cell].label, format_duration(row.wall_ns.median));
  if (row.over_ideal) {
    const double over = row.over_ideal->effect;
    text += over < 2 ? fmt::format(", {:.0f}% more than the shortest time possible", (over - 1) * 100)
                     : fmt::format(", {:.1f} times the shortest time possible", over);
  }
  if (row.others_busy > disturbing_share) {
    text += fmt::format(", beside other processes, which used {:.0f}% of its CPUs", row.others_busy * 100);
  }
  return text + ".";
}

}  // namespace

const SummaryKind job_summary{.ideal_ns = ideal_of,
                              .cost = &Sample::wall_ns,
                              .probe = &Ruler::spin_ns,
                              .add_own = add_own,
                              .ranked_by = ranked_by,
                              .cost_by = cost_by,
                              .why_unranked = why_unranked,
                              .afterword = afterword,
                              .alone = alone,
                              .warn = nullptr};

}  // namespace bench
