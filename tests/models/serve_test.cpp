// Every model that serves × every service, over real sockets: right bytes at every split, slow, rude and silent peers,
// many connections, a clean stop.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <list>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "harness/plan/machine.h"
#include "harness/run/listener.h"
#include "harness/run/server_process.h"
#include "measure/shared_mapping.h"
#include "measure/usage.h"
#include "models/hybrid.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_runs.h"
#include "tests/support/test_server.h"
#include "tests/support/told.h"
#include "workloads/transfer_format.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

std::vector<const Service*> services(Transport transport) {
  std::vector<const Service*> chosen;
  for (const Service& service : all_services()) {
    if (service.transport == transport) chosen.push_back(&service);
  }
  return chosen;
}

// Sends requests for ever, and reads and forgets the replies.
[[noreturn]] void flood(int socket, Exchange& exchange) {
  Output out;
  std::vector<std::byte> room(65536);
  std::array<iovec, 1> vectors{};
  while (true) {
    while (out.pending() < 65536) exchange.request(out);
    pollfd watched{.fd = socket, .events = POLLIN | POLLOUT, .revents = 0};
    if (poll(&watched, 1, -1) < 0) _exit(1);
    if ((watched.revents & POLLIN) != 0 && recv(socket, room.data(), room.size(), 0) <= 0) _exit(1);
    if ((watched.revents & POLLOUT) == 0) continue;
    const auto filled = out.gather(vectors);
    const ssize_t sent = send(socket, filled[0].iov_base, filled[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) out.consume(static_cast<std::size_t>(sent));
  }
}

std::size_t descriptors_of(pid_t pid) {
  const std::filesystem::directory_iterator entries(fmt::format("/proc/{}/fd", pid));
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

using Case = std::tuple<const Model*, const Service*>;

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  return test_name(fmt::format("{}_{}", std::get<0>(info.param)->name, std::get<1>(info.param)->name));
}

// Whether the model serves more connections at once than it has workers.
bool is_unbounded(const Model& model) { return model.in_flight == HowMany::tasks; }

// What the model serves is one loop's, which goes from one connection to the next by itself.
bool is_one_loop(const Model& model) {
  const bool kernel_switches = model.unit != UnitKind::coroutine && model.units != HowMany::one;
  return is_unbounded(model) && !kernel_switches && !model.inner;
}

// Copies in one process may find no descriptor left when they start.
bool has_descriptors_of_its_own(const Model& model) {
  for (const Model* part = &model; part->outer; part = part->inner) {
    if (part->outer->unit == UnitKind::thread) return false;
  }
  return is_unbounded(model);
}

// Others compute one thing at a time, for those who share a loop.
bool computes_beside(const Model& model) {
  const Model* innermost = &model;
  while (innermost->inner) innermost = innermost->inner;
  return innermost->parallel;
}

// Each request is a program, which takes as long as hundreds of other requests.
bool starts_programs(const Service& service) { return service.name == "remote"; }

bool sleeps(const Model& model) { return model.name != "nonblocking"; }

std::vector<const Model*> serving_models_that(bool (*fits)(const Model&)) {
  std::vector<const Model*> models = serving_models();
  std::erase_if(models, [&](const Model* model) { return !fits(*model); });
  return models;
}

class ServesStreams : public testing::TestWithParam<Case> {
 protected:
  const Model& model() const { return *std::get<0>(GetParam()); }
  const Service& service() const { return *std::get<1>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Models, ServesStreams, testing::ValuesIn(pairs(serving_models(), services(Transport::tcp))),
                         name_of_case);

// What takes long: a service shows it as well as another.
constexpr std::size_t of_services = sanitized ? 1 : 2;

class ServesAtLength : public ServesStreams {};
INSTANTIATE_TEST_SUITE_P(Models, ServesAtLength,
                         testing::ValuesIn(some_pairs(serving_models(), services(Transport::tcp), of_services)),
                         name_of_case);

class ServesManyAtOnce : public ServesStreams {};
INSTANTIATE_TEST_SUITE_P(Models, ServesManyAtOnce,
                         testing::ValuesIn(some_pairs(serving_models_that(is_unbounded), services(Transport::tcp),
                                                      of_services)),
                         name_of_case);

class ServesFromOneLoop : public ServesStreams {};
INSTANTIATE_TEST_SUITE_P(Models, ServesFromOneLoop,
                         testing::ValuesIn(pairs(serving_models_that(is_one_loop),
                                                 std::vector{&service_named("http")})),
                         name_of_case);

class ServesWithFewDescriptors : public ServesStreams {};
INSTANTIATE_TEST_SUITE_P(Models, ServesWithFewDescriptors,
                         testing::ValuesIn(pairs(serving_models_that(has_descriptors_of_its_own),
                                                 services(Transport::tcp))),
                         name_of_case);

class ComputesBeside : public ServesStreams {};
INSTANTIATE_TEST_SUITE_P(Models, ComputesBeside,
                         testing::ValuesIn(some_pairs(serving_models_that(computes_beside), services(Transport::tcp),
                                                      of_services)),
                         name_of_case);

class SleepsInBetween : public ServesStreams {};
INSTANTIATE_TEST_SUITE_P(Models, SleepsInBetween,
                         testing::ValuesIn(some_pairs(serving_models_that(sleeps), services(Transport::tcp),
                                                      of_services)),
                         name_of_case);

TEST_P(ServesStreams, AnswersRequestsOnOneConnection) {
  TestServer server(model(), service(), {});
  const UniqueFd socket = server.connect();
  EXPECT_EQ(converse(socket.get(), *server.exchange(7), 20), "");
  EXPECT_EQ(server.counters().accepted.load(), 1U);
  server.process().stop();
}

TEST_P(ServesStreams, AnswersRightAtEverySplit) {
  TestServer server(model(), service(), {.message_bytes = 10});
  const auto exchange = server.exchange(3);
  Output whole;
  exchange->request(whole);
  const std::size_t size = whole.pending();
  const UniqueFd socket = server.connect();
  EXPECT_EQ(
      [&] {
        send_all(socket.get(), whole);
        return receive_replies(socket.get(), *exchange, 1);
      }(),
      "");
  for (std::size_t split = 1; split < size; ++split) {
    Output out;
    exchange->request(out);
    std::array<iovec, 1> vectors{};
    std::string bytes(static_cast<const char*>(out.gather(vectors)[0].iov_base), out.pending());
    const std::size_t first = std::min(split, bytes.size());  // requests of other classes may be shorter
    ASSERT_EQ(send(socket.get(), bytes.data(), first, 0), static_cast<ssize_t>(first));
    usleep(200);  // likely to arrive apart; right either way
    ASSERT_EQ(send(socket.get(), bytes.data() + first, bytes.size() - first, 0),
              static_cast<ssize_t>(bytes.size() - first));
    ASSERT_EQ(receive_replies(socket.get(), *exchange, 1), "") << "split at " << split;
  }
  server.process().stop();
}

TEST_P(ServesStreams, AnswersPipelinedRequestsInOrder) {
  TestServer server(model(), service(), {});
  const UniqueFd socket = server.connect();
  const auto exchange = server.exchange(1);
  Output out;
  for (int i = 0; i < 50; ++i) exchange->request(out);
  send_all(socket.get(), out);
  EXPECT_EQ(receive_replies(socket.get(), *exchange, 50), "");
  server.process().stop();
}

TEST_P(ServesStreams, ComputesAndWaitsForHeavyRequests) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = 20'000, .wait = 2ms});
  const UniqueFd socket = server.connect();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(converse(socket.get(), *server.exchange(1, true), 5), "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 10ms);
  const auto light = server.exchange(1, false);
  server.process().stop();
}

// The reader takes nothing until far more than the high-water mark and both socket buffers are on their way.
TEST_P(ServesAtLength, HoldsBackForASlowReader) {
  const std::uint64_t bytes = std::min<std::uint64_t>(largest_message(service()), 1U << 20);
  TestServer server(model(), service(), {.message_bytes = bytes});
  // Enough for the buffers of the sockets and the server's own to be full several times: small ones, where each request
  // starts a program.
  int requests = static_cast<int>((24U << 20) / bytes);
  constexpr int small = 16 << 10;
  if (starts_programs(service())) {
    requests = 600;
    server.set_send_buffer(small);
  }
  const UniqueFd socket = server.connect();
  if (starts_programs(service())) setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  const auto exchange = server.exchange(1);
  EXPECT_EQ(converse(socket.get(), *exchange, 1), "");  // whatever serves the connection is there
  const std::int64_t before = tree_proportional_set_bytes(server.process().pid());
  const pid_t sender = fork();
  if (sender == 0) {
    Output out;
    for (int i = 0; i < requests; ++i) {
      exchange->request(out);
      send_all(socket.get(), out);
    }
    _exit(0);
  }
  usleep(300'000);  // meanwhile the server runs into its full socket
  // Sanitizers keep what was freed; io-uring has a pool of buffers for all its connections, which one may fill.
  const std::int64_t pool = model().name == "io-uring" ? 16 << 20 : 0;
  const std::int64_t bound =
      sanitized ? bounded_bytes
                : pool + requests * static_cast<std::int64_t>(bytes) / 4 * (starts_programs(service()) ? 3 : 2);
  EXPECT_LT(tree_proportional_set_bytes(server.process().pid()) - before, bound);
  for (int i = 0; i < requests; ++i) {
    Output own;  // the exchange of this process has to know of the requests
    exchange->request(own);
  }
  EXPECT_EQ(receive_replies(socket.get(), *exchange, requests, 8192), "");
  int status = 0;
  waitpid(sender, &status, 0);
  EXPECT_EQ(status, 0);
  server.process().stop();
}

TEST_P(ServesStreams, SurvivesResetsInTheMiddle) {
  TestServer server(model(), service(), {});
  for (int i = 0; i < 20; ++i) {
    UniqueFd rude = server.connect();
    Output out;
    server.exchange(1)->request(out);
    out.consume(0);
    std::array<iovec, 1> vectors{};
    const auto filled = out.gather(vectors);
    send(rude.get(), filled[0].iov_base, filled[0].iov_len / (i % 2 == 0 ? 1 : 2), MSG_NOSIGNAL);
    reset(rude);
  }
  const UniqueFd socket = server.connect();
  EXPECT_EQ(converse(socket.get(), *server.exchange(2), 3), "");
  server.process().stop();
}

// Requests that come while the session waits are told of once by some pollers, and must be found afterwards.
TEST_P(ServesAtLength, AnswersWhatCameWhileItWaited) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = 0, .wait = 30ms});
  const UniqueFd socket = server.connect();
  const auto exchange = server.exchange(1, true);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3; ++i) {
      Output out;
      exchange->request(out);
      send_all(socket.get(), out);
      usleep(5'000);  // likely to arrive one by one; right either way
    }
    ASSERT_EQ(receive_replies(socket.get(), *exchange, 3), "") << "round " << round;
  }
  server.process().stop();
}

