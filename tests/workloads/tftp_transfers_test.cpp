// Why: a transfer is right only if it stays so when datagrams are lost, doubled or late, and over 65,536 blocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "tests/support/conversation.h"
#include "tests/support/tftp_server.h"

namespace bench {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::StartsWith;

// The two sides and a network between them, which loses, doubles and keeps back datagrams as it is told.
class Network {
 public:
  enum class Fate { arrives, is_lost, is_doubled, is_late };

  Network(const ServiceContext& context, std::uint64_t connection, std::function<Fate()> fate)
      : context_(context),
        client_(tftp_row().exchange(context_.parameters, connection, false)),
        fate_(std::move(fate)) {}

  // One whole transfer; what is wrong otherwise. Its ports are its own, so nothing comes from the one before.
  std::string transfer() {
    to_server_.clear();
    to_client_.clear();
    std::optional<TftpServer> server;
    Output out;
    client_->request(out);
    send(take(out), to_server_);
    bool complete = false;
    for (int turn = 0; turn < 1'000'000; ++turn) {
      if (complete && server->is_over()) return "";
      if (!to_server_.empty()) {
        const std::string datagram = next_of(to_server_);
        if (is_request(datagram)) {
          if (server) continue;  // it opens another session, whose port the client does not listen to
          server.emplace(context_);
        }
        if (!server->is_over()) send(server->hears(datagram), to_client_);
      } else if (!to_client_.empty()) {
        const std::string datagram = next_of(to_client_);
        if (complete) continue;
        const Reply reply = client_->reply(bytes_of(datagram));
        if (reply.verdict == Verdict::wrong) return std::string(reply.why);
        complete = reply.verdict == Verdict::complete;
        client_->answer(out);
        send(take(out), to_server_);
      } else if (complete) {
        return "";  // what the server still waits for does not come; it gives up
      } else {
        ++silences_;
        if (server && server->is_over()) return "the server has gone";
        if (server) send(server->waits(), to_client_);
        client_->say_again(out);
        send(take(out), to_server_);
      }
    }
    return "it does not end";
  }

  int silences() const { return silences_; }

 private:
  void send(const std::string& datagram, std::deque<std::string>& queue) {
    if (datagram.empty()) return;
    switch (fate_()) {
      case Fate::is_lost: return;
      case Fate::is_doubled: queue.push_back(datagram); [[fallthrough]];
      case Fate::arrives: queue.push_back(datagram); break;
      case Fate::is_late:
        queue.push_back(datagram);
        std::swap(queue.front(), queue.back());
        break;
    }
  }

  static bool is_request(const std::string& datagram) {
    const tftp::Opcode opcode = tftp::parse_packet(bytes_of(datagram))->opcode;
    return opcode == tftp::Opcode::read_request || opcode == tftp::Opcode::write_request;
  }

  static std::string next_of(std::deque<std::string>& queue) {
    std::string datagram = std::move(queue.front());
    queue.pop_front();
    return datagram;
  }

