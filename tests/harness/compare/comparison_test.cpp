// Why: what this says of two results stops a change or lets it pass.
#include "harness/compare/comparison.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/compare/comparison_report.h"
#include "harness/text/split.h"
#include "tests/support/result_document.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr double ms = 1e6;

ReadResult read(const ResultDocument& document, const std::string& label) {
  return parse_result(document.text(), label + ".json", label);
}

Comparison compared(const ResultDocument& before, const ResultDocument& after, const CompareRules& rules = {}) {
  return compare(read(before, "old"), read(after, "new"), rules);
}

// `count` values that lie within 1% around `middle`.
std::vector<double> around(double middle, std::size_t count = 12) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(middle * (1 + 0.002 * static_cast<double>((i * 5) % 7) - 0.006));
  return values;
}

const ComparedCell& cell_named(const Comparison& comparison, const std::string& name) {
  return *std::ranges::find(comparison.cells, name, &ComparedCell::name);
}

TEST(Compare, TellsWhatIsSlowerFasterAndTheSame) {
  ResultDocument before;
  before.job("io/threads", around(10 * ms)).job("io/epoll", around(10 * ms)).job("io/serial", around(10 * ms));
  ResultDocument after;
  after.job("io/threads", around(12 * ms)).job("io/epoll", around(9 * ms)).job("io/serial", around(10.1 * ms));
  const Comparison comparison = compared(before, after);
  EXPECT_EQ(cell_named(comparison, "io/threads").verdict, CompareVerdict::slower);
  EXPECT_EQ(cell_named(comparison, "io/epoll").verdict, CompareVerdict::faster);
  EXPECT_EQ(cell_named(comparison, "io/serial").verdict, CompareVerdict::same);
  EXPECT_NEAR(cell_named(comparison, "io/threads").change.effect, 1.2, 0.01);
  EXPECT_EQ(cell_named(comparison, "io/threads").before.median, median_estimate(around(10 * ms)).median);
  EXPECT_EQ(summary_line(comparison), "1 slower, 1 faster, 1 same");
  // The largest change first.
  EXPECT_EQ(comparison.cells[0].name, "io/threads");
  EXPECT_EQ(comparison.cells[2].name, "io/serial");
}

// More requests per second are better.
TEST(Compare, KnowsWhichWayIsBetter) {
  ResultDocument before;
  before.closed_loop("echo/threads", around(50'000)).closed_loop("echo/epoll", around(50'000));
  ResultDocument after;
  after.closed_loop("echo/threads", around(40'000)).closed_loop("echo/epoll", around(60'000));
  const Comparison comparison = compared(before, after);
  EXPECT_EQ(cell_named(comparison, "echo/threads").verdict, CompareVerdict::slower);
  EXPECT_NEAR(cell_named(comparison, "echo/threads").change.effect, 0.8, 0.01);
  EXPECT_LT(cell_named(comparison, "echo/threads").change.low, cell_named(comparison, "echo/threads").change.high);
  EXPECT_EQ(cell_named(comparison, "echo/epoll").verdict, CompareVerdict::faster);
}