// A peer that takes every reply and sends faster than the server computes, so that it is readable at all times.
TEST_P(ServesManyAtOnce, ServesOthersBesideAFlood) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = sanitized ? 2'000U : 20'000U});
  server.set_receive_buffer(4 << 20);
  const UniqueFd flooding = server.connect();
  const pid_t flooder = fork();
  if (flooder == 0) flood(flooding.get(), *server.exchange(1, true));
  const UniqueFd socket = server.connect();
  const auto exchange = server.exchange(2);
  for (int i = 0; i < 2000 && server.counters().open.load() < 2; ++i) usleep(10'000);
  usleep(50'000);  // likely to find the flood at its height; right either way
  EXPECT_EQ(converse(socket.get(), *exchange, 10), "");
  kill(flooder, SIGKILL);
  waitpid(flooder, nullptr, 0);
  server.process().stop();
}

TEST_P(ServesStreams, AnswersWhatCameBeforeAHalfClose) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = 0, .wait = 5ms});
  const UniqueFd socket = server.connect();
  const auto exchange = server.exchange(1, true);
  Output out;
  exchange->request(out);
  exchange->request(out);
  send_all(socket.get(), out);
  shutdown(socket.get(), SHUT_WR);
  EXPECT_EQ(receive_replies(socket.get(), *exchange, 2), "");
  EXPECT_TRUE(closed_by_server(socket.get()));
  server.process().stop();
}

