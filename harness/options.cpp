#include "harness/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cxxopts.hpp>
#include <limits>

#include "harness/machine.h"
#include "harness/suggest.h"
#include "harness/units.h"

namespace bench {
namespace {

constexpr std::array<std::string_view, 4> commands{"run", "list", "help", "version"};

[[noreturn]] void usage_error(std::string_view flag, std::string_view value, std::string_view problem) {
  throw UsageError(fmt::format("--{}={}: {}", flag, value, problem));
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const auto suggestion = closest(word, candidates);
  return suggestion ? fmt::format("; did you mean '{}'?", *suggestion) : "";
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

cxxopts::Options make_parser() {
  cxxopts::Options parser("bench");
  // Values are taken as text and parsed below, so that every error names the flag, the value and what is allowed.
  const auto text = [] { return cxxopts::value<std::string>(); };
  parser.add_options()("model", "", text())("workload", "", text())("tasks", "", text())("work", "", text())(
      "wait", "", text())("workers", "", text())("cpus", "", text())("repetitions", "", text())("max-time", "", text())(
      "time-limit", "", text())("seed", "", text())("out", "", text())("force", "")("format", "", text())(
      "color", "", text())("quiet", "")("no-progress", "")("dry-run", "")("list", "")("h,help", "")("version", "");
  return parser;
}

constexpr std::array<std::string_view, 21> flags{
    "model",       "workload", "tasks",      "work",    "wait",  "workers", "cpus",
    "repetitions", "max-time", "seed",       "out",     "force", "quiet",   "format",
    "no-progress", "color",    "time-limit", "dry-run", "list",  "help",    "version"};

constexpr std::array<std::string_view, 7> switches{"force", "quiet", "no-progress", "dry-run",
                                                   "list",  "help",  "version"};

// cxxopts would name an unknown flag too, but knows no suggestion; and it takes --force=no for --force.
void check_flags(std::span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--" || !argument.starts_with("--")) continue;
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals - 2);
    if (std::ranges::find(flags, name) == flags.end()) {
      const auto suggestion = closest(name, flags);
      throw UsageError(fmt::format("unknown option '--{}'{}", name,
                                   suggestion ? fmt::format("; did you mean '--{}'?", *suggestion) : ""));
    }
    if (equals != std::string::npos && std::ranges::find(switches, name) != switches.end()) {
      usage_error(name, argument.substr(equals + 1), "takes no value");
    }
  }
}

// The parsed flags with typed access; each reader reports what is wrong with the value.
class Flags {
 public:
  explicit Flags(const cxxopts::ParseResult& parsed) : parsed_(parsed) {}

  bool given(const char* flag) const { return parsed_.count(flag) > 0; }
  std::string text(const char* flag) const { return parsed_[flag].as<std::string>(); }

  // Applies `parse` to a value; a std::invalid_argument becomes a usage error.
  template <typename Parse>
  auto value(const char* flag, const std::string& value_text, Parse parse) const {
    try {
      return parse(value_text);
    } catch (const std::invalid_argument& error) {
      usage_error(flag, value_text, error.what());
    }
  }

  std::uint64_t count(const char* flag, const std::string& value_text, std::uint64_t low, std::uint64_t high) const {
    const std::uint64_t number = value(flag, value_text, parse_count);
    if (number < low || number > high) {
      usage_error(flag, value_text, fmt::format("must be between {} and {}", low, fmt::group_digits(high)));
    }
    return number;
  }

  std::vector<std::uint32_t> counts(const char* flag, std::uint32_t low, std::uint32_t high) const {
    std::vector<std::uint32_t> numbers;
    if (!given(flag)) return numbers;
    for (const std::string& part : split(text(flag), ',')) {
      numbers.push_back(static_cast<std::uint32_t>(count(flag, part, low, high)));
    }
    return numbers;
  }

  std::int64_t duration_ns(const char* flag) const { return value(flag, text(flag), parse_duration_ns); }

  template <typename Choice, std::size_t N>
  Choice choice(const char* flag, const std::array<std::pair<std::string_view, Choice>, N>& choices) const {
    std::array<std::string_view, N> names;
    std::ranges::transform(choices, names.begin(), [](const auto& pair) { return pair.first; });
    const std::string word = text(flag);
    const auto found = std::ranges::find(names, word);
    if (found == names.end()) {
      usage_error(flag, word, fmt::format("allowed are {}{}", fmt::join(names, ", "), did_you_mean(word, names)));
    }
    return choices[static_cast<std::size_t>(found - names.begin())].second;
  }

