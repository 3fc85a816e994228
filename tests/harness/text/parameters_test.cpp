// Why: a value is read from the command line by its kind alone, and comes back in names, titles and keys of files that
// are compared for years.
#include "harness/text/parameters.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Parameter places{.name = "places", .standard = "8", .meaning = "", .least = 2, .most = 64};
constexpr Parameter block{.name = "block-size",
                          .kind = ParameterKind::size,
                          .standard = "4KiB",
                          .meaning = "",
                          .most = 65536,
                          .word = "block"};
constexpr Parameter pause{
    .name = "pause", .kind = ParameterKind::duration, .standard = "1ms", .meaning = "", .least = 1000, .most = 1e9};
constexpr Parameter waits{
    .name = "wait", .kind = ParameterKind::durations, .standard = "1ms", .meaning = "", .least = 0, .most = 1e9};
constexpr Parameter arrivals{
    .name = "arrivals", .kind = ParameterKind::rate, .standard = "0.5", .meaning = "", .least = 0.5, .most = 1e6};
constexpr Parameter reads{
    .name = "reads", .kind = ParameterKind::share, .standard = "90%", .meaning = "", .least = 0.25, .most = 1};
constexpr Parameter order{
    .name = "order", .kind = ParameterKind::choice, .standard = "fifo", .meaning = "", .choices = {"fifo", "lifo"}};
constexpr Parameter shelves{.name = "shelves",
                            .kind = ParameterKind::pair,
                            .standard = "0",
                            .meaning = "",
                            .least = 0,
                            .most = 500,
                            .most_second = 8};

