// Why: a poller that forgets a descriptor hangs a connection, and one that reports what nobody wants spins. All of them
// keep the one contract of poller.h; what is their own is said once, in the traits below.
#include "models/loop/poller.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "measure/clock.h"
#include "models/loop/edge_poller.h"
#include "models/loop/poll_poller.h"
#include "models/loop/select_poller.h"
#include "models/loop/sweep.h"

namespace bench {
namespace {

// Reports what is wanted and may not be ready: an attempt tells.
template <typename P>
constexpr bool guesses = std::is_same_v<P, Sweep>;

// Tells a broken descriptor from one that is ready.
template <typename P>
constexpr bool sees_broken = !std::is_same_v<P, Sweep> && !std::is_same_v<P, SelectPoller>;

// Two sockets that are connected; `ours` is watched.
struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
  }

  void they_send(std::string_view bytes) const {
    EXPECT_EQ(send(theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  UniqueFd ours;
  UniqueFd theirs;
};

ssize_t receive(int fd, std::size_t most = 65536) {
  std::vector<char> room(most);
  return recv(fd, room.data(), room.size(), 0);
}

// Sends until the socket is full.
void fill(int fd) {
  const std::string bytes(4096, 'x');
  while (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
  }
  EXPECT_EQ(errno, EAGAIN);
}

template <typename P>
class PollerTest : public testing::Test {
 protected:
  // What is reported of `fd` by a wait that may find something already.
  std::optional<Ready> report(int fd) {
    std::optional<Ready> found;
    for (const Ready& ready : poller.wait(0)) {
      if (ready.fd != fd) continue;
      EXPECT_FALSE(found) << "reported twice";
      found = ready;
    }
    return found;
  }

  bool is_readable(int fd) {
    const auto ready = report(fd);
    return ready && ready->readable;
  }
  bool is_writable(int fd) {
    const auto ready = report(fd);
    return ready && ready->writable;
  }

  // Of a descriptor that is wanted for something that it is not ready for.
  void expect_silent(int fd) { EXPECT_TRUE(guesses<P> || !report(fd)); }

  // Receives all there is, and says so.
  void drain(int fd) {
    while (receive(fd) > 0) {
    }
    poller.exhausted(fd, Interest::read);
  }

  P poller;
  Pair pair;
  const int watched = pair.ours.get();
};

using Pollers = testing::Types<SelectPoller, PollPoller, EpollPoller, EdgePoller, Sweep>;
struct PollerNames {
  template <typename P>
  static std::string GetName(int index) {  // NOLINT(readability-identifier-naming): the name GoogleTest calls
    static constexpr std::array names{"select", "poll", "epoll", "epoll_et", "nonblocking"};
    return names[static_cast<std::size_t>(index)];
  }
};
TYPED_TEST_SUITE(PollerTest, Pollers, PollerNames);

TYPED_TEST(PollerTest, ReportsNothingWhereNothingIsWatched) { EXPECT_TRUE(this->poller.wait(0).empty()); }

TYPED_TEST(PollerTest, ReportsBytesThatCome) {
  this->poller.watch(this->watched, Interest::read);
  this->expect_silent(this->watched);
  this->pair.they_send("x");
  const auto ready = this->report(this->watched);
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->readable);
  EXPECT_FALSE(ready->writable);
  EXPECT_FALSE(ready->broken);
}

TYPED_TEST(PollerTest, ReportsBytesThatCameBefore) {
  this->pair.they_send("x");
  this->poller.watch(this->watched, Interest::read);
  EXPECT_TRUE(this->is_readable(this->watched));
}

TYPED_TEST(PollerTest, ReportsRoom) {
  this->poller.watch(this->watched, Interest::write);
  const auto ready = this->report(this->watched);
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->writable);
  EXPECT_FALSE(ready->readable);
  EXPECT_FALSE(ready->broken);
}

TYPED_TEST(PollerTest, ReportsBothDirectionsAtOnce) {
  this->pair.they_send("x");
  this->poller.watch(this->watched, Interest::both);
  const auto ready = this->report(this->watched);
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->readable);
  EXPECT_TRUE(ready->writable);
}

