// Why: in a chat everybody hears the same in the same order, and nothing is lost, doubled or told to the wrong room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "measure/shared_mapping.h"
#include "tests/support/conversation.h"
#include "tests/support/malformed_input.h"
#include "tests/support/service_memory.h"
#include "workloads/chat_client.h"
#include "workloads/chat_members.h"
#include "workloads/service.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

const Service& chat_service() { return *std::ranges::find(all_services(), "chat", &Service::name); }

class Chat : public testing::Test {
 protected:
  ServedConnection enter() const { return {chat_service(), context_}; }

  void set_rooms(std::uint64_t rooms) {
    context_.parameters.own.set(*find_parameter(chat_service().parameters, "rooms"), rooms);
  }

  ServiceMemory memory_{chat_service()};
  ServiceContext context_ = memory_.context({});
};

// What a member is answered; what it has heard before comes first.
std::string told(ServedConnection& member, std::string_view line) {
  member.receive(std::string(line) + '\n');
  return member.take_sent();
}

std::string heard(ServedConnection& member) {
  member.tell();
  return member.take_sent();
}

TEST_F(Chat, TellsAllOthersWhatOneSays) {
  ServedConnection one = enter();
  ServedConnection two = enter();
  ServedConnection three = enter();
  EXPECT_EQ(heard(one), "JOINED guest-2\nJOINED guest-3\n");
  EXPECT_EQ(told(one, "SAY hello, you two"), "OK hello, you two\n");
  EXPECT_EQ(heard(two), "JOINED guest-3\nSAID guest-1 hello, you two\n");
  EXPECT_EQ(told(three, "SAY hello"), "SAID guest-1 hello, you two\nOK hello\n");
  EXPECT_EQ(heard(one), "SAID guest-3 hello\n");
  EXPECT_EQ(heard(two), "SAID guest-3 hello\n");
}

TEST_F(Chat, GivesANameToOneMemberAlone) {
  ServedConnection one = enter();
  {
    ServedConnection two = enter();
    EXPECT_EQ(told(two, "NAME alice"), "OK you are alice\n");
    EXPECT_EQ(told(one, "NAME alice"), "JOINED guest-2\nNAMED guest-2 alice\nERROR the name alice is taken\n");
    ServedConnection late = enter();  // has not heard of it
    EXPECT_EQ(told(late, "NAME alice"), "ERROR the name alice is taken\n");
    EXPECT_EQ(told(two, "NAME bob"), "JOINED guest-3\nOK you are bob\n");
    EXPECT_EQ(told(late, "NAME alice"), "NAMED alice bob\nOK you are alice\n");
    EXPECT_EQ(told(late, "NAME alice"), "ERROR the name alice is taken\n");
  }
  EXPECT_EQ(told(one, "NAME bob"),
            "JOINED guest-3\nNAMED alice bob\nNAMED guest-3 alice\nLEFT alice\nLEFT bob\nOK you are bob\n");
  EXPECT_EQ(told(one, "SAY it is me"), "OK it is me\n");
}

TEST_F(Chat, RefusesOtherNames) {
  ServedConnection one = enter();
  const std::string refusal = "ERROR a name has 1 to 32 letters, digits, '-' and '_'\n";
  for (const std::string name : {"", "a b", "\xC3\xA4", "a/b", "123456789012345678901234567890123"}) {
    EXPECT_EQ(told(one, "NAME " + name), refusal) << name;
  }
  EXPECT_EQ(told(one, "NAME guest-2"), "ERROR the server gives names with guest-\n");
  EXPECT_EQ(told(one, "NAME 12345678901234567890123456789012"), "OK you are 12345678901234567890123456789012\n");
}

