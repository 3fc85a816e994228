// Why: the pieces of the load generator that can be told right from wrong without a socket.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "harness/load/due_requests.h"
#include "harness/load/free_lists.h"
#include "harness/load/in_flight_meter.h"
#include "harness/load/run_queue_meter.h"
#include "harness/load/schedule.h"
#include "harness/load/shares.h"
#include "harness/load/url.h"
#include "harness/load/worker_report.h"
#include "harness/run/listener.h"
#include "measure/load_report.h"
#include "measure/shared_mapping.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// ---- How a load is dealt out ----

std::vector<WorkerShare> all_workers(const ProcessShares& shares) {
  std::vector<WorkerShare> workers;
  for (const auto& of_process : shares) workers.insert(workers.end(), of_process.begin(), of_process.end());
  return workers;
}

LoadPlan plan_of(std::uint32_t connections, std::uint32_t active, std::uint32_t threads = 1) {
  LoadPlan plan;
  plan.connections = connections;
  plan.active = active;
  plan.threads = threads;
  return plan;
}

TEST(Deal, LosesNothingWhateverTheSizes) {
  for (const std::uint32_t connections : {1U, 2U, 7U, 100U, 1001U}) {
    for (const std::uint32_t active : {0U, 1U, connections / 3, connections}) {
      for (const std::uint32_t threads : {1U, 2U, 3U, 8U, 200U}) {
        for (const std::uint64_t room : {1ULL, 3ULL, 50ULL, 2000ULL}) {
          LoadPlan plan = plan_of(connections, active, threads);
          plan.heavy_share = 0.5;
          plan.rate = 1000;
          const ProcessShares shares = deal(plan, room);
          EXPECT_EQ(shares.size(), (connections + room - 1) / room);
          std::uint64_t next = 0;
          std::uint64_t dealt_active = 0;
          std::uint64_t heavy = 0;
          double rate = 0;
          std::uint32_t number = 0;
          for (const WorkerShare& share : all_workers(shares)) {
            EXPECT_EQ(share.worker, number++);
            EXPECT_EQ(share.first_connection, next);
            EXPECT_GE(share.connections, 1U);
            EXPECT_LE(share.active, share.connections);
            EXPECT_LE(share.heavy, share.active);
            EXPECT_EQ(share.rate > 0, share.active > 0);
            next += share.connections;
            dealt_active += share.active;
            heavy += share.heavy;
            rate += share.rate;
          }
          EXPECT_EQ(next, connections);
          EXPECT_EQ(dealt_active, active);
          EXPECT_NEAR(static_cast<double>(heavy), active * 0.5, active == 1 ? 1 : 0.5);
          EXPECT_NEAR(rate, active == 0 ? 0 : 1000, 0.001);
        }
      }
    }
  }
}

TEST(Deal, SpreadsEvenly) {
  const ProcessShares shares = deal(plan_of(10, 7, 2), 6);
  ASSERT_EQ(shares.size(), 2U);
  ASSERT_EQ(shares[0].size(), 1U);
  EXPECT_EQ(shares[0][0].connections, 5U);
  EXPECT_EQ(shares[1][0].connections, 5U);
  EXPECT_EQ(shares[0][0].active, 4U);
  EXPECT_EQ(shares[1][0].active, 3U);
}

TEST(Deal, RoundsNeitherKindOfConnectionAway) {
  LoadPlan plan = plan_of(10, 10);
  plan.heavy_share = 0.01;
  EXPECT_EQ(all_workers(deal(plan, 100))[0].heavy, 1U);
  plan.heavy_share = 0.99;
  EXPECT_EQ(all_workers(deal(plan, 100))[0].heavy, 9U);
  plan.heavy_share = 0;
  EXPECT_EQ(all_workers(deal(plan, 100))[0].heavy, 0U);
  plan.heavy_share = 1;
  EXPECT_EQ(all_workers(deal(plan, 100))[0].heavy, 10U);
}

