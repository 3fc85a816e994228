// Why: every HTTP reply carries a date that is right to the second and costs no more than its bytes.
#include "measure/date.h"

#include <gtest/gtest.h>

#include <ctime>

#include <string>

#include "measure/server_run.h"
#include "measure/shared_mapping.h"
#include "tests/support/http_answers.h"

namespace bench {
namespace {

std::string text_at(std::int64_t second) {
  const DateText text = date_of(std::chrono::sys_seconds(std::chrono::seconds(second)));
  return {text.data(), text.size()};
}

// Against those of GNU date: date -u -d @N '+%a, %d %b %Y %T GMT'.
TEST(DateOf, IsWrittenAsInRfc9110) {
  EXPECT_EQ(text_at(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(text_at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(text_at(1'709'251'199), "Thu, 29 Feb 2024 23:59:59 GMT");
  EXPECT_EQ(text_at(253'402'300'799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(DateText, IsThatOfNow) {
  const std::time_t before = std::time(nullptr);
  const std::string text(date_text());
  const std::time_t after = std::time(nullptr);
  bool found = false;
  for (std::time_t second = before - 1; second <= after; ++second) found = found || text == text_at(second);
  EXPECT_TRUE(found) << text;
}

TEST(ServerRun, GivesItsSessionsADate) {
  SharedArray<RunReport> report(1);
  ServerRun run({.service = &http_service(), .context = {.parameters = {}, .model = "epoll"}}, report[0]);
  Output out;
  run.open_session()->advance(Why::data, bytes_of("GET /5 HTTP/1.1\r\nHost: x\r\n\r\n"), out);
  EXPECT_NE(take(out).find(" GMT\r\n"), std::string::npos);
}

}  // namespace
}  // namespace bench