TYPED_TEST(PollerTest, ReportsAgainWhatIsNotServed) {
  this->poller.watch(this->watched, Interest::read);
  this->pair.they_send("xy");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(this->is_readable(this->watched)) << i;
  EXPECT_EQ(receive(this->watched, 1), 1);
  EXPECT_TRUE(this->is_readable(this->watched)) << "a byte is left";
}

TYPED_TEST(PollerTest, DoesNotSleepWhileOneIsStillReady) {
  this->poller.watch(this->watched, Interest::read);
  this->pair.they_send("x");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(this->poller.wait(no_deadline).size(), 1U) << i;
}

TYPED_TEST(PollerTest, ReportsNoMoreWhatIsExhausted) {
  this->poller.watch(this->watched, Interest::read);
  for (int i = 0; i < 3; ++i) {
    this->pair.they_send("x");
    EXPECT_TRUE(this->is_readable(this->watched)) << i;
    this->drain(this->watched);
    this->expect_silent(this->watched);
  }
}

TYPED_TEST(PollerTest, LeavesAloneWhatNothingIsWantedOf) {
  this->poller.watch(this->watched, Interest::nothing);
  this->pair.they_send("x");
  EXPECT_FALSE(this->report(this->watched));
  this->poller.change(this->watched, Interest::read);
  EXPECT_TRUE(this->is_readable(this->watched)) << "the bytes came before they were wanted";
  this->poller.change(this->watched, Interest::nothing);
  EXPECT_FALSE(this->report(this->watched));
  EXPECT_FALSE(this->report(this->watched));
  this->poller.change(this->watched, Interest::read);
  EXPECT_TRUE(this->is_readable(this->watched)) << "it was reported before, and never served";
}

TYPED_TEST(PollerTest, ReportsTheDirectionThatIsWanted) {
  this->pair.they_send("x");
  this->poller.watch(this->watched, Interest::both);
  this->poller.wait(0);
  this->poller.change(this->watched, Interest::write);
  auto ready = this->report(this->watched);
  ASSERT_TRUE(ready);
  EXPECT_FALSE(ready->readable);
  EXPECT_TRUE(ready->writable);
  this->poller.change(this->watched, Interest::read);
  ready = this->report(this->watched);
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->readable);
  EXPECT_FALSE(ready->writable);
}

TYPED_TEST(PollerTest, ReportsRoomInASocketThatWasFull) {
  this->poller.watch(this->watched, Interest::read);
  fill(this->watched);
  this->poller.exhausted(this->watched, Interest::write);
  this->poller.change(this->watched, Interest::both);
  this->expect_silent(this->watched);
  for (int i = 0; i < 2; ++i) {
    while (receive(this->pair.theirs.get()) > 0) {
    }
    EXPECT_TRUE(this->is_writable(this->watched)) << i;
    fill(this->watched);
    this->poller.exhausted(this->watched, Interest::write);
    this->expect_silent(this->watched);
  }
}

TYPED_TEST(PollerTest, ReportsBytesBesideASocketThatIsFull) {
  this->poller.watch(this->watched, Interest::both);
  fill(this->watched);
  this->poller.exhausted(this->watched, Interest::write);
  this->pair.they_send("x");
  EXPECT_TRUE(this->is_readable(this->watched));
  this->drain(this->watched);
  this->expect_silent(this->watched);
}

TYPED_TEST(PollerTest, ReportsTheEndOfAStreamForEver) {
  this->poller.watch(this->watched, Interest::read);
  shutdown(this->pair.theirs.get(), SHUT_WR);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(this->is_readable(this->watched)) << i;
    EXPECT_EQ(receive(this->watched), 0);
    this->poller.exhausted(this->watched, Interest::read);
  }
}

TYPED_TEST(PollerTest, ReportsAPeerThatHasGone) {
  this->poller.watch(this->watched, Interest::read);
  this->pair.theirs.reset();
  for (int i = 0; i < 3; ++i) {
    const auto ready = this->report(this->watched);
    ASSERT_TRUE(ready);
    EXPECT_TRUE(ready->readable);
    EXPECT_EQ(ready->broken, sees_broken<TypeParam>);
    EXPECT_EQ(receive(this->watched), 0);
    this->poller.exhausted(this->watched, Interest::read);
  }
}

