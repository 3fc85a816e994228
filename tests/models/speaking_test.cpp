// Every model that serves, with sessions that speak to each other and sessions that ask for transfers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/children.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/speaking_services.h"
#include "tests/support/test_runs.h"
#include "tests/support/test_server.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAreArray;

void send_text(const UniqueFd& socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0) << std::strerror(errno);
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// The next lines that come, or fewer where the connection ends.
std::vector<std::string> receive_lines(const UniqueFd& socket, std::size_t count) {
  std::vector<std::string> lines;
  std::string line;
  for (char c = 0; lines.size() < count && recv(socket.get(), &c, 1, 0) == 1;) {
    if (c == '\n') {
      lines.push_back(std::exchange(line, {}));
    } else {
      line += c;
    }
  }
  return lines;
}

class Speaks : public testing::TestWithParam<const Model*> {
 protected:
  // As many as every one of them is served at once.
  std::size_t connections() const { return GetParam()->in_flight == HowMany::one ? 1 : 4; }

  // Connected, and with a session each.
  std::vector<UniqueFd> join(TestServer& server, std::size_t count) const {
    std::vector<UniqueFd> sockets;
    for (std::size_t i = 0; i < count; ++i) {
      sockets.push_back(server.connect());
      while (server.counters().open.load() <= static_cast<std::int32_t>(i)) usleep(1000);
    }
    return sockets;
  }
};

INSTANTIATE_TEST_SUITE_P(Models, Speaks, testing::ValuesIn(serving_models()),
                         [](const auto& instance) { return test_name(instance.param->name); });

TEST_P(Speaks, ToEveryConnection) {
  TestServer server(*GetParam(), room_service, {.message_bytes = 1});
  const std::vector<UniqueFd> members = join(server, connections());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string text = "from " + std::to_string(i);
    send_text(members[i], text + '\n');
    for (const UniqueFd& member : members) EXPECT_EQ(receive_lines(member, 1), std::vector{text});
  }
  server.process().stop();
}

// All at once, and everybody is told the same.
TEST_P(Speaks, InTheSameOrderToAll) {
  TestServer server(*GetParam(), room_service, {.message_bytes = 1});
  const std::vector<UniqueFd> members = join(server, connections());
  constexpr std::size_t rounds = 50;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      send_text(members[i], std::to_string(i) + " says " + std::to_string(round) + '\n');
    }
  }
  const std::vector<std::string> heard = receive_lines(members.front(), rounds * members.size());
  EXPECT_EQ(heard.size(), rounds * members.size());
  for (std::size_t i = 1; i < members.size(); ++i) {
    EXPECT_THAT(receive_lines(members[i], heard.size()), ElementsAreArray(heard)) << "member " << i;
  }
  server.process().stop();
}

