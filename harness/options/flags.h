// The flags as they stand on the command line: one table of all of them, those of the program and one for each
// parameter of a workload, and typed access to those that were given. What they mean together is options.cpp's.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/options/options.h"
#include "harness/text/split.h"
#include "harness/text/suggest.h"

namespace bench {

/// What a flag takes. For some commands a flag that takes a list takes one value only. `each`: it may be given again,
/// and commas in its values are theirs.
enum class Value : std::uint8_t { none, one, list, each };

/// What a flag of `run` is about. Those for testing are for the suite's own tests, and no help names them.
enum class Subject : std::uint8_t { everything, jobs, services, parameter, testing };

/// A row of the flag table.
struct FlagRow {
  std::string_view name;  ///< Without the dashes.
  Value value;
  unsigned commands;  ///< Those that take it, as a set: 1 << Command for each.
  Subject subject = Subject::everything;

  bool takes_value() const { return value != Value::none; }  ///< Otherwise it is a switch.
  bool taken_by(Command command) const { return (commands >> static_cast<unsigned>(command) & 1U) != 0; }
};

/// Every flag there is over `tables`: those of the program, then the parameters of their workloads.
std::vector<FlagRow> all_flags(const Tables& tables);

/// Throws the UsageError "--flag=value: problem".
[[noreturn]] void usage_error(std::string_view flag, std::string_view value, std::string_view problem);

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
  /// Reads the arguments after the command. Throws UsageError for flags that are unknown, not the command's, repeated,
  /// or given a value that they do not take, or none.
  Flags(const Tables& tables, Command command, std::span<const std::string> arguments);

  /// All there are, given or not.
  std::span<const FlagRow> rows() const { return rows_; }

  /// Takes the flag as given with this value where the command line does not give it.
  void set_default(std::string_view flag, std::string_view value) { values_.emplace(flag, value); }

  /// Arguments that are no flags.
  const std::vector<std::string>& positional() const { return positional_; }

  bool given(std::string_view flag) const { return values_.contains(flag); }

  /// The value of a flag that was given.
  const std::string& text(std::string_view flag) const { return values_.find(flag)->second; }

  /// All values of a flag that may be given again, in their order; empty where it is not given.
  std::vector<std::string> each(std::string_view flag) const;

  /// The same as `text`, refused where it is a list.
  const std::string& single(std::string_view flag) const;

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

  /// The same for one value; `otherwise` where the flag is not given.
  template <typename Number>
  Number count_or(std::string_view flag, std::uint64_t low, std::uint64_t high, Number otherwise) const {
    return given(flag) ? static_cast<Number>(count(flag, single(flag), low, high)) : otherwise;
  }

  /// A size in bytes within the bounds.
  std::uint64_t bytes(std::string_view flag, const std::string& value_text, std::uint64_t low,
                      std::uint64_t high) const;

  std::int64_t duration_ns(std::string_view flag) const;

  /// One duration, more than 0; `otherwise` where the flag is not given.
  std::chrono::nanoseconds positive_duration_or(std::string_view flag, std::chrono::nanoseconds otherwise) const;

  /// One duration, which may be 0; `otherwise` where the flag is not given.
  std::chrono::nanoseconds duration_or(std::string_view flag, std::chrono::nanoseconds otherwise) const;

  /// The list of a flag, each value once; empty where the flag is not given.
  std::vector<std::chrono::nanoseconds> durations(std::string_view flag) const;

  /// CPU numbers joined by colons, each once; empty where the flag is not given. Refuses CPUs that are not available.
  std::vector<int> cpu_set(std::string_view flag) const;

  /// The choice that the flag's value names.
  template <typename Choice, std::size_t N>
  Choice choice(std::string_view flag, const std::array<std::pair<std::string_view, Choice>, N>& choices) const {
    std::array<std::string_view, N> names;
    std::ranges::transform(choices, names.begin(), [](const auto& pair) { return pair.first; });
    return choices[choice_index(flag, names)].second;
  }

 private:
  std::size_t choice_index(std::string_view flag, std::span<const std::string_view> names) const;

  std::vector<FlagRow> rows_;
  std::map<std::string, std::string, std::less<>> values_;  // of switches: empty
  std::map<std::string, std::vector<std::string>, std::less<>> repeated_;
  std::vector<std::string> positional_;
};

}  // namespace bench
