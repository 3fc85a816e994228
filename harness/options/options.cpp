#include "harness/options/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>

#include "harness/options/choices.h"
#include "harness/options/choose.h"
#include "harness/options/flags.h"
#include "harness/options/service_flags.h"
#include "harness/options/suites.h"
#include "harness/options/workload_parameters.h"
#include "harness/text/quantities.h"
#include "harness/text/split.h"
#include "measure/affinity.h"

namespace bench {
namespace {

// In the order of Command.
constexpr std::array<std::string_view, 12> command_names{"run",    "list",   "serve",  "load", "compare", "ab",
                                                         "doctor", "claims", "export", "show", "help",    "version"};

std::vector<std::uint64_t> read_stack_sizes(const Flags& flags) {
  std::vector<std::uint64_t> sizes;
  if (!flags.given("stack")) return sizes;
  for (const std::string& part : split(flags.text("stack"), ',')) {
    sizes.push_back(flags.bytes("stack", part, min_stack_bytes, max_stack_bytes));
  }
  drop_repeated(sizes);
  return sizes;
}

template <typename Row>
std::vector<std::string_view> names_of(RowList<Row> rows) {
  std::vector<std::string_view> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

// A flag that nothing chosen takes is a mistake, not a wish to ignore.
void check_subjects(const Flags& flags, const Tables& tables, const Options& options) {
  for (const FlagRow& row : flags.rows()) {
    if (!flags.given(row.name)) continue;
    if (row.subject == Subject::services && options.services.empty()) {
      not_taken_error(row.name, names_of(tables.services));
    }
    if (row.subject == Subject::jobs && options.jobs.empty()) not_taken_error(row.name, names_of(tables.jobs));
  }
  check_parameters_taken(flags, chosen_workloads(options), every_workload(tables));
}

Command read_command(std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front().starts_with('-')) return Command::run;
  const std::string word = arguments.front();
  arguments.erase(arguments.begin());
  const auto found = std::ranges::find(command_names, word);
  if (found == command_names.end()) {
    throw UsageError(fmt::format("unknown command '{}'{} commands are {}", word,
                                 closest(word, command_names) ? did_you_mean(word, command_names) : ";",
                                 fmt::join(command_names, ", ")));
  }
  return static_cast<Command>(found - command_names.begin());
}

void read_output(const Flags& flags, Options& options) {
  if (flags.given("out")) options.out = flags.text("out");
  constexpr std::array standard_output{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
  if (std::ranges::find(standard_output, options.out) != standard_output.end()) options.out = "-";
  if (flags.given("out") && options.out.empty()) usage_error("out", "", "name a file, or - for standard output");
  options.force = flags.given("force");
  options.quiet = flags.given("quiet");
  options.progress = !flags.given("no-progress") && !options.quiet;
  options.dry_run = flags.given("dry-run");
  if (flags.given("format")) {
    options.format = flags.choice("format", format_choices);
    if (options.out == "-" && options.format != Format::json) {
      usage_error("format", flags.text("format"), "standard output is taken by the result, --out=-");
    }
  }
  if (flags.given("columns")) {
    if (options.format == Format::csv || options.format == Format::json) {
      usage_error("columns", flags.text("columns"), "is about tables for people; csv and json have all there is");
    }
    options.columns = split(flags.text("columns"), ',');
    drop_repeated(options.columns);
  }
  options.details = flags.given("details");
  if (options.details && (options.format == Format::csv || options.format == Format::json)) {
    throw UsageError("--details: is about tables for people; csv and json have all there is");
  }
  if (flags.given("color")) {
    options.color = flags.choice("color", color_choices);
  }
}

void read_measuring(const Flags& flags, Options& options) {
  if (flags.given("repetitions") && flags.text("repetitions") != "auto") {
    const std::string& number = flags.text("repetitions");
    options.repetitions = static_cast<std::uint32_t>(flags.count("repetitions", number, 1, 10'000));
  }
  if (flags.given("max-time")) options.max_time_ns = flags.duration_ns("max-time");
  if (flags.given("wait-for-quiet")) options.wait_for_quiet_ns = flags.duration_ns("wait-for-quiet");
  if (flags.given("time-limit")) {
    options.time_limit_ns = flags.duration_ns("time-limit");
    if (*options.time_limit_ns == 0) usage_error("time-limit", flags.text("time-limit"), "must be more than 0");
  }
  if (flags.given("inject")) {
    const std::string& text = flags.single("inject");
    constexpr std::string_view kind = "slowdown:";
    if (!text.starts_with(kind)) usage_error("inject", text, "takes slowdown:PERCENT");
    options.injected_slowdown = flags.value("inject", text.substr(kind.size()), parse_percentage);
  }
  if (flags.given("seed")) {
    options.seed = flags.count("seed", flags.text("seed"), 0, std::numeric_limits<std::uint64_t>::max());
  }
}

void check_no_arguments(const Flags& flags) {
  if (flags.positional().empty()) return;
  throw UsageError(
      fmt::format("unexpected argument '{}'; options are written --name=value", flags.positional().front()));
}

void choose_run(const Flags& flags, const Tables& tables, Options& options) {
  const std::string models = flags.given("model") ? flags.text("model") : "all";
  options.models = choose_models(tables, models);
  options.all_models = std::ranges::count(split(models, ','), "all") != 0;
  if (!flags.given("workload")) {
    for (const Job& job : tables.jobs) options.jobs.push_back(&job);
    return;
  }
  ChosenWorkloads chosen = choose_workloads(tables, flags.text("workload"));
  options.jobs = std::move(chosen.jobs);
  options.services = std::move(chosen.services);
  options.primitives = std::move(chosen.primitives);
}

void read_plan(const Flags& flags, const Tables& tables, Options& options) {
  choose_run(flags, tables, options);
  options.parameters = read_parameters(flags, chosen_workloads(options));
  options.workers = flags.counts("workers", 1, max_workers);
  options.stack_bytes = read_stack_sizes(flags);
  options.cpus = flags.counts("cpus", 1, available_cpus());
  if (!options.services.empty()) options.service = read_service_options(flags);
}

// Every flag that is given has to be one that something chosen takes.
void check_flags_taken(const Flags& flags, const Tables& tables, const Options& options) {
  const bool only_primitives = options.jobs.empty() && options.services.empty();
  if (only_primitives && !options.all_models) check_models_measured(options.models, options.primitives);
  check_workers_taken(options.models, flags.given("workers"));
  check_stack_taken(options.models, flags.given("stack"));
  check_subjects(flags, tables, options);
}

template <typename Row>
void add_rows(std::vector<const Row*>& rows, const std::vector<const Row*>& more) {
  rows.insert(rows.end(), more.begin(), more.end());
}

template <typename Row>
void keep_rows(std::vector<const Row*>& rows, const std::vector<const Row*>& wanted) {
  std::erase_if(rows, [&](const Row* row) { return std::ranges::find(wanted, row) == wanted.end(); });
}

std::string_view workloads_of(SuitePart part) { return std::ranges::find(part, "workload", &FlagDefault::flag)->value; }

// A suite whose parts have all the same workloads takes others in their place, if they have what it is about. Of one
// with different ones, --workload chooses: what a part does not have is left out of it.
void choose_of_part(const Suite& suite, SuitePart own, const Flags& flags, const Tables& tables, Options& part) {
  const auto same = [&](SuitePart other) { return workloads_of(other) == workloads_of(own); };
  if (std::ranges::all_of(suite.parts, same)) {
    for (const FlagDefault& value : own) {
      const auto row = std::ranges::find(flags.rows(), value.flag, &FlagRow::name);
      if (row->subject == Subject::services && part.services.empty()) {
        not_taken_error("suite", names_of(tables.services));
      }
    }
    return;
  }
  const ChosenWorkloads wanted = choose_workloads(tables, std::string(workloads_of(own)));
  keep_rows(part.jobs, wanted.jobs);
  keep_rows(part.services, wanted.services);
  keep_rows(part.primitives, wanted.primitives);
}

// A part takes of the command line what its workloads have; what the workloads of no part have is a mistake.
void read_suite(const Suite& suite, const Flags& flags, const Tables& tables, Options& options) {
  Options chosen;  // by all parts
  for (std::size_t index = 0; index < suite.parts.size(); ++index) {
    Options& part = index == 0 ? options : options.further_parts.emplace_back();
    read_plan(with_defaults(flags, suite.parts[index]), tables, part);
    choose_of_part(suite, suite.parts[index], flags, tables, part);
    part.all_models = true;  // what has no row of a primitive is left out of that part
    add_rows(chosen.models, part.models);
    add_rows(chosen.jobs, part.jobs);
    add_rows(chosen.services, part.services);
    add_rows(chosen.primitives, part.primitives);
  }
  if (chosen.jobs.empty() && chosen.services.empty() && chosen.primitives.empty()) {
    throw UsageError(fmt::format("--workload={}: no part of --suite={} has it; `bench --help` says what they have",
                                 flags.text("workload"), suite.name));
  }
  check_flags_taken(flags, tables, chosen);
}

// What is measured on one machine alone.
void check_over_machines(const Options& options) {
  const auto check = [](const Options& part) {
    if (!part.jobs.empty() || !part.primitives.empty()) {
      usage_error("over", "mpi", "runs services on several machines; jobs and primitives run on one");
    }
    if (part.service.memory) throw UsageError("--memory: is measured on one machine; leave --over=mpi out");
  };
  check(options);
  std::ranges::for_each(options.further_parts, check);
}

void read_run(const Flags& flags, const Tables& tables, Options& options) {
  check_no_arguments(flags);
  if (flags.given("version")) options.command = Command::version;
  if (flags.given("list")) options.command = Command::list;
  const Suite* suite = chosen_suite(flags);
  if (suite) {
    read_suite(*suite, flags, tables, options);
  } else {
    read_plan(flags, tables, options);
    check_flags_taken(flags, tables, options);
  }
  const Flags shared = suite ? with_defaults(flags, suite->parts.front()) : flags;
  options.over = read_over(flags);
  for (Options& part : options.further_parts) part.over = options.over;
  if (options.over.mpi) check_over_machines(options);
  read_measuring(shared, options);
  read_output(shared, options);
}

void read_load(const Flags& flags, const Tables& tables, Options& options) {
  options.load = read_load_options(flags, tables);
  options.over = read_over(flags);
  if (options.over.mpi && options.load->server_pid) {
    throw UsageError("--server-pid: is read where the server runs, by one machine; leave --over=mpi out");
  }
  if (flags.given("repetitions") && flags.text("repetitions") == "auto") {
    usage_error("repetitions", "auto", "takes a number here");
  }
  read_measuring(flags, options);
  if (!options.repetitions) options.repetitions = 1;
  read_output(flags, options);
}

constexpr std::uint64_t fewest_pairs = 6;  // fewer give no interval

// "name=path", or a path, whose name without its suffix is its label.
NamedFile read_named_file(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  const bool is_labelled = equals != std::string::npos && argument.find('/') > equals;
  const std::string path = is_labelled ? argument.substr(equals + 1) : argument;
  const std::string label = is_labelled ? argument.substr(0, equals) : std::filesystem::path(path).stem().string();
  if (label.empty() || path.empty()) throw UsageError(fmt::format("'{}': name a file, or LABEL=FILE", argument));
  return {.label = label, .path = path};
}

// main/r.json and pr/r.json, which nobody has labelled, are told apart by their paths.
void use_paths_for_repeated_labels(std::vector<NamedFile>& files, const std::vector<std::string>& arguments) {
  std::vector<std::string> labels;
  for (const NamedFile& file : files) labels.push_back(file.label);
  for (std::size_t index = 0; index < files.size(); ++index) {
    const bool is_labelled = files[index].path != arguments[index];
    if (is_labelled || std::ranges::count(labels, labels[index]) == 1) continue;
    files[index].label = std::filesystem::path(files[index].path).replace_extension().string();
  }
}

VerdictOptions read_verdict(const Flags& flags) {
  VerdictOptions verdict;
  if (flags.given("threshold")) {
    verdict.threshold = flags.value("threshold", flags.single("threshold"), parse_percentage);
    if (verdict.threshold >= 1) usage_error("threshold", flags.text("threshold"), "must be less than 100%");
  }
  if (flags.given("metric")) {
    verdict.metrics = split(flags.text("metric"), ',');
    drop_repeated(verdict.metrics);
  }
  if (flags.given("fail-on")) {
    verdict.fail_on_undecided = flags.choice("fail-on", undecided_choices);
  }
  return verdict;
}

void read_compare(const Flags& flags, Options& options) {
  CompareOptions& compare = options.compare;
  for (const std::string& argument : flags.positional()) compare.files.push_back(read_named_file(argument));
  if (compare.files.size() < 2) throw UsageError("compare: name two result files or more");
  use_paths_for_repeated_labels(compare.files, flags.positional());
  for (const NamedFile& file : compare.files) {
    if (std::ranges::count(compare.files, file.label, &NamedFile::label) > 1) {
      throw UsageError(
          fmt::format("compare: more than one file is called '{}'; LABEL=FILE gives them names", file.label));
    }
  }
  compare.verdict = read_verdict(flags);
  if (flags.given("reference")) compare.reference = flags.single("reference");
  read_output(flags, options);
}

void read_claims(const Flags& flags, Options& options) {
  check_no_arguments(flags);
  if (flags.given("claim")) options.claims.ids = split(flags.text("claim"), ',');
  if (flags.given("group")) options.claims.topics = split(flags.text("group"), ',');
  options.claims.quick = flags.given("quick");
  options.claims.strict = flags.given("strict");
  read_output(flags, options);
  if (options.format == Format::csv) usage_error("format", "csv", "allowed are console, json, markdown");
}

void read_export(const Flags& flags, Options& options) {
  if (flags.positional().size() != 1) throw UsageError("export: name one result file");
  options.exported.path = flags.positional().front();
  if (!flags.given("format")) {
    throw UsageError("export: choose --format=github-action, csv, markdown or junit");
  }
  options.exported.format = flags.choice("format", export_format_choices);
}

void read_show(const Flags& flags, Options& options) {
  if (flags.positional().size() != 1) throw UsageError("show: name one result file");
  options.shown_path = flags.positional().front();
  if (flags.given("workload")) options.shown_workloads = split(flags.text("workload"), ',');
  read_output(flags, options);
}

// Both builds have to be offered the same, so that nothing may be found out by each for itself.
void check_same_rate(const Options& part) {
  if (!part.services.empty() && part.service.rate_mode == RateMode::common) {
    usage_error("rate", "common", "each build would find a rate of its own; give a number");
  }
}

void read_ab(const Flags& flags, const Tables& tables, Options& options) {
  AbOptions& ab = options.ab;
  if (flags.given("baseline") == flags.given("baseline-rev")) {
    throw UsageError("ab: give the other build as --baseline=PROGRAM, or its revision as --baseline-rev=REVISION");
  }
  if (flags.given("baseline")) ab.baseline = flags.text("baseline");
  if (flags.given("baseline-rev")) ab.baseline_rev = flags.text("baseline-rev");
  ab.verdict = read_verdict(flags);
  ab.builds = flags.count_or("builds", 1, 20, std::uint32_t{1});
  ab.pairs = flags.count_or("pairs", fewest_pairs, 10'000, std::uint32_t{0});
  if (ab.pairs != 0 && ab.pairs < ab.builds) {
    usage_error("pairs", flags.text("pairs"), fmt::format("{} builds of each side need as many pairs", ab.builds));
  }
  read_run(flags, tables, options);
  check_same_rate(options);
  for (const Options& part : options.further_parts) check_same_rate(part);
  constexpr std::int64_t usual_time_ns = 300'000'000'000;
  if (!flags.given("max-time")) options.max_time_ns = usual_time_ns;
  const std::array own{"max-time", "seed", "inject", "format", "color", "quiet", "no-progress", "wait-for-quiet"};
  for (const FlagRow& row : flags.rows()) {
    if (!flags.given(row.name) || !row.taken_by(Command::run)) continue;
    if (std::ranges::find(own, row.name) != own.end()) continue;
    ab.arguments.push_back(row.takes_value() ? fmt::format("--{}={}", row.name, flags.text(row.name))
                                             : fmt::format("--{}", row.name));
  }
}

// `named`: the command stands there, and is not taken for granted.
void read_help(const Flags& flags, bool named, Options& options) {
  if (options.command != Command::help) {  // --help
    options.help_topic = named ? options.command : Command::help;
    options.command = Command::help;
    return;
  }
  std::vector<std::string> topic = flags.positional();
  if (topic.empty()) return;
  if (std::ranges::find(help_parts, topic.front()) != help_parts.end()) {
    options.help_part = topic.front();
    topic.erase(topic.begin());
  } else {
    options.help_topic = read_command(topic);
  }
  if (topic.empty()) return;
  throw UsageError(fmt::format("unexpected argument '{}'; `bench help` explains one command", topic.front()));
}

}  // namespace

std::string_view command_name(Command command) { return command_names[static_cast<std::size_t>(command)]; }

Options parse_options(const Tables& tables, int argc, const char* const* argv) {
  Options options;
  options.command_line.assign(argv, argv + argc);
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (arguments.empty()) {
    options.command = Command::help;
    return options;
  }
  const bool named = !arguments.front().starts_with('-');
  options.command = read_command(arguments);
  Flags flags(tables, options.command, arguments);
  if (options.command == Command::help || flags.given("help")) {
    read_help(flags, named, options);
    return options;
  }
  switch (options.command) {
    case Command::serve:
      check_no_arguments(flags);
      options.serve = read_serve_options(flags, tables);
      break;
    case Command::load: read_load(flags, tables, options); break;
    case Command::compare: read_compare(flags, options); break;
    case Command::ab: read_ab(flags, tables, options); break;
    case Command::export_result: read_export(flags, options); break;
    case Command::show: read_show(flags, options); break;
    case Command::claims: read_claims(flags, options); break;
    case Command::doctor:
      check_no_arguments(flags);
      read_output(flags, options);
      if (options.format == Format::csv || options.format == Format::markdown) {
        usage_error("format", flags.text("format"), "allowed are console, json");
      }
      break;
    case Command::run:
    case Command::list:
    case Command::help:
    case Command::version: read_run(flags, tables, options);
  }
  return options;
}

}  // namespace bench