// Who takes nothing is told what was lost, and holds up nobody.
TEST_P(Speaks, WithoutWaitingForOneThatDoesNotListen) {
  if (connections() == 1) GTEST_SKIP() << "it serves one connection at a time";
  TestServer server(*GetParam(), room_service, {.message_bytes = 1});
  constexpr int buffer_bytes = 64 << 10;
  server.set_send_buffer(buffer_bytes);
  const std::vector<UniqueFd> members = join(server, 2);
  setsockopt(members[1].get(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  const std::string line(10'000, 'x');
  constexpr int lines = 300;  // 3 MB: more than the sockets and the log of 1 MiB hold
  for (int i = 0; i < lines; ++i) {
    send_text(members[0], line + '\n');
    std::string echo(line.size() + 1, ' ');
    ASSERT_EQ(recv(members[0].get(), echo.data(), echo.size(), MSG_WAITALL), static_cast<ssize_t>(echo.size())) << i;
  }
  std::string heard;
  std::vector<char> room(1 << 16);
  for (ssize_t size = 1; size > 0;) {
    size = recv(members[1].get(), room.data(), room.size(), 0);
    if (size > 0) heard.append(room.data(), static_cast<std::size_t>(size));
  }
  EXPECT_TRUE(heard.ends_with("lost\n")) << heard.size() << " bytes";
  EXPECT_EQ((heard.size() - 5) % (line.size() + 1), 0U) << "whole lines before that, or none where it is slow";
  server.process().stop();
}

// Members are in threads or processes of their own under many models, and all of them know who has which name.
TEST_P(Speaks, InAChatWhereEachNameIsOneMembers) {
  TestServer server(*GetParam(), service_named("chat"), {.message_bytes = 1});
  std::vector<UniqueFd> members = join(server, connections());
  // The next line that is an answer.
  const auto answer = [](const UniqueFd& member) {
    std::vector<std::string> line;
    do {
      line = receive_lines(member, 1);
    } while (!line.empty() && !line[0].starts_with("OK") && !line[0].starts_with("ERROR"));
    return line.empty() ? "closed" : line[0];
  };
  for (const UniqueFd& member : members) send_text(member, "NAME alice\n");
  std::vector<std::string> answers;
  for (const UniqueFd& member : members) answers.push_back(answer(member));
  EXPECT_EQ(std::ranges::count(answers, "OK you are alice"), 1) << testing::PrintToString(answers);
  EXPECT_EQ(std::ranges::count(answers, "ERROR the name alice is taken"), std::ssize(members) - 1);
  // She leaves; once the others are told, another one may have the name.
  const auto alice = static_cast<std::size_t>(std::ranges::find(answers, "OK you are alice") - answers.begin());
  send_text(members[alice], "SAY good bye\nQUIT\n");
  EXPECT_EQ(answer(members[alice]), "OK good bye");
  EXPECT_EQ(answer(members[alice]), "OK");
  members.erase(members.begin() + static_cast<std::ptrdiff_t>(alice));
  for (const UniqueFd& member : members) {
    std::string last;
    std::vector<std::string> said;
    while (last != "LEFT alice" && last != "LOST") {
      const std::vector<std::string> line = receive_lines(member, 1);
      last = line.empty() ? "LOST" : line[0];
      if (last.starts_with("SAID ")) said.push_back(last);
    }
    EXPECT_EQ(last, "LEFT alice");
    EXPECT_THAT(said, testing::ElementsAre("SAID alice good bye"));
  }
  if (!members.empty()) {
    send_text(members[0], "NAME alice\n");
    EXPECT_EQ(answer(members[0]), "OK you are alice");
  }
  server.process().stop();
}

TEST_P(Speaks, AndTransfers) {
  TestServer server(*GetParam(), errand_service, {.message_bytes = 1});
  const std::vector<UniqueFd> members = join(server, connections());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      send_text(members[i], "child " + std::to_string(i + 3) + "\nwrite some text of " + std::to_string(i) + '\n');
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      EXPECT_THAT(receive_lines(members[i], 2),
                  testing::ElementsAre(std::to_string(i + 3), "some text of " + std::to_string(i)));
    }
  }
  server.process().stop();
}

// A connection that goes while a child is waited for.
TEST_P(Speaks, WithOthersAfterOneHasGoneInATransfer) {
  TestServer server(*GetParam(), errand_service, {.message_bytes = 1});
  for (int i = 0; i < 5; ++i) {
    UniqueFd rude = server.connect();
    send_text(rude, "child 7\n");
    usleep(2000);  // likely to have begun; right either way
    reset(rude);
  }
  const UniqueFd socket = server.connect();
  send_text(socket, "child 9\n");
  EXPECT_EQ(receive_lines(socket, 1), std::vector<std::string>{"9"});
  server.process().stop();
}

// What a unit leaves behind comes to this process, which is to find nothing.
TEST_P(Speaks, AndEndsTheCommandsThatRunWhenItStops) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  for (int round = 0; round < 5; ++round) {
    TestServer server(*GetParam(), service_named("remote"), {.message_bytes = 1});
    const std::vector<UniqueFd> members = join(server, connections());
    for (const UniqueFd& member : members) {
      for (int command = 0; command < 100; ++command) send_text(member, "sleep\n");
      EXPECT_EQ(receive_lines(member, 1), std::vector<std::string>{"0 0"});
    }
    server.process().stop();
    EXPECT_TRUE(is_childless()) << "in round " << round;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace bench
