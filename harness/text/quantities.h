// Why: quantities are typed and read by people, so they carry units both ways. Each is written and
// read in one place, and every message about a wrong one says what is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

// Parsing. Each function throws `std::invalid_argument` whose what() is a short phrase such as
// "unknown unit 'q' (allowed: ns, us, ms, s, m, h)", to be put after the option and its value:
// "--wait=10q: " + what().

/// A duration in ns from a number and a unit: "10ms", "1.5s", "250us", "2m" (minutes). A bare "0"
/// needs no unit. At most a day, and a whole number of nanoseconds.
std::int64_t parse_duration_ns(std::string_view text);

/// A whole number with an optional decimal suffix: "100", "10k", "1M", "2G".
std::uint64_t parse_count(std::string_view text);

/// A number of bytes: "64", "64B", "64KiB", "8MiB", "1GiB" (powers of 1024), "64KB", "8MB", "1GB"
/// (powers of 1000).
std::uint64_t parse_bytes(std::string_view text);

/// A number, not negative, with an optional decimal suffix: "0.5", "50k", "1.5M". At most 1e18.
double parse_number(std::string_view text);

/// A share from a percentage: "1%", "0.5%", "100%"; from 0 to 1.
double parse_percentage(std::string_view text);

// Printing. Figures have three significant digits unless said otherwise; a value that rounds up to
// the next unit is printed in that unit. Values that are not finite print as "inf" or "nan".

/// A duration for a table, from ns: "850 ns", "12.3 µs", "9.98 ms", "1.50 min"; "0 ns" for 0.
std::string format_duration(double ns);

/// A duration without loss for a parameter label, in the largest unit that divides it: "10ms",
/// "1500us"; "0s" for 0. `parse_duration_ns` reads it back.
std::string format_duration_exact(std::int64_t ns);

/// Bytes in powers of 1024: "1.20 MiB"; whole numbers below 1 KiB as they are: "64 B".
std::string format_bytes(double bytes);

/// A number: "12.5", "1,234" (rounded to a whole number from 100 on), and from a million on
/// "1.23 M", "1.23 G" or "1.23 T".
std::string format_count(double count);

/// A factor: "1.94×", "12.3×", "103×"; below 1 with two significant digits: "0.52×".
std::string format_ratio(double ratio);

}  // namespace bench
