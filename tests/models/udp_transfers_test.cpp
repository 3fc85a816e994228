// Every model that serves × every service whose transfers have sockets of their own: whole transfers, lost datagrams,
// peers that vanish, a clean stop.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "measure/usage.h"
#include "tests/support/test_runs.h"
#include "tests/support/test_server.h"
#include "tests/support/udp_transfer_client.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Came = UdpTransferClient::Came;

std::vector<const Model*> transferring_models() {
  std::vector<const Model*> models = every_model_and_some_hybrids();
  std::erase_if(models, [](const Model* model) { return !model->serve || !model->why_no_transfers.empty(); });
  return models;
}

std::vector<const Service*> transfer_services() {
  std::vector<const Service*> chosen;
  for (const Service& service : all_services()) {
    if (service.transport == Transport::udp_transfers) chosen.push_back(&service);
  }
  return chosen;
}

// Until the server has had so many sessions at least, and has none left; a bound on what takes milliseconds.
bool all_end(const TestServer& server, std::uint64_t sessions = 1) {
  const auto have_ended = [&] {
    return server.counters().accepted.load() >= sessions && server.counters().open.load() == 0;
  };
  for (int i = 0; i < 12'000 && !have_ended(); ++i) usleep(10'000);
  return have_ended();
}

// Carries out a transfer, which tells what was wrong; again where the server gave it up, since it came late: this
// process may be kept from its CPU for longer than all tries of a short silence last.
void expect_complete(const TestServer& server, const std::function<std::string()>& transfer) {
  std::string wrong;
  std::uint64_t given_up = 0;
  int tries = 0;
  do {
    given_up = server.counters().timed_out.load();
    wrong = transfer();
  } while (!wrong.empty() && server.counters().timed_out.load() > given_up && ++tries < 20);
  EXPECT_EQ(wrong, "");
}

using Case = std::tuple<const Model*, const Service*>;

class ServesTransfers : public testing::TestWithParam<Case> {
 protected:
  const Model& model() const { return *std::get<0>(GetParam()); }
  const Service& service() const { return *std::get<1>(GetParam()); }
  bool unbounded() const { return model().in_flight == HowMany::tasks; }
};
INSTANTIATE_TEST_SUITE_P(Models, ServesTransfers,
                         testing::Combine(testing::ValuesIn(transferring_models()),
                                          testing::ValuesIn(transfer_services())),
                         [](const auto& made) {
                           return test_name(
                               fmt::format("{}_{}", std::get<0>(made.param)->name, std::get<1>(made.param)->name));
                         });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ServesTransfers);

