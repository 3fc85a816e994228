#include "harness/app/show_command.h"

#include "harness/app/run_command.h"
#include "harness/report/read_back.h"
#include "harness/report/report.h"
#include "harness/text/json_place.h"

namespace bench {

Exit show(const Tables& tables, const Options& options) {
  const bool is_input = options.shown_path == "-";
  const std::string text = read_file(is_input ? "/dev/stdin" : options.shown_path);
  const ReadBack result =
      read_back(tables, text, is_input ? "standard input" : options.shown_path, options.shown_workloads);
  check_columns(result.plan, options.columns);
  switch (options.format) {
    case Format::json: print(text); break;
    case Format::csv: print(report_csv(result.plan, result.results)); break;
    case Format::console:
    case Format::markdown: print(report_text(result.plan, result.results, look_of(options))); break;
  }
  return Exit::done;
}

}  // namespace bench
