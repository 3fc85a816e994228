#include "harness/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

#include "harness/flags.h"
#include "harness/machine.h"
#include "harness/suggest.h"
#include "harness/units.h"

namespace bench {
namespace {

constexpr std::array<std::string_view, 4> commands{"run", "list", "help", "version"};

std::vector<const Model*> choose_models(const Tables& tables, const std::string& list) {
  std::vector<std::string_view> names{"all"};
  for (const Model& model : tables.models) {
    names.push_back(model.name);
    names.insert(names.end(), model.aliases.begin(), model.aliases.end());
  }
  std::vector<const Model*> chosen;
  const auto choose = [&](const Model& model) {
    if (std::ranges::find(chosen, &model) == chosen.end()) chosen.push_back(&model);
  };
  for (const std::string& word : split(list, ',')) {
    bool found = false;
    for (const Model& model : tables.models) {
      const bool named = word == model.name || std::ranges::find(model.aliases, word) != model.aliases.end();
      if (word != "all" && !named) continue;
      choose(model);
      found = true;
    }
    if (!found) {
      throw UsageError(fmt::format("--model={}: unknown model '{}'{} `bench list` names them all", list, word,
                                   closest(word, names) ? did_you_mean(word, names) : ";"));
    }
  }
  return chosen;
}

std::vector<const Workload*> choose_workloads(const Tables& tables, const std::string& list) {
  std::vector<std::string_view> names{"all"};
  for (const Workload& workload : tables.workloads) names.push_back(workload.name);
  std::vector<const Workload*> chosen;
  for (const std::string& word : split(list, ',')) {
    bool found = false;
    for (const Workload& workload : tables.workloads) {
      if (word != "all" && word != workload.name) continue;
      if (std::ranges::find(chosen, &workload) == chosen.end()) chosen.push_back(&workload);
      found = true;
    }
    if (!found) {
      throw UsageError(fmt::format("--workload={}: unknown workload '{}'{} `bench list` names them all", list, word,
                                   closest(word, names) ? did_you_mean(word, names) : ";"));
    }
  }
  return chosen;
}

std::vector<std::vector<std::chrono::nanoseconds>> read_waits(const Flags& flags) {
  std::vector<std::vector<std::chrono::nanoseconds>> waits;
  if (!flags.given("wait")) return waits;
  for (const std::string& part : split(flags.text("wait"), ',')) {
    std::vector<std::chrono::nanoseconds>& dealt = waits.emplace_back();
    for (const std::string& wait : split(part, ':')) {
      dealt.emplace_back(flags.value("wait", wait, parse_duration_ns));
    }
  }
  drop_repeated(waits);
  return waits;
}

std::vector<std::uint64_t> read_work(const Flags& flags, std::span<const Workload* const> workloads) {
  std::vector<std::uint64_t> sizes;
  if (!flags.given("work")) return sizes;
  std::uint64_t most = 0;
  for (const Workload* workload : workloads) {
    if (workload->default_work != 0) most = most == 0 ? workload->max_work : std::min(most, workload->max_work);
  }
  if (most == 0) most = std::numeric_limits<std::uint64_t>::max();  // nobody takes it, which check_taken() reports
  for (const std::string& part : split(flags.text("work"), ',')) {
    sizes.push_back(flags.count("work", part, 1, most));
  }
  drop_repeated(sizes);
  return sizes;
}

// A parameter that no chosen workload takes is a mistake, not a wish to ignore.
void check_taken(const Tables& tables, const Options& options, const char* flag, bool given,
                 bool (*takes)(const Workload&)) {
  if (!given) return;
  if (std::ranges::any_of(options.workloads, [&](const Workload* workload) { return takes(*workload); })) return;
  std::vector<std::string_view> takers;
  for (const Workload& workload : tables.workloads) {
    if (takes(workload)) takers.push_back(workload.name);
  }
  throw UsageError(fmt::format("--{}: none of the chosen workloads takes it; {} do", flag, fmt::join(takers, ", ")));
}

void check_workers_taken(const Options& options) {
  const auto is_pool = [](const Model* model) { return model->units == Count::workers; };
  if (options.workers.empty() || std::ranges::any_of(options.models, is_pool)) return;
  throw UsageError("--workers: none of the chosen models takes it; the pools do");
}

Command read_command(std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front().starts_with('-')) return Command::run;
  const std::string word = arguments.front();
  arguments.erase(arguments.begin());
  const auto found = std::ranges::find(commands, word);
  if (found == commands.end()) {
    throw UsageError(fmt::format("unknown command '{}'{} commands are {}", word,
                                 closest(word, commands) ? did_you_mean(word, commands) : ";",
                                 fmt::join(commands, ", ")));
  }
  return static_cast<Command>(found - commands.begin());
}

void read_output(const Flags& flags, Options& options) {
  if (flags.given("out")) options.out = flags.text("out");
  if (flags.given("out") && options.out.empty()) usage_error("out", "", "name a file, or - for standard output");
  options.force = flags.given("force");
  options.quiet = flags.given("quiet");
  options.progress = !flags.given("no-progress") && !options.quiet;
  options.dry_run = flags.given("dry-run");
  if (flags.given("format")) {
    options.format = flags.choice<Format, 4>(
        "format",
        {{{"console", Format::console}, {"json", Format::json}, {"csv", Format::csv}, {"markdown", Format::markdown}}});
  }
  if (flags.given("color")) {
    options.color = flags.choice<Color, 3>(
        "color", {{{"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}}});
  }
}

void read_measuring(const Flags& flags, Options& options) {
  if (flags.given("repetitions") && flags.text("repetitions") != "auto") {
    const std::string number = flags.text("repetitions");
    options.repetitions = static_cast<std::uint32_t>(flags.count("repetitions", number, 1, 10'000));
  }
  if (flags.given("max-time")) options.max_time_ns = flags.duration_ns("max-time");
  if (flags.given("time-limit")) {
    options.time_limit_ns = flags.duration_ns("time-limit");
    if (*options.time_limit_ns == 0) usage_error("time-limit", flags.text("time-limit"), "must be more than 0");
  }
  if (flags.given("seed")) {
    options.seed = flags.count("seed", flags.text("seed"), 0, std::numeric_limits<std::uint64_t>::max());
  }
}

}  // namespace

Options parse_options(const Tables& tables, int argc, const char* const* argv) {
  Options options;
  options.command_line.assign(argv, argv + argc);
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  options.command = read_command(arguments);

  const Flags flags(arguments);
  if (!flags.positional().empty()) {
    throw UsageError(
        fmt::format("unexpected argument '{}'; options are written --name=value", flags.positional().front()));
  }
  if (flags.given("help")) options.command = Command::help;
  if (flags.given("version")) options.command = Command::version;
  if (flags.given("list")) options.command = Command::list;

  options.models = choose_models(tables, flags.given("model") ? flags.text("model") : "all");
  options.workloads = choose_workloads(tables, flags.given("workload") ? flags.text("workload") : "all");
  options.tasks = flags.counts("tasks", 1, max_tasks);
  options.work = read_work(flags, options.workloads);
  options.waits = read_waits(flags);
  options.workers = flags.counts("workers", 1, 100'000);
  options.cpus = flags.counts("cpus", 1, available_cpus());
  check_workers_taken(options);
  check_taken(tables, options, "work", !options.work.empty(),
              [](const Workload& row) { return row.default_work != 0; });
  check_taken(tables, options, "wait", !options.waits.empty(),
              [](const Workload& row) { return row.default_wait.count() != 0; });
  read_measuring(flags, options);
  read_output(flags, options);
  return options;
}

std::string help_text(const Tables& tables) {
  std::string models;
  for (const Model& model : tables.models) models += fmt::format("  {:<14}{}\n", model.name, model.summary);
  std::string workloads;
  for (const Workload& workload : tables.workloads) {
    workloads += fmt::format("  {:<14}{}\n", workload.name, workload.summary);
    if (workload.default_work != 0) workloads += fmt::format("  {:<14}  --work: {}\n", "", workload.work_meaning);
  }
  return fmt::format(R"(bench: the same work under every concurrency model, measured.

Usage:
  bench [run] --model=LIST --workload=LIST [OPTIONS]   run, print the table, write the result
  bench list                                           models and workloads, and what cannot run here
  bench help | version

A comma makes more cells (--tasks=10,100), a colon joins values inside one (--wait=10ms:20ms).

Models (--model, 'all' takes every one):
{}
Workloads (--workload, 'all' takes every one):
{}
Size of the work:
  --tasks=N           tasks in a batch
  --work=N            how much each task computes
  --wait=TIME[:TIME]  how long each task waits; several times are dealt round the tasks
  --workers=N         units of a pool (default: the CPUs)
  --cpus=N            confine each run to the first N CPUs

Measuring:
  --repetitions=auto|N  rounds; auto goes on until every median's 95% interval is within ±2% (at least 6, at most 30)
  --max-time=TIME       auto begins no round beyond the sixth after this long (default 60s)
  --time-limit=TIME     a run that takes longer has failed (default: 30s and five times what is expected)
  --seed=N              of the random order within rounds (default: random; always recorded)

Output:
  --out=FILE|-          result file (default: results/<UTC time>-<host>-<git revision>.json)
  --force               overwrite the result file
  --format=console|json|csv|markdown   what goes to standard output
  --color=auto|always|never
  --no-progress         no progress on standard error
  --quiet               no progress and no table: failures and the result file only
  --dry-run             print the plan and how long it may take, and run nothing

Examples:
  bench --model=threads --workload=io
  bench --model=all --workload=cpu,io --out=r.json
  bench --model=serial,coroutines --workload=sum --cpus=1
  bench --model=thread-pool --workload=io --tasks=100 --workers=2,10,50 --wait=10ms
  bench --model=all --workload=io --wait=10ms:20ms:30ms --repetitions=10 --format=markdown

Exit status: 0 done, 1 something failed to run, 2 usage, 130 interrupted.
)",
                     models, workloads);
}

}  // namespace bench
