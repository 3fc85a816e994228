// Why: result files come from elsewhere and from interrupted copies; a damaged one is named with the place, and never
// taken for a pass.
#include "harness/compare/read_result.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "tests/support/result_document.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

ResultDocument example_document() {
  ResultDocument document;
  document.job("io/threads", {10, 11, 12}).service("echo/epoll", {1000, 1100}).failed("io/serial", "why");
  return document;
}

// What is wrong with it; empty for nothing.
std::string error_of(const std::string& text) {
  try {
    parse_result(text, "r.json", "r");
  } catch (const ResultError& error) {
    return error.what();
  }
  return {};
}

TEST(ReadResult, ReadsCellsWithTheirRuns) {
  const ReadResult result = parse_result(example_document().text(), "r.json", "r");
  ASSERT_EQ(result.cells.size(), 3U);
  const ReadCell& threads = result.cells[0];
  EXPECT_EQ(threads.name, "io/threads");
  EXPECT_EQ(threads.model, "threads");
  EXPECT_EQ(result.groups[threads.group].ranked_by, "time");
  ASSERT_EQ(threads.runs.size(), 3U);
  EXPECT_EQ(threads.runs[1].round, 1U);
  EXPECT_EQ(threads.runs[1].values[0], 11);                    // time
  EXPECT_EQ(threads.runs[1].values[1], 5.5);                   // CPU time
  EXPECT_EQ(threads.runs[1].values[2], std::nullopt);          // a job has no rate
  EXPECT_EQ(result.cells[1].runs[0].values[1], 1000);          // CPU time of a request
  EXPECT_EQ(result.cells[1].runs[0].values[0], std::nullopt);  // its latency is no time of a batch
  EXPECT_EQ(result.cells[1].parameters.at("offered_rate_per_second"), "30,000/s");
  EXPECT_EQ(result.cells[2].failure, "why");
  EXPECT_EQ(result.machine.at("CPU"), "a CPU");
}

TEST(ReadResult, NamesFileAndPlace) {
  ResultDocument document = example_document();
  document.document["benchmarks"][1]["real_time"] = "long";
  EXPECT_EQ(error_of(document.text()), "r.json: at /benchmarks/1/real_time: a number is due, there is a text");
  document = example_document();
  document.document["benchmarks"][1]["bench"].erase("round");
  EXPECT_EQ(error_of(document.text()), "r.json: at /benchmarks/1/bench: there is no 'round'");
  document = example_document();
  document.document["benchmarks"][1]["bench"]["round"] = -1;
  EXPECT_EQ(error_of(document.text()), "r.json: at /benchmarks/1/bench/round: a count is due, there is -1");
  document = example_document();
  document.document["benchmarks"][1]["time_unit"] = "ms";
  EXPECT_EQ(error_of(document.text()), "r.json: at /benchmarks/1/time_unit: 'ns' is due, there is 'ms'");
  document = example_document();
  document.document["benchmarks"][1]["real_time"] = -3;
  EXPECT_THAT(error_of(document.text()), HasSubstr("at /benchmarks/1: time of a batch or an operation is below 0"));
  document = example_document();
  document.document["benchmarks"][1]["run_name"] = "io/unheard-of";
  EXPECT_THAT(error_of(document.text()), HasSubstr("no group has a cell 'io/unheard-of'"));
  document = example_document();
  document.document["context"]["bench"]["schema_version"] = 99;
  EXPECT_THAT(error_of(document.text()), HasSubstr("schema 99 is newer than this program, which knows 2"));
  document = example_document();
  document.document["context"].erase("bench");
  EXPECT_EQ(error_of(document.text()), "r.json: at /context: there is no 'bench'");  // of another program
}

TEST(ReadResult, RefusesWhatIsNoJson) {
  const std::string whole = example_document().text();
  EXPECT_THAT(error_of(""), StartsWith("r.json: is no JSON: "));
  EXPECT_THAT(error_of(whole.substr(0, whole.size() / 2)), StartsWith("r.json: is no JSON: "));
  EXPECT_THAT(error_of("\x7f"
                       "ELF"),
              StartsWith("r.json: is no JSON: "));
  EXPECT_THAT(error_of(R"({"context": NaN})"), StartsWith("r.json: is no JSON: "));
  EXPECT_THAT(error_of(R"({"context": 1e999})"), StartsWith("r.json: is no JSON: "));
  EXPECT_THAT(error_of("[]"), HasSubstr("at the top: an object is due, there is an array"));
}

TEST(ReadResult, SurvivesDeepNesting) {
  constexpr std::size_t depth = 200'000;
  const std::string deep = std::string(depth, '[') + std::string(depth, ']');
  EXPECT_THAT(error_of(deep), HasSubstr("an object is due"));
  std::string text = example_document().text();
  const std::string key = "\"offered_rate_per_second\":30000";
  text.replace(text.find(key), key.size(), "\"offered_rate_per_second\":" + deep);
  EXPECT_THAT(error_of(text), HasSubstr("a value or a list of values is due"));
}

TEST(ReadResult, SaysWhyAFileCannotBeRead) {
  const auto reason = [](const std::string& path) -> std::string {
    try {
      read_result(path, "r");
    } catch (const ResultError& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(reason("/nowhere/r.json"), StartsWith("/nowhere/r.json: cannot be opened: No such file"));
  EXPECT_THAT(reason("/tmp"), AllOf(StartsWith("/tmp: "), HasSubstr("Is a directory")));
}

// A thousand documents with damage of every kind: each is read, or refused with its place; none does anything else.
TEST(ReadResult, EndsWithAClearErrorWhateverTheDamage) {
  const std::string whole = example_document().text();
  std::mt19937_64 random(20260131);
  const auto below = [&](std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random); };
  const std::vector<std::string> junk{"null", "-1", "1e308", "1e999",       "NaN",
                                      "\"\"", "[]", "{}",    "true",        "0.5",
                                      "{",    "]",  "\xff",  "\"\\u0000\"", "18446744073709551616"};
  std::size_t refused = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string text = whole;
    switch (i % 4) {
      case 0: text.resize(below(text.size())); break;
      case 1: text[below(text.size())] = static_cast<char>(below(256)); break;
      case 2: {  // a value is replaced
        const std::size_t colon = text.find(':', below(text.size()));
        if (colon == std::string::npos) break;
        text.replace(colon + 1, text.find_first_of(",}", colon) - colon - 1, junk[below(junk.size())]);
        break;
      }
      case 3: {  // a part is missing
        const std::size_t begin = below(text.size());
        text.erase(begin, below(40));
        break;
      }
    }
    const std::string error = error_of(text);
    if (error.empty()) continue;
    ++refused;
    EXPECT_THAT(error, StartsWith("r.json: ")) << text;
    EXPECT_THAT(error, testing::AnyOf(HasSubstr(": is no JSON: "), HasSubstr(": at "))) << text;
  }
  EXPECT_GT(refused, 500U);
}

}  // namespace
}  // namespace bench