TEST(Deal, RefusesWhatMakesNoSense) {
  EXPECT_THROW(deal(plan_of(0, 0), 100), std::invalid_argument);
  EXPECT_THROW(deal(plan_of(1, 2), 100), std::invalid_argument);
  LoadPlan plan = plan_of(1, 1);
  plan.pipeline = 0;
  EXPECT_THROW(deal(plan, 100), std::invalid_argument);
}

// ---- When requests are due ----

std::vector<std::int64_t> first_times(Schedule schedule, std::size_t count) {
  std::vector<std::int64_t> times;
  for (; times.size() != count; schedule.advance()) times.push_back(schedule.next_ns());
  return times;
}

TEST(Schedule, IsConstantWithInterleavedWorkers) {
  EXPECT_THAT(first_times(Schedule(Arrivals::constant, 1e6, 0, 0, 500), 3), ElementsAre(500, 1500, 2500));
  EXPECT_THAT(first_times(Schedule(Arrivals::constant, 1e6, 0.5, 0, 500), 3), ElementsAre(1000, 2000, 3000));
}

TEST(Schedule, DoesNotDrift) {
  Schedule schedule(Arrivals::constant, 30'000, 0, 0, 0);
  for (int i = 0; i < 3'000'000; ++i) schedule.advance();
  EXPECT_NEAR(static_cast<double>(schedule.next_ns()), 100e9, 10);
}

TEST(Schedule, HasNothingDueByDefault) { EXPECT_EQ(Schedule().next_ns(), INT64_MAX); }

// Gaps of a Poisson process are exponential: their mean and their standard deviation are one over the rate, and the
// share of those above the mean is 1/e. The seed is fixed, so nothing here is left to chance.
TEST(Schedule, IsPoisson) {
  constexpr std::size_t count = 200'000;
  const auto times = first_times(Schedule(Arrivals::poisson, 1e5, 0, 42, 0), count);
  EXPECT_TRUE(std::ranges::is_sorted(times));
  constexpr double mean_ns = 1e4;
  double squares = 0;
  std::size_t above = 0;
  for (std::size_t i = 1; i < count; ++i) {
    const auto gap = static_cast<double>(times[i] - times[i - 1]);
    squares += (gap - mean_ns) * (gap - mean_ns);
    above += gap > mean_ns ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(times.back()) / count, mean_ns, 0.01 * mean_ns);
  EXPECT_NEAR(std::sqrt(squares / count), mean_ns, 0.02 * mean_ns);
  EXPECT_NEAR(static_cast<double>(above) / count, std::exp(-1), 0.01);
}

TEST(Schedule, DependsOnTheSeedAlone) {
  const Schedule one(Arrivals::poisson, 1e5, 0, 1, 0);
  EXPECT_EQ(first_times(one, 10), first_times(Schedule(Arrivals::poisson, 1e5, 0.5, 1, 0), 10));
  EXPECT_NE(first_times(one, 10), first_times(Schedule(Arrivals::poisson, 1e5, 0, 2, 0), 10));
}

// ---- Which connection takes a request ----

TEST(FreeLists, PreferFewestUnderWayAndThenTheLongestFree) {
  FreeLists lists(4, 2);
  EXPECT_EQ(lists.front(), FreeLists::none);
  lists.place(2, 1);
  lists.place(0, 0);
  lists.place(3, 0);
  EXPECT_EQ(lists.front(), 0U);
  lists.place(0, 0);  // moves behind the other
  EXPECT_EQ(lists.front(), 3U);
  lists.place(3, 1);
  EXPECT_EQ(lists.front(), 0U);
  lists.remove(0);
  lists.remove(0);
  EXPECT_EQ(lists.front(), 2U);
  lists.remove(2);
  EXPECT_EQ(lists.front(), 3U);
  lists.remove(3);
  EXPECT_EQ(lists.front(), FreeLists::none);
}

TEST(FreeLists, UnlinkFromTheMiddle) {
  FreeLists lists(3, 1);
  for (const std::uint32_t connection : {0U, 1U, 2U}) lists.place(connection, 0);
  lists.remove(1);
  lists.remove(0);
  EXPECT_EQ(lists.front(), 2U);
  lists.place(1, 0);
  lists.remove(2);
  EXPECT_EQ(lists.front(), 1U);
}

// ---- To whom requests are due ----

TEST(DueRequests, FallDueToOneUserAfterTheOther) {
  DueRequests due(Arrivals::constant, 1e6, 0.5, 0, {2, 0, 1});
  EXPECT_GT(due.next_ns(), std::int64_t{1} << 61);
  due.begin(100);
  EXPECT_EQ(due.next_ns(), 600);
  std::vector<std::uint32_t> users;
  for (int i = 0; i < 7; ++i) users.push_back(due.fall_due());
  EXPECT_THAT(users, ElementsAre(2, 0, 1, 2, 0, 1, 2));
  EXPECT_EQ(due.next_ns(), 7600);
  EXPECT_EQ(due.owed(), 7U);
  EXPECT_EQ(due.take(0), 1600);
  EXPECT_EQ(due.take(2), 600);
  EXPECT_EQ(due.take(2), 3600);
  EXPECT_EQ(due.take(0), 4600);
  EXPECT_FALSE(due.owes(0));
  EXPECT_TRUE(due.owes(1));
  EXPECT_TRUE(due.owes(2));
  EXPECT_EQ(due.owed(), 3U);
}

TEST(DueRequests, NeverFallDueWithoutARate) {
  EXPECT_EQ(DueRequests().next_ns(), INT64_MAX);
  EXPECT_FALSE(DueRequests().owes(0));
}

// Users that do not wait for each other's turns: what falls due to one of them is as random as the whole.
TEST(DueRequests, FallDueToEachUserAtRandomTimesOfItsOwn) {
  constexpr std::uint32_t count = 100'000;
  DueRequests due(Arrivals::poisson, 1e6, 0, 7, {0, 1, 2, 3});
  due.begin(0);
  std::array<std::uint32_t, 4> of_user{};
  std::uint32_t twice = 0;
  std::int64_t last_ns = 0;
  std::uint32_t last_user = 4;
  for (std::uint32_t i = 0; i < count; ++i) {
    EXPECT_GE(due.next_ns(), last_ns);
    last_ns = due.next_ns();
    const std::uint32_t user = due.fall_due();
    ++of_user[user];
    twice += user == last_user ? 1 : 0;
    last_user = user;
    EXPECT_EQ(due.take(user), last_ns);
  }
  EXPECT_NEAR(static_cast<double>(last_ns), count * 1e3, count * 1e3 * 0.02);
  constexpr double quarter = count / 4.0;
  for (const std::uint32_t requests : of_user) EXPECT_NEAR(requests, quarter, quarter * 0.03);
  EXPECT_NEAR(twice, quarter, quarter * 0.03);
}

// ---- Requests under way ----

TEST(InFlightMeter, IntegratesOverTime) {
  InFlightMeter meter;
  meter.restart(100);
  meter.add();
  meter.step(110);  // one for 10
  meter.add();
  meter.add_since(105);  // and since 5 before the last step
  meter.step(130);       // three for 20
  meter.remove(2);
  meter.step(131);       // one for 1
  meter.add_since(134);  // only begun 3 later
  meter.step(141);       // one for 10 and one for 7
  meter.remove();
  EXPECT_EQ(meter.integral_ns(), 10U + 5U + 60U + 1U + 17U);
  EXPECT_EQ(meter.count(), 1U);
  meter.restart(200);
  meter.step(203);
  EXPECT_EQ(meter.integral_ns(), 3U);
}

// ---- Waits for a CPU ----

TEST(RunQueueMeter, CountsALongWaitAmongShortOnesAndNoShortOnes) {
  RunQueueMeter meter;
  RunQueueTimes times;
  const auto wait = [&](std::int64_t each_ns, std::int64_t turns) {
    times.waited_ns += each_ns * turns;
    times.turns += turns;
  };
  for (int look = 0; look < 100; ++look) {
    wait(8'000, 10);
    meter.look(times);
  }
  EXPECT_EQ(meter.kept_off_ns(), 0);
  wait(8'000, 10);
  wait(3'000'000, 1);
  meter.look(times);
  EXPECT_EQ(meter.kept_off_ns(), 3'080'000);
  meter.look(times);  // nothing since
  wait(8'000, 10);
  meter.look(times);
  EXPECT_EQ(meter.kept_off_ns(), 3'080'000);
}

// ---- The report ----

TEST(LoadReport, DerivesItsFigures) {
  LoadReport report;
  EXPECT_EQ(report.rate_per_second(), 0);
  EXPECT_EQ(report.littles_law_ratio(), 1);
  EXPECT_EQ(report.fairness(), 0);
  EXPECT_EQ(report.errors_total(), 0U);

  report.wall_ns = 2'000'000'000;
  report.requests_completed = 300;
  report.requests_drained = 2;
  EXPECT_DOUBLE_EQ(report.rate_per_second(), 150);
  EXPECT_EQ(report.requests_answered(), 302U);

  report.latency->record(1000, 3);
  report.failed_in_flight_ns = 500;
  report.in_flight_integral_ns = 7000;
  EXPECT_DOUBLE_EQ(report.littles_law_ratio(), 2);

  report.active_established = 4;
  report.replies_per_connection_sum = 4;
  report.replies_per_connection_squares = 4;  // 1, 1, 1, 1
  EXPECT_DOUBLE_EQ(report.fairness(), 1);
  report.replies_per_connection_squares = 16;  // 4, 0, 0, 0
  EXPECT_DOUBLE_EQ(report.fairness(), 0.25);

  report.errors[static_cast<std::size_t>(LoadError::lost)] = 2;
  report.errors[static_cast<std::size_t>(LoadError::other)] = 1;
  EXPECT_EQ(report.errors_total(), 3U);
  EXPECT_EQ(report.error_count(LoadError::lost), 2U);
}

TEST(LoadReport, IsCopiedByValue) {
  LoadReport report;
  report.latency->record(5);
  LoadReport copy = report;
  copy.latency->record(6);
  EXPECT_EQ(report.latency->count(), 1U);
  EXPECT_EQ(copy.latency->count(), 2U);
  report = copy;
  EXPECT_EQ(report.latency->count(), 2U);
}

TEST(LoadReport, MergesWorkers) {
  const SharedArray<WorkerReport> workers(2);
  for (std::uint32_t i = 0; i < 2; ++i) {
    WorkerReport& worker = workers[i];
    worker.connections_established = 10 + i;
    worker.errors[0] = 1;
    worker.window.requests_completed = 100;
    worker.window.replies_per_connection_max = 7 - i;
    worker.latency.record(1000 * (i + 1));
    worker.connect_time.record(10);
  }
  std::strcpy(workers[1].error_text, "second");
  LoadReport report;
  for (const WorkerReport& worker : workers.span()) merge(report, worker);
  EXPECT_EQ(report.connections_established, 21U);
  EXPECT_EQ(report.errors_total(), 2U);
  EXPECT_EQ(report.requests_completed, 200U);
  EXPECT_EQ(report.replies_per_connection_max, 7U);
  EXPECT_EQ(report.latency->count(), 2U);
  EXPECT_EQ(report.latency->max_ns(), 2000);
  EXPECT_EQ(report.connect_time->count(), 2U);
  EXPECT_EQ(report.error_text, "second");
}

// A window of 50 slices that ended after 20 of them: what came then is spread over all, and no gap is made or closed.
TEST(WorkerReport, StretchesWhatAShortenedWindowHad) {
  using namespace std::chrono_literals;
  std::array<std::uint64_t, window_slices> replies{};
  std::fill_n(replies.begin(), 10, 100U);  // and then none: silent for half of what it lasted
  stretch(replies, 20s, 50s);
  EXPECT_EQ(std::accumulate(replies.begin(), replies.end(), std::uint64_t{0}), 1000U);
  for (std::size_t slice = 0; slice < 25; ++slice) EXPECT_EQ(replies[slice], 40U) << slice;
  for (std::size_t slice = 25; slice < window_slices; ++slice) EXPECT_EQ(replies[slice], 0U) << slice;

  std::array<std::uint64_t, window_slices> even{};
  even.fill(3);
  stretch(even, 50s, 50s);
  EXPECT_THAT(even, testing::Each(3U));
}

// ---- URLs ----

// RFC 3986 has these nowhere, and other clients send them encoded.
TEST(Url, HasWhatItMayNotHoldEncoded) {
  EXPECT_EQ(parse_url("http://127.0.0.1/a?q={\"<x>|\\^`}%20\u00fc", all_services()).path,
            "/a?q=%7B%22%3Cx%3E%7C%5C%5E%60%7D%20%C3%BC");
}

TEST(Url, IsTakenApart) {
  const ServerUrl http = parse_url("http://127.0.0.1:8080/a/b?c=d", all_services());
  EXPECT_EQ(http.service->name, "http");
  EXPECT_EQ(http.host, "127.0.0.1");
  EXPECT_EQ(http.port, "8080");
  EXPECT_EQ(http.path, "/a/b?c=d");
  EXPECT_EQ(http.target.text, "127.0.0.1:8080");
  EXPECT_EQ(http.target.transport, Transport::tcp);
  sockaddr_in address{};
  ASSERT_EQ(http.target.address_size, sizeof address);
  std::memcpy(&address, &http.target.address, sizeof address);
  EXPECT_EQ(ntohs(address.sin_port), 8080);
  EXPECT_EQ(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);

  EXPECT_EQ(parse_url("http://127.0.0.1", all_services()).port, "80");
  EXPECT_EQ(parse_url("http://127.0.0.1", all_services()).path, "/");
  EXPECT_EQ(parse_url("udp://127.0.0.1:9", all_services()).target.transport, Transport::udp);
  EXPECT_EQ(parse_url("tftp://127.0.0.1", all_services()).target.transport, Transport::udp_transfers);
  EXPECT_EQ(parse_url("tftp://127.0.0.1", all_services()).port, "69");
  EXPECT_EQ(parse_url("tcp://127.0.0.1:9/", all_services()).path, "");
  EXPECT_EQ(parse_url("tcp://localhost:9", all_services()).target.text, "localhost:9");
}

TEST(Url, IsReadAsRfc3986Says) {
  const auto path = [](std::string_view url) { return parse_url(url, all_services()).path; };
  EXPECT_EQ(path("http://127.0.0.1?x=1"), "/?x=1");
  EXPECT_EQ(path("http://127.0.0.1:80/?x=1&y=http://a/b@c:80"), "/?x=1&y=http://a/b@c:80");
  EXPECT_EQ(path("http://127.0.0.1/a#fragment"), "/a");
  EXPECT_EQ(path("http://127.0.0.1#fragment?no=query"), "/");
  EXPECT_EQ(path("http://127.0.0.1//a%20b"), "//a%20b");
  EXPECT_EQ(path("http://127.0.0.1/\u00fc"), "/%C3%BC");
  EXPECT_EQ(parse_url("HTTP://127.0.0.1:8080/A", all_services()).service->name, "http");
  EXPECT_EQ(parse_url("http://127.0.0.1:/", all_services()).port, "80");
}

// One of the addresses of a name has a listener, and it need not be the first.
TEST(Url, TakesAnAddressAtWhichSomebodyListens) {
  const Listener listener = listen_on("127.0.0.1", 0, Transport::tcp);
  const ServerUrl url = parse_url(fmt::format("tcp://localhost:{}", listener.port), all_services());
  EXPECT_EQ(url.target.address.ss_family, AF_INET);
}

TEST(Url, KnowsTheSecureForm) {
  const ServerUrl secure = parse_url("HTTPS://127.0.0.1/a", all_services());
  EXPECT_TRUE(secure.secure);
  EXPECT_EQ(secure.service->name, "http");
  EXPECT_EQ(secure.port, "443");
  EXPECT_EQ(secure.authority(), "127.0.0.1:443");
  EXPECT_FALSE(parse_url("http://127.0.0.1/a", all_services()).secure);
}

TEST(Url, GoesToAUnixSocketWhateverItsHost) {
  const ServerUrl url = parse_url("http://no.such.host.invalid/a", all_services(), "/run/app.sock");
  EXPECT_EQ(url.target.address.ss_family, AF_UNIX);
  EXPECT_EQ(url.target.text, "/run/app.sock");
  EXPECT_EQ(url.authority(), "no.such.host.invalid:80");
  EXPECT_EQ(url.path, "/a");
  EXPECT_THROW(parse_url("http://a/", all_services(), std::string(108, 'x')), std::invalid_argument);
  EXPECT_THROW(parse_url("udp://a:9", all_services(), "/run/app.sock"), std::invalid_argument);
}

TEST(Url, KnowsIpv6) {
  const ServerUrl url = parse_url("tcp://[::1]:7000", all_services());
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.target.text, "[::1]:7000");
  EXPECT_EQ(url.target.address.ss_family, AF_INET6);
  EXPECT_EQ(parse_url("tcp://[fe80::1%25lo]:7000", all_services()).host, "fe80::1%lo");
}

TEST(Url, SaysWhatIsWrong) {
  const auto why = [](std::string_view url) -> std::string {
    try {
      parse_url(url, all_services());
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(why("127.0.0.1:80"),
            "the scheme is missing (allowed: tcp://, http://, https://, transfer://, files://, tftp://, chat://, "
            "remote://, udp://)");
  EXPECT_EQ(why("ftp://a"),
            "unknown scheme 'ftp' (allowed: tcp, http, https, transfer, files, tftp, chat, remote, udp)");
  EXPECT_EQ(why("://a"), "unknown scheme '' (allowed: tcp, http, https, transfer, files, tftp, chat, remote, udp)");
  EXPECT_EQ(why("tcp://"), "the host is missing");
  EXPECT_EQ(why("tcp://:80"), "the host is missing");
  EXPECT_EQ(why("tcp://127.0.0.1"), "the port is missing (tcp://host:port)");
  EXPECT_EQ(why("tcp://127.0.0.1:"), "the port is missing (tcp://host:port)");
  EXPECT_EQ(why("http://127.0.0.1/a b"), "a blank is not allowed in a URL; write %20");
  EXPECT_EQ(why("http://127.0.0.1/a\r\nX-Injected: 1"), "a control character is not allowed in a URL; write %0D");
  EXPECT_EQ(why("http://[127.0.0.1]/"), "'127.0.0.1' is no IPv6 address");
  EXPECT_EQ(why("udp://127.0.0.1:80?x"), "udp:// takes no path");
  EXPECT_EQ(why("tcp://127.0.0.1:0"), "'0' is not a port (allowed: 1 to 65535)");
  EXPECT_EQ(why("tcp://127.0.0.1:65536"), "'65536' is not a port (allowed: 1 to 65535)");
  EXPECT_EQ(why("tcp://127.0.0.1:80x"), "'80x' is not a port (allowed: 1 to 65535)");
  EXPECT_EQ(why("tcp://127.0.0.1:-1"), "'-1' is not a port (allowed: 1 to 65535)");
  EXPECT_EQ(why("udp://127.0.0.1:80/x"), "udp:// takes no path");
  EXPECT_EQ(why("tcp://::1:80"), "an IPv6 address needs brackets: [::1]:8080");
  EXPECT_EQ(why("tcp://[::1:80"), "the ']' of the IPv6 address is missing");
  EXPECT_EQ(why("tcp://[::1]80"), "'80' is not a port (expected a ':' before it)");
  EXPECT_THAT(why("tcp://no.such.host.invalid:80"), HasSubstr("cannot find the host 'no.such.host.invalid': "));
}

}  // namespace
}  // namespace bench
