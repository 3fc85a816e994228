// Why: coroutines and fibers alike hang, starve or run twice where this loop resumes the wrong one.
#include "models/resumable/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// In the place of a coroutine or a fiber: what it does when it is resumed.
struct Callback {
  const std::function<void()>* body;
  void resume() const { (*body)(); }
};
using Callbacks = Scheduler<Callback>;

// A unit that waits for one thing at a time, and writes down that it has been resumed.
class Unit {
 public:
  Unit(std::string name, std::vector<std::string>& log, std::function<void()> then = {})
      : body_([this, name = std::move(name), &log, then = std::move(then)] {
          log.push_back(name);
          ++times_;
          if (then) then();
        }) {}
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  Callbacks::Waiter& waiter() { return waiter_; }
  int times_resumed() const { return times_; }

 private:
  std::function<void()> body_;
  Callbacks::Waiter waiter_{{&body_}};
  int times_ = 0;
};

class SchedulerTest : public testing::Test {
 protected:
  Mailbox no_mail{nullptr, Mailbox::Sleeps::in_a_loop};

  // A socket that is watched, and the other end of its connection.
  struct Connection {
    explicit Connection(Callbacks& scheduler) {
      std::array<int, 2> ends{};
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
      theirs = UniqueFd(ends[1]);
      ours.emplace(scheduler, UniqueFd(ends[0]));
    }
    void they_send() const { EXPECT_EQ(send(theirs.get(), "x", 1, MSG_NOSIGNAL), 1); }

    std::optional<Callbacks::Socket> ours;
    UniqueFd theirs;
  };

  void wait_for(Connection& connection, Unit& unit, std::uint32_t most_ticks = 0, Interest interest = Interest::read) {
    scheduler.wake_when(*connection.ours, interest, most_ticks, unit.waiter());
  }

  // Until so many resumptions have been logged.
  void serve_until(std::size_t count) {
    scheduler.serve(no_mail, [this, count] { return log.size() >= count; });
  }

  // Looks once for sockets that are ready.
  void look() { scheduler.poll(0); }

  std::vector<std::string> log;
  Callbacks scheduler;
};

// ---- Turns ----

