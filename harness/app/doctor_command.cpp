#include "harness/app/doctor_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/app/interrupts.h"
#include "harness/app/run_command.h"
#include "harness/doctor/checks.h"
#include "harness/doctor/noise.h"
#include "harness/plan/machine.h"
#include "harness/report/result_file.h"
#include "harness/run/launcher.h"
#include "harness/session/progress.h"
#include "harness/session/session.h"
#include "harness/summary/summary_kind.h"
#include "harness/text/table.h"
#include "harness/text/terminal.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

// The same short work again and again: some ten seconds in all.
Options work_of(const Tables& tables) {
  constexpr std::array arguments{
      "bench",     "--model=epoll",    "--workload=cpu,io,echo", "--tasks=8",    "--wait=5ms", "--connections=20",
      "--rate=5k", "--repetitions=20", "--duration=100ms",       "--warmup=50ms"};
  return parse_options(tables, static_cast<int>(arguments.size()), arguments.data());
}

std::vector<Finding> measure_noise(const Tables& tables, const Options& options) {
  const Plan plan = make_plan(work_of(tables), read_machine());
  Launcher launcher(plan);
  Progress progress(options.progress);
  const Results results = run_session(plan, runs_of(launcher), progress, interrupts, [](const Results&) {});
  std::vector<Finding> findings;
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    const Group& group = plan.group_of(plan.cells[cell]);
    const std::string name(group.name());
    std::vector<double> values;
    for (const Sample& sample : results.cells[cell].samples) {
      if (why_invalid(sample).empty()) values.push_back(sample.*summary_kind(group).cost);
    }
    if (values.size() >= fewest_runs) {
      findings.push_back(judge_noise(name, noise_floor(values)));
      continue;
    }
    findings.push_back({.about = fmt::format("noise floor of {}", name),
                        .health = Health::bad,
                        .found = results.cells[cell].failure.value_or("fewer than six runs that may be believed")});
  }
  return findings;
}

// As wide as `width`.
std::string text_of(const std::vector<Finding>& findings, bool emphasis, std::size_t width) {
  std::string text;
  std::size_t longest = 0;
  for (const Finding& finding : findings) longest = std::max(longest, finding.about.size());
  const std::size_t column = longest + 8;  // of what is found
  for (const Finding& finding : findings) {
    const std::string health = fmt::format("{:<4}", health_name(finding.health));
    const bool marked = emphasis && finding.health != Health::ok;
    const std::string line =
        wrapped(fmt::format("{}  {:<{}}  {}\n", health, finding.about, longest, finding.found), width, column);
    text += (marked ? "\x1b[1m" + health + "\x1b[0m" : health) + line.substr(health.size());
    if (finding.health == Health::ok) continue;
    const std::string indent(column, ' ');
    if (!finding.why.empty()) text += wrapped(indent + finding.why + '\n', width);
    if (!finding.remedy.empty()) text += wrapped(indent + "mended by: " + finding.remedy + '\n', width);
  }
  const auto count = [&](Health health) { return std::ranges::count(findings, health, &Finding::health); };
  return text + fmt::format("\n{} ok, {} warn, {} bad\n", count(Health::ok), count(Health::warn), count(Health::bad));
}

Json json_of(const std::vector<Finding>& findings) {
  Json rows = Json::array();
  for (const Finding& finding : findings) {
    Json row{{"about", finding.about}, {"health", health_name(finding.health)}, {"found", finding.found}};
    if (finding.health != Health::ok && !finding.why.empty()) row["why"] = finding.why;
    if (finding.health != Health::ok && !finding.remedy.empty()) row["remedy"] = finding.remedy;
    rows.push_back(std::move(row));
  }
  return {{"findings", std::move(rows)}};
}

}  // namespace

Exit doctor(const Tables& tables, const Options& options) {
  std::vector<Finding> findings = look_at_machine();
  raise_descriptor_limit();
  count_interrupts();
  for (Finding& finding : measure_noise(tables, options)) findings.push_back(std::move(finding));
  if (interrupts() > 0) return Exit::interrupted;
  print(options.format == Format::json ? document_text(json_of(findings))
                                       : text_of(findings, emphasis(options), terminal_width(STDOUT_FILENO)));
  return Exit::done;
}

}  // namespace bench
