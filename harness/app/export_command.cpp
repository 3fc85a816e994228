#include "harness/app/export_command.h"

#include "harness/app/run_command.h"
#include "harness/compare/export.h"

namespace bench {

Exit export_result(const Options& options) {
  const ReadResult result = read_result(options.exported.path, options.exported.path);
  switch (options.exported.format) {
    case ExportFormat::github_action: print(export_github_action(result)); break;
    case ExportFormat::csv: print(export_csv(result)); break;
    case ExportFormat::markdown: print(export_markdown(result)); break;
    case ExportFormat::junit: print(export_junit(result)); break;
  }
  return Exit::done;
}

}  // namespace bench