TYPED_TEST(PollerTest, ReportsAPeerThatHasResetForTheNextCallToTell) {
  for (const Interest interest : {Interest::read, Interest::write}) {
    Pair rude;
    const int broken = rude.ours.get();
    this->poller.watch(broken, interest);
    ASSERT_EQ(send(broken, "unread", 6, MSG_NOSIGNAL), 6);
    rude.theirs.reset();
    const auto ready = this->report(broken);
    ASSERT_TRUE(ready);
    EXPECT_EQ(ready->broken, sees_broken<TypeParam>);
    EXPECT_TRUE(interest == Interest::read ? ready->readable : ready->writable);
    EXPECT_EQ(interest == Interest::read ? receive(broken) : send(broken, "x", 1, MSG_NOSIGNAL), -1);
    EXPECT_TRUE(errno == ECONNRESET || errno == EPIPE) << errno;
    this->poller.closing(broken);
  }
}

TYPED_TEST(PollerTest, ReportsOfABrokenOneThatNothingIsWantedOfThatItIsBroken) {
  this->poller.watch(this->watched, Interest::nothing);
  this->pair.theirs.reset();
  const auto ready = this->report(this->watched);
  EXPECT_EQ(ready.has_value(), sees_broken<TypeParam>);
  EXPECT_TRUE(!ready || ready->broken);
}

TYPED_TEST(PollerTest, ForgetsABrokenOneUntilItIsWatchedAgain) {
  this->poller.watch(this->watched, Interest::nothing);
  this->pair.theirs.reset();
  EXPECT_EQ(this->report(this->watched).has_value(), sees_broken<TypeParam>);
  this->poller.forget(this->watched);
  EXPECT_TRUE(this->poller.wait(0).empty());
  this->poller.watch(this->watched, Interest::read);
  EXPECT_TRUE(this->is_readable(this->watched));
}

TYPED_TEST(PollerTest, ForgetsWhatIsClosed) {
  this->poller.watch(this->watched, Interest::both);
  this->pair.they_send("x");
  EXPECT_TRUE(this->is_readable(this->watched));
  this->poller.closing(this->watched);
  this->pair.ours.reset();
  EXPECT_TRUE(this->poller.wait(0).empty());
}

// A child has what its parent closes open, until it executes another program.
TYPED_TEST(PollerTest, ForgetsWhatIsClosedAlthoughAChildHasItOpen) {
  this->poller.watch(this->watched, Interest::read);
  const UniqueFd of_the_child(dup(this->watched));
  const Pair next;
  this->poller.closing(this->watched);
  this->pair.ours.reset();
  ASSERT_EQ(dup2(next.ours.get(), this->watched), this->watched);
  const UniqueFd again(this->watched);
  this->poller.watch(this->watched, Interest::read);
  this->pair.theirs.reset();  // hangs up the one that the child has
  this->expect_silent(this->watched);
}

TYPED_TEST(PollerTest, KnowsNothingOfTheConnectionThatHadTheDescriptorBefore) {
  this->poller.watch(this->watched, Interest::read);
  this->pair.they_send("x");
  EXPECT_TRUE(this->is_readable(this->watched));
  const Pair next;
  this->poller.closing(this->watched);
  this->pair.ours.reset();
  ASSERT_EQ(dup2(next.ours.get(), this->watched), this->watched);
  const UniqueFd again(this->watched);
  this->poller.watch(this->watched, Interest::read);
  this->expect_silent(this->watched);
  this->poller.change(this->watched, Interest::both);
  EXPECT_TRUE(this->is_writable(this->watched));
  this->poller.change(this->watched, Interest::read);
  next.they_send("y");
  EXPECT_TRUE(this->is_readable(this->watched));
}