TEST_P(ServesAtLength, DropsASilentPeer) {
  TestServer server(model(), service(), {}, 200ms);
  const UniqueFd silent = server.connect();
  Output out;
  server.exchange(1)->request(out);
  std::array<iovec, 1> vectors{};
  send(silent.get(), out.gather(vectors)[0].iov_base, 3, MSG_NOSIGNAL);  // a request that never ends
  EXPECT_TRUE(closed_by_server(silent.get()));
  EXPECT_GE(server.counters().timed_out.load(), 1U);
  server.process().stop();
}

// A loop that has been busy for longer than the idle timeout finds what came meanwhile, and nobody was idle: each
// client asks again as soon as it has its reply, and goes once it has the second one.
TEST_P(ServesFromOneLoop, KeepsThoseWhoWereServedWhileItWasBusy) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = 75'000'000, .wait = {}}, 1s);
  struct Client {
    UniqueFd socket;
    std::unique_ptr<Exchange> heavy;
    std::unique_ptr<Exchange> light;
    bool has_asked_again = false;
  };
  std::list<Client> clients;
  for (std::uint64_t i = 0; i < 20; ++i) {
    clients.push_back({server.connect(), server.exchange(i, true), server.exchange(i, false)});
    Output out;
    clients.back().heavy->request(out);
    send_all(clients.back().socket.get(), out);
  }
  while (!clients.empty()) {
    std::vector<pollfd> sockets;
    for (const Client& client : clients) sockets.push_back({.fd = client.socket.get(), .events = POLLIN, .revents = 0});
    ASSERT_GT(poll(sockets.data(), sockets.size(), std::chrono::milliseconds(generous).count()), 0);
    auto ready = sockets.begin();
    std::erase_if(clients, [&](Client& client) {
      if ((ready++)->revents == 0) return false;
      EXPECT_EQ(receive_replies(client.socket.get(), client.has_asked_again ? *client.light : *client.heavy, 1), "");
      if (std::exchange(client.has_asked_again, true)) return true;
      Output out;
      client.light->request(out);
      send_all(client.socket.get(), out);
      return false;
    });
  }
  EXPECT_EQ(server.counters().timed_out.load(), 0U);
  server.process().stop();
}