  ServiceContext context_;
  std::unique_ptr<Exchange> client_;
  std::function<Fate()> fate_;
  std::deque<std::string> to_server_;
  std::deque<std::string> to_client_;
  int silences_ = 0;
};

TEST(TftpTransfers, AreRightForEverySizeAndSizeOfBlocks) {
  for (const std::uint64_t bytes : {0U, 1U, 511U, 512U, 513U, 1024U, 5000U, 16384U, 70'000U}) {
    for (const std::uint64_t block_bytes : {8U, 9U, 512U, 1000U, 8192U}) {
      Network network(tftp_context(bytes, block_bytes), bytes, [] { return Network::Fate::arrives; });
      for (int request = 0; request < 4; ++request) EXPECT_EQ(network.transfer(), "") << bytes << " by " << block_bytes;
      EXPECT_EQ(network.silences(), 0);
    }
  }
}

TEST(TftpTransfers, WrapTheNumbersOfTheirBlocksAround) {
  constexpr std::uint64_t blocks = 3 * 65536 + 5;
  Network network(tftp_context(blocks * 8, 8), 0, [] { return Network::Fate::arrives; });
  EXPECT_EQ(network.transfer(), "");  // a get, and a put
  EXPECT_EQ(network.transfer(), "");
}

TEST(TftpTransfers, SurviveDoubledDatagramsWithoutDoublingThemFurther) {
  int sent = 0;
  Network network(tftp_context(20 * 512, 512), 0, [&sent] {
    ++sent;
    return Network::Fate::is_doubled;
  });
  EXPECT_EQ(network.transfer(), "");
  EXPECT_LT(sent, 100) << "the sorcerer's apprentice";
  EXPECT_EQ(network.transfer(), "");
}

TEST(TftpTransfers, SurviveABadNetwork) {
  std::mt19937 random(1);
  const auto fate = [&random] {
    const auto roll = random() % 100;
    return roll < 10   ? Network::Fate::is_lost
           : roll < 20 ? Network::Fate::is_doubled
           : roll < 30 ? Network::Fate::is_late
                       : Network::Fate::arrives;
  };
  int silences = 0;
  for (std::uint64_t connection = 0; connection < 50; ++connection) {
    Network network(tftp_context(10'000, connection % 2 == 0 ? 512 : 1000, true), connection, fate);
    for (int request = 0; request < 4; ++request) ASSERT_EQ(network.transfer(), "") << connection << ' ' << request;
    silences += network.silences();
  }
  EXPECT_GT(silences, 0);
}

TEST(TftpClient, NoticesEveryWrongByte) {
  const ServiceContext context = tftp_context(100);
  for (const std::uint64_t connection : {0U, 1U}) {  // a get, a put
    const std::string reply =
        TftpServer(context).hears(request_of(*tftp_row().exchange(context.parameters, connection, false)));
    for (std::size_t place = 0; place < reply.size(); ++place) {
      for (const int change : {0x01, 0x20, 0x80, 0xFF}) {
        const auto client = tftp_row().exchange(context.parameters, connection, false);
        request_of(*client);
        std::string mutated = reply;
        mutated[place] = static_cast<char>(mutated[place] ^ change);
        ASSERT_THAT(replies(*client, mutated), ElementsAre(StartsWith("wrong: "))) << place << ' ' << change;
      }
    }
  }
}

TEST(TftpClient, NoticesAnotherTransfersBlock) {
  const ServiceContext context = tftp_context(100);
  const auto client = tftp_row().exchange(context.parameters, 2, false);
  request_of(*client);
  const std::string other = TftpServer(context).hears(request_of(*tftp_row().exchange(context.parameters, 4, false)));
  EXPECT_THAT(replies(*client, other), ElementsAre("wrong: wrong bytes in a block"));
}

// Neither is it answered, nor does it count as a sign that the transfer goes on.
TEST(TftpClient, PassesOverADoubledAcknowledgement) {
  const auto client = tftp_row().exchange(tftp_context(2000).parameters, 1, false);
  request_of(*client);
  Output out;
  for (unsigned block = 0; block < 3; ++block) {
    EXPECT_EQ(client->reply(bytes_of(ack(block))).verdict, Verdict::more);
    client->answer(out);
    EXPECT_THAT(take(out), StartsWith(data(block + 1, "")));
    for (unsigned earlier = 0; earlier <= block; ++earlier) {
      EXPECT_EQ(client->reply(bytes_of(ack(earlier))).verdict, Verdict::stale);
      client->answer(out);
      EXPECT_TRUE(out.empty());
    }
  }
}

TEST(TftpClient, SaysWhatTheServersErrorWas) {
  const auto client = tftp_row().exchange(tftp_context(100).parameters, 2, false);
  request_of(*client);
  EXPECT_THAT(replies(*client, numbered(tftp::Opcode::error, 3, "full\0"s)), ElementsAre("wrong: error 3: full"));
}

TEST(TftpClient, GetsAndPutsInTurn) {
  const auto client = tftp_row().exchange(tftp_context(100).parameters, 2, false);
  Output out;
  EXPECT_EQ(tftp_row().classes[client->request(out)].name, "get");
  EXPECT_EQ(tftp_row().classes[client->request(out)].name, "put");
}

}  // namespace
}  // namespace bench
