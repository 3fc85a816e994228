#include "harness/compare/export.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/text/quantities.h"
#include "harness/text/table.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

const Metric& metric_of(const ReadResult& result, const ReadCell& cell) {
  return main_metric(result.groups[cell.group].ranked_by);
}

// What its table is ranked by; nothing where the cell has no figures that may be believed.
const Estimate* figure_of(const ReadResult& result, const ReadCell& cell) {
  if (!cell.failure.empty() || !cell.invalid.empty()) return nullptr;
  const auto& found = cell.medians[place_of(metric_of(result, cell))];
  return found ? &*found : nullptr;
}

std::string why_none(const ReadCell& cell) {
  if (!cell.failure.empty()) return "failed: " + cell.failure;
  if (!cell.invalid.empty()) return "invalid: " + cell.invalid;
  return "no figure";
}

// "±2.1%", or `otherwise` where there are too few runs for an interval.
std::string interval_text(const Estimate& figure, std::string_view otherwise) {
  const double width = figure.half_width();
  return figure.bounded && std::isfinite(width) ? fmt::format("±{:.1f}%", width * 100) : std::string(otherwise);
}

std::string escaped(std::string_view text) {
  std::string xml;
  for (const char c : text) {
    switch (c) {
      case '&': xml += "&amp;"; break;
      case '<': xml += "&lt;"; break;
      case '>': xml += "&gt;"; break;
      case '"': xml += "&quot;"; break;
      default:
        // XML 1.0 has no other control characters.
        if (static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\t') xml += c;
    }
  }
  return xml;
}

}  // namespace

std::string export_github_action(const ReadResult& result) {
  Json rows = Json::array();
  for (const ReadCell& cell : result.cells) {
    const Estimate* figure = figure_of(result, cell);
    const Metric& metric = metric_of(result, cell);
    if (figure == nullptr || figure->median <= 0) continue;
    constexpr double second = 1e9;
    const double value = metric.more_is_better ? second / figure->median : figure->median;
    rows.push_back({{"name", fmt::format("{} {}", cell.name, metric.name)},
                    {"unit", metric.more_is_better ? "ns/request" : "ns"},
                    {"value", value},
                    {"extra", fmt::format("{}, median of {} runs", metric.meaning, figure->samples)}});
    if (const std::string range = interval_text(*figure, ""); !range.empty()) rows.back()["range"] = range;
  }
  return rows.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string export_csv(const ReadResult& result) {
  Table table{.header = {"group", "cell", "model", "metric", "median", "low", "high", "bounded", "runs", "problem"},
              .rows = {}};
  for (const ReadCell& cell : result.cells) {
    const Estimate* figure = figure_of(result, cell);
    const auto number = [&](double Estimate::*part) { return figure ? fmt::to_string(figure->*part) : std::string(); };
    table.rows.push_back({result.groups[cell.group].title, cell.name, cell.model,
                          std::string(metric_of(result, cell).name), number(&Estimate::median), number(&Estimate::low),
                          number(&Estimate::high), figure ? fmt::to_string(figure->bounded ? 1 : 0) : "",
                          figure ? fmt::to_string(figure->samples) : "", figure ? "" : why_none(cell)});
  }
  return render_csv(table);
}

std::string export_markdown(const ReadResult& result) {
  std::string text;
  for (std::size_t group = 0; group < result.groups.size(); ++group) {
    const ReadGroup& of = result.groups[group];
    Table table{.header = {"model", std::string(main_metric(of.ranked_by).meaning), "95%", "runs"}, .rows = {}};
    for (const ReadCell& cell : result.cells) {
      if (cell.group != group) continue;
      const Estimate* figure = figure_of(result, cell);
      if (figure == nullptr) {
        table.rows.push_back({cell.label, why_none(cell)});
        continue;
      }
      table.rows.push_back({cell.label, metric_of(result, cell).show(figure->median), interval_text(*figure, "-"),
                            fmt::to_string(figure->samples)});
    }
    text += fmt::format("### {}\n\n{}\n", of.title, render_markdown(table));
    if (!of.verdict.empty()) text += of.verdict + "\n\n";
  }
  if (!result.warnings.empty()) {
    text += fmt::format("<details>\n<summary>{} warning{}</summary>\n\n", result.warnings.size(),
                        result.warnings.size() == 1 ? "" : "s");
    for (const std::string& warning : result.warnings) text += fmt::format("- {}\n", warning);
    text += "\n</details>\n\n";
  }
  const auto fact = [&](const Facts& facts, const char* key) {
    const auto found = facts.find(key);
    return found == facts.end() ? std::string("unknown") : found->second;
  };
  return text + fmt::format("{}, {} CPUs, {}; revision {}\n", fact(result.machine, "CPU"), fact(result.machine, "CPUs"),
                            fact(result.machine, "kernel"), fact(result.software, "revision"));
}

std::string export_junit(const ReadResult& result) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (std::size_t group = 0; group < result.groups.size(); ++group) {
    std::string cases;
    std::size_t count = 0;
    std::size_t failures = 0;
    for (const ReadCell& cell : result.cells) {
      if (cell.group != group) continue;
      ++count;
      const Estimate* figure = figure_of(result, cell);
      cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\">\n", escaped(result.groups[group].title),
                           escaped(cell.name));
      if (figure == nullptr) {
        ++failures;
        cases += fmt::format("      <failure message=\"{}\"/>\n", escaped(why_none(cell)));
      } else {
        cases +=
            fmt::format("      <system-out>{}: {}, {}, {} runs</system-out>\n",
                        escaped(metric_of(result, cell).meaning), escaped(metric_of(result, cell).show(figure->median)),
                        interval_text(*figure, "no interval"), figure->samples);
      }
      cases += "    </testcase>\n";
    }
    text += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n{}  </testsuite>\n",
                        escaped(result.groups[group].title), count, failures, cases);
  }
  return text + "</testsuites>\n";
}

}  // namespace bench