// What a service answers to bytes that are no request, before it closes the connection.
std::string last_word(const Service& service) {
  if (service.name == "http") return "HTTP/1.1 400";
  if (service.name == "transfer") return framed({{"status", "error"}, {"reason", "a head has at most 4096 bytes"}});
  if (service.name == "chat" || service.name == "ftp") return "ERROR ";
  if (service.name == "remote") return "refused: ";
  return "\xFF\xFF\xFF\xFF";
}

TEST_P(ServesStreams, AnswersGarbageWithTheProtocolsErrorAndCloses) {
  TestServer server(model(), service(), {});
  for (int i = 0; i < 5; ++i) {
    const UniqueFd rude = server.connect();
    std::string garbage(64 * 1024, '\xFE');  // as a length: nearly 4 GiB
    garbage.replace(100, 4, "\r\n\r\n");     // as HTTP: a whole request
    send(rude.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL);
    std::string answer(4096, 0);
    const ssize_t size = recv(rude.get(), answer.data(), answer.size(), 0);
    ASSERT_GT(size, 0) << std::strerror(errno);
    answer.resize(static_cast<std::size_t>(size));
    EXPECT_EQ(answer.substr(0, last_word(service()).size()), last_word(service()));
    EXPECT_TRUE(closed_by_server(rude.get()));
  }
  const UniqueFd socket = server.connect();
  EXPECT_EQ(converse(socket.get(), *server.exchange(2), 3), "");
  server.process().stop();
}