TEST_F(Chat, KeepsRoomsApart) {
  ServedConnection one = enter();
  ServedConnection two = enter();
  ServedConnection three = enter();
  EXPECT_EQ(told(three, "JOIN kitchen"), "OK you are in kitchen\n");
  EXPECT_EQ(told(two, "JOIN kitchen"), "JOINED guest-3\nLEFT guest-3\nOK you are in kitchen\n");
  EXPECT_EQ(told(one, "SAY alone"), "JOINED guest-2\nJOINED guest-3\nLEFT guest-3\nLEFT guest-2\nOK alone\n");
  EXPECT_EQ(told(two, "SAY we two"), "OK we two\n");
  EXPECT_EQ(heard(one), "");
  EXPECT_EQ(heard(three), "JOINED guest-2\nSAID guest-2 we two\n");
  EXPECT_EQ(told(three, "JOIN kitchen"), "OK you are in kitchen\n");
  EXPECT_EQ(told(three, "LEAVE"), "OK\n");
  EXPECT_EQ(told(three, "LEAVE"), "ERROR you are in no room\n");
  EXPECT_EQ(told(three, "SAY anybody?"), "ERROR you are in no room\n");
  EXPECT_EQ(heard(two), "LEFT guest-3\n");
}

TEST_F(Chat, DealsNewMembersOutToTheRooms) {
  set_rooms(2);
  std::vector<ServedConnection> members;
  for (int i = 0; i < 4; ++i) members.push_back(enter());
  EXPECT_EQ(told(members[0], "SAY odd"), "JOINED guest-3\nOK odd\n");
  EXPECT_EQ(heard(members[1]), "JOINED guest-4\n");
  EXPECT_EQ(heard(members[2]), "SAID guest-1 odd\n");
  EXPECT_EQ(heard(members[3]), "");
  EXPECT_EQ(told(members[3], "JOIN room-2"), "OK you are in room-2\n");
}

TEST_F(Chat, LetsTheAdminAloneSpeakToAllRooms) {
  set_rooms(3);
  std::vector<ServedConnection> members;
  for (int i = 0; i < 3; ++i) members.push_back(enter());
  EXPECT_EQ(told(members[0], "ANNOUNCE fire"), "ERROR only admin announces\n");
  EXPECT_EQ(told(members[0], "NAME admin"), "OK you are admin\n");
  EXPECT_EQ(told(members[2], "LEAVE"), "OK\n");
  EXPECT_EQ(told(members[0], "ANNOUNCE tea is ready"), "OK\n");
  EXPECT_EQ(heard(members[1]), "NOTICE tea is ready\n");
  EXPECT_EQ(heard(members[2]), "NOTICE tea is ready\n");
}

TEST_F(Chat, TellsWhoHasLeftHoweverThatWas) {
  ServedConnection one = enter();
  {
    ServedConnection two = enter();
    ServedConnection three = enter();
    ServedConnection four = enter();
    heard(one);
    EXPECT_EQ(told(two, "QUIT"), "JOINED guest-3\nJOINED guest-4\nOK\n");
    EXPECT_TRUE(two.is_closed());
    EXPECT_EQ(heard(one), "LEFT guest-2\n");
    three.end();
    EXPECT_EQ(heard(one), "LEFT guest-3\n");
    four.time_out();
    EXPECT_EQ(heard(one), "LEFT guest-4\n");
  }
  EXPECT_EQ(heard(one), "") << "each leaves once";
}

// The hub holds 4 MiB; a member that is not called is one whose unit waits for its peer to read.
TEST_F(Chat, DropsADeafMemberAndTellsTheOthersOnlyThatItLeft) {
  ServedConnection deaf = enter();
  ServedConnection one = enter();
  ServedConnection two = enter();
  heard(one);
  const std::string line(8000, 'x');
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(told(one, "SAY " + line), "OK " + line + '\n');
    ASSERT_THAT(heard(two), testing::EndsWith("SAID guest-2 " + line + '\n'));
  }
  EXPECT_EQ(heard(deaf), "LOST you have not read for too long\n");
  EXPECT_TRUE(deaf.is_closed());
  EXPECT_EQ(heard(one), "LEFT guest-1\n");
  EXPECT_FALSE(two.is_closed());
}

// Of what has been said to it while it was away a member is told in portions.
TEST_F(Chat, HoldsNoMoreThanTheHighWater) {
  ServedConnection late = enter();
  ServedConnection one = enter();
  const std::string line(8000, 'x');
  std::string all = "JOINED guest-2\n";
  for (int i = 0; i < 100; ++i) {
    told(one, "SAY " + line);
    all += "SAID guest-2 " + line + '\n';
  }
  EXPECT_EQ(heard(late), all);
  EXPECT_LE(late.most_pending(), high_water_bytes + 9000);
}

