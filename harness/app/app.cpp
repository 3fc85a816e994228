#include "harness/app/app.h"

#include <fmt/format.h>

#include <cstdio>

#include "harness/app/ab_command.h"
#include "harness/app/compare_command.h"
#include "harness/app/doctor_command.h"
#include "harness/app/export_command.h"
#include "harness/app/list.h"
#include "harness/app/load_command.h"
#include "harness/app/run_command.h"
#include "harness/app/serve_command.h"
#include "harness/plan/plan.h"
#include "harness/report/build_info.h"

namespace bench {
namespace {

Exit dispatch(const Tables& tables, int argc, const char* const* argv) {
  const Options options = parse_options(tables, argc, argv);
  switch (options.command) {
    case Command::run:
      return run_and_report(options, [&](const Machine& machine) { return make_plan(options, machine); });
    case Command::list: print(list_text(tables)); break;
    case Command::serve: return serve(options);
    case Command::load: return load(tables, options);
    case Command::compare: return compare_files(options);
    case Command::ab: return ab(options);
    case Command::doctor: return doctor(tables, options);
    case Command::export_result: return export_result(options);
    case Command::help: print(help_text(tables, options.help_topic)); break;
    case Command::version: print(fmt::format("bench {} ({})\n", build_info.version, build_info.git_revision)); break;
  }
  return Exit::done;
}

}  // namespace

int run_app(const Tables& tables, int argc, const char* const* argv) noexcept {
  try {
    return static_cast<int>(dispatch(tables, argc, argv));
  } catch (const UsageError& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return static_cast<int>(Exit::usage);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return static_cast<int>(Exit::failed);
  }
}

}  // namespace bench