TEST_P(ServesAtLength, DropsAPeerThatNeverReads) {
  const std::uint64_t bytes = std::min<std::uint64_t>(largest_message(service()), 1U << 20);
  TestServer server(model(), service(), {.message_bytes = bytes}, 300ms);
  const UniqueFd deaf = server.connect();
  const auto exchange = server.exchange(1);
  Output out;
  while (out.pending() < (32U << 20)) exchange->request(out);
  ASSERT_EQ(fcntl(deaf.get(), F_SETFL, O_NONBLOCK), 0);
  std::array<iovec, 1> vectors{};
  for (int i = 0; i < 12'000 && server.counters().timed_out.load() == 0; ++i) {
    const auto filled = out.gather(vectors);
    const ssize_t sent = filled.empty() ? 0 : send(deaf.get(), filled[0].iov_base, filled[0].iov_len, MSG_NOSIGNAL);
    if (sent > 0) out.consume(static_cast<std::size_t>(sent));
    usleep(10'000);
  }
  EXPECT_GE(server.counters().timed_out.load(), 1U);
  EXPECT_LT(proportional_set_bytes(server.process().pid()), bounded_bytes);
  EXPECT_EQ(converse_in_time(server), "");  // this test may itself be kept off its CPU for longer than the timeout
  server.process().stop();
}

TEST_P(ServesManyAtOnce, ServesOthersBesideRequestsThatNeverEnd) {
  TestServer server(model(), service(), {});
  Output request;
  server.exchange(1)->request(request);
  std::array<iovec, 1> vectors{};
  const void* bytes = request.gather(vectors)[0].iov_base;
  std::vector<UniqueFd> half_open;
  const std::int64_t before = tree_proportional_set_bytes(server.process().pid());
  raise_descriptor_limit();
  const bool few = sanitized || model().unit == UnitKind::process || model().name == "select";
  const bool threads =
      model().unit == UnitKind::thread && model().units == HowMany::tasks;  // other tests have some too
  // Where each hears of all that come, their number counts twice.
  const int count = few || service().hub_bytes != 0 ? 500 : threads ? 5'000 : 10'000;
  for (int i = 0; i < count; ++i) {
    half_open.push_back(server.connect());
    send(half_open.back().get(), bytes, 3, MSG_NOSIGNAL);
  }
  const UniqueFd socket = server.connect();
  EXPECT_EQ(converse(socket.get(), *server.exchange(2), 3), "");
  const std::int64_t each = (tree_proportional_set_bytes(server.process().pid()) - before) / count;
  EXPECT_LT(each, sanitized ? 4 << 20 : 512 << 10);
  server.process().stop();
}

// A connection that finds no descriptor costs itself; the others stand.
TEST_P(ServesWithFewDescriptors, SurvivesRunningOutOfDescriptors) {
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  // Inherited by the server: what a ring has been asked to accept goes by the limit of that moment.
  const rlimit few{.rlim_cur = 40, .rlim_max = usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  TestServer server(model(), service(), {});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  const UniqueFd first = server.connect();
  const auto exchange = server.exchange(1);
  ASSERT_EQ(converse(first.get(), *exchange, 1), "");
  const std::uint32_t processes = model().outer ? server_copies(model(), 4) : 1;
  {
    std::vector<UniqueFd> crowd;
    for (std::uint32_t i = 0; i < 60 * processes; ++i) crowd.push_back(server.connect());
    // Whose requests need a descriptor of their own finds none.
    if (!service().fill_store && !starts_programs(service())) {
      EXPECT_EQ(converse(first.get(), *exchange, 5), "");
    }
    if (model().unit != UnitKind::process) {
      for (int i = 0; i < 2000 && server.counters().refused.load() == 0; ++i) usleep(10'000);
      EXPECT_GE(server.counters().refused.load(), 1U);
    }
  }
  // Once the crowd has gone: those of it that waited to be accepted take descriptors for moments yet.
  EXPECT_EQ(converse_in_time(server), "");
  server.process().stop();
}

TEST_P(ServesAtLength, ServesManyConnectionsAtOnceAndLeavesNothingBehind) {
  TestServer server(model(), service(), {},
                    std::chrono::minutes(10));  // each waits until the others have had their turn
  constexpr int count = many;
  std::vector<UniqueFd> sockets;
  std::vector<std::unique_ptr<Exchange>> exchanges;
  for (int i = 0; i < count; ++i) {
    sockets.push_back(server.connect());
    exchanges.push_back(server.exchange(static_cast<std::uint64_t>(i)));
    if (!is_unbounded(model()) && i == 0) break;  // the others would wait for the first
  }
  const int rounds = starts_programs(service()) ? 1 : 3;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      ASSERT_EQ(converse(sockets[i].get(), *exchanges[i], 1), "") << "connection " << i;
    }
  }
  EXPECT_EQ(server.counters().open_peak.load(), static_cast<std::int32_t>(sockets.size()));
  sockets.clear();
  for (int i = 0; i < 2000 && server.counters().open.load() != 0; ++i) usleep(10'000);
  EXPECT_EQ(server.counters().open.load(), 0);
  // Those of the test, the socket, a poller; none of a connection.
  constexpr std::size_t few = 40;
  for (int i = 0; i < 2000 && descriptors_of(server.process().pid()) >= few; ++i) usleep(10'000);
  EXPECT_LT(descriptors_of(server.process().pid()), few);
  server.process().stop();
  EXPECT_TRUE(living_descendants(getpid()).empty());
}

TEST_P(ServesAtLength, StopsWithConnectionsOpenAndRequestsUnderWay) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = 0, .wait = 20s});
  std::vector<UniqueFd> sockets;
  for (int i = 0; i < 10; ++i) {
    sockets.push_back(server.connect());
    Output out;
    server.exchange(1, true)->request(out);
    if (i % 2 == 0) send_all(sockets.back().get(), out);
  }
  usleep(50'000);
  server.process().stop();
  EXPECT_TRUE(living_descendants(getpid()).empty());
}

TEST_P(ServesStreams, TellsWhatItHasUsed) {
  TestServer server(model(), service(), {});
  const TreeUsage before = server.process().usage(Edge::begin).usage;
  for (int i = 0; i < 3; ++i) {
    const UniqueFd socket = server.connect();
    EXPECT_EQ(converse(socket.get(), *server.exchange(1), starts_programs(service()) ? 10 : 100), "");
  }
  const TreeUsage used = server.process().usage(Edge::end).usage - before;
  EXPECT_GT(used.cpu_ns, 100'000);
  EXPECT_LT(used.cpu_ns, 10'000'000'000);
  server.process().stop();
}

// Readiness that nobody acts upon must not keep a loop awake: bytes and ends that come while a session waits.
TEST_P(SleepsInBetween, SleepsWhenThereIsNothingToDo) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = 0, .wait = 20s});
  const UniqueFd idle = server.connect();
  ASSERT_EQ(converse(idle.get(), *server.exchange(1), 1), "");
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(server.connect());
    const auto exchange = server.exchange(2, true);
    Output out;
    for (int requests = 0; requests < 2; ++requests) {
      exchange->request(out);
      send_all(waiting.back().get(), out);
      usleep(2'000);  // likely to arrive apart; right either way
    }
    if (i == 1) shutdown(waiting.back().get(), SHUT_WR);
    if (i == 2) reset(waiting.back());
  }
  // On a loaded machine some of it is not done yet; one that never sleeps uses all of each try.
  bool sleeps = false;
  for (int tries = 0; tries < 50 && !sleeps; ++tries) {
    const UsageReading begin = server.process().usage(Edge::begin);
    usleep(200'000);
    const UsageReading end = server.process().usage(Edge::end);
    sleeps = (end.usage - begin.usage).cpu_ns < (end.at_ns - begin.at_ns) / 10;
  }
  EXPECT_TRUE(sleeps);
  server.process().stop();
}

// One heavy request computes for ever; who has another CPU or thread to compute on serves the others all the same.
TEST_P(ComputesBeside, ServesOthersWhileOneComputes) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = 1'000'000'000'000'000}, 60s, 2);
  const UniqueFd heavy = server.connect();
  Output request;
  server.exchange(1, true)->request(request);
  send_all(heavy.get(), request);
  const UniqueFd light = server.connect();
  EXPECT_EQ(converse(light.get(), *server.exchange(2), 50), "");
  server.process().stop();
}

