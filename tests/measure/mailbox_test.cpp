// Why: a unit that sleeps through a message leaves its connections without it for good.
#include "measure/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace bench {
namespace {

using namespace std::chrono_literals;

class MailboxTest : public testing::Test {
 protected:
  MailboxTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
  }

  void publish(std::string_view text) const { memory.hub().publish(std::as_bytes(std::span(text))); }

  static bool readable(int fd) {
    pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
    return poll(&watched, 1, 0) == 1;
  }

  HubMemory memory{1000, 2};
  UniqueFd ours;
  UniqueFd theirs;
};

TEST_F(MailboxTest, TellsOnceOfWhatWasPublished) {
  publish("before");
  Mailbox mailbox(&memory, Mailbox::Sleeps::in_a_loop);
  EXPECT_FALSE(mailbox.take());
  publish("one");
  publish("two");
  EXPECT_TRUE(mailbox.take());
  EXPECT_FALSE(mailbox.take());
}

TEST_F(MailboxTest, RingsOnlyWhereTheLoopSleeps) {
  Mailbox mailbox(&memory, Mailbox::Sleeps::in_a_loop);
  publish("awake");
  EXPECT_FALSE(readable(mailbox.fd()));
  EXPECT_FALSE(mailbox.may_sleep()) << "it has not been taken";
  EXPECT_TRUE(mailbox.take());
  EXPECT_TRUE(mailbox.may_sleep());
  publish("asleep");
  EXPECT_TRUE(readable(mailbox.fd()));
  mailbox.slept();
  mailbox.drain();
  EXPECT_FALSE(readable(mailbox.fd()));
  EXPECT_TRUE(mailbox.take());
}

TEST_F(MailboxTest, RingsEveryLoop) {
  Mailbox one(&memory, Mailbox::Sleeps::in_a_loop);
  Mailbox other(&memory, Mailbox::Sleeps::in_a_loop);
  EXPECT_TRUE(one.may_sleep());
  EXPECT_TRUE(other.may_sleep());
  publish("to both");
  EXPECT_TRUE(readable(one.fd()));
  EXPECT_TRUE(readable(other.fd()));
  EXPECT_THROW(Mailbox(&memory, Mailbox::Sleeps::in_a_loop), std::system_error) << "it was told of two";
}

TEST_F(MailboxTest, WaitsForBytesOrTime) {
  Mailbox mailbox(&memory, Mailbox::Sleeps::in_a_call);
  EXPECT_EQ(mailbox.wait_for_bytes(ours.get(), 1ms), Mailbox::Came::nothing);
  ASSERT_EQ(write(theirs.get(), "x", 1), 1);
  EXPECT_EQ(mailbox.wait_for_bytes(ours.get(), 1h), Mailbox::Came::bytes);
  publish("one");
  EXPECT_EQ(mailbox.wait_for_bytes(ours.get(), 1h), Mailbox::Came::mail) << "before what can be read";
  EXPECT_EQ(mailbox.wait_for_bytes(ours.get(), 1h), Mailbox::Came::bytes);
}

TEST_F(MailboxTest, IsRungByAnotherProcess) {
  Mailbox mailbox(&memory, Mailbox::Sleeps::in_a_call);
  constexpr int rounds = 20;
  const pid_t child = fork();
  if (child == 0) {
    for (int round = 0; round < rounds; ++round) {
      char told = 0;
      if (read(theirs.get(), &told, 1) != 1) _exit(1);
      usleep(1000);  // likely to find it asleep; right either way
      publish("from a child");
    }
    _exit(0);
  }
  for (int round = 0; round < rounds; ++round) {
    ASSERT_EQ(write(ours.get(), "x", 1), 1);
    ASSERT_EQ(mailbox.wait_for_bytes(ours.get(), 1h), Mailbox::Came::mail) << round;
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// The bell of a process that was killed in its sleep is used again.
TEST_F(MailboxTest, ForgetsAUnitThatWasKilled) {
  const pid_t child = fork();
  if (child == 0) {
    Mailbox mailbox(&memory, Mailbox::Sleeps::in_a_call);
    if (write(theirs.get(), "x", 1) == 1) mailbox.wait_for_bytes(theirs.get(), 1h);
    _exit(0);
  }
  char told = 0;
  ASSERT_EQ(read(ours.get(), &told, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  publish("to nobody");
  Mailbox mailbox(&memory, Mailbox::Sleeps::in_a_call);
  publish("one");
  EXPECT_EQ(mailbox.wait_for_bytes(ours.get(), 1h), Mailbox::Came::mail);
}

TEST(Mailbox, OfAServerWithoutAHubIsNeverRung) {
  Mailbox mailbox(nullptr, Mailbox::Sleeps::in_a_loop);
  EXPECT_FALSE(mailbox.used());
  EXPECT_FALSE(mailbox.take());
  EXPECT_TRUE(mailbox.may_sleep());
  mailbox.slept();
}

}  // namespace
}  // namespace bench
