#include "harness/text/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "harness/text/quantities.h"
#include "harness/text/split.h"
#include "harness/text/suggest.h"

namespace bench {
namespace {

using Durations = std::vector<std::chrono::nanoseconds>;

void check_bounds(const Parameter& row, double value, std::string_view workload) {
  if (value >= row.least && value <= row.most) return;
  throw std::invalid_argument(fmt::format("must be between {} and {}{} for {}", bound_text(row, row.least),
                                          bound_text(row, row.most), row.kind == ParameterKind::size ? " bytes" : "",
                                          workload));
}

template <typename Number>
Number bounded(const Parameter& row, Number value, std::string_view workload) {
  check_bounds(row, static_cast<double>(value), workload);
  return value;
}

std::uint64_t parse_choice(const Parameter& row, std::string_view text, std::string_view workload) {
  const std::span<const std::string_view> choices = choices_of(row);
  const auto found = std::ranges::find(choices, text);
  if (found == choices.end()) {
    throw std::invalid_argument(
        fmt::format("allowed for {} are {}{}", workload, fmt::join(choices, ", "), did_you_mean(text, choices)));
  }
  return static_cast<std::uint64_t>(found - choices.begin());
}

// "64" is "64:1".
CountPair parse_pair(const Parameter& row, std::string_view text, std::string_view workload) {
  const std::size_t colon = text.find(':');
  CountPair pair{.first = bounded(row, parse_count(text.substr(0, colon)), workload)};
  if (colon == std::string_view::npos) return pair;
  Parameter second = row;
  second.least = 1;
  second.most = row.most_second;
  pair.second =
      bounded(second, parse_count(text.substr(colon + 1)), fmt::format("the second number, for {}", workload));
  return pair;
}

// A second number that is 1 goes without saying.
std::string joined(const CountPair& pair, char separator) {
  return pair.second == 1 ? fmt::to_string(pair.first) : fmt::format("{}{}{}", pair.first, separator, pair.second);
}

std::string joined(const Durations& durations, char separator) {
  std::string text;
  for (const std::chrono::nanoseconds duration : durations) {
    if (!text.empty()) text += separator;
    text += format_duration_exact(duration.count());
  }
  return text;
}

std::string value_in_title(const Parameter& row, const ParameterValue& value) {
  switch (row.kind) {
    case ParameterKind::count: return format_count(static_cast<double>(std::get<std::uint64_t>(value)));
    case ParameterKind::size: return format_bytes(static_cast<double>(std::get<std::uint64_t>(value)));
    case ParameterKind::durations: return joined(std::get<Durations>(value), ':');
    case ParameterKind::rate: return format_count(std::get<double>(value)) + "/s";
    case ParameterKind::pair: return joined(std::get<CountPair>(value), ':');
    case ParameterKind::duration:
    case ParameterKind::share:
    case ParameterKind::choice: break;
  }
  return value_in_name(row, value);
}

std::string in_title(const Parameter& row, const ParameterValue& value) {
  const std::string text = value_in_title(row, value);
  if (row.title.empty()) return fmt::format("{} {}", row.word_in_names(), text);
  const bool one = !row.title_of_one.empty() && value == ParameterValue(std::uint64_t{1});
  return fmt::format(fmt::runtime(one ? row.title_of_one : row.title), text);
}

bool is_shown(const Parameter& row, const ParameterValue& value) {
  return row.shown_at_standard || value != standard_value(row);
}

}  // namespace

ParameterValue parse_parameter(const Parameter& row, std::string_view text, std::string_view workload) {
  switch (row.kind) {
    case ParameterKind::count: return bounded(row, parse_count(text), workload);
    case ParameterKind::size: return bounded(row, parse_bytes(text), workload);
    case ParameterKind::duration: return static_cast<std::uint64_t>(bounded(row, parse_duration_ns(text), workload));
    case ParameterKind::rate: return bounded(row, parse_number(text), workload);
    case ParameterKind::share: return bounded(row, parse_percentage(text), workload);
    case ParameterKind::choice: return parse_choice(row, text, workload);
    case ParameterKind::pair: return parse_pair(row, text, workload);
    case ParameterKind::durations: break;
  }
  Durations durations;
  for (const std::string& part : split(text, ':')) {
    durations.emplace_back(bounded(row, parse_duration_ns(part), workload));
  }
  return durations;
}

ParameterValue standard_value(const Parameter& row) { return parse_parameter(row, row.standard, "its default"); }

std::string value_in_name(const Parameter& row, const ParameterValue& value) {
  switch (row.kind) {
    case ParameterKind::duration:
      return format_duration_exact(static_cast<std::int64_t>(std::get<std::uint64_t>(value)));
    case ParameterKind::durations: return joined(std::get<Durations>(value), '+');
    case ParameterKind::rate: return fmt::to_string(std::get<double>(value));
    case ParameterKind::share: return fmt::format("{:g}%", std::get<double>(value) * 100);
    case ParameterKind::choice: return std::string(row.choices[std::get<std::uint64_t>(value)]);
    case ParameterKind::pair: return joined(std::get<CountPair>(value), '+');
    case ParameterKind::count:
    case ParameterKind::size: break;
  }
  return fmt::to_string(std::get<std::uint64_t>(value));
}

std::string parameters_in_name(const Parameters& parameters) {
  std::string text;
  for (const auto& [row, value] : parameters.all()) {
    if (is_shown(*row, value)) text += fmt::format("/{}:{}", row->word_in_names(), value_in_name(*row, value));
  }
  return text;
}

std::string parameters_in_title(const Parameters& parameters) {
  std::string text;
  for (const auto& [row, value] : parameters.all()) {
    if (is_shown(*row, value)) text += " · " + in_title(*row, value);
  }
  return text;
}

std::string key_of(const Parameter& row) {
  if (!row.key.empty()) return std::string(row.key);
  std::string key(row.name);
  std::ranges::replace(key, '-', '_');
  switch (row.kind) {
    case ParameterKind::size: return key + "_bytes";
    case ParameterKind::duration:
    case ParameterKind::durations: return key + "_ns";
    case ParameterKind::rate: return key + "_per_second";
    case ParameterKind::share: return key + "_percent";
    case ParameterKind::pair:
    case ParameterKind::count:
    case ParameterKind::choice: break;
  }
  return key;
}

std::string bound_text(const Parameter& row, double bound) {
  switch (row.kind) {
    case ParameterKind::duration:
    case ParameterKind::durations: return format_duration_exact(static_cast<std::int64_t>(bound));
    case ParameterKind::rate: return fmt::format("{:g}", bound);
    case ParameterKind::share: return fmt::format("{:g}%", bound * 100);
    case ParameterKind::pair:
    case ParameterKind::count:
    case ParameterKind::size:
    case ParameterKind::choice: break;
  }
  return fmt::format("{}", fmt::group_digits(static_cast<std::uint64_t>(bound)));
}

std::span<const std::string_view> choices_of(const Parameter& row) {
  const auto end = std::ranges::find(row.choices, std::string_view());
  return {row.choices.begin(), end};
}

}  // namespace bench
