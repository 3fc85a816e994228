// What only select can get wrong: its sets hold no descriptor from FD_SETSIZE up.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "measure/usage.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_server.h"

namespace bench {
namespace {

// Descriptors below `first_free`, all taken; a server that is started now inherits them.
std::vector<UniqueFd> take_descriptors_below(int first_free) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<UniqueFd> taken;
  do {
    taken.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  } while (taken.back().get() >= 0 && taken.back().get() < first_free - 1);
  return taken;
}

TEST(Select, ServesThoseWhoFitIntoItsSetsAndRefusesOthers) {
  const std::vector<UniqueFd> taken = take_descriptors_below(FD_SETSIZE - 24);
  const Service& echo = service_named("echo");
  TestServer server(model_named("select"), echo, {});
  {
    constexpr int count = 200;
    constexpr int served = 10;
    std::vector<UniqueFd> crowd;
    std::vector<std::unique_ptr<Exchange>> exchanges;
    for (int i = 0; i < count; ++i) {
      crowd.push_back(server.connect());
      exchanges.push_back(server.exchange(static_cast<std::uint64_t>(i)));
      Output out;
      if (i >= served) exchanges.back()->request(out);
      send_all(crowd.back().get(), out);
    }
    for (int i = 0; i < 2000 && server.counters().refused.load() == 0; ++i) usleep(10'000);
    EXPECT_GE(server.counters().refused.load(), 1U);
    for (std::size_t i = 0; i < served; ++i) EXPECT_EQ(converse(crowd[i].get(), *exchanges[i], 5), "") << i;
    EXPECT_LE(server.counters().open_peak.load(), 24);
    EXPECT_LT(proportional_set_bytes(server.process().pid()), bounded_bytes);
    const UsageReading begin = server.process().usage(Edge::begin);
    usleep(300'000);
    const UsageReading end = server.process().usage(Edge::end);
    EXPECT_LT((end.usage - begin.usage).cpu_ns, (end.at_ns - begin.at_ns) / 5) << "those who wait keep it busy";
  }
  EXPECT_EQ(converse_in_time(server), "");  // once the crowd has gone
  server.process().stop();
}

TEST(Select, SaysWhenItsOwnDescriptorsDoNotFit) {
  const std::vector<UniqueFd> taken = take_descriptors_below(FD_SETSIZE);
  TestServer server(model_named("select"), service_named("echo"), {});
  try {
    server.process().stop();
    FAIL() << "it serves a socket that select(2) cannot watch";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("FD_SETSIZE"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace bench
