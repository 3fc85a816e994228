// Why: a quantity misread by a factor of a thousand is a wrong measurement that looks right, and a
// rejected one must tell its user what to type instead.
#include "harness/text/quantities.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

namespace bench {
namespace {

// The message with which `parse` refuses `text`; empty if it accepts.
template <typename Parse>
std::string refusal(Parse parse, std::string_view text) {
  try {
    parse(text);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(ParseDuration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration_ns("5ns"), 5);
  EXPECT_EQ(parse_duration_ns("250us"), 250'000);
  EXPECT_EQ(parse_duration_ns("250\u00b5s"), 250'000);
  EXPECT_EQ(parse_duration_ns("250\u03bcs"), 250'000);
  EXPECT_EQ(parse_duration_ns("10ms"), 10'000'000);
  EXPECT_EQ(parse_duration_ns("2s"), 2'000'000'000);
  EXPECT_EQ(parse_duration_ns("2m"), 120'000'000'000);
  EXPECT_EQ(parse_duration_ns("1h"), 3'600'000'000'000);
}

TEST(ParseDuration, ReadsFractionsExactly) {
  EXPECT_EQ(parse_duration_ns("1.5s"), 1'500'000'000);
  EXPECT_EQ(parse_duration_ns("0.1ms"), 100'000);
  EXPECT_EQ(parse_duration_ns(".5us"), 500);
  EXPECT_EQ(parse_duration_ns("1.001us"), 1001);
  EXPECT_EQ(parse_duration_ns("86399.999999999s"), 86'399'999'999'999);
}

TEST(ParseDuration, ZeroNeedsNoUnit) {
  EXPECT_EQ(parse_duration_ns("0"), 0);
  EXPECT_EQ(parse_duration_ns("0ms"), 0);
}

TEST(ParseDuration, SaysWhatIsWrong) {
  const auto wrong = [](std::string_view text) { return refusal(parse_duration_ns, text); };
  EXPECT_EQ(wrong("10q"), "unknown unit 'q' (allowed: ns, us, ms, s, m, h)");
  EXPECT_EQ(wrong("10 ms"), "unknown unit ' ms' (allowed: ns, us, ms, s, m, h)");
  EXPECT_EQ(wrong("1e3s"), "unknown unit 'e3s' (allowed: ns, us, ms, s, m, h)");
  EXPECT_EQ(wrong("10"), "a unit is missing (allowed: ns, us, ms, s, m, h)");
  EXPECT_EQ(wrong("-5ms"), "must not be negative");
  EXPECT_EQ(wrong("1.5ns"), "must be a whole number of nanoseconds");
  EXPECT_EQ(wrong("86399.9999999995s"), "must be a whole number of nanoseconds");
  const std::string expected = "expected a number and a unit, such as 10ms (allowed: ns, us, ms, s, m, h)";
  for (const char* text : {"", "ms", "+1s", ".", "inf", "nan", "infs", " 1s"}) {
    EXPECT_EQ(wrong(text), expected) << text;
  }
}

TEST(ParseDuration, EndsAtOneDay) {
  EXPECT_EQ(parse_duration_ns("24h"), 86'400'000'000'000);
  const std::string expected = "must not exceed 1 day (24h)";
  EXPECT_EQ(refusal(parse_duration_ns, "86400.000000001s"), expected);
  EXPECT_EQ(refusal(parse_duration_ns, "25h"), expected);
  EXPECT_EQ(refusal(parse_duration_ns, std::string(400, '9') + "s"), expected);
}

TEST(ParseCount, ReadsNumbersAndSuffixes) {
  EXPECT_EQ(parse_count("0"), 0U);
  EXPECT_EQ(parse_count("100"), 100U);
  EXPECT_EQ(parse_count("10k"), 10'000U);
  EXPECT_EQ(parse_count("1M"), 1'000'000U);
  EXPECT_EQ(parse_count("3G"), 3'000'000'000U);
  EXPECT_EQ(parse_count("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_count("18446744073G"), 18'446'744'073'000'000'000U);
}

TEST(ParseCount, SaysWhatIsWrong) {
  const auto wrong = [](std::string_view text) { return refusal(parse_count, text); };
  EXPECT_EQ(wrong("-1"), "must not be negative");
  EXPECT_EQ(wrong("1.5k"), "must be a whole number");
  EXPECT_EQ(wrong("1_000"), "unknown suffix '_000' (allowed: k, M, G)");
  EXPECT_EQ(wrong("10K"), "unknown suffix 'K' (allowed: k, M, G)");
  EXPECT_EQ(wrong("10kk"), "unknown suffix 'kk' (allowed: k, M, G)");
  EXPECT_EQ(wrong("18446744073709551616"), "must not exceed 18446744073709551615");
  EXPECT_EQ(wrong("18446744074G"), "must not exceed 18446744073709551615");
  for (const char* text : {"", "k", "+1", " 1", "many"}) {
    EXPECT_EQ(wrong(text), "expected a whole number, such as 100 or 10k") << text;
  }
}

TEST(ParseBytes, ReadsBinaryAndDecimalUnits) {
  EXPECT_EQ(parse_bytes("64"), 64U);
  EXPECT_EQ(parse_bytes("64B"), 64U);
  EXPECT_EQ(parse_bytes("64KiB"), 65'536U);
  EXPECT_EQ(parse_bytes("8MiB"), 8'388'608U);
  EXPECT_EQ(parse_bytes("1GiB"), 1'073'741'824U);
  EXPECT_EQ(parse_bytes("64KB"), 64'000U);
  EXPECT_EQ(parse_bytes("64kB"), 64'000U);
  EXPECT_EQ(parse_bytes("8MB"), 8'000'000U);
  EXPECT_EQ(parse_bytes("1GB"), 1'000'000'000U);
}

TEST(ParseBytes, SaysWhatIsWrong) {
  const auto wrong = [](std::string_view text) { return refusal(parse_bytes, text); };
  EXPECT_EQ(wrong("64K"), "unknown unit 'K' (allowed: B, KiB, MiB, GiB, KB, MB, GB)");
  EXPECT_EQ(wrong("1.5MiB"), "must be a whole number");
  EXPECT_EQ(wrong("-1"), "must not be negative");
  EXPECT_EQ(wrong(""), "expected a number of bytes, such as 64 or 8MiB");
  EXPECT_EQ(wrong("17179869184GiB"), "must not exceed 18446744073709551615");
}

TEST(ParseNumber, ReadsFractionsAndSuffixes) {
  EXPECT_EQ(parse_number("0"), 0);
  EXPECT_EQ(parse_number("500"), 500);
  EXPECT_EQ(parse_number("0.5"), 0.5);
  EXPECT_EQ(parse_number("1.5k"), 1500);
  EXPECT_EQ(parse_number("2M"), 2e6);
  EXPECT_EQ(parse_number("1G"), 1e9);
}

TEST(ParseNumber, SaysWhatIsAllowed) {
  EXPECT_EQ(refusal(parse_number, ""), "expected a number, such as 500 or 1.5k");
  EXPECT_EQ(refusal(parse_number, "inf"), "expected a number, such as 500 or 1.5k");
  EXPECT_EQ(refusal(parse_number, "-1"), "must not be negative");
  EXPECT_EQ(refusal(parse_number, "1e3"), "unknown suffix 'e3' (allowed: k, M, G)");
  EXPECT_EQ(refusal(parse_number, std::string(400, '9')), "must not exceed 1e18");
}

TEST(ParsePercentage, ReadsShares) {
  EXPECT_EQ(parse_percentage("0%"), 0);
  EXPECT_EQ(parse_percentage("1%"), 0.01);
  EXPECT_EQ(parse_percentage("0.5%"), 0.005);
  EXPECT_EQ(parse_percentage("100%"), 1);
}

TEST(ParsePercentage, SaysWhatIsAllowed) {
  for (const char* text : {"", "1", "%", "nan%", "1 %", "1%%"}) {
    EXPECT_EQ(refusal(parse_percentage, text), "expected a percentage, such as 1% or 0.5%") << text;
  }
  EXPECT_EQ(refusal(parse_percentage, "-1%"), "must not be negative");
  EXPECT_EQ(refusal(parse_percentage, "100.1%"), "must not exceed 100%");
}

TEST(FormatDuration, HasThreeSignificantDigits) {
  EXPECT_EQ(format_duration(0), "0 ns");
  EXPECT_EQ(format_duration(0.75), "0.750 ns");
  EXPECT_EQ(format_duration(5), "5.00 ns");
  EXPECT_EQ(format_duration(850), "850 ns");
  EXPECT_EQ(format_duration(12'345), "12.3 \u00b5s");
  EXPECT_EQ(format_duration(9'980'000), "9.98 ms");
  EXPECT_EQ(format_duration(1.234e9), "1.23 s");
  EXPECT_EQ(format_duration(90e9), "1 min 30 s");
  EXPECT_EQ(format_duration(7200e9), "2 h");
  EXPECT_EQ(format_duration(76.4e9), "1 min 16 s");
  EXPECT_EQ(format_duration(7540e9), "2 h 5 min");
  EXPECT_EQ(format_duration(3599.6e9), "1 h");
  EXPECT_EQ(format_duration(-1500), "-1.50 \u00b5s");
}

TEST(FormatDuration, RoundsIntoTheNextUnit) {
  EXPECT_EQ(format_duration(999.4), "999 ns");
  EXPECT_EQ(format_duration(999.6), "1.00 \u00b5s");
  EXPECT_EQ(format_duration(9'996), "10.0 \u00b5s");
  EXPECT_EQ(format_duration(59.94e9), "59.9 s");
  EXPECT_EQ(format_duration(59.96e9), "1 min");
  EXPECT_EQ(format_duration(std::numeric_limits<double>::infinity()), "inf");
}

TEST(FormatDurationExact, TakesTheLargestUnitThatDivides) {
  EXPECT_EQ(format_duration_exact(0), "0s");
  EXPECT_EQ(format_duration_exact(1), "1ns");
  EXPECT_EQ(format_duration_exact(10'000'000), "10ms");
  EXPECT_EQ(format_duration_exact(1'500'000), "1500us");
  EXPECT_EQ(format_duration_exact(90'000'000'000), "90s");
  EXPECT_EQ(format_duration_exact(120'000'000'000), "2m");
  EXPECT_EQ(format_duration_exact(3'600'000'000'000), "1h");
}

TEST(FormatDurationExact, IsReadBackWithoutLoss) {
  for (const std::int64_t ns : {0LL, 1LL, 999LL, 1'001LL, 1'500'000LL, 86'399'999'999'999LL}) {
    EXPECT_EQ(parse_duration_ns(format_duration_exact(ns)), ns);
  }
}

TEST(FormatBytes, UsesPowersOf1024) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(64), "64 B");
  EXPECT_EQ(format_bytes(12.5), "12.5 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1023.7), "1.00 KiB");
  EXPECT_EQ(format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(format_bytes(1.2 * 1024 * 1024), "1.20 MiB");
  EXPECT_EQ(format_bytes(1023.4 * 1024), "1023 KiB");
  EXPECT_EQ(format_bytes(1023.6 * 1024), "1.00 MiB");
  EXPECT_EQ(format_bytes(5e9), "4.66 GiB");
  EXPECT_EQ(format_bytes(-2048), "-2.00 KiB");
}

TEST(FormatCount, GroupsThousandsAndAbbreviatesMillions) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(7), "7");
  EXPECT_EQ(format_count(12.5), "12.5");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'234), "1,234");
  EXPECT_EQ(format_count(1'234.6), "1,235");
  EXPECT_EQ(format_count(-123'456), "-123,456");
  EXPECT_EQ(format_count(-123), "-123");
  EXPECT_EQ(format_count(999'999), "999,999");
  EXPECT_EQ(format_count(999'999.7), "1.00 M");
  EXPECT_EQ(format_count(1'234'567), "1.23 M");
  EXPECT_EQ(format_count(999'600'000), "1.00 G");
  EXPECT_EQ(format_count(2.5e12), "2.50 T");
}

TEST(FormatRatio, KeepsTwoDigitsBelowOneAndThreeAbove) {
  EXPECT_EQ(format_ratio(1.94), "1.94\u00d7");
  EXPECT_EQ(format_ratio(0.523), "0.52\u00d7");
  EXPECT_EQ(format_ratio(0.0123), "0.012\u00d7");
  EXPECT_EQ(format_ratio(0.994), "0.99\u00d7");
  EXPECT_EQ(format_ratio(0.997), "1.00\u00d7");
  EXPECT_EQ(format_ratio(1), "1.00\u00d7");
  EXPECT_EQ(format_ratio(9.996), "10.0\u00d7");
  EXPECT_EQ(format_ratio(12.34), "12.3\u00d7");
  EXPECT_EQ(format_ratio(103.2), "103\u00d7");
  EXPECT_EQ(format_ratio(0), "0\u00d7");
}

}  // namespace
}  // namespace bench