TEST_F(Chat, RefusesWhatItDoesNotKnowAndStays) {
  ServedConnection one = enter();
  const std::string unknown = "ERROR it begins with none of NAME, JOIN, LEAVE, SAY, HEAVY, ANNOUNCE, QUIT\n";
  EXPECT_EQ(told(one, ""), unknown);
  EXPECT_EQ(told(one, "hello"), unknown);
  EXPECT_EQ(told(one, "say hello"), unknown);
  EXPECT_EQ(told(one, "SAY"), "ERROR there is nothing to say\n");
  EXPECT_EQ(told(one, "SAY \x1b[2J"), "ERROR a line is UTF-8 text without control characters\n");
  EXPECT_EQ(told(one, "SAY \xff"), "ERROR a line is UTF-8 text without control characters\n");
  EXPECT_EQ(told(one, "SAY Gr\u00fc\u00dfe\r"), "OK Gr\u00fc\u00dfe\n");
}

TEST_F(Chat, ClosesAfterALineThatIsTooLong) {
  const std::string longest = "SAY " + std::string(max_chat_line_bytes - 4, 'x');
  for (const std::size_t piece : {1U, 100U, 100'000U}) {
    ServedConnection one = enter();
    one.receive_in_pieces(longest + '\n', piece);
    EXPECT_THAT(one.take_sent(), StartsWith("OK x"));
    EXPECT_FALSE(one.is_closed());
    one.receive_in_pieces(longest + "x\n", piece);
    EXPECT_EQ(one.take_sent(), "ERROR a line has at most 8192 bytes\n");
    EXPECT_TRUE(one.is_closed());
  }
}

// Not std::ranges::count, which takes most of the test's time where nothing is optimised.
std::size_t lines_of(const std::string& text) {
  std::size_t lines = 0;
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) ++lines;
  return lines;
}

TEST_F(Chat, CopesWithWhatNoClientSends) {
  ServedConnection witness = enter();
  MalformedInput inputs({"NAME alice\n", "JOIN kitchen\n", "SAY hello\nSAY again\n", "LEAVE\n",
                         "NAME admin\nANNOUNCE x\n", "HEAVY y\r\n", "QUIT\n"},
                        2);
  for (int i = 0; i < 20'000; ++i) {
    const std::string input = inputs.next();
    const std::size_t piece = 1 + inputs.number(input.size());
    const auto answer = answer_to_malformed(enter(), input, piece, high_water_bytes + 9000);
    const std::size_t lines = lines_of(answer.said);
    const std::size_t asked = lines_of(input);
    EXPECT_LE(lines, asked + 1) << "a line each, and a last one";
    if (!answer.closed) {
      EXPECT_EQ(lines, asked);
    }
    EXPECT_TRUE(answer.said.empty() || answer.said.ends_with('\n'));
    heard(witness);
    if (HasFailure()) FAIL() << "input " << i << ": " << testing::PrintToString(input.substr(0, 300));
  }
  EXPECT_FALSE(witness.is_closed());
  EXPECT_EQ(told(witness, "NAME alice"), "OK you are alice\n") << "everybody has given it back";
}

// One name, many units: each time one of them gets it.
TEST(ChatMembers, GiveANameToOneOfManyThatAskAtOnce) {
  const SharedArray<ChatMembers> memory(1);
  ChatMembers& members = memory[0];
  constexpr int threads = 4;
  std::atomic<int> holders = 0;
  std::atomic<int> taken = 0;
  std::vector<std::jthread> units;
  for (int thread = 0; thread < threads; ++thread) {
    units.emplace_back([&] {
      while (taken < 2000) {
        if (!members.take("alice")) continue;
        EXPECT_EQ(++holders, 1);
        ++taken;
        --holders;
        members.give_back("alice");
      }
    });
  }
  units.clear();
  EXPECT_TRUE(members.take("alice"));
}

