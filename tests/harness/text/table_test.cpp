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
  table.add_remark("threads", "failed: a reason that is longer than any column");
  table.add_remark("a-longer-name", "not run");
  EXPECT_EQ(render_console(table, false),
            "model            time      CPU\n"
            "serial         1.06 s    12 µs\n"
            "processes        9 ms  1.46 ms\n"
            "threads        failed: a reason that is longer than any column\n"
            "a-longer-name  not run\n");
}

TEST(RenderConsole, BreaksARemarkWhereItIsTooWide) {
  Table table = example;
  table.add_remark("threads", "failed: a reason that is longer than any column");
  EXPECT_EQ(render_console(table, false, 40),
            "model        time      CPU\n"
            "serial     1.06 s    12 µs\n"
            "processes    9 ms  1.46 ms\n"
            "threads    failed: a reason that is\n"
            "           longer than any column\n");
  EXPECT_EQ(width_of(table), 26U);
}

TEST(RenderConsole, LeavesNoBlanksAtTheEndOfALine) {
  EXPECT_EQ(render_console({.header = {"model", "x"}, .rows = {{"serial", ""}}}, false), "model   x\nserial\n");
}

TEST(RenderConsole, PutsOnlyTheHeaderInBold) {
  EXPECT_EQ(render_console({.header = {"model", "time"}, .rows = {{"a", "1"}}}, true),
            "\x1b[1mmodel  time\x1b[0m\na         1\n");
}

TEST(RenderConsole, PutsTheLastLineOfATitleRightAboveItsFigures) {
  EXPECT_EQ(
      render_console({.header = {"model", "10 tasks\nwait 1ms", "CPU"}, .rows = {{"serial", "1 s", "2 s"}}}, false),
      "model   10 tasks\n"
      "        wait 1ms  CPU\n"
      "serial       1 s  2 s\n");
}

TEST(Columns, AreFoundEmptyAndTakenOut) {
  Table table{.header = {"model", "a", "b", "c", "d"}, .rows = {{"x", "-", "1", "", "5"}}};
  table.add_remark("y", "failed: all");
  table.rows.push_back({"z", "", "2", "-", "6"});
  EXPECT_EQ(empty_columns(table), (std::vector<std::size_t>{1, 3}));
  erase_columns(table, {1, 3});
  EXPECT_EQ(render_console(table, false), "model  b  d\nx      1  5\ny      failed: all\nz      2  6\n");
  // Of as many columns as a remark has parts, and of fewer.
  erase_columns(table, {2});
  EXPECT_EQ(render_console(table, false), "model  b\nx      1\ny      failed: all\nz      2\n");
  erase_columns(table, {1});
  EXPECT_EQ(render_console(table, false), "model\nx\ny      failed: all\nz\n");
  EXPECT_EQ(render_markdown(table), "| model |  |\n|---|---:|\n| x |  |\n| y | failed: all |\n| z |  |\n");
  table.rows = {table.rows[1]};
  EXPECT_FALSE(table.has_figures());
  EXPECT_TRUE(empty_columns(table).empty());
}

TEST(Wrapped, BreaksAtBlanksAndKeepsTheIndent) {
  EXPECT_EQ(wrapped("one two three four\n  five six seven\n", 9, 2),
            "one two\n  three\n  four\n  five\n    six\n    seven\n");
  EXPECT_EQ(wrapped("µµµ µµµ", 7), "µµµ µµµ");
  EXPECT_EQ(wrapped("unbreakable", 3), "unbreakable");
  EXPECT_EQ(wrapped("as it is", any_width), "as it is");
}

// A text of two widths: its own, and that of a narrow terminal.
TEST(Reflowed, PutsWhatFollowsABreakBelowTheExplanation) {
  const std::string text =
      "A paragraph of many words that goes on to the end of its line, which is a long one, and\nis broken there.\n"
      "Short.\nShort, too.\n\n"
      "  --flag=WORD  what it is for, in words that need more room than there is on a line, so\n               it goes "
      "on\n"
      "  suite        of two lines\n               --workload=io --model=threads,processes --connections=10,100,1000 "
      "--a=1\n"
      "               --workload=cpu\n"
      "  --a-long-flag=WORD\n               explained below it\n"
      "  bench an example\n  bench another\n";
  EXPECT_EQ(reflowed(text, any_width), text);
  EXPECT_EQ(reflowed(text, 45),
            "A paragraph of many words that goes on to the\nend of its line, which is a long one, and is\n"
            "broken there.\n"
            "Short.\nShort, too.\n\n"
            "  --flag=WORD  what it is for, in words that\n               need more room than there is\n"
            "               on a line, so it goes on\n"
            "  suite        of two lines\n               --workload=io\n"
            "               --model=threads,processes\n               --connections=10,100,1000\n"
            "               --a=1\n               --workload=cpu\n"
            "  --a-long-flag=WORD\n               explained below it\n"
            "  bench an example\n  bench another\n");
  EXPECT_EQ(reflowed("  --flag=WORD  two words", 20), "  --flag=WORD  two\n      words\n");
}

TEST(RenderMarkdown, HasOneCellForEachColumnInEveryRow) {
  Table table = example;
  table.add_remark("threads", "skipped: too many");
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
