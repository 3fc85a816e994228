// Why: files have to come through whole whatever way TCP cuts them, and no connection may hold one whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/conversation.h"
#include "tests/support/malformed_input.h"
#include "workloads/digest.h"
#include "workloads/service.h"
#include "workloads/transfer_format.h"

namespace bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Service& transfer_service() { return *std::ranges::find(all_services(), "transfer", &Service::name); }

const ServiceContext context{.parameters = {}, .model = "epoll"};

ServedConnection serve() { return {transfer_service(), context}; }

// A head as it is sent, whatever it says.
std::string message(std::string_view head) {
  std::string text(head_length_bytes, '\0');
  write_big_endian(std::as_writable_bytes(std::span(text)), static_cast<std::uint32_t>(head.size()));
  return text.append(head);
}

std::string error(std::string_view reason) { return framed({{"status", "error"}, {"reason", reason}}); }

// The first bytes of the file of that name.
std::string file(std::string_view name, std::size_t size) {
  std::string bytes(size, '\0');
  GeneratedFile(name).read(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

std::string put(std::string_view name, std::string_view bytes, std::string_view checksum) {
  return framed({{"op", "put"}, {"name", name}, {"size", bytes.size()}, {"checksum", checksum}}).append(bytes);
}

std::string get(std::string_view name, std::uint64_t size) {
  return framed({{"op", "get"}, {"name", name}, {"size", size}});
}

TEST(Transfer, TakesAFileUp) {
  ServedConnection server = serve();
  server.receive(put("a.txt", "hello", "26c7827d889f6da3"));
  EXPECT_EQ(server.take_sent(), message(R"({"status":"ok","name":"a.txt","checksum":"26c7827d889f6da3"})"));
  EXPECT_FALSE(server.is_closed());
}

TEST(Transfer, SendsAFileDown) {
  ServedConnection server = serve();
  server.receive(get("a.txt", 20));
  const std::string bytes = file("a.txt", 20);
  Digest digest;
  digest.add(bytes_of(bytes));
  const std::string head =
      R"({"status":"ok","name":"a.txt","size":20,"checksum":")" + checksum_text(digest.value()) + "\"}";
  EXPECT_EQ(server.take_sent(), message(head) + bytes);
  EXPECT_FALSE(server.is_closed());
}

TEST(Transfer, FilesDependOnTheirNamesAndOnNothingElse) {
  EXPECT_NE(file("a", 64), file("b", 64));
  const std::string whole = file("a", 1000);
  for (const std::size_t piece : {1U, 3U, 8U, 13U, 64U}) {
    GeneratedFile generated("a");
    std::string bytes(whole.size(), '\0');
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const auto room = std::as_writable_bytes(std::span(bytes)).subspan(at);
      generated.read(room.first(std::min(piece, room.size())));
    }
    EXPECT_EQ(bytes, whole) << piece;
  }
}

// Neither way: of a file of 16 MiB no more is pending than the high water and a chunk, and nothing is left unconsumed.
TEST(Transfer, HoldsNoFileWhole) {
  ServedConnection down = serve();
  down.receive(get("a", max_file_bytes));
  EXPECT_EQ(down.take_sent().size(),
            framed(get_reply("a", max_file_bytes, std::string(16, '0'))).size() + max_file_bytes);
  EXPECT_LE(down.most_pending(), high_water_bytes + 16 * 1024);
  EXPECT_GT(down.drains(), 200U);

  ServedConnection up = serve();
  const std::string bytes = file("a", 1 << 20);
  const std::string request = put("a", bytes, checksum_of_file("a", bytes.size()));
  for (std::size_t at = 0; at < request.size(); at += 50'000) {
    up.receive(std::string_view(request).substr(at, 50'000));
    EXPECT_EQ(up.unconsumed(), 0U);
  }
  EXPECT_THAT(up.take_sent(), HasSubstr(R"("status":"ok")"));
}

struct Refused {
  std::string request;
  std::string reason;
};

std::vector<Refused> refusals() {
  const auto with = [](std::string_view members) { return message("{" + std::string(members) + "}"); };
  const std::string object = "the head is not a JSON object";
  const std::string name = "\"name\" has to have 1 to 255 bytes";
  const std::string size = "\"size\" has to be a whole number from 0 to 16777216";
  const std::string checksum = "\"checksum\" has to be a string";
  const std::string get_of = R"("op":"get","name":"a","size":)";
  return {
      {message(""), object},
      {message("{"), object},
      {message("[]"), object},
      {message("5"), object},
      {message("null"), object},
      {message("{}x"), object},
      {message(std::string(max_head_bytes, '[')), object},
      {message("{\"op\":\"\xFF\"}"), object},
      {with(R"("name":"a","size":1)"), "\"op\" has to be \"get\" or \"put\""},
      {with(R"("op":"GET","name":"a","size":1)"), "\"op\" has to be \"get\" or \"put\""},
      {with(R"("op":1,"name":"a","size":1)"), "\"op\" has to be \"get\" or \"put\""},
      {with(R"("op":"get","size":1)"), "\"name\" has to be a string"},
      {with(R"("op":"get","name":["a"],"size":1)"), "\"name\" has to be a string"},
      {with(R"("op":"get","name":"","size":1)"), name},
      {get(std::string(256, 'a'), 1), name},
      {with(R"("op":"get","name":"a")"), size},
      {with(get_of + "-1"), size},
      {with(get_of + "1.5"), size},
      {with(get_of + "\"1\""), size},
      {with(get_of + "16777217"), size},
      {with(get_of + "99999999999999999999999"), size},
      {with(get_of + "1e400"), object},
      {with(get_of + "1,\"heavy\":1"), "\"heavy\" has to be true or false"},
      {with(R"("op":"put","name":"a","size":1)"), checksum},
      {with(R"("op":"put","name":"a","size":1,"checksum":7)"), checksum},
      {put("a", "hello", "26c7827d889f6da4"), "the checksum of what has come is 26c7827d889f6da3"},
      {put("a", "", "0"), "the checksum of what has come is ef46db3751d8e999"},
      {std::string("\0\0\x10\1", 4), "a head has at most 4096 bytes"},
      {"GET / HTTP/1.1\r\n\r\n", "a head has at most 4096 bytes"},
      {std::string(4, '\xFF'), "a head has at most 4096 bytes"},
  };
}

TEST(Transfer, RefusesWhatIsNoRequestAndCloses) {
  for (const auto& [request, reason] : refusals()) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, request.size()}) {
      ServedConnection server = serve();
      server.receive_in_pieces(request, piece);
      EXPECT_TRUE(server.is_closed()) << request;
      EXPECT_EQ(server.take_sent(), error(reason)) << request;
    }
  }
}