// More wait than there are workers.
TEST_P(ServesManyAtOnce, ServesOthersWhileManyWait) {
  TestServer server(model(), service(), {.message_bytes = 64, .compute_steps = 0, .wait = 20s}, 60s, 2);
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.push_back(server.connect());
    Output request;
    server.exchange(1, true)->request(request);
    send_all(waiting.back().get(), request);
  }
  const UniqueFd light = server.connect();
  EXPECT_EQ(converse(light.get(), *server.exchange(2), 20), "");
  server.process().stop();
}

// Sessions that see when two units are in one of them at once.
struct Watched {
  const Service* inner;
  std::atomic<std::uint32_t> intruders;
  std::atomic<std::uint32_t> calls;
};
const SharedArray<Watched> watched(1);

class WatchedSession final : public Session {
 public:
  explicit WatchedSession(std::unique_ptr<Session> inner) : inner_(std::move(inner)) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    if (inside_.exchange(true)) ++watched[0].intruders;
    ++watched[0].calls;
    usleep(200);  // more bytes come meanwhile, and another unit could take them
    const Step step = inner_->advance(why, in, out);
    inside_ = false;
    return step;
  }

 private:
  std::unique_ptr<Session> inner_;
  std::atomic<bool> inside_ = false;
};

std::unique_ptr<Session> open_watched(const ServiceContext& context) {
  return std::make_unique<WatchedSession>(watched[0].inner->open(context));
}