TEST_P(ServesTransfers, CarriesOutTransfersOfBothDirections) {
  for (const std::uint64_t bytes : {0U, 512U, 20'000U}) {
    TestServer server(model(), service(), {.message_bytes = bytes == 0 ? 1 : bytes});
    for (std::uint64_t connection = 0; connection < 3; ++connection) {
      const auto exchange = server.exchange(connection);
      for (int request = 0; request < 4; ++request) EXPECT_EQ(UdpTransferClient(server, *exchange).run(), "");
    }
    EXPECT_EQ(server.counters().accepted.load(), 12U);
    EXPECT_TRUE(all_end(server));
    EXPECT_EQ(server.counters().timed_out.load(), 0U);
    server.process().stop();
    EXPECT_TRUE(living_descendants(getpid()).empty());
  }
}

TEST_P(ServesTransfers, SendsLargeBlocksAsOneDatagramEach) {
  ServiceParameters parameters{.message_bytes = 50'000};
  parameters.own.set(*find_parameter(service().parameters, "blksize"), std::uint64_t{8192});
  TestServer server(model(), service(), parameters);
  const auto exchange = server.exchange(1);
  for (int request = 0; request < 4; ++request) EXPECT_EQ(UdpTransferClient(server, *exchange).run(), "");
  server.process().stop();
}

TEST_P(ServesTransfers, ComputesAndWaitsBeforeHeavyTransfers) {
  TestServer server(model(), service(), {.message_bytes = 2000, .compute_steps = 1000, .wait = 2ms});
  const auto begin = std::chrono::steady_clock::now();
  const auto exchange = server.exchange(1, true);
  for (int request = 0; request < 4; ++request) EXPECT_EQ(UdpTransferClient(server, *exchange).run(), "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 8ms);
  server.process().stop();
}

// A block of each in turn.
TEST_P(ServesTransfers, CarriesOutManyAtOnce) {
  TestServer server(model(), service(), {.message_bytes = 5000});
  std::vector<std::unique_ptr<Exchange>> exchanges;
  std::list<UdpTransferClient> clients;
  const std::uint64_t count = unbounded() ? 20 : 1;
  for (std::uint64_t number = 0; number < count; ++number) {
    exchanges.push_back(server.exchange(number));
    clients.emplace_back(server, *exchanges.back()).ask();
  }
  for (int round = 0; round < 20 && !clients.empty(); ++round) {
    clients.remove_if([](UdpTransferClient& client) {  // once it is complete
      auto came = client.take();
      while (came == Came::stale) came = client.take();  // said again, since its turn came late
      EXPECT_TRUE(came == Came::more || came == Came::complete) << client.why();
      return came != Came::more;
    });
  }
  EXPECT_TRUE(clients.empty());
  EXPECT_TRUE(all_end(server));
  server.process().stop();
}

// Every third answer of the client is lost. Of a get it hears that block again; of a put the last acknowledgement, by
// which it knows that its own block is to be said again.
TEST_P(ServesTransfers, SurvivesLostDatagrams) {
  TestServer server(model(), service(), {.message_bytes = 4000}, 100ms);
  const auto exchange = server.exchange(0);
  for (int request = 0; request < 2; ++request) {
    expect_complete(server, [&] {
      UdpTransferClient client(server, *exchange);
      client.ask();
      auto came = Came::more;
      for (int taken = 1; came == Came::more || came == Came::stale; ++taken) {
        came = client.take(taken % 3 != 0);
        if (came == Came::stale) client.say_again();
      }
      return came == Came::complete ? "" : client.why();
    });
  }
  server.process().stop();
}

// Each opens a session, for the server's socket knows no transfers. The client goes on with the one that answers first.
TEST_P(ServesTransfers, CarriesOutOneTransferOfARequestThatComesTwice) {
  TestServer server(model(), service(), {.message_bytes = 4000}, 100ms);
  const auto exchange = server.exchange(0);
  for (std::uint64_t request = 0; request < 2; ++request) {
    expect_complete(server, [&] {
      UdpTransferClient client(server, *exchange);
      client.ask();
      client.say_again();
      auto came = Came::more;
      while (came == Came::more || came == Came::stale) came = client.take();
      return came == Came::complete ? "" : client.why();
    });
    EXPECT_TRUE(all_end(server, 2 * (request + 1)));
  }
  server.process().stop();
}

TEST_P(ServesTransfers, EndsTheTransferOfASilentPeerAfterItsTries) {
  TestServer server(model(), service(), {.message_bytes = 4000}, 100ms);
  const auto exchange = server.exchange(0);
  UdpTransferClient silent(server, *exchange, 1ms);
  silent.ask();
  EXPECT_TRUE(all_end(server));
  EXPECT_EQ(server.counters().timed_out.load(), 1U);
  int heard = 0;
  while (silent.take(false) == Came::more) ++heard;
  EXPECT_EQ(heard, 5);
  const auto other = server.exchange(1);
  expect_complete(server, [&] { return UdpTransferClient(server, *other).run(); });
  server.process().stop();
}

// The kernel says that the peer's port is closed.
TEST_P(ServesTransfers, EndsTheTransferOfAPeerThatHasGone) {
  TestServer server(model(), service(), {.message_bytes = 4000}, 200ms);
  const auto exchange = server.exchange(0);
  UdpTransferClient(server, *exchange).ask();
  EXPECT_TRUE(all_end(server));
  EXPECT_EQ(server.counters().timed_out.load(), 0U);
  const auto other = server.exchange(1);
  expect_complete(server, [&] { return UdpTransferClient(server, *other).run(); });
  server.process().stop();
}

TEST_P(ServesTransfers, StopsInTheMiddleOfATransfer) {
  TestServer server(model(), service(), {.message_bytes = 4000});
  const auto exchange = server.exchange(0);
  UdpTransferClient client(server, *exchange);
  client.ask();
  EXPECT_EQ(client.take(), Came::more);
  server.process().stop();
  EXPECT_TRUE(living_descendants(getpid()).empty());
}

TEST_P(ServesTransfers, PassesOverGarbage) {
  TestServer server(model(), service(), {.message_bytes = 4000});
  const UniqueFd rude = server.connect();
  for (const std::size_t size : {0U, 1U, 3U, 600U, 60'000U}) {
    const std::string garbage(size, '\xFE');
    EXPECT_EQ(send(rude.get(), garbage.data(), garbage.size(), 0), static_cast<ssize_t>(size));
  }
  const auto exchange = server.exchange(0);
  for (int request = 0; request < 2; ++request) EXPECT_EQ(UdpTransferClient(server, *exchange).run(), "");
  EXPECT_TRUE(all_end(server));
  server.process().stop();
}

}  // namespace
}  // namespace bench
