#include "harness/options/flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cxxopts.hpp>
#include <deque>

#include "harness/options/workload_parameters.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"

namespace bench {
namespace {

constexpr unsigned set_of(Command command) { return 1U << static_cast<unsigned>(command); }

// `list`, `help` and `version` take what `run` takes, so that one can be had from the other by adding a word.
constexpr unsigned on_run =
    set_of(Command::run) | set_of(Command::list) | set_of(Command::help) | set_of(Command::version);
constexpr unsigned on_serve = set_of(Command::serve);
constexpr unsigned on_load = set_of(Command::load);
constexpr unsigned on_compare = set_of(Command::compare);
constexpr unsigned on_ab = set_of(Command::ab);
constexpr unsigned on_doctor = set_of(Command::doctor);
constexpr unsigned on_claims = set_of(Command::claims);
constexpr unsigned on_export = set_of(Command::export_result);
constexpr unsigned on_show = set_of(Command::show);
constexpr unsigned on_plan = on_run | on_ab;

constexpr auto program_flags = std::to_array<FlagRow>({
    {"model", Value::list, on_plan | on_serve},
    {"workload", Value::list, on_plan | on_serve | on_show},
    {"suite", Value::one, on_plan},
    {"workers", Value::list, on_plan | on_serve},
    {"stack", Value::list, on_plan | on_serve},
    {"cpus", Value::list, on_plan, Subject::jobs},
    {"connections", Value::list, on_plan | on_load, Subject::services},
    {"active", Value::list, on_plan | on_load, Subject::services},
    {"rate", Value::list, on_plan | on_load, Subject::services},
    {"slo", Value::one, on_plan | on_load, Subject::services},
    {"arrivals", Value::one, on_plan | on_load, Subject::services},
    {"dispatch", Value::one, on_plan | on_load, Subject::services},
    {"requests-per-connection", Value::one, on_plan | on_load, Subject::services},
    {"pipeline", Value::list, on_plan | on_load, Subject::services},
    {"service-cpu", Value::list, on_plan | on_serve, Subject::services},
    {"service-wait", Value::list, on_plan | on_serve, Subject::services},
    {"heavy", Value::one, on_plan, Subject::services},
    {"duration", Value::one, on_plan | on_load, Subject::services},
    {"warmup", Value::one, on_plan | on_load, Subject::services},
    {"memory", Value::none, on_plan, Subject::services},
    {"server-cpus", Value::one, on_plan | on_serve, Subject::services},
    {"client-cpus", Value::one, on_plan | on_load, Subject::services},
    {"client-threads", Value::one, on_plan | on_load, Subject::services},
    {"no-halt", Value::none, on_plan, Subject::services},
    {"idle-timeout", Value::one, on_plan | on_serve, Subject::services},
    {"connect-deadline", Value::one, on_plan | on_load, Subject::services},
    {"bind", Value::one, on_serve},
    {"port", Value::one, on_serve},
    {"timeout", Value::one, on_plan | on_load, Subject::services},
    {"server-pid", Value::one, on_load},
    {"unix", Value::one, on_load},
    {"source", Value::one, on_load},
    {"insecure", Value::none, on_load},
    {"expect-status", Value::one, on_load},
    {"check", Value::one, on_load},
    {"header", Value::each, on_load},
    {"method", Value::one, on_load},
    {"body", Value::one, on_load},
    {"repetitions", Value::one, on_run | on_load},
    {"max-time", Value::one, on_plan},
    {"time-limit", Value::one, on_plan},
    {"wait-for-quiet", Value::one, on_plan | on_load},
    {"over", Value::one, on_run | on_load},
    {"hosts", Value::one, on_run, Subject::services},
    {"figures", Value::one, on_run, Subject::services},
    {"server-rank", Value::one, on_run, Subject::services},
    {"servers", Value::one, on_run, Subject::services},
    {"server-address", Value::one, on_run, Subject::services},
    {"inject", Value::one, on_plan, Subject::testing},
    {"raw-latencies", Value::one, on_run | on_load, Subject::testing},
    {"seed", Value::one, on_plan | on_load},
    {"claim", Value::list, on_claims},
    {"group", Value::list, on_claims},
    {"quick", Value::none, on_claims},
    {"strict", Value::none, on_claims},
    {"out", Value::one, on_run | on_load | on_claims},
    {"force", Value::none, on_run | on_load | on_claims},
    {"baseline", Value::one, on_ab},
    {"baseline-rev", Value::one, on_ab},
    {"builds", Value::one, on_ab},
    {"pairs", Value::one, on_ab},
    {"threshold", Value::one, on_compare | on_ab},
    {"metric", Value::list, on_compare | on_ab},
    {"reference", Value::one, on_compare},
    {"fail-on", Value::one, on_compare | on_ab},
    {"format", Value::one, on_plan | on_load | on_compare | on_doctor | on_claims | on_export | on_show},
    {"color", Value::one, on_plan | on_load | on_compare | on_doctor | on_claims | on_show},
    {"columns", Value::list, on_run | on_load | on_show},
    {"details", Value::none, on_run | on_load | on_show},
    {"quiet", Value::none, on_plan | on_load | on_doctor | on_claims},
    {"no-progress", Value::none, on_plan | on_load | on_doctor | on_claims},
    {"dry-run", Value::none, on_run},
    {"list", Value::none, on_run},
    {"help", Value::none, on_plan | on_serve | on_load | on_compare | on_doctor | on_claims | on_export | on_show},
    {"version", Value::none, on_run},
});

// The one flag whose value may follow its letter, as with curl(1).
constexpr std::string_view header_letter = "-H";

std::string names_of(const FlagRow& row) {
  if (row.name == "help") return "h,help";
  return row.name == "header" ? "H,header" : std::string(row.name);
}

cxxopts::Options make_parser(std::span<const FlagRow> rows) {
  cxxopts::Options parser("bench");
  auto add = parser.add_options();
  for (const FlagRow& row : rows) {
    const std::string name = names_of(row);
    // Values are taken as text and parsed later, so that every error names the flag, the value and what is allowed.
    if (row.takes_value()) {
      add(name, "", cxxopts::value<std::string>());
    } else {
      add(name, "");
    }
  }
  return parser;
}

// The commands that take a flag, for people.
std::string takers_text(const FlagRow& row) {
  std::vector<std::string> takers;
  for (const Command command : {Command::run, Command::serve, Command::load, Command::compare, Command::ab,
                                Command::doctor, Command::claims, Command::export_result, Command::show}) {
    if (command == Command::ab && row.taken_by(Command::run)) continue;  // it takes what a run does
    if (row.taken_by(command)) takers.push_back(fmt::format("`bench {}`", command_name(command)));
  }
  return fmt::format("{} {}", fmt::join(takers, " and "), takers.size() == 1 ? "does" : "do");
}

// cxxopts would name an unknown flag too, but knows no suggestion; and it takes --force=no for --force.
void check_flag(std::span<const FlagRow> rows, Command command, std::string_view argument) {
  const std::size_t equals = argument.find('=');
  const std::string_view name = argument.substr(2, equals - 2);
  const auto row = std::ranges::find(rows, name, &FlagRow::name);
  if (row == rows.end()) {
    std::vector<std::string_view> names;
    for (const FlagRow& known : rows) {
      if (known.taken_by(command)) names.push_back(known.name);
    }
    const auto suggestion = closest(name, names);
    throw UsageError(fmt::format("unknown option '--{}'{}", name,
                                 suggestion ? fmt::format("; did you mean '--{}'?", *suggestion) : ""));
  }
  if (!row->taken_by(command)) {
    throw UsageError(
        fmt::format("--{}: `bench {}` does not take it; {}", name, command_name(command), takers_text(*row)));
  }
  if (equals != std::string_view::npos && !row->takes_value()) {
    usage_error(name, argument.substr(equals + 1), "takes no value");
  }
}

// "0-3, 6"
std::string ranges_text(std::span<const int> ascending) {
  std::vector<std::string> ranges;
  for (std::size_t first = 0; first < ascending.size();) {
    std::size_t last = first;
    while (last + 1 < ascending.size() && ascending[last + 1] == ascending[last] + 1) ++last;
    ranges.push_back(first == last ? fmt::to_string(ascending[first])
                                   : fmt::format("{}-{}", ascending[first], ascending[last]));
    first = last + 1;
  }
  return fmt::format("{}", fmt::join(ranges, ", "));
}

}  // namespace

std::vector<FlagRow> all_flags(const Tables& tables) {
  std::vector<FlagRow> rows(program_flags.begin(), program_flags.end());
  for (const WorkloadParameters& workload : every_workload(tables)) {
    const unsigned commands = workload.is_service ? on_plan | on_serve | on_load : on_plan;
    for (const Parameter& parameter : workload.parameters) {
      const auto known = std::ranges::find(rows, parameter.name, &FlagRow::name);
      if (known == rows.end()) {
        rows.push_back({parameter.name, Value::list, commands, Subject::parameter});
      } else if (known->subject == Subject::parameter) {
        known->commands |= commands;
      } else {
        throw std::logic_error(fmt::format("{}: --{} is a flag of the program", workload.name, parameter.name));
      }
    }
  }
  return rows;
}

void usage_error(std::string_view flag, std::string_view value, std::string_view problem) {
  throw UsageError(fmt::format("--{}={}: {}", flag, value, problem));
}

namespace {

// What cxxopts says of an option, which it names without its dashes, in quotes that depend on its version: "Option ‘m’
// does not exist".
std::string with_dashes(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> quotes{{{"\u2018", "\u2019"}, {"'", "'"}}};
  for (const auto& [open, close] : quotes) {
    const std::size_t begin = text.find(open);
    if (begin == std::string::npos) continue;
    const std::size_t end = text.find(close, begin + open.size());
    if (end == std::string::npos) continue;
    std::string name = text.substr(begin + open.size(), end - begin - open.size());
    if (!name.starts_with('-')) name.insert(0, name.size() == 1 ? "-" : "--");
    return text.replace(begin, end + close.size() - begin, name);
  }
  return text;
}

}  // namespace

Flags::Flags(const Tables& tables, Command command, std::span<const std::string> arguments) : rows_(all_flags(tables)) {
  std::vector<const char*> pointers{"bench"};
  std::deque<std::string> parts;
  for (const std::string& argument : arguments) {
    if (argument != "--" && argument.starts_with("--")) check_flag(rows_, command, argument);
    const bool is_word = argument.size() > 2 && argument[0] == '-' && argument[1] != '-';
    if (is_word && !argument.starts_with(header_letter)) {
      throw UsageError(fmt::format("{0}: names of options begin with two dashes, as in -{0}", argument));
    }
    // What stands in the same word as its name cxxopts would give to a regular expression, which knows no line ends and
    // goes one call deeper for each character.
    const std::size_t equals = argument.find('=');
    const auto split_at = [&](std::size_t name_end, std::size_t value_begin) {
      parts.push_back(argument.substr(0, name_end));
      pointers.push_back(parts.back().c_str());
      parts.push_back(argument.substr(value_begin));
      pointers.push_back(parts.back().c_str());
    };
    if (argument.starts_with("--") && equals != std::string::npos) {
      split_at(equals, equals + 1);
    } else if (is_word) {
      split_at(header_letter.size(), header_letter.size());
    } else {
      pointers.push_back(argument.c_str());
    }
  }
  cxxopts::Options parser = make_parser(rows_);  // outlives its result, which points into it
  try {
    const cxxopts::ParseResult parsed = parser.parse(static_cast<int>(pointers.size()), pointers.data());
    for (const FlagRow& row : rows_) {
      const std::string name(row.name);
      const std::size_t times = parsed.count(name);
      if (times == 0) continue;
      if (row.value == Value::each) {
        for (const cxxopts::KeyValue& given : parsed.arguments()) {
          if (given.key() == name) repeated_[name].push_back(given.value());
        }
      } else if (times > 1) {
        throw UsageError(fmt::format("--{} is given more than once{}", name,
                                     row.value == Value::list ? "; join the values with a comma" : ""));
      }
      values_.emplace(name, row.takes_value() ? parsed[name].as<std::string>() : "");
    }
    positional_ = parsed.unmatched();
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError(with_dashes(error.what()));
  }
}

std::vector<std::string> Flags::each(std::string_view flag) const {
  const auto found = repeated_.find(flag);
  return found == repeated_.end() ? std::vector<std::string>() : found->second;
}

const std::string& Flags::single(std::string_view flag) const {
  const std::string& value_text = text(flag);
  if (value_text.find(',') != std::string::npos) usage_error(flag, value_text, "takes one value, not a list");
  return value_text;
}

std::uint64_t Flags::count(std::string_view flag, const std::string& value_text, std::uint64_t low,
                           std::uint64_t high) const {
  const std::uint64_t number = value(flag, value_text, parse_count);
  if (number < low || number > high) {
    usage_error(flag, value_text, fmt::format("must be between {} and {}", low, fmt::group_digits(high)));
  }
  return number;
}

std::uint64_t Flags::bytes(std::string_view flag, const std::string& value_text, std::uint64_t low,
                           std::uint64_t high) const {
  const std::uint64_t size = value(flag, value_text, parse_bytes);
  if (size < low || size > high) {
    usage_error(flag, value_text,
                fmt::format("must be between {} and {}", format_bytes(static_cast<double>(low)),
                            format_bytes(static_cast<double>(high))));
  }
  return size;
}

std::vector<std::uint32_t> Flags::counts(std::string_view flag, std::uint32_t low, std::uint32_t high) const {
  std::vector<std::uint32_t> numbers;
  if (!given(flag)) return numbers;
  for (const std::string& part : split(text(flag), ',')) {
    numbers.push_back(static_cast<std::uint32_t>(count(flag, part, low, high)));
  }
  drop_repeated(numbers);
  return numbers;
}

std::int64_t Flags::duration_ns(std::string_view flag) const { return value(flag, text(flag), parse_duration_ns); }

std::chrono::nanoseconds Flags::duration_or(std::string_view flag, std::chrono::nanoseconds otherwise) const {
  return given(flag) ? std::chrono::nanoseconds(value(flag, single(flag), parse_duration_ns)) : otherwise;
}

std::chrono::nanoseconds Flags::positive_duration_or(std::string_view flag, std::chrono::nanoseconds otherwise) const {
  const std::chrono::nanoseconds duration = duration_or(flag, otherwise);
  if (duration.count() == 0) usage_error(flag, text(flag), "must be more than 0");
  return duration;
}

std::vector<std::chrono::nanoseconds> Flags::durations(std::string_view flag) const {
  std::vector<std::chrono::nanoseconds> found;
  if (!given(flag)) return found;
  for (const std::string& part : split(text(flag), ',')) found.emplace_back(value(flag, part, parse_duration_ns));
  drop_repeated(found);
  return found;
}

std::vector<int> Flags::cpu_set(std::string_view flag) const {
  std::vector<int> cpus;
  if (!given(flag)) return cpus;
  const std::string& set = text(flag);
  if (set.find_first_of(",-") != std::string::npos) {
    usage_error(flag, set, "CPUs are joined by a colon, such as 0:1; ranges and several sets are not taken");
  }
  const std::vector<int> available = available_cpu_numbers();
  for (const std::string& part : split(set, ':')) {
    const std::uint64_t number = value(flag, part, parse_count);
    const auto same = [&](int cpu) { return static_cast<std::uint64_t>(cpu) == number; };
    if (std::ranges::none_of(available, same)) {
      usage_error(flag, set, fmt::format("no CPU {} here; available: {}", number, ranges_text(available)));
    }
    cpus.push_back(static_cast<int>(number));
  }
  drop_repeated(cpus);
  return cpus;
}

std::size_t Flags::choice_index(std::string_view flag, std::span<const std::string_view> names) const {
  const std::string& word = text(flag);
  const auto found = std::ranges::find(names, word);
  if (found == names.end()) {
    usage_error(flag, word, fmt::format("allowed are {}{}", fmt::join(names, ", "), did_you_mean(word, names)));
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace bench
