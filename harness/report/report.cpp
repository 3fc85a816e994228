#include "harness/report/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "harness/report/pivot.h"
#include "harness/report/report_kind.h"
#include "harness/summary/rows_by_reason.h"
#include "harness/text/quantities.h"
#include "harness/text/split.h"
#include "harness/text/table.h"

namespace bench {
namespace {

// Of paragraphs where nothing else says how wide they are to be.
constexpr std::size_t readable_width = 120;

std::size_t legend_width(const ReportLook& look) {
  if (look.format == Format::markdown) return any_width;
  return look.width == any_width ? readable_width : look.width;
}

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
    text += fmt::format("  Invalid ({}): {}\n", why, fmt::join(rows, ", "));
  return text;
}

// The table of a group with what is shown of it.
Table table_of(const Plan& plan, const Results& results, const GroupSummary& summary) {
  const Group& group = plan.groups[summary.group];
  const ReportKind& kind = report_kind(group);
  Table table;
  for (const ReportColumn& column : kind.columns(group)) table.header.emplace_back(column.name);
  for (const std::size_t index : group.cells) {
    const Cell& cell = plan.cells[index];
    const CellResult& result = results.cells[index];
    const auto row = std::ranges::find(summary.cells, index, &CellSummary::cell);
    if (cell.skipped) {
      table.add_remark(cell.label, "skipped: " + *cell.skipped);
    } else if (result.failure) {
      table.add_remark(cell.label, "failed: " + *result.failure);
    } else if (row != summary.cells.end()) {
      table.rows.push_back(kind.row(*row, cell, plan.group_of(cell), result));
    } else {
      table.add_remark(cell.label, "not run");
    }
  }
  return table;
}

// "over-ideal" names the column "over ideal".
bool is_named(std::string_view column, std::string_view name) {
  return std::ranges::equal(column, name, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b) || (a == ' ' && b == '-');
  });
}

// Takes out what is not wanted, or says nothing, or finds no room; returns the names of the last.
std::vector<std::string> choose_columns(Table& table, std::span<const ReportColumn> columns, const ReportLook& look) {
  if (!table.has_figures()) {
    table.header.resize(1);
    if (look.format == Format::markdown) table.header.emplace_back("why not");
    return {};
  }
  const bool all = look.columns == std::vector<std::string>{"all"};
  std::vector<std::size_t> out;
  if (!look.columns.empty() && !all) {
    for (std::size_t column = 1; column < columns.size(); ++column) {
      const auto names_it = [&](const std::string& name) { return is_named(columns[column].name, name); };
      if (std::ranges::none_of(look.columns, names_it)) out.push_back(column);
    }
    erase_columns(table, out);
    return {};
  }
  if (all) return {};
  const std::vector<std::size_t> empty = empty_columns(table);
  erase_columns(table, empty);
  std::vector<ReportColumn> left;
  for (std::size_t column = 0; column < columns.size(); ++column) {
    if (std::ranges::find(empty, column) == empty.end()) left.push_back(columns[column]);
  }
  std::vector<std::string> names;
  while (look.width != any_width && width_of(table) > look.width) {
    const auto least = std::ranges::max_element(left, {}, &ReportColumn::importance);
    if (least->importance == 0) break;
    names.emplace_back(least->name);
    erase_columns(table, {static_cast<std::size_t>(least - left.begin())});
    left.erase(least);
  }
  return names;
}

std::string left_out_columns(const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("(No room for: {}; --columns=all shows them.)\n", fmt::join(names, ", "));
}

// The columns of the tables of a kind that are shown, each once.
struct ShownColumns {
  std::vector<ReportColumn> columns{};

  void add(const Table& table, std::span<const ReportColumn> all) {
    for (const ReportColumn& column : all) {
      const auto names_it = [&](const auto& one) { return one == column.name; };
      if (std::ranges::none_of(table.header, names_it)) continue;
      if (std::ranges::find(columns, column.name, &ReportColumn::name) == columns.end()) columns.push_back(column);
    }
  }
};

// "time: one batch; p50, p99: to a task's end."; empty where no column has to be explained.
std::string legend_of(const std::vector<ReportColumn>& columns) {
  std::string text;
  std::string_view said;
  for (const ReportColumn& column : columns) {
    if (column.meaning.empty()) continue;
    if (column.meaning == said) {
      text.insert(text.size() - said.size() - 2, fmt::format(", {}", column.name));
    } else {
      text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", column.name, column.meaning);
      said = column.meaning;
    }
  }
  return text.empty() ? text : text + ".\n";
}

