#include "harness/flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cxxopts.hpp>

#include "harness/suggest.h"
#include "harness/units.h"

namespace bench {
namespace {

constexpr auto flag_table = std::to_array<FlagRow>({
    {"model", true},    {"workload", true},     {"tasks", true},       {"work", true},     {"wait", true},
    {"workers", true},  {"cpus", true},         {"repetitions", true}, {"max-time", true}, {"time-limit", true},
    {"seed", true},     {"out", true},          {"force", false},      {"format", true},   {"color", true},
    {"quiet", false},   {"no-progress", false}, {"dry-run", false},    {"list", false},    {"help", false},
    {"version", false},
});

cxxopts::Options make_parser() {
  cxxopts::Options parser("bench");
  auto add = parser.add_options();
  for (const FlagRow& row : flag_table) {
    const std::string name = row.name == "help" ? "h,help" : std::string(row.name);
    // Values are taken as text and parsed later, so that every error names the flag, the value and what is allowed.
    if (row.takes_value) {
      add(name, "", cxxopts::value<std::string>());
    } else {
      add(name, "");
    }
  }
  return parser;
}

// cxxopts would name an unknown flag too, but knows no suggestion; and it takes --force=no for --force.
void check_flag(std::string_view argument) {
  const std::size_t equals = argument.find('=');
  const std::string_view name = argument.substr(2, equals - 2);
  const auto row = std::ranges::find(flag_table, name, &FlagRow::name);
  if (row == flag_table.end()) {
    std::array<std::string_view, flag_table.size()> names;
    std::ranges::transform(flag_table, names.begin(), &FlagRow::name);
    const auto suggestion = closest(name, names);
    throw UsageError(fmt::format("unknown option '--{}'{}", name,
                                 suggestion ? fmt::format("; did you mean '--{}'?", *suggestion) : ""));
  }
  if (equals != std::string_view::npos && !row->takes_value) {
    usage_error(name, argument.substr(equals + 1), "takes no value");
  }
}

}  // namespace

std::span<const FlagRow> all_flags() { return flag_table; }

void usage_error(std::string_view flag, std::string_view value, std::string_view problem) {
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

Flags::Flags(std::span<const std::string> arguments) {
  std::vector<const char*> pointers{"bench"};
  for (const std::string& argument : arguments) {
    if (argument != "--" && argument.starts_with("--")) check_flag(argument);
    pointers.push_back(argument.c_str());
  }
  cxxopts::Options parser = make_parser();  // outlives its result, which points into it
  try {
    const cxxopts::ParseResult parsed = parser.parse(static_cast<int>(pointers.size()), pointers.data());
    for (const FlagRow& row : flag_table) {
      const std::string name(row.name);
      const std::size_t times = parsed.count(name);
      if (times == 0) continue;
      if (times > 1) {
        throw UsageError(fmt::format("--{} is given more than once; join the values with a comma", name));
      }
      values_.emplace(name, row.takes_value ? parsed[name].as<std::string>() : "");
    }
    positional_ = parsed.unmatched();
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError(error.what());
  }
}

std::uint64_t Flags::count(std::string_view flag, const std::string& value_text, std::uint64_t low,
                           std::uint64_t high) const {
  const std::uint64_t number = value(flag, value_text, parse_count);
  if (number < low || number > high) {
    usage_error(flag, value_text, fmt::format("must be between {} and {}", low, fmt::group_digits(high)));
  }
  return number;
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

std::size_t Flags::choice_index(std::string_view flag, std::span<const std::string_view> names) const {
  const std::string& word = text(flag);
  const auto found = std::ranges::find(names, word);
  if (found == names.end()) {
    usage_error(flag, word, fmt::format("allowed are {}{}", fmt::join(names, ", "), did_you_mean(word, names)));
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace bench
