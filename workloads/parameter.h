// What a workload can be told, as data: flags, sweeps, titles, names of cells, result files and help all come from the
// rows below.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bench {

/// What a parameter's values are, and so how they are written: `100`, `64KiB`, `10ms`, `10ms:20ms`, `1000`, `50%`, a
/// word, `64:3`.
enum class ParameterKind : std::uint8_t { count, size, duration, durations, rate, share, choice, pair };

/// A row: one thing that a workload can be told. All texts are static.
struct Parameter {
  std::string_view name;  ///< Of its flag, without the dashes: "message-size".
  ParameterKind kind = ParameterKind::count;
  std::string_view standard;  ///< The value where none is given, as it is written on the command line.
  std::string_view meaning;   ///< For the help text: "N, the last factor of each task's product".
  double least = 1;        ///< Bounds; both are allowed. Of a size bytes, of durations nanoseconds of each, of a share
  double most = 0x1p53;    ///< parts of 1; a choice has none; of a pair those of its first number.
  double most_second = 0;  ///< Of a pair: its second number is from 1 to this, and 1 where it is left out.
  std::array<std::string_view, 6> choices{};  ///< Of a choice; unused ones are empty.
  std::string_view word{};                    ///< In the name of a cell; empty: the flag's.
  std::string_view key{};    ///< In result files; empty: the flag's with underscores, and the kind's unit behind it.
  std::string_view title{};  ///< In titles, "{}" for the value: "{} tasks". Empty: the word and the value.
  std::string_view title_of_one{};  ///< The same where the value is 1, if it is another: "{} task".
  bool shown_at_standard = true;    ///< Otherwise names and titles are silent where the value is the standard one, so
                                    ///< that cells keep the names they had before there was the parameter.

  constexpr std::string_view word_in_names() const noexcept { return word.empty() ? name : word; }
};

/// Two whole numbers that belong together.
struct CountPair {
  std::uint64_t first = 0;
  std::uint64_t second = 1;

  bool operator==(const CountPair&) const = default;
};

/// The row of that name; null without one.
constexpr const Parameter* find_parameter(std::span<const Parameter> rows, std::string_view name) noexcept {
  for (const Parameter& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

/// A value: of a count or a size the number, of a duration nanoseconds, of a choice its index among the choices;
/// of a rate or a share a double; of durations their list; of a pair its numbers.
using ParameterValue = std::variant<std::uint64_t, double, std::vector<std::chrono::nanoseconds>, CountPair>;

/// Values of some parameters, in the order of their rows, each at most once. The rows outlive it.
class Parameters {
 public:
  using Entry = std::pair<const Parameter*, ParameterValue>;

  /// Adds a value, or replaces the one that is there.
  void set(const Parameter& parameter, ParameterValue value);

  std::span<const Entry> all() const noexcept { return entries_; }

  /// The value of the parameter of that name; null without one.
  const ParameterValue* find(std::string_view name) const noexcept;

  /// Of a count, a size or a duration in nanoseconds; `otherwise` where there is no such parameter.
  std::uint64_t number(std::string_view name, std::uint64_t otherwise = 0) const;

  /// Of a rate or a share; `otherwise` where there is no such parameter.
  double real(std::string_view name, double otherwise = 0) const;

  /// Of durations; empty where there is no such parameter.
  std::span<const std::chrono::nanoseconds> durations(std::string_view name) const;

  /// Of a pair; CountPair{} where there is no such parameter.
  CountPair pair(std::string_view name) const;

  /// The word that a choice's value stands for; empty where there is no such parameter.
  std::string_view choice(std::string_view name) const;

  bool operator==(const Parameters&) const = default;

 private:
  std::vector<Entry> entries_;
};

}  // namespace bench
