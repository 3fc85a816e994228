#include "harness/app/compare_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "harness/app/run_command.h"
#include "harness/compare/comparison_report.h"
#include "harness/compare/machines.h"
#include "harness/compare/read_result.h"
#include "harness/options/flags.h"
#include "harness/report/result_file.h"
#include "harness/text/terminal.h"

namespace bench {
namespace {

// What one comparison ends with.
Exit exit_of_one(const Comparison& comparison, const VerdictOptions& options) {
  const auto any = [&](auto is_such) { return std::ranges::any_of(comparison.cells, is_such); };
  if (any([](const ComparedCell& cell) { return cell.verdict == CompareVerdict::slower; })) return Exit::slower;
  // What the first had and the second has not is no pass.
  if (comparison.cells.empty() || !comparison.only_before.empty() || any(&ComparedCell::lost)) return Exit::failed;
  if (any([](const ComparedCell& cell) { return !cell.is_compared() && cell.had_figures; })) {
    return Exit::not_comparable;
  }
  if (std::ranges::none_of(comparison.cells, &ComparedCell::is_compared)) return Exit::failed;
  const auto is_open = [&](const ComparedCell& cell) {
    return cell.verdict == CompareVerdict::undecided && (options.fail_on_undecided || !cell.decidable);
  };
  return any(is_open) ? Exit::undecided : Exit::done;
}

Exit print_machines(const std::vector<ReadResult>& results, const Options& options) {
  const std::string& wanted = options.compare.reference;
  const auto has_wanted = [&](const ReadResult& result) {
    return std::ranges::find(result.cells, wanted, &ReadCell::model) != result.cells.end();
  };
  if (!wanted.empty() && std::ranges::none_of(results, has_wanted)) {
    usage_error("reference", wanted, "none of the files has that model");
  }
  const Machines machines = compare_machines(results, wanted);
  switch (options.format) {
    case Format::json: print(document_text(machines_json(machines))); break;
    case Format::csv: throw UsageError("--format=csv: results of different machines have no flat table; json has all");
    case Format::console:
    case Format::markdown:
      print(machines_text(machines, options.format, emphasis(options), terminal_width(STDOUT_FILENO)));
      break;
  }
  const auto has_figures = [](const GroupOnMachines& group) { return !group.models.empty(); };
  return std::ranges::any_of(machines.groups, has_figures) ? Exit::not_comparable : Exit::failed;
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
  constexpr std::array worst_first{Exit::slower, Exit::failed, Exit::not_comparable, Exit::undecided};
  for (const Exit exit : worst_first) {
    const auto is_such = [&](const Comparison& one) { return exit_of_one(one, options) == exit; };
    if (std::ranges::any_of(comparisons, is_such)) return exit;
  }
  return Exit::done;
}

void print_comparisons(const std::vector<Comparison>& comparisons, const Options& options) {
  switch (options.format) {
    case Format::json: print(document_text(comparison_json(comparisons))); break;
    case Format::csv: print(comparison_csv(comparisons)); break;
    case Format::console:
    case Format::markdown:
      for (const Comparison& comparison : comparisons) {
        if (&comparison != &comparisons.front()) print("\n");
        print(comparison_text(comparison, options.format, emphasis(options), terminal_width(STDOUT_FILENO)));
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
    std::fputs("bench: compare: the first file has figures that another has not, or they share none\n", stderr);
  }
  return exit;
}

}  // namespace bench