TEST(Transfer, AnswersTheRightRequestBeforeTheWrongOne) {
  ServedConnection server = serve();
  server.receive(get("a", 3) + message("{}"));
  EXPECT_TRUE(server.is_closed());
  EXPECT_EQ(server.take_sent(), framed(get_reply("a", 3, checksum_of_file("a", 3))) + file("a", 3) +
                                    error("\"op\" has to be \"get\" or \"put\""));
}

TEST(Transfer, SaysThatAMessageIsCutShort) {
  const std::string request = put("a", "hello", "26c7827d889f6da3");
  for (std::size_t size = 1; size < request.size(); ++size) {
    ServedConnection ended = serve();
    ended.receive(request.substr(0, size));
    EXPECT_FALSE(ended.is_closed());
    ended.end();
    EXPECT_EQ(ended.take_sent(), error("the message is not complete")) << size;
    ServedConnection silent = serve();
    silent.receive(request.substr(0, size));
    silent.time_out();
    EXPECT_EQ(silent.take_sent(), error("the message is not complete")) << size;
  }
}

TEST(Transfer, TakesAHeadAsLongAsAllowed) {
  std::string head = R"({"op":"get","name":"a","size":0,"comment":")";
  head += std::string(max_head_bytes - head.size() - 2, 'x') + "\"}";
  ServedConnection server = serve();
  server.receive_in_pieces(message(head), 1);
  EXPECT_EQ(server.take_sent(), framed(get_reply("a", 0, checksum_of_file("a", 0))));
}

TEST(Transfer, ClientAsksForGetsAndPutsInTurn) {
  const auto client = transfer_service().exchange({.message_bytes = 100}, 7, false);
  std::vector<int> classes;
  Output out;
  for (int request = 0; request < 4; ++request) classes.push_back(client->request(out));
  EXPECT_THAT(classes, ElementsAre(0, 1, 0, 1));
}

TEST(Transfer, ClientNoticesEveryWrongByteOfAReplyToAPut) {
  for (const bool wrong : {false, true}) {
    const auto client = transfer_service().exchange({.message_bytes = 100}, 7, false);
    ServedConnection server = serve();
    server.receive(request_of(*client));
    EXPECT_THAT(replies(*client, server.take_sent()), ElementsAre("complete"));
    server.receive(request_of(*client));
    std::string reply = server.take_sent();
    if (!wrong) {
      EXPECT_THAT(replies(*client, reply), ElementsAre("complete"));
      continue;
    }
    reply[reply.size() - 3] ^= 1;
    EXPECT_THAT(replies(*client, reply), ElementsAre("wrong: wrong head"));
  }
}

TEST(Transfer, ClientTellsWhyItWasRefused) {
  const auto client = transfer_service().exchange({.message_bytes = 100}, 7, false);
  request_of(*client);
  EXPECT_THAT(replies(*client, error("no such file")), ElementsAre("wrong: the server says: no such file"));
}

// All that was said is heads, of which only the last may be an error, and the files that they announce.
void expect_replies(std::string_view said, bool closed) {
  bool refused = false;
  while (!said.empty()) {
    ASSERT_FALSE(refused) << "something after an error";
    ASSERT_GE(said.size(), head_length_bytes);
    const std::size_t size = read_big_endian<std::uint32_t>(bytes_of(said));
    const Head head = Head::parse(said.substr(head_length_bytes, size));
    said.remove_prefix(head_length_bytes + size);
    refused = head.at("status") == "error";
    if (!head.contains("size")) continue;
    ASSERT_GE(said.size(), head["size"].get<std::size_t>());
    said.remove_prefix(head["size"].get<std::size_t>());
  }
  EXPECT_TRUE(refused || !closed) << "closed without a reason";
}

TEST(Transfer, CopesWithWhatNoClientSends) {
  MalformedInput inputs({get("some name", 40), put("a", "hello", "26c7827d889f6da3"), get("b", 0)}, 1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string input = inputs.next();
    constexpr std::size_t most_pending = high_water_bytes + 32 * 1024;
    const auto whole = answer_to_malformed(serve(), input, input.size() + 1, most_pending);
    const auto pieces = answer_to_malformed(serve(), input, 1 + inputs.number(50), most_pending);
    ASSERT_TRUE(whole.said == pieces.said && whole.closed == pieces.closed) << i;
    expect_replies(whole.said, whole.closed);
    if (HasFailure()) FAIL() << "input " << i << ": " << testing::PrintToString(input.substr(0, 300));
  }
}

}  // namespace
}  // namespace bench