TEST(ChatMembers, HoldManyNames) {
  const SharedArray<ChatMembers> memory(1);
  ChatMembers& members = memory[0];
  const auto name = [](int i) { return "member-" + std::to_string(i); };
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(members.take(name(i))) << i;
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(members.take(name(i))) << i;
  for (int i = 0; i < 10'000; ++i) members.give_back(name(i));
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(members.take(name(i))) << i;
}

// A member of a load, and what the lines of others look like to it.
class ChatClient : public testing::Test {
 protected:
  static constexpr std::uint64_t letters = 20;

  static std::unique_ptr<Exchange> client(std::uint64_t connection) {
    return chat_service().exchange({.message_bytes = letters}, connection, false);
  }

  // The next line of a member, as others get it.
  static std::string said(std::string_view name, Exchange& sender, std::int64_t stamp) {
    sender.stamp(stamp);
    return "SAID " + std::string(name) + request_of(sender).substr(3);
  }

  // The verdicts on a line each.
  Reply reply(std::string_view line) { return client_->reply(bytes_of(line)); }

  std::unique_ptr<Exchange> client_ = client(1);
  std::unique_ptr<Exchange> other_ = client(2);
};

TEST_F(ChatClient, GivesTheStampOfWhatOthersSayBack) {
  const std::string line = said("guest-2", *other_, 1234567);
  const Reply reply = this->reply(line);
  EXPECT_EQ(reply.verdict, Verdict::pushed);
  EXPECT_EQ(reply.consumed, line.size());
  EXPECT_EQ(reply.stamp, 1234567);
  EXPECT_EQ(chat_classes[reply.kind].name, "delivery");
}

TEST_F(ChatClient, TakesWhatTheServerTellsOfOthers) {
  for (const std::string_view line : {"JOINED guest-4\n", "LEFT guest-4\n", "NAMED guest-4 bob\n", "NOTICE tea\n"}) {
    const Reply reply = this->reply(line);
    EXPECT_EQ(reply.verdict, Verdict::pushed) << line;
    EXPECT_EQ(reply.stamp, 0) << line;
  }
}

TEST_F(ChatClient, NoticesALineThatIsLostOrComesTwice) {
  const std::string first = said("guest-2", *other_, 1);
  const std::string second = said("guest-2", *other_, 2);
  const std::string third = said("guest-2", *other_, 3);
  EXPECT_EQ(reply(first).verdict, Verdict::pushed);
  const Reply gap = reply(third);
  EXPECT_EQ(gap.verdict, Verdict::wrong);
  EXPECT_EQ(gap.why, "line 2 of connection 2 where 1 of 2 was due");
  EXPECT_EQ(reply(first).verdict, Verdict::wrong);
  EXPECT_EQ(reply(second).verdict, Verdict::pushed);
}

TEST_F(ChatClient, KnowsSendersByTheirNames) {
  const auto third = client(3);
  EXPECT_EQ(reply(said("guest-2", *other_, 1)).verdict, Verdict::pushed);
  EXPECT_EQ(reply("NAMED guest-2 bob\n").verdict, Verdict::pushed);
  EXPECT_EQ(reply(said("bob", *other_, 1)).verdict, Verdict::pushed);
  EXPECT_EQ(reply(said("bob", *third, 1)).verdict, Verdict::wrong) << "another connection's";
  EXPECT_EQ(reply("LEFT bob\n").verdict, Verdict::pushed);
  EXPECT_EQ(reply(said("bob", *third, 1)).verdict, Verdict::pushed) << "somebody else of that name";
}

TEST_F(ChatClient, NoticesEveryWrongByteOfAMessage) {
  const std::string line = said("guest-2", *other_, 1234567);
  const std::size_t text = line.find('2', line.find(' ') + 8);  // the name may be any
  for (std::size_t place = 0; place + 1 < line.size(); ++place) {
    if (place >= 5 && place < text) continue;
    std::string mutated = line;
    mutated[place] ^= 1;
    EXPECT_EQ(client(1)->reply(bytes_of(mutated)).verdict, Verdict::wrong) << place;
  }
}

TEST_F(ChatClient, TakesNoAnswerWithoutARequest) {
  EXPECT_EQ(reply("OK \n").why, "an answer that no line asked for");
  EXPECT_EQ(reply("LOST you sleep\n").why, "the server says: LOST you sleep");
}

}  // namespace
}  // namespace bench