std::string refusal(const Parameter& row, std::string_view text) {
  try {
    parse_parameter(row, text, "park");
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "(accepted)";
}

// As names have it.
std::string read(const Parameter& row, std::string_view text) {
  return value_in_name(row, parse_parameter(row, text, "park"));
}

TEST(ParameterValues, AreReadByTheirKindAndWrittenWithoutLoss) {
  EXPECT_EQ(read(places, "64"), "64");
  EXPECT_EQ(read(block, "2KiB"), "2048");
  EXPECT_EQ(read(pause, "1500us"), "1500us");
  EXPECT_EQ(read(waits, "1ms:0:2000us"), "1ms+0s+2ms");
  EXPECT_EQ(read(arrivals, "2.5k"), "2500");
  EXPECT_EQ(read(reads, "33.5%"), "33.5%");
  EXPECT_EQ(read(order, "lifo"), "lifo");
  EXPECT_EQ(read(shelves, "64:3"), "64+3");
  EXPECT_EQ(read(shelves, "64:1"), "64");
  EXPECT_EQ(read(shelves, "0"), "0");
}

TEST(ParameterValues, AreRefusedOutsideOfTheirBoundsWithTheWorkloadsName) {
  EXPECT_EQ(refusal(places, "1"), "must be between 2 and 64 for park");
  EXPECT_EQ(refusal(places, "65"), "must be between 2 and 64 for park");
  EXPECT_EQ(refusal(block, "0"), "must be between 1 and 65,536 bytes for park");
  EXPECT_EQ(refusal(pause, "999ns"), "must be between 1us and 1s for park");
  EXPECT_EQ(refusal(waits, "1ms:2s"), "must be between 0s and 1s for park");
  EXPECT_EQ(refusal(arrivals, "0.4"), "must be between 0.5 and 1e+06 for park");
  EXPECT_EQ(refusal(reads, "24%"), "must be between 25% and 100% for park");
  EXPECT_EQ(refusal(order, "lfio"), "allowed for park are fifo, lifo; did you mean 'lifo'?");
  EXPECT_EQ(refusal(order, "xyzzy"), "allowed for park are fifo, lifo");
  EXPECT_EQ(refusal(shelves, "501:3"), "must be between 0 and 500 for park");
  EXPECT_EQ(refusal(shelves, "5:9"), "must be between 1 and 8 for the second number, for park");
  EXPECT_EQ(refusal(shelves, "5:0"), "must be between 1 and 8 for the second number, for park");
  EXPECT_EQ(refusal(order, ""), "allowed for park are fifo, lifo");
}

TEST(ParameterValues, AreRefusedWhereTheyAreNoneOfTheirKind) {
  EXPECT_THAT(refusal(places, "many"), HasSubstr("whole number"));
  EXPECT_THAT(refusal(block, "1q"), HasSubstr("unknown unit 'q'"));
  EXPECT_THAT(refusal(pause, "5"), HasSubstr("a unit is missing"));
  EXPECT_THAT(refusal(waits, "5ms:"), HasSubstr("a number and a unit"));
  EXPECT_THAT(refusal(arrivals, "-1"), HasSubstr("must not be negative"));
  EXPECT_THAT(refusal(reads, "0.5"), HasSubstr("a percentage"));
  for (const std::string_view text : {"", ":", "5:", ":5", "5.5:2"}) {
    EXPECT_THAT(refusal(shelves, text), HasSubstr("whole number")) << text;
  }
  EXPECT_THAT(refusal(shelves, "5:6:7"), HasSubstr("unknown suffix ':7'"));
}

Parameters told(const std::vector<std::pair<const Parameter*, std::string>>& values) {
  Parameters parameters;
  for (const auto& [row, text] : values) parameters.set(*row, parse_parameter(*row, text, "park"));
  return parameters;
}

TEST(ParameterValues, AreFoundByTheNameOfTheirParameter) {
  const Parameters parameters =
      told({{&places, "4"}, {&waits, "1ms:2ms"}, {&arrivals, "3"}, {&order, "lifo"}, {&shelves, "64:3"}});
  EXPECT_EQ(parameters.number("places"), 4U);
  EXPECT_EQ(parameters.number("rooms", 7), 7U);
  EXPECT_THAT(parameters.durations("wait"), ElementsAre(std::chrono::milliseconds(1), std::chrono::milliseconds(2)));
  EXPECT_THAT(parameters.durations("delay"), IsEmpty());
  EXPECT_EQ(parameters.real("arrivals"), 3);
  EXPECT_EQ(parameters.real("departures", 2), 2);
  EXPECT_EQ(parameters.choice("order"), "lifo");
  EXPECT_EQ(parameters.choice("colour"), "");
  EXPECT_EQ(parameters.pair("shelves"), (CountPair{.first = 64, .second = 3}));
  EXPECT_EQ(parameters.pair("tables"), CountPair{});
}

TEST(ParameterValues, StandInNamesAndTitlesInTheOrderOfTheRows) {
  const Parameters parameters = told({{&places, "4"}, {&block, "2KiB"}, {&waits, "1ms:2ms"}, {&reads, "50%"}});
  EXPECT_EQ(parameters_in_name(parameters), "/places:4/block:2048/wait:1ms+2ms/reads:50%");
  EXPECT_EQ(parameters_in_title(parameters), " · places 4 · block 2.00 KiB · wait 1ms:2ms · reads 50%");
}

TEST(ParameterValues, HaveTitlesOfTheirOwn) {
  constexpr Parameter rooms{
      .name = "rooms", .standard = "1", .meaning = "", .title = "{} rooms", .title_of_one = "{} room"};
  EXPECT_EQ(parameters_in_title(told({{&rooms, "1500"}})), " · 1,500 rooms");
  EXPECT_EQ(parameters_in_title(told({{&rooms, "1"}})), " · 1 room");
}

TEST(ParameterValues, MayBeSilentAtTheirStandard) {
  constexpr Parameter quiet{.name = "rooms", .standard = "1k", .meaning = "", .shown_at_standard = false};
  EXPECT_EQ(parameters_in_name(told({{&quiet, "1000"}})), "");
  EXPECT_EQ(parameters_in_title(told({{&quiet, "1000"}})), "");
  EXPECT_EQ(parameters_in_name(told({{&quiet, "2"}})), "/rooms:2");
}

TEST(ParameterKeys, EndInTheUnitOfTheKindUnlessTheRowSaysOtherwise) {
  EXPECT_EQ(key_of(places), "places");
  EXPECT_EQ(key_of(block), "block_size_bytes");
  EXPECT_EQ(key_of(pause), "pause_ns");
  EXPECT_EQ(key_of(arrivals), "arrivals_per_second");
  EXPECT_EQ(key_of(reads), "reads_percent");
  EXPECT_EQ(key_of(order), "order");
  EXPECT_EQ(key_of(Parameter{.name = "wait", .standard = "", .meaning = "", .key = "waits_ns"}), "waits_ns");
}

}  // namespace
}  // namespace bench
