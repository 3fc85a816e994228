// What only a completion ring can get wrong: its buffers, what is under way when a connection ends, and kernels that
// lack or refuse parts of it.
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "measure/usage.h"
#include "models/ring/ring.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_server.h"
#include "tests/support/udp_transfer_client.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

class IoUring : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_io_uring(); !why.empty()) GTEST_SKIP() << why;
  }

  static const Model& model() { return model_named("io-uring"); }
  // Waits for as long as it takes, within reason, until no connection is left.
  static void expect_all_to_end(const TestServer& server) {
    for (int i = 0; i < 2000 && server.counters().open.load() != 0; ++i) usleep(10'000);
    EXPECT_EQ(server.counters().open.load(), 0);
  }
};

// All are there before the server comes to accept them, so that one turn wants several times the buffers there are.
void serve_more_than_there_are_buffers(const Model& model, const Service& service) {
  TestServer server(model, service, {.message_bytes = 64 * 1024});
  std::vector<UniqueFd> sockets;
  std::vector<std::unique_ptr<Exchange>> exchanges;
  kill(server.process().pid(), SIGSTOP);
  ASSERT_EQ(waitpid(server.process().pid(), nullptr, WUNTRACED), server.process().pid());
  for (std::uint64_t i = 0; i < 600; ++i) {
    sockets.push_back(server.connect());
    exchanges.push_back(server.exchange(i));
    Output out;
    exchanges.back()->request(out);
    send_all(sockets.back().get(), out);
  }
  kill(server.process().pid(), SIGCONT);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    ASSERT_EQ(receive_replies(sockets[i].get(), *exchanges[i], 1), "") << "connection " << i;
  }
  server.process().stop();
}

TEST_F(IoUring, ServesMoreConnectionsThanItHasBuffers) {
  serve_more_than_there_are_buffers(model(), service_named("echo"));
}

TEST_F(IoUring, LetsGoOfConnectionsWithSendsUnderWay) {
  TestServer server(model(), service_named("echo"), {.message_bytes = 1 << 20}, 1s);
  Output requests;
  const auto exchange = server.exchange(1);
  while (requests.pending() < (16U << 20)) exchange->request(requests);
  for (const bool rude : {false, true}) {
    UniqueFd deaf = server.connect();
    Output out = requests;
    // Until the server is stuck with a reply, and a moment later sees a reset or loses patience.
    for (int i = 0; i < 2000 && server.counters().timed_out.load() == 0 && !(rude && i > 100); ++i) {
      std::array<iovec, 1> vectors{};
      const auto filled = out.gather(vectors);
      const ssize_t sent = filled.empty() ? 0 : send(deaf.get(), filled[0].iov_base, filled[0].iov_len, MSG_DONTWAIT);
      if (sent > 0) out.consume(static_cast<std::size_t>(sent));
      usleep(2'000);
    }
    if (rude) reset(deaf);
    expect_all_to_end(server);
  }
  const UniqueFd socket = server.connect();
  EXPECT_EQ(converse(socket.get(), *server.exchange(2), 1), "");
  server.process().stop();
}

TEST_F(IoUring, LetsGoOfAPeerThatIsResetWhileItsRequestWaits) {
  TestServer server(model(), service_named("echo"), {.message_bytes = 64, .compute_steps = 0, .wait = 600s});
  UniqueFd rude = server.connect();
  Output out;
  server.exchange(1, true)->request(out);
  send_all(rude.get(), out);
  while (server.counters().accepted.load() == 0) usleep(1'000);
  usleep(50'000);  // likely to wait by now; right either way
  reset(rude);
  expect_all_to_end(server);
  server.process().stop();
}

// The ring receives whether or not the session wants bytes; it has to stop.
TEST_F(IoUring, BoundsWhatItReceivesWhileRequestsWait) {
  TestServer server(model(), service_named("echo"), {.message_bytes = 1 << 20, .compute_steps = 0, .wait = 600s});
  const std::int64_t before = proportional_set_bytes(server.process().pid());
  std::vector<UniqueFd> eager;
  constexpr int count = 20;
  for (int i = 0; i < count; ++i) {
    eager.push_back(server.connect());
    Output out;
    server.exchange(1, true)->request(out);
    send_all(eager.back().get(), out);
  }
  const std::vector<std::byte> flood(1 << 20);
  for (int i = 0; i < 2000; ++i) {
    for (const UniqueFd& socket : eager) send(socket.get(), flood.data(), flood.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    usleep(500);
  }
  const std::int64_t each = (proportional_set_bytes(server.process().pid()) - before) / count;
  EXPECT_LT(each, sanitized ? 8 << 20 : 2 << 20);
  server.process().stop();
}

// Has the kernel refuse a system call, or one with this second argument, to this process and its children.
void refuse(int call, int error, std::optional<std::uint32_t> second_argument = std::nullopt) {
  const auto refusal = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
  const auto number = static_cast<std::uint32_t>(call);
  std::vector<sock_filter> steps{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  if (second_argument) {
    steps.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3));
    steps.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])));
    steps.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, *second_argument, 0, 1));
  } else {
    steps.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
  }
  steps.push_back(BPF_STMT(BPF_RET | BPF_K, refusal));
  steps.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{.len = static_cast<unsigned short>(steps.size()), .filter = steps.data()};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

// Runs `body` in a process of its own, which what it refuses itself ends with.
template <typename Body>
void in_a_child(Body body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    body();
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "see above";
}

TEST_F(IoUring, ServesOneByOneWhereTheKernelHasNoMultishot) {
  in_a_child([] {
    refuse(SYS_io_uring_register, EINVAL, IORING_REGISTER_PBUF_RING);
    EXPECT_FALSE(has_multishot());
    EXPECT_THAT(model().note(), testing::HasSubstr("Linux 6.0"));
    serve_more_than_there_are_buffers(model(), service_named("echo"));
    for (const Service& service : all_services()) {
      TestServer server(model(), service, {.message_bytes = 0, .compute_steps = 1000, .wait = 1ms});
      for (std::uint64_t client = 0; client < 5; ++client) {
        const auto exchange = server.exchange(client, client % 2 == 1);
        if (service.transport == Transport::udp_transfers) {
          for (int request = 0; request < 2; ++request) EXPECT_EQ(UdpTransferClient(server, *exchange).run(), "");
          continue;
        }
        const UniqueFd socket = server.connect();
        EXPECT_EQ(converse(socket.get(), *exchange, 20), "");
      }
      server.process().stop();
    }
  });
}

TEST_F(IoUring, SaysWhyItIsRefusedAndWhatHelps) {
  for (const int error : {EPERM, ENOSYS}) {
    in_a_child([error] {
      refuse(SYS_io_uring_setup, error);
      EXPECT_THAT(why_no_io_uring(), testing::AllOf(testing::HasSubstr(std::generic_category().message(error)),
                                                    testing::HasSubstr("seccomp=unconfined")));
      EXPECT_EQ(io_uring_note(), "");
    });
  }
}

}  // namespace
}  // namespace bench
