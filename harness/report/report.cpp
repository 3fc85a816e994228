#include "harness/report/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "harness/report/report_kind.h"
#include "harness/summary/rows_by_reason.h"
#include "harness/text/quantities.h"
#include "harness/text/table.h"

namespace bench {
namespace {

constexpr std::array<const ReportKind*, kind_count> kinds{&job_report, &service_report, &primitive_report};

std::string note_lines(const Plan& plan, const Group& group) {
  std::string text;
  const std::size_t width = label_width(plan, group);
  for (const std::size_t index : group.cells) {
    const Cell& cell = plan.cells[index];
    if (!cell.note.empty()) text += fmt::format("  {:<{}}  here it {}\n", cell.label, width, cell.note);
  }
  return text;
}

std::string rounds_text(const GroupSummary& summary, const Results& results) {
  std::string text = fmt::format("{} round{}", summary.rounds, summary.rounds == 1 ? "" : "s");
  std::size_t fewest = SIZE_MAX;
  std::size_t most = 0;
  bool any_elsewhere = false;
  for (const CellSummary& row : summary.cells) {
    any_elsewhere |= row.runs.elsewhere != 0;
    if (row.runs.used.size() < fewest_runs) continue;  // it has left the rounds
    fewest = std::min(fewest, row.runs.used.size());
    most = std::max(most, row.runs.used.size());
  }
  if (any_elsewhere) {
    text += fmt::format(", of each cell the {}{} runs that found the machine {}",
                        fewest == most ? "" : fmt::format("{} to ", fewest), most,
                        summary.regime == Regime::usual ? "at its best" : "in its slow regime");
  }
  if (results.interrupted) text += ", interrupted";
  return text;
}

// Runs, or whole rows, whose figures may not be believed.
std::string left_out_lines(const Plan& plan, const GroupSummary& summary) {
  RowsByReason left_out;
  RowsByReason invalid;
  for (const CellSummary& row : summary.cells) {
    const RunsUsed& runs = row.runs;
    if (runs.invalid == 0) continue;
    (runs.valid() ? left_out : invalid)
        .add(runs.why_invalid, fmt::format("{} ({} of {} runs)", plan.cells[row.cell].label, runs.invalid, runs.runs));
  }
  std::string text;
  for (const auto& [why, rows] : left_out.groups())
    text += fmt::format("  Left out ({}): {}\n", why, fmt::join(rows, ", "));
  for (const auto& [why, rows] : invalid.groups())
    text += fmt::format("  INVALID ({}): {}\n", why, fmt::join(rows, ", "));
  return text;
}

std::string group_text(const Plan& plan, const Results& results, const GroupSummary& summary, Format format,
                       bool emphasis) {
  const Group& group = plan.groups[summary.group];
  const ReportKind& kind = report_kind(group);
  Table table{.header = kind.header(group), .rows = {}};
  for (const std::size_t index : group.cells) {
    const Cell& cell = plan.cells[index];
    const CellResult& result = results.cells[index];
    const auto row = std::ranges::find(summary.cells, index, &CellSummary::cell);
    if (cell.skipped) {
      table.rows.push_back({cell.label, "skipped: " + *cell.skipped});
    } else if (result.failure) {
      table.rows.push_back({cell.label, "failed: " + *result.failure});
    } else if (row != summary.cells.end()) {
      table.rows.push_back(kind.row(*row, cell, group, result));
    } else {
      table.rows.push_back({cell.label, "not run"});
    }
  }
  const std::string ideal = summary.cells.empty() ? "" : kind.ideal(summary);
  std::string text = fmt::format("{}{} · {}\n\n", group.title, ideal, rounds_text(summary, results));
  if (format == Format::markdown) text = "### " + text;
  text += format == Format::markdown ? render_markdown(table) : render_console(table, emphasis);
  const std::string lines =
      note_lines(plan, group) + kind.lines(plan, results, summary) + left_out_lines(plan, summary);
  if (!lines.empty()) text += '\n' + lines;
  const std::string paragraph = kind.paragraph(plan, summary);
  if (!paragraph.empty()) text += '\n' + paragraph;
  if (!summary.verdict.empty()) text += '\n' + summary.verdict + '\n';
  for (const std::string& warning : summary.warnings) text += fmt::format("Warning: {}.\n", warning);
  return text;
}

}  // namespace

std::string interval_text(const Estimate& estimate) {
  if (!estimate.bounded) return "-";
  return fmt::format("±{:.1f}%", estimate.half_width() * 100);
}

std::string ratio_text(const std::optional<Ratio>& ratio) { return ratio ? format_ratio(ratio->effect) : "-"; }

std::string no_ideal(const GroupSummary& /*summary*/) { return {}; }
std::string no_lines(const Plan& /*plan*/, const Results& /*results*/, const GroupSummary& /*summary*/) { return {}; }
std::string no_paragraph(const Plan& /*plan*/, const GroupSummary& /*summary*/) { return {}; }

std::size_t label_width(const Plan& plan, const Group& group) {
  std::size_t width = 0;
  for (const std::size_t index : group.cells) width = std::max(width, plan.cells[index].label.size());
  return width;
}

const ReportKind& report_kind(const Group& group) { return of_kind(group, kinds); }

std::string report_text(const Plan& plan, const Results& results, Format format, bool emphasis) {
  std::string text;
  bool machine_disturbs = false;
  for (const GroupSummary& summary : summarize(plan, results)) {
    if (!text.empty()) text += '\n';
    text += group_text(plan, results, summary, format, emphasis);
    machine_disturbs |= summary.machine_disturbs;
  }
  if (machine_disturbs) text += "\n`bench doctor` says what on this machine spoils measurements, and what mends it.\n";
  for (const ReportKind* kind : kinds) {
    const auto is_of = [&](const Group& group) { return &report_kind(group) == kind; };
    if (std::ranges::any_of(plan.groups, is_of)) text += fmt::format("\n{}", kind->legend);
  }
  return text;
}

std::string plan_text(const Plan& plan) {
  std::string text;
  for (const Group& group : plan.groups) {
    text += group.title + '\n';
    for (const std::size_t index : group.cells) {
      const Cell& cell = plan.cells[index];
      text += cell.skipped ? fmt::format("  {}  skipped: {}\n", cell.name, *cell.skipped)
                           : fmt::format("  {}  about {} a run\n", cell.name,
                                         format_duration(static_cast<double>(cell.expected_ns)));
    }
  }
  const double round_ns = static_cast<double>(expected_round_ns(plan));
  const double least_ns = round_ns * plan.min_rounds;
  const double most_ns =
      std::max(least_ns, std::min(round_ns * plan.max_rounds, static_cast<double>(plan.max_time_ns)));
  const auto once_ns = static_cast<double>(expected_once_ns(plan));
  text += fmt::format("{} cell{}, seed {}; ", plan.cells.size(), plan.cells.size() == 1 ? "" : "s", plan.seed);
  if (plan.min_rounds == plan.max_rounds) {
    text += fmt::format("{} round{} of about {}: about {} in all\n", plan.min_rounds, plan.min_rounds == 1 ? "" : "s",
                        format_duration(round_ns), format_duration(least_ns + once_ns));
  } else {
    const std::string least = format_duration(least_ns + once_ns);
    const std::string most = format_duration(most_ns + once_ns);
    text += fmt::format("{} to {} rounds of about {}: {} in all\n", plan.min_rounds, plan.max_rounds,
                        format_duration(round_ns), least == most ? "about " + least : least + " to " + most);
  }
  return text;
}

}  // namespace bench