TYPED_TEST(PollerTest, FindsThoseThatAreReadyAmongMany) {
  std::vector<Pair> pairs(200);
  for (const Pair& one : pairs) this->poller.watch(one.ours.get(), Interest::read);
  std::vector<int> expected;
  for (std::size_t i = 0; i < pairs.size(); i += 7) {
    pairs[i].they_send("x");
    expected.push_back(pairs[i].ours.get());
  }
  std::vector<int> found;
  for (const Ready& ready : this->poller.wait(no_deadline)) found.push_back(ready.fd);
  std::ranges::sort(found);
  EXPECT_EQ(std::ranges::adjacent_find(found), found.end());
  if (guesses<TypeParam>) {
    EXPECT_TRUE(std::ranges::includes(found, expected));
  } else {
    EXPECT_EQ(found, expected);
  }
}

TYPED_TEST(PollerTest, LeavesItsReportAsItIsWhileThingsChange) {
  std::vector<Pair> pairs(50);
  for (const Pair& one : pairs) {
    this->poller.watch(one.ours.get(), Interest::read);
    one.they_send("x");
  }
  std::vector<Pair> more(50);
  std::vector<int> found;
  for (const Ready& ready : this->poller.wait(no_deadline)) {
    found.push_back(ready.fd);
    this->poller.closing(pairs[found.size() - 1].ours.get());
    pairs[found.size() - 1].ours.reset();
    this->poller.watch(more[found.size() - 1].ours.get(), Interest::nothing);
    this->poller.change(more[found.size() - 1].ours.get(), Interest::read);
  }
  EXPECT_EQ(found.size(), pairs.size());
}

TYPED_TEST(PollerTest, WakesForWhatComesWhileItSleeps) {
  this->poller.watch(this->watched, Interest::read);
  const std::jthread sender([this] { this->pair.they_send("x"); });
  bool told = false;
  while (!told) {
    for (const Ready& ready : this->poller.wait(no_deadline)) told |= ready.readable;
    if (told) told = receive(this->watched) == 1;  // or it was a guess
  }
}

TYPED_TEST(PollerTest, ReturnsAtItsDeadline) {
  this->poller.watch(this->watched, Interest::read);
  const std::int64_t deadline_ns = now_ns() + 2'000'000;
  while (now_ns() < deadline_ns) {
    const auto reported = this->poller.wait(deadline_ns);
    EXPECT_TRUE(guesses<TypeParam> || reported.empty());
  }
}

TEST(SelectPoller, RefusesADescriptorThatItsSetsDoNotHold) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  rlimit raised = limit;
  raised.rlim_cur = std::max<rlim_t>(limit.rlim_cur, FD_SETSIZE + 1);
  if (raised.rlim_cur > limit.rlim_max) GTEST_SKIP() << "no descriptor is as high";
  setrlimit(RLIMIT_NOFILE, &raised);
  SelectPoller poller;
  const Pair pair;
  const UniqueFd high(fcntl(pair.ours.get(), F_DUPFD_CLOEXEC, FD_SETSIZE));
  ASSERT_TRUE(high.valid());
  EXPECT_THROW(poller.watch(high.get(), Interest::read), std::system_error);
  poller.watch(pair.ours.get(), Interest::read);
  pair.they_send("x");
  EXPECT_EQ(poller.wait(no_deadline).size(), 1U);
  setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(EpollPoller, ReportsOnceUntilItIsWatchedAgain) {
  EpollPoller poller;
  const Pair pair;
  poller.watch_once(pair.ours.get(), Interest::read);
  pair.they_send("x");
  EXPECT_EQ(poller.wait(no_deadline).size(), 1U);
  pair.they_send("y");
  EXPECT_TRUE(poller.wait(0).empty());
  poller.watch_again(pair.ours.get(), Interest::read);
  EXPECT_EQ(poller.wait(no_deadline).size(), 1U);
}

TEST(Interests, AreMadeOfDirections) {
  for (const bool to_read : {false, true}) {
    for (const bool to_write : {false, true}) {
      const Interest interest = interest_in(to_read, to_write);
      EXPECT_EQ(reads(interest), to_read);
      EXPECT_EQ(writes(interest), to_write);
    }
  }
}

}  // namespace
}  // namespace bench
