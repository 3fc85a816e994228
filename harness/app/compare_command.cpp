#include "harness/app/compare_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "harness/app/run_command.h"
#include "harness/compare/comparison_report.h"
#include "harness/compare/machines.h"
#include "harness/compare/read_result.h"
#include "harness/options/flags.h"
#include "harness/report/results.h"

namespace bench {
namespace {

bool is_compared(const ComparedCell& cell) { return cell.test.has_value(); }

Exit print_machines(const std::vector<ReadResult>& results, const Options& options) {
  const Machines machines = compare_machines(results, options.compare.reference);
  switch (options.format) {
    case Format::json: print(document_text(machines_json(machines))); break;
    case Format::csv: throw UsageError("--format=csv: results of different machines have no flat table; json has all");
    case Format::console:
    case Format::markdown: print(machines_text(machines, options.format, emphasis(options))); break;
  }
  return Exit::not_comparable;
}

}  // namespace

CompareRules rules_of(const VerdictOptions& options) {
  CompareRules rules{.threshold = options.threshold};
  std::vector<std::string_view> names;
  for (const Metric& metric : metrics) names.push_back(metric.name);
  for (const std::string& name : options.metrics) {
    if (std::ranges::find(names, name) == names.end()) {
      usage_error("metric", name, fmt::format("allowed are {}{}", fmt::join(names, ", "), did_you_mean(name, names)));
    }
    rules.metrics.push_back(&metric_named(name));
  }
  return rules;
}

Exit exit_of(const std::vector<Comparison>& comparisons, const VerdictOptions& options) {
  std::vector<const ComparedCell*> cells;
  for (const Comparison& comparison : comparisons) {
    for (const ComparedCell& cell : comparison.cells) cells.push_back(&cell);
  }
  const auto any = [&](CompareVerdict verdict) {
    return std::ranges::any_of(cells, [&](const ComparedCell* cell) { return cell->verdict == verdict; });
  };
  if (any(CompareVerdict::slower)) return Exit::slower;
  if (cells.empty()) return Exit::failed;
  if (std::ranges::any_of(cells, &ComparedCell::lost)) return Exit::failed;
  if (std::ranges::none_of(cells, [](const ComparedCell* cell) { return is_compared(*cell); })) {
    return Exit::not_comparable;
  }
  return options.fail_on_undecided && any(CompareVerdict::undecided) ? Exit::undecided : Exit::done;
}

void print_comparisons(const std::vector<Comparison>& comparisons, const Options& options) {
  switch (options.format) {
    case Format::json: print(document_text(comparison_json(comparisons))); break;
    case Format::csv: print(comparison_csv(comparisons)); break;
    case Format::console:
    case Format::markdown:
      for (const Comparison& comparison : comparisons) {
        if (&comparison != &comparisons.front()) print("\n");
        print(comparison_text(comparison, options.format, emphasis(options)));
      }
  }
}

Exit compare_files(const Options& options) {
  const CompareRules rules = rules_of(options.compare.verdict);
  std::vector<ReadResult> results;
  for (const NamedFile& file : options.compare.files) results.push_back(read_result(file.path, file.label));
  const auto differs = [&](const ReadResult& result) { return result.machine != results.front().machine; };
  if (std::ranges::any_of(results, differs)) return print_machines(results, options);
  std::vector<Comparison> comparisons;
  for (std::size_t index = 1; index < results.size(); ++index) {
    comparisons.push_back(compare(results.front(), results[index], rules));
  }
  print_comparisons(comparisons, options);
  const Exit exit = exit_of(comparisons, options.compare.verdict);
  if (exit == Exit::failed) {
    std::fputs("bench: compare: cells that the first file has figures of have none in another, or none are shared\n",
               stderr);
  }
  return exit;
}

}  // namespace bench