TEST_P(ServesAtLength, HasEachConnectionWithOneUnitAtATime) {
  Service row = service();
  row.open = open_watched;
  watched[0].inner = &service();
  watched[0].intruders = watched[0].calls = 0;
  TestServer server(model(), row, {.message_bytes = 20});
  const int requests = starts_programs(service()) ? 20 : 200;
  std::vector<UniqueFd> sockets;
  std::vector<std::unique_ptr<Exchange>> exchanges;
  std::vector<std::string> bytes;
  for (int i = 0; i < (is_unbounded(model()) ? 4 : 1); ++i) {
    sockets.push_back(server.connect());
    exchanges.push_back(server.exchange(static_cast<std::uint64_t>(i)));
    Output out;
    for (int request = 0; request < requests; ++request) exchanges.back()->request(out);
    std::array<iovec, 1> vectors{};
    bytes.emplace_back(static_cast<const char*>(out.gather(vectors)[0].iov_base), out.pending());
  }
  // In pieces, so that each connection is ready again and again while it is being served.
  constexpr std::size_t piece = 5;
  const std::size_t longest = std::ranges::max(bytes, {}, &std::string::size).size();
  for (std::size_t at = 0; at < longest; at += piece) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      const std::string part = bytes[i].substr(std::min(at, bytes[i].size()), piece);
      ASSERT_EQ(send(sockets[i].get(), part.data(), part.size(), MSG_NOSIGNAL), static_cast<ssize_t>(part.size()));
    }
  }
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    EXPECT_EQ(receive_replies(sockets[i].get(), *exchanges[i], requests), "");
  }
  EXPECT_GT(watched[0].calls.load(), 0U);
  EXPECT_EQ(watched[0].intruders.load(), 0U);
  server.process().stop();
}

class ServesDatagrams : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Models, ServesDatagrams,
                         testing::Combine(testing::ValuesIn(serving_models()),
                                          testing::ValuesIn(services(Transport::udp))),
                         name_of_case);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ServesDatagrams);

TEST_P(ServesDatagrams, AnswersEachDatagramAndStops) {
  const auto [model, service] = GetParam();
  TestServer server(*model, *service, {.message_bytes = 100, .compute_steps = 1000, .wait = 1ms});
  for (int client = 0; client < 5; ++client) {
    const UniqueFd socket = server.connect();
    const auto exchange = server.exchange(static_cast<std::uint64_t>(client), client % 2 == 1);
    EXPECT_EQ(converse(socket.get(), *exchange, 20), "");
  }
  server.process().stop();
  EXPECT_TRUE(living_descendants(getpid()).empty());
}

TEST_P(ServesDatagrams, StopsWhileIdle) {
  const auto [model, service] = GetParam();
  TestServer server(*model, *service, {});
  server.process().stop();
  EXPECT_TRUE(living_descendants(getpid()).empty());
}

// By chance each time; that one of four gets none of 64 is one case in ten million.
TEST(Hybrids, SpreadConnectionsOverAllCopies) {
  const Model& model = hybrid_of(model_named("processes"), model_named("epoll"));
  TestServer server(model, service_named("echo"), {});
  std::vector<UniqueFd> sockets;
  for (int i = 0; i < 64; ++i) {
    sockets.push_back(server.connect());
    EXPECT_EQ(converse(sockets.back().get(), *server.exchange(1), 1), "");
  }
  const std::vector<pid_t> copies = living_descendants(server.process().pid());
  EXPECT_EQ(copies.size(), 4U);
  std::vector<std::size_t> with;
  for (const pid_t copy : copies) with.push_back(descriptors_of(copy));
  const std::size_t count = sockets.size();
  sockets.clear();
  for (int i = 0; i < 2000 && server.counters().open.load() != 0; ++i) usleep(10'000);
  usleep(10'000);  // likely to have closed the last descriptor too
  std::size_t together = 0;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    EXPECT_GT(with[i], descriptors_of(copies[i])) << "a copy without connections";
    together += with[i] - descriptors_of(copies[i]);
  }
  EXPECT_GE(together, count - 1);  // less the one that may still be closing
  server.process().stop();
}

TEST(Listening, SaysWhichAddressAndWhy) {
  const Listener first = listen_on("127.0.0.1", 0, Transport::tcp);
  try {
    listen_on("127.0.0.1", first.port, Transport::tcp);
    FAIL() << "a port in use was listened on";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EADDRINUSE);
    EXPECT_NE(std::string(error.what()).find(fmt::format("127.0.0.1:{}", first.port)), std::string::npos);
  }
  EXPECT_THROW(listen_on("localhost", 0, Transport::tcp), std::invalid_argument);
}

}  // namespace
}  // namespace bench