TEST_F(SchedulerTest, ReturnsAtOnceWhereNobodyIsReadyOrAsleep) {
  scheduler.run();
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(SchedulerTest, ResumesInTheOrderOfTheirTurns) {
  Unit a("a", log);
  Unit b("b", log);
  Unit c("c", log);
  for (Unit* unit : {&b, &a, &c}) scheduler.wake_in_turn(unit->waiter());
  scheduler.run();
  EXPECT_THAT(log, ElementsAre("b", "a", "c"));
}

TEST_F(SchedulerTest, PutsOneThatAsksAgainBehindTheOthers) {
  std::optional<Unit> a;
  std::optional<Unit> b;
  a.emplace("a", log, [&] {
    if (a->times_resumed() < 3) scheduler.wake_in_turn(a->waiter());
  });
  b.emplace("b", log, [&] {
    if (b->times_resumed() < 3) scheduler.wake_in_turn(b->waiter());
  });
  scheduler.wake_in_turn(a->waiter());
  scheduler.wake_in_turn(b->waiter());
  scheduler.run();
  EXPECT_THAT(log, ElementsAre("a", "b", "a", "b", "a", "b"));
}

// ---- Sleeping ----

TEST_F(SchedulerTest, WakesSleepersInTheOrderOfTheirDeadlinesAndNoneBefore) {
  const std::int64_t begin = now_ns();
  std::vector<std::int64_t> woken_at;
  const auto note = [&] { woken_at.push_back(now_ns() - begin); };
  Unit late("late", log, note);
  Unit early("early", log, note);
  Unit past("past", log, note);
  scheduler.wake_at(begin + 3'000'000, late.waiter());
  scheduler.wake_at(begin + 1'000'000, early.waiter());
  scheduler.wake_at(begin, past.waiter());
  scheduler.run();
  EXPECT_THAT(log, ElementsAre("past", "early", "late"));
  EXPECT_GE(woken_at[1], 1'000'000);
  EXPECT_GE(woken_at[2], 3'000'000);
}

TEST_F(SchedulerTest, WakesASleeperBesideOneThatIsAlwaysReady) {
  Unit sleeper("sleeper", log);
  std::optional<Unit> busy;
  std::vector<std::string> turns;
  busy.emplace("busy", turns, [&] {
    if (sleeper.times_resumed() == 0) scheduler.wake_in_turn(busy->waiter());
  });
  scheduler.wake_in_turn(busy->waiter());
  scheduler.wake_at(now_ns() + 1'000'000, sleeper.waiter());
  scheduler.run();
  EXPECT_EQ(sleeper.times_resumed(), 1);
}

// ---- Sockets ----

TEST_F(SchedulerTest, ResumesTheOneWhoseSocketIsReady) {
  Connection first(scheduler);
  Connection second(scheduler);
  Unit a("a", log);
  Unit b("b", log);
  wait_for(first, a);
  wait_for(second, b);
  second.they_send();
  look();
  EXPECT_THAT(log, ElementsAre("b"));
  EXPECT_FALSE(second.ours->timed_out());
  look();
  EXPECT_THAT(log, ElementsAre("b")) << "it waits no more";
  first.they_send();
  look();
  EXPECT_THAT(log, ElementsAre("b", "a"));
}

TEST_F(SchedulerTest, FindsWhatCameWhileNobodyWaited) {
  Connection connection(scheduler);
  connection.they_send();
  look();
  look();
  Unit unit("a", log);
  wait_for(connection, unit);
  look();
  EXPECT_THAT(log, ElementsAre("a"));
}

TEST_F(SchedulerTest, WaitsForTheDirectionThatIsAskedFor) {
  Connection connection(scheduler);
  Unit reader("reader", log);
  Unit writer("writer", log);
  wait_for(connection, writer, 0, Interest::write);
  look();
  EXPECT_THAT(log, ElementsAre("writer"));
  wait_for(connection, reader, 0, Interest::read);
  look();
  EXPECT_THAT(log, ElementsAre("writer")) << "there is room, and nothing to read";
  connection.they_send();
  look();
  EXPECT_THAT(log, ElementsAre("writer", "reader"));
}

TEST_F(SchedulerTest, TellsOneThatWaitsAgainAfterItsPeerHasGone) {
  Connection connection(scheduler);
  connection.theirs.reset();
  look();  // nobody waits: it is watched no longer
  look();
  Unit unit("a", log);
  for (int i = 0; i < 4; ++i) {
    wait_for(connection, unit);
    look();
    if (i % 2 == 1) look();  // or it waits again before anything is found
  }
  EXPECT_THAT(log, ElementsAre("a", "a", "a", "a"));
}

TEST_F(SchedulerTest, ForgetsASocketThatIsDestroyedWhileItIsReady) {
  Connection first(scheduler);
  Connection second(scheduler);
  Unit a("a", log, [&] { second.ours.reset(); });
  Unit b("b", log, [&] { first.ours.reset(); });
  wait_for(first, a);
  wait_for(second, b);
  first.they_send();
  second.they_send();
  look();
  EXPECT_EQ(log.size(), 1U) << "each destroys the other's";
  look();
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(SchedulerTest, ResumesOneThatWaitsAgainInItsOwnResumption) {
  Connection connection(scheduler);
  std::optional<Unit> unit;
  unit.emplace("a", log, [&] {
    std::array<char, 1> byte{};
    EXPECT_EQ(recv(connection.ours->fd(), byte.data(), byte.size(), 0), 1);
    wait_for(connection, *unit);
  });
  wait_for(connection, *unit);
  connection.they_send();
  look();
  look();
  EXPECT_THAT(log, ElementsAre("a"));
  connection.they_send();
  look();
  EXPECT_THAT(log, ElementsAre("a", "a"));
}

// ---- Ticks ----

TEST_F(SchedulerTest, TellsOneThatHasWaitedForMoreThanItsTicks) {
  Connection connection(scheduler);
  Unit unit("a", log);
  wait_for(connection, unit, 2);
  scheduler.tick();
  scheduler.tick();
  EXPECT_THAT(log, IsEmpty());
  scheduler.tick();
  EXPECT_THAT(log, ElementsAre("a"));
  EXPECT_TRUE(connection.ours->timed_out());
  scheduler.tick();
  EXPECT_THAT(log, ElementsAre("a"));
  EXPECT_EQ(scheduler.ticks(), 4U);
}

TEST_F(SchedulerTest, CountsTicksFromTheBeginningOfTheWait) {
  Connection connection(scheduler);
  Unit unit("a", log);
  for (int i = 0; i < 10; ++i) scheduler.tick();
  wait_for(connection, unit, 1);
  scheduler.tick();
  EXPECT_THAT(log, IsEmpty());
  connection.they_send();
  look();
  EXPECT_FALSE(connection.ours->timed_out());
  wait_for(connection, unit, 1);
  scheduler.tick();
  EXPECT_EQ(log.size(), 1U);
  scheduler.tick();
  EXPECT_EQ(log.size(), 2U);
  EXPECT_TRUE(connection.ours->timed_out());
}

TEST_F(SchedulerTest, LetsOneWithoutABoundWaitForEver) {
  Connection connection(scheduler);
  Unit unit("a", log);
  wait_for(connection, unit);
  for (int i = 0; i < 1000; ++i) scheduler.tick();
  EXPECT_THAT(log, IsEmpty());
  connection.they_send();
  look();
  EXPECT_THAT(log, ElementsAre("a"));
}

// ---- Serving and stopping ----

TEST_F(SchedulerTest, ServesSocketsSleepersAndTurnsTogether) {
  Connection connection(scheduler);
  Unit reader("reader", log);
  std::optional<Unit> sleeper;
  Unit turn("turn", log, [&] { scheduler.wake_at(now_ns() + 1'000'000, sleeper->waiter()); });
  sleeper.emplace("sleeper", log, [&] { connection.they_send(); });
  wait_for(connection, reader);
  scheduler.wake_in_turn(turn.waiter());
  serve_until(3);
  EXPECT_THAT(log, ElementsAre("turn", "sleeper", "reader"));
  EXPECT_FALSE(connection.ours->timed_out());
}

TEST_F(SchedulerTest, TellsEveryoneWhenItStops) {
  Connection first(scheduler);
  Connection second(scheduler);
  Unit a("a", log);
  Unit b("b", log);
  Unit asleep("asleep", log);
  Unit turn("turn", log);
  wait_for(first, a);
  wait_for(second, b, 5);
  scheduler.wake_at(now_ns() + 3'600'000'000'000, asleep.waiter());
  scheduler.wake_in_turn(turn.waiter());
  scheduler.serve(no_mail, [] { return true; });
  EXPECT_THAT(log, testing::UnorderedElementsAre("a", "b", "asleep", "turn"));
  EXPECT_TRUE(first.ours->timed_out());
  EXPECT_TRUE(second.ours->timed_out());
}

TEST_F(SchedulerTest, TellsOneThatWaitsAgainWhileItStops) {
  Connection connection(scheduler);
  std::optional<Unit> unit;
  unit.emplace("a", log, [&] {
    if (unit->times_resumed() < 3) wait_for(connection, *unit);
  });
  wait_for(connection, *unit);
  scheduler.serve(no_mail, [] { return true; });
  EXPECT_THAT(log, ElementsAre("a", "a", "a"));
}

TEST_F(SchedulerTest, StopsInTheMiddleOfAReport) {
  Connection first(scheduler);
  Connection second(scheduler);
  Unit a("one", log);
  Unit b("one", log);
  wait_for(first, a);
  wait_for(second, b);
  first.they_send();
  second.they_send();
  serve_until(1);
  EXPECT_EQ(log.size(), 2U) << "the second is told that its time is up";
  EXPECT_NE(first.ours->timed_out(), second.ours->timed_out());
}

}  // namespace
}  // namespace bench