// `swept`: its cells are points of a sweep, each with an ideal of its own.
std::string group_text(const Plan& plan, const Results& results, const GroupSummary& summary, const ReportLook& look,
                       ShownColumns& shown, bool swept = false) {
  const Group& group = plan.groups[summary.group];
  const ReportKind& kind = report_kind(group);
  const bool markdown = look.format == Format::markdown;
  Table table = table_of(plan, results, summary);
  const std::vector<std::string> no_room = choose_columns(table, kind.columns(group), look);
  shown.add(table, kind.columns(group));
  const std::string ideal = swept || summary.cells.empty() ? "" : kind.ideal(summary);
  if (swept) table.header.front() = "sweep";
  std::string text = fmt::format("{}{} · {}\n\n", group.title, ideal, rounds_text(summary, results));
  const std::string lines =
      note_lines(plan, group) + kind.lines(plan, results, summary) + left_out_lines(plan, summary);
  const std::string paragraph = kind.paragraph(plan, summary);
  if (markdown) {
    text = "### " + text + render_markdown(table) + markdown_list(lines);
    if (!paragraph.empty()) text += fmt::format("\n```text\n{}```\n", paragraph);
    if (!summary.verdict.empty()) text += fmt::format("\n**{}**\n", summary.verdict);
    return text;
  }
  text = wrapped(text, look.width) + render_console(table, look.emphasis, look.width) +
         wrapped(left_out_columns(no_room), look.width);
  if (!lines.empty()) text += '\n' + wrapped(lines, look.width, 2);
  if (!paragraph.empty()) text += '\n' + paragraph;
  if (!summary.verdict.empty()) text += '\n' + wrapped(summary.verdict + '\n', look.width);
  return text;
}

// The groups of a workload that have one cell each, as one group whose cells go by what was swept.
std::string sweep_text(const Plan& plan, const Results& results, std::span<const GroupSummary> summaries,
                       const ReportLook& look, ShownColumns& shown) {
  std::vector<std::string> titles;
  for (const GroupSummary& summary : summaries) titles.push_back(plan.groups[summary.group].title);
  const SplitTitles split_up = split_titles(titles);
  Plan joined = plan;
  GroupSummary summary = summaries[leading(summaries)];
  Group& group = joined.groups[summary.group];
  const Cell& first = plan.cells[group.cells.front()];
  const bool same_label = std::ranges::all_of(summaries, [&](const GroupSummary& one) {
    return plan.cells[plan.groups[one.group].cells.front()].label == first.label;
  });
  group.title = split_up.common;
  if (!group.foreign) group.title += fmt::format(" · {}", same_label ? first.label : std::string(first.model->name));
  group.cells.clear();
  summary.cells.clear();
  summary.verdict.clear();
  for (std::size_t index = 0; index < summaries.size(); ++index) {
    const std::size_t cell = plan.groups[summaries[index].group].cells.front();
    joined.cells[cell].label = on_one_line(split_up.own[index]);
    group.cells.push_back(cell);
    summary.cells.insert(summary.cells.end(), summaries[index].cells.begin(), summaries[index].cells.end());
    summary.rounds = std::max(summary.rounds, summaries[index].rounds);
  }
  return group_text(joined, results, summary, look, shown, true);
}

// Of one workload.
std::string workload_text(const Plan& plan, const Results& results, std::span<const GroupSummary> summaries,
                          const ReportLook& look, ShownColumns& shown) {
  std::string text;
  const bool one_cell_each = std::ranges::all_of(summaries, [&](const GroupSummary& summary) {  //
    return plan.groups[summary.group].cells.size() == 1;
  });
  if (summaries.size() > 1 && one_cell_each) return sweep_text(plan, results, summaries, look, shown);
  const bool pivots = summaries.size() > 1 && look.columns.empty();  // columns are those of the tables of groups
  if (pivots) {
    text = look.format == Format::markdown ? pivot_markdown(plan, results, summaries)
                                           : pivot_text(plan, results, summaries, look.emphasis, look.width);
  }
  if (!pivots || look.details) {
    for (const GroupSummary& summary : summaries) {
      if (!text.empty()) text += '\n';
      text += group_text(plan, results, summary, look, shown);
    }
  }
  return text;
}

