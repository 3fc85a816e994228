// How jobs are reported: times of batches, and what a checkpoint costs where that is what the job is about.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/report/report_kind.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

// Whole numbers, but one digit for what happens less than once in a batch.
std::string format_switches(double switches) {
  return switches > 0 && switches < 1 ? fmt::format("{:.1f}", switches) : format_count(std::round(switches));
}

constexpr std::string_view latency = "from the batch's start to a task's end";
constexpr auto columns = std::to_array<ReportColumn>({{"model"},
                                                      {"time", 0, "one batch, median of the rounds"},
                                                      {"95%", 0, "interval of that median"},
                                                      {"over ideal", 1, "multiple of about the shortest time possible"},
                                                      {"speed-up", 3, "over serial"},
                                                      {"CPU", 2, "user and system of all units"},
                                                      {"switches", 5, "waiting+preempted"},
                                                      {"p50", 7, latency},
                                                      {"p99", 6, latency},
                                                      {"memory", 4, "peak of all processes (PSS)"},
                                                      {"units", 8, "alive at once"}});

// "10 sold, 9 oversold".
std::string tallies_text(const CellSummary& row) {
  std::vector<std::string> counts;
  for (const Tally& tally : row.tallies) {
    counts.push_back(fmt::format("{} {}", format_count(std::round(tally.count.median)), tally.name));
  }
  return fmt::format("{}", fmt::join(counts, ", "));
}

constexpr PivotFigure time_figure{"time of a batch",
                                  [](const CellSummary& row) { return format_duration(row.wall_ns.median); }};
constexpr std::array figures{time_figure};
constexpr std::array figures_with_counts{time_figure, PivotFigure{"counted in a batch", tallies_text}};

std::vector<std::string> row_of(const CellSummary& row, const Cell& cell, const Group& /*group*/,
                                const CellResult& result) {
  return {
      cell.label,
      format_duration(row.wall_ns.median),
      interval_text(row.wall_ns, format_duration),
      ratio_text(row.over_ideal),
      ratio_text(row.speedup),
      format_duration(row.cpu_ns.median),
      fmt::format("{}+{}", format_switches(row.voluntary_switches.median),
                  format_switches(row.involuntary_switches.median)),
      format_duration(row.latency_ns[Shown::p50].median),
      format_duration(row.latency_ns[Shown::p99].median),
      result.peak_memory_bytes > 0 ? format_bytes(static_cast<double>(result.peak_memory_bytes)) : "-",
      format_count(std::round(row.units_peak.median)),
  };
}

std::string checkpoint_prices(const Plan& plan, const GroupSummary& summary) {
  const std::size_t width = label_width(plan, plan.groups[summary.group]);
  std::string text;
  for (const CellSummary& row : summary.cells) {
    if (!row.checkpoint_ns) continue;
    const Estimate& price = *row.checkpoint_ns;
    text += fmt::format("  {:<{}}  {:6.2f} ns", plan.cells[row.cell].label, width, price.median);
    if (price.bounded) text += fmt::format("  [{:.2f}, {:.2f}]", price.low, price.high);
    text += '\n';
  }
  if (text.empty() || !summary.compute_ns) return text;
  const Group& group = plan.groups[summary.group];
  const double steps = static_cast<double>(group.job->checkpoints(group.batch)) * group.batch.tasks;
  return fmt::format("What a checkpoint adds to a step of the plain loop ({:.2f} ns), in CPU time:\n{}",
                     summary.compute_ns->median / steps, text);
}

std::string item_rates(const Plan& plan, const GroupSummary& summary) {
  const Group& group = plan.groups[summary.group];
  if (!group.job->items) return {};
  const auto items = static_cast<double>(group.job->items(group.batch));
  const std::size_t width = label_width(plan, group);
  std::string text;
  for (const CellSummary& row : summary.cells) {
    if (row.wall_ns.samples == 0 || !row.runs.valid()) continue;
    const double switches = row.voluntary_switches.median + row.involuntary_switches.median;
    text += fmt::format("  {:<{}}{:>12}/s  {:.4f} switches each\n", plan.cells[row.cell].label, width,
                        format_count(std::round(items / (row.wall_ns.median / 1e9))), switches / items);
  }
  if (text.empty()) return text;
  return fmt::format("{} items a batch, at the median time:\n{}", format_count(items), text);
}

std::string counted(const Plan& plan, const GroupSummary& summary) {
  const std::size_t width = label_width(plan, plan.groups[summary.group]);
  std::string text;
  for (const CellSummary& row : summary.cells) {
    if (row.tallies.empty() || row.wall_ns.samples == 0) continue;
    text += fmt::format("  {:<{}}  {}\n", plan.cells[row.cell].label, width, tallies_text(row));
    if (!row.remark.empty()) text += fmt::format("  {:<{}}  {}\n", "", width, row.remark);
  }
  return text.empty() ? text : "Counted in a batch, median of the runs:\n" + text;
}

std::string paragraph_of(const Plan& plan, const GroupSummary& summary) {
  return checkpoint_prices(plan, summary) + item_rates(plan, summary) + counted(plan, summary);
}

std::span<const ReportColumn> columns_of(const Group& /*group*/) { return columns; }

std::span<const PivotFigure> figures_of(const Group& group) {
  return group.job->tallies.empty() ? std::span<const PivotFigure>(figures) : figures_with_counts;
}

std::string ideal_of(const GroupSummary& summary) {
  return summary.ideal_ns > 0 ? fmt::format(" · ideal {}", format_duration(summary.ideal_ns)) : " · no ideal";
}

}  // namespace

const ReportKind job_report{.columns = columns_of,
                            .row = row_of,
                            .figures = figures_of,
                            .ideal = ideal_of,
                            .lines = no_lines,
                            .paragraph = paragraph_of,
                            .has_ranking = true,
                            .counted = {},
                            .rows = &job_row_parts};

}  // namespace bench
