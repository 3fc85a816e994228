#include "harness/summary/verdict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "harness/text/quantities.h"

namespace bench {
namespace {

// Of the only cell that was asked for; one whose others failed compares with nothing.
std::string alone(const SummarySource& source, const GroupSummary& summary) {
  const SummaryKind& kind = summary_kind(source.group);
  if (source.group.cells.size() != 1 || summary.cells.empty() || !kind.alone) return {};
  const CellSummary& row = summary.cells.front();
  return row.runs.valid() && !source.results.cells[row.cell].failure ? kind.alone(source, row) : "";
}

// " at 30,000 requests/s", of what is compared at one rate.
std::string at_its_rate(const GroupSummary& summary) {
  const auto first = std::ranges::find(summary.cells, summary.ranking.order.front().cell, &CellSummary::cell);
  return fmt::format(" at {} requests/s", format_count(first->service->offered_rate.median));
}

// How a sentence calls the best by each measure.
std::string best_by(const GroupSummary& summary) {
  switch (summary.ranking.by) {
    case RankedBy::time:
      if (!summary.ranking.bounded) return "Shortest";
      return summary.others_busy > disturbing_share ? "Best beside the other processes" : "Best";
    case RankedBy::cpu:
      return summary.ranking.bounded ? "Least CPU per request" + at_its_rate(summary) : "Least CPU per request";
    case RankedBy::rate:
    case RankedBy::knee: break;
  }
  return "Highest rate";
}

std::string no_winner(const GroupSummary& summary) {
  switch (summary.ranking.by) {
    case RankedBy::time: return "No winner";
    case RankedBy::cpu: return "No winner by CPU per request" + at_its_rate(summary);
    case RankedBy::rate:
    case RankedBy::knee: break;
  }
  return "No winner by rate";
}

// "1.33× as long"; a small difference as what it adds: "0.4% longer".
std::string compared(RankedBy by, double over_first) {
  constexpr double small = 1.1;
  const auto percent = [](double ratio, std::string_view what) {
    return fmt::format("{:.1f}% {}", std::abs(ratio - 1) * 100, what);
  };
  const bool is_small = over_first >= 1 && over_first < small;
  switch (by) {
    case RankedBy::time: return is_small ? percent(over_first, "longer") : format_ratio(over_first) + " as long";
    case RankedBy::cpu: return is_small ? percent(over_first, "more CPU") : format_ratio(over_first) + " the CPU";
    case RankedBy::rate:
    case RankedBy::knee: break;
  }
  return is_small ? percent(1 / over_first, "less") : format_ratio(1 / over_first) + " the rate";
}

// Which cells are best; of a single one that met the rate, that it is the only one.
std::string praise(const Plan& plan, const GroupSummary& summary) {
  const Ranking& ranking = summary.ranking;
  const auto label = [&](std::size_t cell) -> std::string_view { return plan.cells[cell].label; };
  if (ranking.order.empty()) return {};
  if (ranking.order.size() == 1) {
    if (ranking.by != RankedBy::cpu) return {};
    const std::size_t only = ranking.order.front().cell;
    const auto row = std::ranges::find(summary.cells, only, &CellSummary::cell);
    return fmt::format("Only {} met {} requests/s.", label(only), format_count(row->service->offered_rate.median));
  }
  if (!ranking.bounded) {
    return fmt::format("{}: {}, but fewer than 6 rounds cannot tell models apart.", best_by(summary),
                       label(ranking.order.front().cell));
  }
  std::vector<std::string_view> best;
  for (const std::size_t cell : ranking.best) best.push_back(label(cell));
  if (best.size() == ranking.order.size()) {
    return fmt::format(
        "{}: the data cannot tell {} apart.", no_winner(summary),
        best.size() > 2 ? fmt::format("any of the {}", best.size()) : fmt::format("{}", fmt::join(best, " and ")));
  }
  std::string next;
  if (ranking.next) next = fmt::format("; next is {}", label(ranking.next->cell));
  if (ranking.next && ranking.next->over_first) {
    next += ", " + compared(ranking.by, ranking.next->over_first->effect);
  }
  return fmt::format("{}: {}{}{}.", best_by(summary), fmt::join(best, ", "),
                     best.size() > 1 ? " (the data cannot tell them apart)" : "", next);
}

}  // namespace

std::string verdict(const SummarySource& source, const GroupSummary& summary) {
  const SummaryKind& kind = summary_kind(source.group);
  if (kind.ranked_by && summary.cells.size() < 2) return alone(source, summary);
  const std::string best = kind.ranked_by ? praise(source.plan, summary) : "";
  const std::string more = kind.afterword ? kind.afterword(source, summary) : "";
  return best.empty() || more.empty() || more.starts_with(' ') ? best + more : best + ' ' + more;
}

}  // namespace bench
