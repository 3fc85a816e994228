#include "harness/app/paper_command.h"

#include "harness/app/run_command.h"
#include "harness/plan/machine.h"
#include "harness/plan/plan.h"
#include "harness/report/paper_plan.h"
#include "harness/report/read_back.h"
#include "harness/text/json_place.h"

namespace bench {

Exit plan_on_paper(const Tables& tables, const Options& options) {
  const Machine machine = read_machine();
  const Plan target = make_plan(options, machine);
  const ReadBack measured = read_back(tables, read_file(options.over.figures), options.over.figures);
  print(paper_plan_text(target, measured.plan, measured.results, machine, options.over.hosts));
  return Exit::done;
}

}  // namespace bench
