// The flags as they stand on the command line: one table of all of them, and typed access to those that were given.
// What they mean together is options.cpp's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/options.h"

namespace bench {

/// A row of the flag table.
struct FlagRow {
  std::string_view name;  ///< Without the dashes.
  bool takes_value;       ///< Otherwise a switch.
};

/// Every flag there is.
std::span<const FlagRow> all_flags();

/// Throws the UsageError "--flag=value: problem".
[[noreturn]] void usage_error(std::string_view flag, std::string_view value, std::string_view problem);

/// "; did you mean 'epoll'?", or nothing where no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// The parts between separators; one empty part for an empty text.
std::vector<std::string> split(std::string_view text, char separator);

/// Keeps the first of equal values: naming a value twice makes no second cell.
template <typename T>
void drop_repeated(std::vector<T>& values) {
  std::vector<T> unique;
  for (const T& value : values) {
    if (std::ranges::find(unique, value) == unique.end()) unique.push_back(value);
  }
  values = std::move(unique);
}

/// The flags given on a command line. Each reader throws a UsageError that says what is wrong with the value.
class Flags {
 public:
  /// Reads the arguments after the command. Throws UsageError for flags that are unknown, repeated, or given a value
  /// that they do not take, or none.
  explicit Flags(std::span<const std::string> arguments);

  /// Arguments that are no flags.
  const std::vector<std::string>& positional() const { return positional_; }

  bool given(std::string_view flag) const { return values_.contains(flag); }

  /// The value of a flag that was given.
  const std::string& text(std::string_view flag) const { return values_.find(flag)->second; }

  /// Applies `parse` to a value; a std::invalid_argument becomes a UsageError.
  template <typename Parse>
  auto value(std::string_view flag, const std::string& value_text, Parse parse) const {
    try {
      return parse(value_text);
    } catch (const std::invalid_argument& error) {
      usage_error(flag, value_text, error.what());
    }
  }

  std::uint64_t count(std::string_view flag, const std::string& value_text, std::uint64_t low,
                      std::uint64_t high) const;

  /// The list of a flag, each value once; empty where the flag is not given.
  std::vector<std::uint32_t> counts(std::string_view flag, std::uint32_t low, std::uint32_t high) const;

  std::int64_t duration_ns(std::string_view flag) const;

  /// The choice that the flag's value names.
  template <typename Choice, std::size_t N>
  Choice choice(std::string_view flag, const std::array<std::pair<std::string_view, Choice>, N>& choices) const {
    std::array<std::string_view, N> names;
    std::ranges::transform(choices, names.begin(), [](const auto& pair) { return pair.first; });
    return choices[choice_index(flag, names)].second;
  }

 private:
  std::size_t choice_index(std::string_view flag, std::span<const std::string_view> names) const;

  std::map<std::string, std::string, std::less<>> values_;  // of switches: empty
  std::vector<std::string> positional_;
};

}  // namespace bench
