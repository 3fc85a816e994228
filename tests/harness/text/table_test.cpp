// Why: every figure of the suite reaches its reader through these three renderings.
#include "harness/text/table.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

const Table example{.header = {"model", "time", "CPU"},
                    .rows = {{"serial", "1.06 s", "12 µs"}, {"processes", "9 ms", "1.46 ms"}}};

TEST(RenderConsole, AlignsTheFirstColumnToTheLeftAndTheOthersToTheRight) {
  EXPECT_EQ(render_console(example, false),
            "model        time      CPU\n"
            "serial     1.06 s    12 µs\n"
            "processes    9 ms  1.46 ms\n");
}

TEST(RenderConsole, LetsARemarkSpanTheRestWithoutWideningTheColumns) {
  Table table = example;
  table.rows.push_back({"threads", "failed: a reason that is longer than any column"});
  table.rows.push_back({"a-longer-name", "not run"});
  EXPECT_EQ(render_console(table, false),
            "model            time      CPU\n"
            "serial         1.06 s    12 µs\n"
            "processes        9 ms  1.46 ms\n"
            "threads        failed: a reason that is longer than any column\n"
            "a-longer-name  not run\n");
}

TEST(RenderConsole, LeavesNoBlanksAtTheEndOfALine) {
  EXPECT_EQ(render_console({.header = {"model", "x"}, .rows = {{"serial", ""}}}, false), "model   x\nserial\n");
}

TEST(RenderConsole, PutsOnlyTheHeaderInBold) {
  EXPECT_EQ(render_console({.header = {"model", "time"}, .rows = {{"a", "1"}}}, true),
            "\x1b[1mmodel  time\x1b[0m\na         1\n");
}

TEST(RenderMarkdown, HasOneCellForEachColumnInEveryRow) {
  Table table = example;
  table.rows.push_back({"threads", "skipped: too many"});
  EXPECT_EQ(render_markdown(table),
            "| model | time | CPU |\n"
            "|---|---:|---:|\n"
            "| serial | 1.06 s | 12 µs |\n"
            "| processes | 9 ms | 1.46 ms |\n"
            "| threads | skipped: too many |  |\n");
}

// GitHub's tables: a vertical bar ends a cell even inside code, and a line break ends the table.
TEST(RenderMarkdown, KeepsAVerticalBarAndALineBreakInsideTheirCell) {
  EXPECT_EQ(render_markdown({.header = {"model", "x"}, .rows = {{"a|b", "c\nd"}}}),
            "| model | x |\n|---|---:|\n| a\\|b | c d |\n");
}

TEST(RenderCsv, FollowsRfc4180) {
  const Table table{.header = {"name", "error"},
                    .rows = {{"plain", ""}, {"a,b", "say \"no\""}, {"two\nlines", "cr\rhere"}}};
  EXPECT_EQ(render_csv(table),
            "name,error\r\n"
            "plain,\r\n"
            "\"a,b\",\"say \"\"no\"\"\"\r\n"
            "\"two\nlines\",\"cr\rhere\"\r\n");
}

}  // namespace
}  // namespace bench
