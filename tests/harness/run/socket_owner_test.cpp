// Why: the CPU time of a process that does not serve the load is no server's, and nothing but the socket tells.
#include "harness/run/socket_owner.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <string>

#include "measure/usage.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Target target_of(const char* host, std::uint16_t port, Transport transport = Transport::tcp) {
  Target target;
  target.transport = transport;
  if (std::string(host).find(':') != std::string::npos) {
    auto& address = reinterpret_cast<sockaddr_in6&>(target.address);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    inet_pton(AF_INET6, host, &address.sin6_addr);
    target.address_size = sizeof address;
  } else {
    auto& address = reinterpret_cast<sockaddr_in&>(target.address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, host, &address.sin_addr);
    target.address_size = sizeof address;
  }
  return target;
}

// As a little-endian machine prints them.
constexpr const char* tcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0000 100 0\n"
    "   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 102 1 0000 100 0\n"
    "   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 103 1 0000 100 0\n"
    "   3: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 104 1 0000 100 0\n"
    "   4: 0200007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 105 1 0000 100 0\n"
    "   5: 0100007F:1F90 0100007F:9C41 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0000 100 0\n";

std::vector<std::uint64_t> sockets_in(const std::string& text, const Target& target,
                                      ServerSockets which = ServerSockets::open) {
  std::istringstream file(text);
  return sockets_at(file, target, which);
}

TEST(SocketOwner, FindsSocketsThatListenOnTheAddressOrOnAll) {
  if (htons(1) == 1) GTEST_SKIP() << "the file above is a little-endian machine's";
  EXPECT_THAT(sockets_in(tcp, target_of("127.0.0.1", 8080)), ElementsAre(101, 102));
  EXPECT_THAT(sockets_in(tcp, target_of("127.0.0.1", 8081)), ElementsAre(103));
  EXPECT_THAT(sockets_in(tcp, target_of("127.0.0.1", 80)), IsEmpty());
  EXPECT_THAT(sockets_in(tcp, target_of("::1", 8080)), IsEmpty());
  EXPECT_THAT(sockets_in(tcp, target_of("127.0.0.1", 8080), ServerSockets::connected), ElementsAre(104));
  EXPECT_THAT(sockets_in("", target_of("127.0.0.1", 80)), IsEmpty());
  EXPECT_THAT(sockets_in("0: nonsense\n1: 12:34\n", target_of("127.0.0.1", 80)), IsEmpty());
}

TEST(SocketOwner, FindsThoseOfIpv6AndWhatTheyTakeOfIpv4) {
  if (htons(1) == 1) GTEST_SKIP() << "the file below is a little-endian machine's";
  const std::string rest = " 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 ";
  const std::string tcp6 = "0: 00000000000000000000000001000000:1F90" + rest + "201 1\n" +
                           "1: 00000000000000000000000000000000:1F90" + rest + "202 1\n" +
                           "2: 0000000000000000FFFF00000100007F:1F90" + rest + "203 1\n";
  EXPECT_THAT(sockets_in(tcp6, target_of("::1", 8080)), ElementsAre(201, 202));
  EXPECT_THAT(sockets_in(tcp6, target_of("127.0.0.1", 8080)), ElementsAre(202, 203));
}

TEST(SocketOwner, FindsUnconnectedSocketsOfUdp) {
  if (htons(1) == 1) GTEST_SKIP() << "the file below is a little-endian machine's";
  const std::string udp =
      "0: 0100007F:1F90 00000000:0000 07 0:0 00:0 0 0 0 301 2\n1: 0100007F:1F90 0100007F:9C40 01 0:0 00:0 0 0 0 302 "
      "2\n";
  EXPECT_THAT(sockets_in(udp, target_of("127.0.0.1", 8080, Transport::udp)), ElementsAre(301));
}

// A socket of this process, which a child of it may close.
class SocketOwnerOf : public testing::TestWithParam<Transport> {
 protected:
  SocketOwnerOf() : socket_(socket(AF_INET, GetParam() == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    if (GetParam() == Transport::tcp) {
      EXPECT_EQ(listen(socket_.get(), 1), 0);
    }
    socklen_t size = sizeof address;
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    target_ = target_of("127.0.0.1", ntohs(address.sin_port), GetParam());
  }

  UniqueFd socket_;
  Target target_;
};

TEST_P(SocketOwnerOf, IsWhoHasItOpen) {
  EXPECT_EQ(owns_socket(getpid(), target_, ServerSockets::open), Owns::yes);
  socket_.reset();
  EXPECT_EQ(owns_socket(getpid(), target_, ServerSockets::open), Owns::no);
}

TEST_P(SocketOwnerOf, IsTheParentOfWhoHasItOpen) {
  std::array<int, 2> ready{};
  ASSERT_EQ(pipe(ready.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const pid_t grandchild = fork();
    if (grandchild > 0) socket_.reset();
    if (grandchild > 0 && write(ready[1], "r", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char word = 0;
  EXPECT_EQ(read(ready[0], &word, 1), 1);
  EXPECT_EQ(owns_socket(child, target_, ServerSockets::open), Owns::yes);
  socket_.reset();
  EXPECT_EQ(owns_socket(child, target_, ServerSockets::open), Owns::yes);
  kill(child, SIGSTOP);
  for (const pid_t descendant : living_descendants(child)) kill(descendant, SIGKILL);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
}

TEST_P(SocketOwnerOf, IsNoProcessThatHasEnded) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_EQ(owns_socket(child, target_, ServerSockets::open), Owns::no);
  waitpid(child, nullptr, 0);
}

// A server that hands each connection to a process that is nobody's child.
TEST(SocketOwner, TellsWhoHasTheConnections) {
  const UniqueFd listening(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listening.get(), 1), 0);
  socklen_t size = sizeof address;
  getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
  const Target target = target_of("127.0.0.1", ntohs(address.sin_port));
  EXPECT_EQ(owns_socket(getpid(), target, ServerSockets::connected), Owns::unknown);
  const UniqueFd client(socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(owns_socket(getpid(), target, ServerSockets::connected), Owns::unknown);  // not accepted yet
  const pid_t child = fork();                                                         // has the listening socket
  if (child == 0) {
    pause();
    _exit(0);
  }
  const UniqueFd accepted(accept(listening.get(), nullptr, nullptr));
  EXPECT_EQ(owns_socket(getpid(), target, ServerSockets::connected), Owns::yes);
  EXPECT_EQ(owns_socket(child, target, ServerSockets::open), Owns::yes);
  EXPECT_EQ(owns_socket(child, target, ServerSockets::connected), Owns::no);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

INSTANTIATE_TEST_SUITE_P(Transports, SocketOwnerOf, testing::Values(Transport::tcp, Transport::udp),
                         [](const auto& test) { return test.param == Transport::tcp ? "tcp" : "udp"; });

TEST(SocketsAt, FindsUnixSocketsByTheirPath) {
  constexpr const char* text =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 101 /run/app.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 102 /run/app.sock\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 103 /run/other/run/app.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 104\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 105 /run/app.sock.old\n";
  const auto at = [&](ServerSockets which) {
    std::istringstream file(text);
    return unix_sockets_at(file, "/run/app.sock", which);
  };
  EXPECT_THAT(at(ServerSockets::open), ElementsAre(101U));
  EXPECT_THAT(at(ServerSockets::connected), ElementsAre(102U));
}

}  // namespace
}  // namespace bench
