// Why: what a stranger's file or command line holds is shown, and no terminal obeys it.
#include "harness/text/terminal.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

TEST(Printable, WritesControlCharactersAsCDoes) {
  EXPECT_EQ(printable("a \x1B[31mred\x7F\r\n", LineBreaks::escape), "a \\x1B[31mred\\x7F\\x0D\\x0A");
  EXPECT_EQ(printable("one\ntwo\a", LineBreaks::keep), "one\ntwo\\x07");
  EXPECT_EQ(printable("µs: – all the same", LineBreaks::escape), "µs: – all the same");
}

}  // namespace
}  // namespace bench
