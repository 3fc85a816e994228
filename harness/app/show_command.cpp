#include "harness/app/show_command.h"

#include "harness/app/claims_command.h"
#include "harness/app/run_command.h"
#include "harness/claims/claims_report.h"
#include "harness/report/read_back.h"
#include "harness/report/report.h"
#include "harness/text/json_place.h"

namespace bench {

Exit show(const Tables& tables, const Options& options) {
  const std::string text = read_file(options.shown_path);
  const std::string name = file_name(options.shown_path);
  const ReadBack result = read_back(tables, text, name, options.shown_workloads);
  const bool is_text = options.format == Format::console || options.format == Format::markdown;
  if (is_text && options.shown_workloads.empty()) {
    if (const std::vector<Judged> claims = read_claims(text, name); !claims.empty()) {
      print_claims(claims, options);
      return Exit::done;
    }
  }
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
