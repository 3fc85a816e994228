// Why: see the header. Tables of units drive both directions; numbers go through <charconv>, which
// knows no locale.
#include "harness/text/quantities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

namespace bench {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::int64_t day_ns = 86'400'000'000'000;

constexpr auto duration_units = std::to_array<Unit>({{"ns", 1},
                                                     {"us", 1'000},
                                                     {"ms", 1'000'000},
                                                     {"s", 1'000'000'000},
                                                     {"m", 60'000'000'000},
                                                     {"h", 3'600'000'000'000},
                                                     {"\u00b5s", 1'000},    // micro sign
                                                     {"\u03bcs", 1'000}});  // Greek mu
constexpr std::string_view duration_allowed = "(allowed: ns, us, ms, s, m, h)";

constexpr auto count_units = std::to_array<Unit>({{"", 1}, {"k", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}});
constexpr std::string_view count_allowed = "(allowed: k, M, G)";

constexpr auto byte_units = std::to_array<Unit>({{"", 1},
                                                 {"B", 1},
                                                 {"KiB", 1 << 10},
                                                 {"MiB", 1 << 20},
                                                 {"GiB", 1 << 30},
                                                 {"KB", 1'000},
                                                 {"kB", 1'000},
                                                 {"MB", 1'000'000},
                                                 {"GB", 1'000'000'000}});
constexpr std::string_view byte_allowed = "(allowed: B, KiB, MiB, GiB, KB, MB, GB)";

constexpr auto printed_durations =
    std::to_array<Unit>({{"ns", 1}, {"\u00b5s", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}});
constexpr auto printed_bytes = std::to_array<Unit>({{"B", 1},
                                                    {"KiB", std::int64_t{1} << 10},
                                                    {"MiB", std::int64_t{1} << 20},
                                                    {"GiB", std::int64_t{1} << 30},
                                                    {"TiB", std::int64_t{1} << 40}});
constexpr auto printed_counts = std::to_array<Unit>({{"M", 1'000'000}, {"G", 1'000'000'000}, {"T", 1'000'000'000'000}});

[[noreturn]] void reject(const std::string& phrase) { throw std::invalid_argument(phrase); }

std::optional<std::int64_t> factor_of(std::string_view name, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.factor;
  }
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The words by which the messages about one kind of whole number differ.
struct Words {
  std::string_view expected;
  std::string_view unit;
  std::string_view allowed;
};

std::uint64_t parse_whole(std::string_view text, std::span<const Unit> units, const Words& words) {
  if (text.starts_with('-')) reject("must not be negative");
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::invalid_argument) reject(fmt::format("expected {}", words.expected));
  constexpr std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  if (error == std::errc::result_out_of_range) reject(fmt::format("must not exceed {}", limit));
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  if (name.starts_with('.')) reject("must be a whole number");
  const auto found = factor_of(name, units);
  if (!found) reject(fmt::format("unknown {} '{}' {}", words.unit, name, words.allowed));
  const auto factor = static_cast<std::uint64_t>(*found);
  if (number > limit / factor) reject(fmt::format("must not exceed {}", limit));
  return number * factor;
}

struct Number {
  double value = 0;  // infinite where it is too large for a double
  std::string_view unit;
};

// A number without sign and exponent, and what follows it.
Number read_number(std::string_view text, std::string_view expected) {
  if (text.starts_with('-')) reject("must not be negative");
  Number number;
  const char* const begin = text.data();
  // Without the check for a digit, from_chars would read "inf" and "nan".
  const auto [end, error] = std::from_chars(begin, begin + text.size(), number.value, std::chars_format::fixed);
  if (text.empty() || !(is_digit(text[0]) || text[0] == '.') || error == std::errc::invalid_argument) {
    reject(fmt::format("expected {}", expected));
  }
  if (error == std::errc::result_out_of_range) number.value = std::numeric_limits<double>::infinity();
  number.unit = text.substr(static_cast<std::size_t>(end - begin));
  return number;
}

double round_to_digits(double value, int digits) {
  const std::string text = fmt::format("{:.{}e}", value, digits - 1);
  double rounded = 0;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  return rounded;
}

// At least `digits` significant digits, and never an exponent. The decimals follow from the
// rounded value, so that 9.996 becomes "10.0" and not "10.00".
std::string print_digits(double value, int digits = 3) {
  const double rounded = std::abs(round_to_digits(value, digits));
  if (rounded == 0 || !std::isfinite(rounded)) return fmt::format("{:.0f}", value);
  const int magnitude = static_cast<int>(std::floor(std::log10(rounded)));
  return fmt::format("{:.{}f}", value, std::max(0, digits - 1 - magnitude));
}

// The largest unit that is not larger than `size`, or else the first.
const Unit& fitting_unit(double size, std::span<const Unit> units) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < units.size(); ++i) {
    if (size >= static_cast<double>(units[i].factor)) best = i;
  }
  return units[best];
}

std::string print_in(double value, const Unit& unit) {
  return fmt::format("{} {}", print_digits(value / static_cast<double>(unit.factor)), unit.name);
}

std::string with_commas(double whole) {
  std::string digits = fmt::format("{:.0f}", whole);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

// "1 min 16 s", "2 h 5 min", "1 min"; what is above a minute.
std::string format_long_duration(double ns) {
  const auto seconds = static_cast<std::int64_t>(std::llround(std::min(std::abs(ns) / 1e9, 1e15)));
  const bool hours = seconds >= 3600;
  const std::int64_t large = seconds / (hours ? 3600 : 60);
  const std::int64_t small = hours ? seconds % 3600 / 60 : seconds % 60;
  return fmt::format("{}{} {}{}", ns < 0 ? "-" : "", large, hours ? "h" : "min",
                     small == 0 ? std::string() : fmt::format(" {} {}", small, hours ? "min" : "s"));
}

}  // namespace

std::int64_t parse_duration_ns(std::string_view text) {
  if (text == "0") return 0;
  const Number number = read_number(text, fmt::format("a number and a unit, such as 10ms {}", duration_allowed));
  if (number.unit.empty()) reject(fmt::format("a unit is missing {}", duration_allowed));
  const auto factor = factor_of(number.unit, duration_units);
  if (!factor) reject(fmt::format("unknown unit '{}' {}", number.unit, duration_allowed));
  const double ns = number.value * static_cast<double>(*factor);
  if (ns > static_cast<double>(day_ns)) reject("must not exceed 1 day (24h)");
  // 0.1ms is not exact in binary; 1.5ns is not a whole number in any base.
  if (std::abs(ns - std::round(ns)) > ns * 1e-15) reject("must be a whole number of nanoseconds");
  return static_cast<std::int64_t>(std::round(ns));
}

std::uint64_t parse_count(std::string_view text) {
  return parse_whole(text, count_units, {"a whole number, such as 100 or 10k", "suffix", count_allowed});
}

std::uint64_t parse_bytes(std::string_view text) {
  return parse_whole(text, byte_units, {"a number of bytes, such as 64 or 8MiB", "unit", byte_allowed});
}

double parse_number(std::string_view text) {
  const Number number = read_number(text, "a number, such as 500 or 1.5k");
  const auto factor = factor_of(number.unit, count_units);
  if (!factor) reject(fmt::format("unknown suffix '{}' {}", number.unit, count_allowed));
  const double value = number.value * static_cast<double>(*factor);
  if (value > 1e18) reject("must not exceed 1e18");
  return value;
}

double parse_percentage(std::string_view text) {
  constexpr std::string_view expected = "a percentage, such as 1% or 0.5%";
  const Number number = read_number(text, expected);
  if (number.unit != "%") reject(fmt::format("expected {}", expected));
  if (number.value > 100) reject("must not exceed 100%");
  return number.value / 100;
}

std::string format_duration(double ns) {
  if (!std::isfinite(ns)) return fmt::format("{}", ns);
  // Rounded before the unit is chosen: 999.6 ns is 1.00 µs, 59.96 s is 1 min.
  const double rounded = round_to_digits(ns, 3);
  constexpr double minute_ns = 60e9;
  if (std::abs(rounded) >= minute_ns) return format_long_duration(std::abs(ns) < minute_ns ? rounded : ns);
  return print_in(rounded, fitting_unit(std::abs(rounded), printed_durations));
}

std::string format_duration_exact(std::int64_t ns) {
  if (ns == 0) return "0s";
  const Unit* largest = &duration_units.front();
  for (const Unit& unit : duration_units) {
    if (unit.factor > largest->factor && ns % unit.factor == 0) largest = &unit;
  }
  return fmt::format("{}{}", ns / largest->factor, largest->name);
}

std::string format_bytes(double bytes) {
  if (!std::isfinite(bytes)) return fmt::format("{}", bytes);
  if (std::abs(bytes) < 1024 && bytes == std::round(bytes)) return fmt::format("{:.0f} B", bytes);
  // Half a unit of the last digit that 1023 has, so that 1023.7 is 1.00 KiB and not 1024 B.
  constexpr double rounds_up = 1024 / 1023.5;
  return print_in(bytes, fitting_unit(std::abs(bytes) * rounds_up, printed_bytes));
}

std::string format_count(double count) {
  if (!std::isfinite(count)) return fmt::format("{}", count);
  const double size = std::abs(count);
  if (size < 100 && count != std::round(count)) return print_digits(count);
  if (std::round(size) < 1e6) return with_commas(std::round(count));
  const double rounded = round_to_digits(count, 3);
  return print_in(rounded, fitting_unit(std::abs(rounded), printed_counts));
}

std::string format_ratio(double ratio) {
  if (!std::isfinite(ratio)) return fmt::format("{}", ratio);
  const bool below_one = round_to_digits(ratio, 2) < 1;
  // 0.997 is 1.00 at either precision, and not 0.997.
  const std::string digits = below_one ? print_digits(ratio, 2) : print_digits(std::max(ratio, 1.0));
  return digits + "\u00d7";
}

}  // namespace bench
