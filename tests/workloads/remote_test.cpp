// Why: whoever reaches the port of `remote` may write anything. What is in its table runs, and nothing else does.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <string>
#include <vector>

#include "tests/support/children.h"
#include "tests/support/conversation.h"
#include "workloads/remote.h"
#include "workloads/script.h"
#include "workloads/service.h"

namespace bench {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

const Service& remote() { return *std::ranges::find(all_services(), "remote", &Service::name); }

const ServiceContext plain{.parameters = {.message_bytes = 64}, .model = "epoll"};

std::string answer(std::string_view request) {
  ServedConnection server(remote(), plain);
  server.receive(request);
  EXPECT_FALSE(server.is_closed());
  return server.take_sent();
}

TEST(Remote, RunsTheCommandsOfItsTable) {
  EXPECT_EQ(answer("true\n"), "0 0\n");
  EXPECT_EQ(answer("false\n"), "1 0\n");
  EXPECT_EQ(answer("uname\n"), "0 6\nLinux\n");
  EXPECT_EQ(answer("sleep\n"), "0 0\n");
  EXPECT_THAT(answer("date\n"), MatchesRegex("0 5\n[0-9][0-9][0-9][0-9]\n"));
  EXPECT_EQ(answer("echo\n"), "0 1\n\n");
  EXPECT_EQ(answer("echo  two  words \r\n"), "0 13\n two  words \n");
  EXPECT_EQ(answer("echo -n --help\n"), "0 10\n-n --help\n");
  EXPECT_TRUE(is_childless());
}

TEST(Remote, AnswersInOrderAndGoesOnAfterARefusal) {
  EXPECT_EQ(answer("echo a\nreboot\nfalse\n\necho b\n"),
            "0 2\na\nrefused reboot: no such command\n1 0\nrefused: no such command\n0 2\nb\n");
}

TEST(Remote, RefusesWhatAShellOrAPathCouldBeGivenBy) {
  for (const std::string_view line :
       {"/bin/true",   "./true",    "../bin/true", "sh -c true",    "TRUE",         " true",       "true ",
        "true;",       "true x",    "uname -a",    "date -s 2020",  "echo $(true)", "echo `true`", "echo a;true",
        "echo a|true", "echo a>b",  "echo a&",     "echo a\\nb",    "echo %s",      "echo 'a'",    "echo *",
        "echo ~",      "echo a\tb", "echo \x01",   "echo \xC3\xA4", "printf x",     "sleep 9"}) {
    EXPECT_THAT(answer(std::string(line) + '\n'), StartsWith("refused")) << line;
  }
  EXPECT_THAT(answer(std::string("echo a\0b\n", 9)), StartsWith("refused"));
  EXPECT_TRUE(is_childless());
}

TEST(Remote, RepeatsNoNameThatIsLongOrNoWord) {
  EXPECT_EQ(answer("a<b>\n"), "refused: no such command\n");
  EXPECT_EQ(answer(std::string(33, 'a') + '\n'), "refused: no such command\n");
}

TEST(Remote, TakesTheLongestArgumentAndClosesAfterTooLongALine) {
  const std::string argument(max_remote_argument, 'a');
  EXPECT_EQ(answer("echo " + argument + "\n"), fmt::format("0 {}\n{}\n", argument.size() + 1, argument));
  for (const std::string_view end : {"", "\n", "\ntrue\n"}) {
    ServedConnection server(remote(), plain);
    server.receive("true\n" + std::string(max_remote_line + 1, 'a') + std::string(end));
    EXPECT_EQ(server.take_sent(), "0 0\nrefused: the line is too long\n");
    EXPECT_TRUE(server.is_closed());
  }
}

TEST(Remote, KillsAndReapsWhatRunsWhenItsConnectionGoes) {
  const auto session = [] { return remote().open(plain); };
  auto open = session();
  Output out;
  const Step step = open->advance(Why::data, bytes_of("sleep\ntrue\n"), out);
  EXPECT_EQ(step.next, Next::transfer);
  EXPECT_EQ(step.consumed, 6U);  // one at a time
  EXPECT_FALSE(is_childless());
  open.reset();
  EXPECT_TRUE(is_childless());
}

TEST(RemoteClient, AsksForEveryKindOfAnswer) {
  const auto client = remote().exchange(plain.parameters, 5, false);
  std::vector<std::string> requests;
  std::vector<int> classes;
  for (int request = 0; request < 16; ++request) {
    Output out;
    classes.push_back(client->request(out));
    requests.push_back(take(out));
  }
  EXPECT_EQ(std::ranges::count(classes, 1), 2);
  EXPECT_EQ(std::ranges::count(requests, "uname\n"), 1);
  EXPECT_EQ(std::ranges::count(requests, "false\n"), 1);
  EXPECT_EQ(std::ranges::count_if(requests, [](const std::string& text) { return text.starts_with("echo "); }), 12);
  EXPECT_EQ(std::ranges::count_if(requests, [](const std::string& text) { return text.starts_with("no-"); }), 2);
}

TEST(RemoteClient, TakesNoRefusalForAnAnswerAndNoAnswerForARefusal) {
  const auto client = remote().exchange(plain.parameters, 5, false);
  for (int request = 0; request < 7; ++request) {
    const bool is_refused = request == 6;
    const std::string asked = request_of(*client);
    if (request == 0) {
      const auto other = remote().exchange(plain.parameters, 5, false);
      request_of(*other);
      EXPECT_EQ(replies(*other, "refused echo: no\n"), std::vector<std::string>{"wrong: refused"});
    }
    if (is_refused) {
      EXPECT_EQ(replies(*client, "0 0\n"), std::vector<std::string>{"wrong: wrong answer"});
    } else {
      EXPECT_EQ(replies(*client, answer(asked)), std::vector<std::string>{"complete"});
    }
  }
}

// ---- Anything at all ----

// Whether `text` is a row of whole answers, of which the last may be followed by nothing.
bool are_answers(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    const std::string_view head = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (head.starts_with("refused")) continue;
    const std::size_t space = head.find(' ');
    std::size_t size = 0;
    if (space == std::string_view::npos) return false;
    if (std::from_chars(head.data() + space + 1, head.data() + head.size(), size).ec != std::errc()) return false;
    if (size > text.size()) return false;
    text.remove_prefix(size);
  }
  return true;
}