// 4 to 6% more at a threshold of 5%: neither same nor slower.
TEST(Compare, IsUndecidedWhereTheIntervalHoldsTheThreshold) {
  ResultDocument before;
  before.service("echo/epoll", around(10'000));
  ResultDocument after;
  after.service("echo/epoll", around(10'500));
  const Comparison comparison = compared(before, after);
  EXPECT_EQ(comparison.cells[0].verdict, CompareVerdict::undecided);
  EXPECT_EQ(compared(before, after, {.threshold = 0.02}).cells[0].verdict, CompareVerdict::slower);
  EXPECT_EQ(compared(before, after, {.threshold = 0.10}).cells[0].verdict, CompareVerdict::same);
}

TEST(Compare, SaysAboutHowManyRoundsWouldDecide) {
  ResultDocument before;
  before.job("io/epoll", around(10 * ms, 3));
  ResultDocument after;
  after.job("io/epoll", around(12 * ms, 3));
  const Comparison few = compared(before, after);
  EXPECT_EQ(few.cells[0].verdict, CompareVerdict::undecided);
  EXPECT_EQ(few.cells[0].more_rounds, 3U);  // six for an interval
  EXPECT_THAT(comparison_text(few, Format::console, false), HasSubstr("undecided (about 3 more rounds)"));
}

// Twenty cells that differ by chance alone would hold one at 5% that seems to.
TEST(Compare, CorrectsForTheNumberOfCells) {
  ResultDocument before;
  ResultDocument after;
  for (int cell = 0; cell < 20; ++cell) {
    const std::string name = "io/model" + std::to_string(cell);
    before.job(name, {100, 101, 102, 103, 104, 105});
    // p = 2/462 × … of the first alone: enough for one cell, too much for twenty
    after.job(name, cell == 0 ? std::vector<double>{104.5, 106, 107, 108, 109, 110} : around(102.5, 6));
  }
  const CompareRules any{.threshold = 0};
  EXPECT_NE(cell_named(compared(before, after, any), "io/model0").verdict, CompareVerdict::slower);
  ResultDocument one_before;
  ResultDocument one_after;
  one_before.job("io/model0", {100, 101, 102, 103, 104, 105});
  one_after.job("io/model0", {104.5, 106, 107, 108, 109, 110});
  EXPECT_EQ(compared(one_before, one_after, any).cells[0].verdict, CompareVerdict::slower);
}

// ---- What does not compare ----

TEST(Compare, NamesWhatDiffers) {
  ResultDocument before;
  before.service("echo/epoll", around(10'000));
  ResultDocument after;
  after.service("echo/epoll", around(10'000));
  after.set_of("echo/epoll", "/bench/parameters/offered_rate_per_second", 20000);
  const Comparison comparison = compared(before, after);
  EXPECT_EQ(comparison.cells[0].verdict, CompareVerdict::not_comparable);
  EXPECT_EQ(comparison.cells[0].why, "offered_rate_per_second: 30,000/s against 20,000/s");
  EXPECT_FALSE(comparison.cells[0].lost);
  EXPECT_THAT(comparison_text(comparison, Format::console, false), HasSubstr("not comparable: offered_rate"));
}

TEST(Compare, LosesNoCellThatHasFailedSince) {
  ResultDocument before;
  before.job("io/epoll", around(10 * ms)).job("io/threads", around(10 * ms));
  ResultDocument after;
  after.failed("io/epoll", "killed by signal 9").job("io/threads", around(10 * ms));
  const Comparison comparison = compared(before, after);
  EXPECT_EQ(cell_named(comparison, "io/epoll").why, "failed in new: killed by signal 9");
  EXPECT_TRUE(cell_named(comparison, "io/epoll").lost);
  EXPECT_EQ(comparison.cells.back().name, "io/epoll");
  EXPECT_FALSE(cell_named(compared(after, before), "io/epoll").lost);
}

TEST(Compare, ComparesNoRunThatMayNotBeBelieved) {
  ResultDocument before;
  before.job("io/epoll", around(10 * ms));
  ResultDocument after;
  std::vector<double> times = around(10 * ms);
  times.push_back(900 * ms);
  after.job("io/epoll", times);
  nlohmann::json& last = after.document["benchmarks"].back()["bench"];
  last["valid"] = false;
  last["invalid_reason"] = "a reason";
  EXPECT_NEAR(compared(before, after).cells[0].change.effect, 1, 0.001);
  EXPECT_EQ(compared(before, after).cells[0].after.samples, 12U);
  // A cell most of whose runs are such has no figures.
  after.document["benchmarks"].push_back({{"run_type", "aggregate"},
                                          {"run_name", "io/epoll"},
                                          {"aggregate_name", "median"},
                                          {"bench", {{"valid", false}, {"invalid_reason", "a reason"}}}});
  EXPECT_EQ(compared(before, after).cells[0].why, "invalid in new: a reason");
  EXPECT_TRUE(compared(before, after).cells[0].lost);
}

TEST(Compare, ListsCellsOfOneFileOnly) {
  ResultDocument before;
  before.job("io/epoll", around(10 * ms)).job("io/old", around(10 * ms));
  ResultDocument after;
  after.job("io/epoll", around(10 * ms)).job("io/new", around(10 * ms));
  const Comparison comparison = compared(before, after);
  EXPECT_THAT(comparison.only_before, ElementsAre("io/old"));
  EXPECT_THAT(comparison.only_after, ElementsAre("io/new"));
  EXPECT_EQ(comparison.cells.size(), 1U);
  EXPECT_THAT(comparison_text(comparison, Format::console, false),
              AllOf(HasSubstr("Only in old: io/old\n"), HasSubstr("Only in new: io/new\n")));
}

TEST(Compare, LeavesOutWhatHasNoRoom) {
  ResultDocument before;
  before.job("io/epoll/tasks:100/wait:10ms", around(10 * ms));
  const Comparison comparison = compared(before, before);
  const auto widest = [](const std::string& text) {
    std::size_t width = 0;
    for (const std::string& line : split(text, '\n')) width = std::max(width, line.size());
    return width;
  };
  const std::string wide = comparison_text(comparison, Format::console, false);
  EXPECT_GT(widest(wide), 80U);
  EXPECT_THAT(wide, HasSubstr("metric"));
  const std::string narrow = comparison_text(comparison, Format::console, false, 80);
  EXPECT_LE(widest(narrow), 80U) << narrow;
  EXPECT_THAT(narrow, AllOf(HasSubstr("change"), HasSubstr("verdict"), HasSubstr("(No room for: runs")));
}

TEST(Compare, HoldsAServerOfUnknownCpuTimeToItsLatency) {
  ResultDocument before;
  before.service("echo/foreign", around(10'000));
  for (auto& row : before.document["benchmarks"]) row["bench"].erase("server_cpu_ns_per_request");
  const Comparison comparison = compared(before, before);
  EXPECT_EQ(comparison.cells[0].metric->name, "p99");
  EXPECT_EQ(comparison.cells[0].verdict, CompareVerdict::same);
}

TEST(Compare, TakesTheMetricsThatAreAskedFor) {
  ResultDocument before;
  before.service("echo/epoll", around(10'000));
  const Comparison comparison =
      compared(before, before, {.metrics = {&metric_named("cpu"), &metric_named("p99"), &metric_named("knee")}});
  ASSERT_EQ(comparison.cells.size(), 3U);
  EXPECT_EQ(comparison.cells[2].why, "no figure in old of: the highest rate that keeps the promise");
}

// ---- Noise ----

// The first half of a file's rounds is 8% faster than the second: less is no change.
TEST(Compare, CallsNothingAChangeThatAFileHidesWithinItself) {
  std::vector<double> drifting = around(10 * ms, 12);
  const std::vector<double> later = around(10.8 * ms, 12);
  drifting.insert(drifting.end(), later.begin(), later.end());
  ResultDocument before;
  before.job("io/epoll", drifting);
  ResultDocument after;
  after.job("io/epoll", around(11 * ms, 24));
  const Comparison comparison = compared(before, after, {.threshold = 0.01});
  EXPECT_NEAR(comparison.drift.value(), 0.08, 0.005);
  EXPECT_EQ(comparison.cells[0].verdict, CompareVerdict::undecided);
  EXPECT_THAT(comparison_text(comparison, Format::console, false), HasSubstr("moved by 8.0%"));
}

// A change within what either file moves by itself is not the same either.
TEST(Compare, CallsNothingTheSameBeyondWhatDriftHides) {
  std::vector<double> drifting = around(10 * ms, 12);
  const std::vector<double> later = around(12 * ms, 12);
  drifting.insert(drifting.end(), later.begin(), later.end());
  ResultDocument document;
  document.job("io/epoll", drifting);
  EXPECT_EQ(compared(document, document, {.threshold = 0.1}).cells[0].verdict, CompareVerdict::undecided);
}

TEST(Compare, KnowsNoDriftOfFewRounds) {
  ResultDocument document;
  document.job("io/epoll", around(10 * ms, 8));
  const Comparison comparison = compared(document, document);
  EXPECT_FALSE(comparison.drift);
  EXPECT_THAT(comparison_text(comparison, Format::console, false), HasSubstr("takes 12 rounds and more to tell"));
}

// The drift of one metric is none of another's.
TEST(Compare, TakesTheDriftOfEachMetric) {
  ResultDocument document;
  document.service("echo/epoll", around(10'000, 24));
  std::size_t row = 0;
  for (auto& run : document.document["benchmarks"]) run["bench"]["latency_p99_ns"] = row++ < 12 ? 1e5 : 1.3e5;
  const Comparison comparison = compared(document, document, {.metrics = {&metric_named("cpu"), &metric_named("p99")}});
  const auto cpu = std::ranges::find(comparison.cells, &metric_named("cpu"), &ComparedCell::metric);
  const auto p99 = std::ranges::find(comparison.cells, &metric_named("p99"), &ComparedCell::metric);
  EXPECT_LT(cpu->drift, 0.01);
  EXPECT_NEAR(p99->drift, 0.3, 1e-9);
  EXPECT_EQ(cpu->verdict, CompareVerdict::same);
}

// The machine was slow all through the one file, and not at all in the other.
TEST(Compare, ComparesNoRunsOfDifferentRegimes) {
  const auto of = [](double spin_ns, double time_ns) {
    ResultDocument document;
    document.job("io/epoll", around(time_ns));
    for (auto& row : document.document["benchmarks"]) {
      row["bench"]["ruler"] = row["bench"]["ruler_after"] = {{"spin_ns", spin_ns}};
    }
    return document;
  };
  EXPECT_EQ(compared(of(4000, 10 * ms), of(6000, 10 * ms)).cells[0].why,
            "the machine was in another regime: usual in old, slow in new");
  EXPECT_EQ(compared(of(6000, 10 * ms), of(6000, 10 * ms)).cells[0].verdict, CompareVerdict::same);
}

// Six runs of either side are too few to say slower of one of thirty cells, and the table says so.
TEST(Compare, SaysWhereThereAreTooFewRunsForSoManyCells) {
  ResultDocument before;
  ResultDocument after;
  for (int cell = 0; cell < 30; ++cell) {
    before.job("io/model" + std::to_string(cell), around(10 * ms, 6));
    after.job("io/model" + std::to_string(cell), around(30 * ms, 6));
  }
  const Comparison comparison = compared(before, after);
  EXPECT_EQ(comparison.count(CompareVerdict::undecided), 30U);
  EXPECT_FALSE(comparison.cells[0].decidable);
}

TEST(Compare, AllowsCalibratedStepsToDiffer) {
  const auto told = [](int steps) {
    ResultDocument document;
    document.service("echo/epoll", around(10'000));
    document.set_of("echo/epoll", "/bench/parameters/service_compute_steps", steps);
    return document;
  };
  EXPECT_EQ(compared(told(1'000'000), told(1'015'000)).cells[0].verdict, CompareVerdict::same);
  EXPECT_THAT(compared(told(1'000'000), told(1'500'000)).cells[0].why, HasSubstr("service_compute_steps: 1000000"));
}

// Half of the runs found the machine slow, in the second file more of them: what compares are runs of like regimes.
TEST(Compare, ComparesRunsOfLikeRegimes) {
  const auto mixed = [](std::size_t slow) {
    std::vector<double> times;
    for (std::size_t i = 0; i < 24; ++i) times.push_back((i < slow ? 1.5 : 1.0) * around(10 * ms, 24)[i]);
    ResultDocument document;
    document.job("io/epoll", times);
    auto& rows = document.document["benchmarks"];
    for (std::size_t i = 0; i < 24; ++i) {
      const nlohmann::json ruler{{"spin_ns", i < slow ? 6000 : 4000}};
      rows[i]["bench"]["ruler"] = rows[i]["bench"]["ruler_after"] = ruler;
    }
    return document;
  };
  const Comparison comparison = compared(mixed(8), mixed(16));
  EXPECT_EQ(comparison.cells[0].regime, Regime::usual);
  EXPECT_NEAR(comparison.cells[0].change.effect, 1, 0.01);
  EXPECT_EQ(comparison.cells[0].before.samples, 16U);
  EXPECT_EQ(comparison.cells[0].after.samples, 8U);
}

// ---- Reports ----

TEST(CompareReport, FoldsWhatIsTheSameInMarkdown) {
  ResultDocument before;
  before.job("io/threads", around(10 * ms)).job("io/epoll", around(10 * ms));
  ResultDocument after;
  after.job("io/threads", around(12 * ms)).job("io/epoll", around(10 * ms));
  const std::string text = comparison_text(compared(before, after), Format::markdown, false);
  EXPECT_THAT(text, testing::StartsWith("### new against old: 1 slower, 1 same\n\n| cell"));
  const std::size_t fold = text.find("<details>");
  EXPECT_LT(text.find("io/threads"), fold);
  EXPECT_GT(text.find("io/epoll"), fold);
  EXPECT_THAT(text, HasSubstr("<summary>1 the same</summary>\n\n|"));
}

TEST(CompareReport, WritesADocumentWithoutNothing) {
  ResultDocument before;
  before.job("io/threads", around(10 * ms, 3)).failed("io/epoll", "why");
  const auto json = comparison_json({compared(before, before)});
  const auto& one = json["comparisons"][0];
  EXPECT_EQ(one["counts"]["undecided"], 1);
  EXPECT_EQ(one["counts"]["not comparable"], 1);
  EXPECT_EQ(one["cells"][0]["name"], "io/threads");
  EXPECT_EQ(one["cells"][0]["change"]["bounded"], false);
  EXPECT_EQ(one["cells"][1]["why"], "failed in old: why");
  EXPECT_THAT(json.dump(), Not(HasSubstr("null")));
}

TEST(Compare, SaysWhatElseAReaderHasToKnow) {
  ResultDocument before;
  before.job("io/threads", around(10 * ms));
  EXPECT_THAT(compared(before, before).notes, IsEmpty());
  ResultDocument after = before;
  after.document["context"]["bench"]["interrupted"] = true;
  after.document["context"]["host_name"] = "elsewhere";
  const Comparison comparison = compared(before, after);
  EXPECT_THAT(comparison.notes, ElementsAre(HasSubstr("new was interrupted"), HasSubstr("new on host elsewhere")));
  EXPECT_THAT(comparison_text(comparison, Format::console, false), HasSubstr("new was interrupted"));
  EXPECT_EQ(comparison_json({comparison})["comparisons"][0]["notes"].size(), 2U);
}

TEST(CompareReport, WritesOneFlatTable) {
  ResultDocument before;
  before.job("io/threads", around(10 * ms)).failed("io/epoll", "a, b");
  const std::string text = comparison_csv({compared(before, before)});
  EXPECT_THAT(text, HasSubstr("\nold,new,io/threads,time,"));
  EXPECT_THAT(text, HasSubstr("\nold,new,io/epoll,time,,,,,,,not comparable,\"failed in old: a, b\",\r\n"));
}

TEST(CompareReport, OfNothingSaysSo) {
  EXPECT_EQ(summary_line(compared({}, {})), "nothing to compare");
  EXPECT_THAT(compared({}, {}).cells, IsEmpty());
}

}  // namespace
}  // namespace bench