 private:
  const cxxopts::ParseResult& parsed_;
};

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

std::vector<std::vector<std::chrono::nanoseconds>> read_waits(const Flags& flags_given) {
  std::vector<std::vector<std::chrono::nanoseconds>> waits;
  if (!flags_given.given("wait")) return waits;
  for (const std::string& part : split(flags_given.text("wait"), ',')) {
    std::vector<std::chrono::nanoseconds>& dealt = waits.emplace_back();
    for (const std::string& wait : split(part, ':')) {
      dealt.emplace_back(flags_given.value("wait", wait, parse_duration_ns));
    }
  }
  return waits;
}

std::vector<std::uint64_t> read_work(const Flags& flags_given, std::span<const Workload* const> workloads) {
  std::vector<std::uint64_t> sizes;
  if (!flags_given.given("work")) return sizes;
  std::uint64_t most = 0;
  for (const Workload* workload : workloads) {
    if (workload->default_work != 0) most = most == 0 ? workload->max_work : std::min(most, workload->max_work);
  }
  if (most == 0) most = std::numeric_limits<std::uint64_t>::max();  // nobody takes it, which check_taken() reports
  for (const std::string& part : split(flags_given.text("work"), ',')) {
    sizes.push_back(flags_given.count("work", part, 1, most));
  }
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

// Naming a value twice makes no second cell.
template <typename T>
void drop_repeated(std::vector<T>& values) {
  std::vector<T> unique;
  for (const T& value : values) {
    if (std::ranges::find(unique, value) == unique.end()) unique.push_back(value);
  }
  values = std::move(unique);
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

void read_output(const Flags& flags_given, Options& options) {
  if (flags_given.given("out")) options.out = flags_given.text("out");
  if (flags_given.given("out") && options.out.empty()) usage_error("out", "", "name a file, or - for standard output");
  options.force = flags_given.given("force");
  options.quiet = flags_given.given("quiet");
  options.progress = !flags_given.given("no-progress") && !options.quiet;
  options.dry_run = flags_given.given("dry-run");
  if (flags_given.given("format")) {
    options.format = flags_given.choice<Format, 4>(
        "format",
        {{{"console", Format::console}, {"json", Format::json}, {"csv", Format::csv}, {"markdown", Format::markdown}}});
  }
  if (flags_given.given("color")) {
    options.color = flags_given.choice<Color, 3>(
        "color", {{{"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}}});
  }
}

void read_measuring(const Flags& flags_given, Options& options) {
  if (flags_given.given("repetitions") && flags_given.text("repetitions") != "auto") {
    const std::string number = flags_given.text("repetitions");
    options.repetitions = static_cast<std::uint32_t>(flags_given.count("repetitions", number, 1, 10'000));
  }
  if (flags_given.given("max-time")) options.max_time_ns = flags_given.duration_ns("max-time");
  if (flags_given.given("time-limit")) {
    options.time_limit_ns = flags_given.duration_ns("time-limit");
    if (*options.time_limit_ns == 0) usage_error("time-limit", flags_given.text("time-limit"), "must be more than 0");
  }
  if (flags_given.given("seed")) {
    options.seed = flags_given.count("seed", flags_given.text("seed"), 0, std::numeric_limits<std::uint64_t>::max());
  }
}

}  // namespace

Options parse_options(const Tables& tables, int argc, const char* const* argv) {
  Options options;
  options.command_line.assign(argv, argv + argc);
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  options.command = read_command(arguments);
  check_flags(arguments);

  std::vector<const char*> pointers{"bench"};
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  cxxopts::Options parser = make_parser();
  try {
    const cxxopts::ParseResult parsed = parser.parse(static_cast<int>(pointers.size()), pointers.data());
    for (const std::string_view flag : flags) {
      if (parsed.count(std::string(flag)) > 1) {
        throw UsageError(fmt::format("--{} is given more than once; join the values with a comma", flag));
      }
    }
    const Flags flags_given(parsed);
    if (!parsed.unmatched().empty()) {
      throw UsageError(
          fmt::format("unexpected argument '{}'; options are written --name=value", parsed.unmatched().front()));
    }
    if (flags_given.given("help")) options.command = Command::help;
    if (flags_given.given("version")) options.command = Command::version;
    if (flags_given.given("list")) options.command = Command::list;

    options.models = choose_models(tables, flags_given.given("model") ? flags_given.text("model") : "all");
    options.workloads = choose_workloads(tables, flags_given.given("workload") ? flags_given.text("workload") : "all");
    options.tasks = flags_given.counts("tasks", 1, max_tasks);
    options.work = read_work(flags_given, options.workloads);
    options.waits = read_waits(flags_given);
    options.workers = flags_given.counts("workers", 1, 100'000);
    options.cpus = flags_given.counts("cpus", 1, available_cpus());
    drop_repeated(options.tasks);
    drop_repeated(options.work);
    drop_repeated(options.waits);
    drop_repeated(options.workers);
    drop_repeated(options.cpus);
    check_workers_taken(options);
    check_taken(tables, options, "work", !options.work.empty(),
                [](const Workload& row) { return row.default_work != 0; });
    check_taken(tables, options, "wait", !options.waits.empty(),
                [](const Workload& row) { return row.default_wait.count() != 0; });
    read_measuring(flags_given, options);
    read_output(flags_given, options);
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError(error.what());
  }
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