class Malformed {
 public:
  std::string next() {
    // Few of them start a program, which takes its time.
    switch (pick(0, 19)) {
      case 0: return mutated(valid());
      case 1: return valid().substr(0, pick(0, 20)) + garbage(50);
      case 2: return valid() + garbage(200);
      case 3: return garbage(200) + '\n' + valid();
      case 4: return std::string(pick(max_remote_line - 2, 3 * max_remote_line), letter()) + '\n';
      case 5: return "echo " + garbage(max_remote_argument + 100) + '\n';
      case 6: return garbage(20'000);
      case 7: return std::string(pick(0, 3000), '\n');
      default: return mutated("echo " + garbage(30) + "\n" + garbage(30) + "\r\n");
    }
  }

  std::size_t pick(std::size_t least, std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(least, most)(random_);
  }

 private:
  char letter() { return static_cast<char>(pick(0, 255)); }

  std::string garbage(std::size_t most) {
    std::string bytes(pick(0, most), 0);
    for (char& byte : bytes) byte = letter();
    return bytes;
  }

  std::string valid() {
    constexpr std::array lines{"true\n", "false\n", "uname\n", "echo a b\n", "echo hhh\n", "date\n"};
    return lines.at(pick(0, lines.size() - 1));
  }

  std::string mutated(std::string text) {
    const std::size_t at = pick(0, text.size() - 1);
    switch (pick(0, 2)) {
      case 0: text[at] = letter(); break;
      case 1: text.erase(at, pick(1, 3)); break;
      default: text.insert(at, 1, letter()); break;
    }
    return text;
  }

  std::mt19937_64 random_{20'000};
};

TEST(Remote, StandsThousandsOfMalformedRequests) {
  Malformed malformed;
  for (int input = 0; input < 5'000; ++input) {  // some start programs
    const std::string bytes = malformed.next();
    ServedConnection server(remote(), plain);  // asserts how many bytes are left unconsumed
    server.receive_in_pieces(bytes, malformed.pick(0, 2) == 0 ? malformed.pick(1, 100) : 16'384);
    if (!server.is_closed()) server.end();
    ASSERT_TRUE(server.is_closed());
    const std::string sent = server.take_sent();
    ASSERT_TRUE(are_answers(sent)) << "to input " << input;
    ASSERT_LE(sent.size(), 100 * (bytes.size() + 1));
  }
  EXPECT_TRUE(is_childless());
}

}  // namespace
}  // namespace bench