// That other processes disturbed groups, in one sentence for all of them.
std::string disturbance_of(const std::vector<GroupSummary>& summaries) {
  double least = 1;
  double most = 0;
  for (const GroupSummary& summary : summaries) {
    if (disturbance_text(summary.others_busy, summary.others_busy).empty()) continue;
    least = std::min(least, summary.others_busy);
    most = std::max(most, summary.others_busy);
  }
  return disturbance_text(least, most);
}

// Each once, however many groups it is about.
std::string warning_lines(const std::vector<GroupSummary>& summaries, const ReportLook& look) {
  std::vector<std::string> told;
  if (std::string disturbance = disturbance_of(summaries); !disturbance.empty()) told.push_back(std::move(disturbance));
  for (const GroupSummary& summary : summaries) {
    const std::string own = disturbance_text(summary.others_busy, summary.others_busy);
    for (const std::string& warning : summary.warnings) {
      if (warning != own && std::ranges::find(told, warning) == told.end()) told.push_back(warning);
    }
  }
  std::string text;
  for (const std::string& warning : told) text += fmt::format("Warning: {}.\n", warning);
  if (look.format == Format::markdown) return markdown_list(text);
  return text.empty() ? text : '\n' + wrapped(text, look.width, 2);
}

}  // namespace

std::string interval_text(const Estimate& estimate, std::string (*format)(double)) {
  if (!estimate.bounded) return "-";
  if (estimate.high - estimate.low > std::abs(estimate.median)) {
    return fmt::format("{} to {}, too noisy to use", format(estimate.low), format(estimate.high));
  }
  return fmt::format("±{:.1f}%", estimate.half_width() * 100);
}

std::string markdown_list(const std::string& lines) {
  std::string list;
  for (const std::string& line : split(lines, '\n')) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin != std::string::npos) list += "- " + line.substr(begin) + '\n';
  }
  return list.empty() ? list : '\n' + list;
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

void check_columns(const Plan& plan, const std::vector<std::string>& columns) {
  std::vector<std::string_view> known;
  for (const Group& group : plan.groups) {
    for (const ReportColumn& column : report_kind(group).columns(group)) {
      if (std::ranges::find(known, column.name) == known.end()) known.push_back(column.name);
    }
  }
  for (const std::string& wanted : columns) {
    const auto names_it = [&](std::string_view name) { return is_named(name, wanted); };
    if (wanted == "all" ? columns.size() == 1 : std::ranges::any_of(known, names_it)) continue;
    throw UsageError(fmt::format("--columns={}: {} (there are {})", wanted,
                                 wanted == "all" ? "stands alone" : "no table of this plan has it",
                                 fmt::join(known, ", ")));
  }
}

std::string report_text(const Plan& plan, const Results& results, const ReportLook& look) {
  const std::vector<GroupSummary> summaries = summarize(plan, results);
  const auto workload_of = [&](const GroupSummary& summary) { return plan.groups[summary.group].workload; };
  std::string text;
  std::array<ShownColumns, kind_count> shown{};
  for (auto begin = summaries.begin(); begin != summaries.end();) {
    const auto of_another = [&](const GroupSummary& summary) { return workload_of(summary) != workload_of(*begin); };
    const auto end = std::find_if(begin, summaries.end(), of_another);
    if (!text.empty()) text += '\n';
    const auto kind = std::ranges::find(kinds, &report_kind(plan.groups[begin->group]));
    text += workload_text(plan, results, {begin, end}, look, shown[static_cast<std::size_t>(kind - kinds.begin())]);
    begin = end;
  }
  text += warning_lines(summaries, look);
  if (std::ranges::any_of(summaries, &GroupSummary::machine_disturbs)) {
    text += wrapped("\n`bench doctor` says what on this machine spoils measurements, and what mends it.\n", look.width);
  }
  for (const ShownColumns& of_a_kind : shown) {
    const std::string legend = legend_of(of_a_kind.columns);
    if (!legend.empty()) text += '\n' + wrapped(legend, legend_width(look));
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
  if (std::ranges::all_of(plan.cells, [](const Cell& cell) { return cell.skipped.has_value(); })) {
    return text + "nothing to run\n";
  }
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
