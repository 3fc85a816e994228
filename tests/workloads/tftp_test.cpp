// Why: a server of datagrams hears from anybody, and what it says has to be right for the clients that there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/conversation.h"
#include "tests/support/tftp_server.h"
#include "workloads/service.h"
#include "workloads/tftp_file.h"
#include "workloads/tftp_packet.h"

namespace bench {
namespace {

using namespace std::string_literals;
using testing::StartsWith;
using tftp::ErrorCode;
using tftp::File;
using tftp::Opcode;

std::string error_of(std::string_view first) {
  TftpServer server;
  const std::string answer = server.hears(first);
  EXPECT_TRUE(server.is_over());
  return answer.substr(0, 4);
}
std::string error(ErrorCode code) { return numbered(Opcode::error, static_cast<unsigned>(code)); }

TEST(TftpPackets, AreReadAsTheyWereWritten) {
  Output out;
  tftp::append_request(out, Opcode::read_request,
                       {.file = "a name", .mode = "octet", .options = {.block_bytes = 1024, .file_bytes = 0}});
  const std::string whole = take(out);
  EXPECT_EQ(whole, reads("a name|octet|blksize|1024|tsize|0|"));
  const auto packet = tftp::parse_packet(bytes_of(whole));
  ASSERT_TRUE(packet);
  tftp::Request request;
  EXPECT_FALSE(tftp::parse_request(packet->rest, request));
  EXPECT_EQ(request.file, "a name");
  EXPECT_EQ(request.mode, "octet");
  EXPECT_EQ(request.options, (tftp::Options{.block_bytes = 1024, .file_bytes = 0}));

  tftp::append_error(out, ErrorCode::disk_full, "full");
  const std::string said = take(out);
  EXPECT_EQ(said, "\0\5\0\3full\0"s);
  EXPECT_EQ(tftp::error_text(*tftp::parse_packet(bytes_of(said))), "full");
  std::ranges::fill(tftp::append_data(out, 0xABCD, 2), std::byte{'x'});
  EXPECT_EQ(take(out), "\0\3\xAB\xCDxx"s);
  tftp::append_acknowledgement(out, 0xABCD);
  EXPECT_EQ(take(out), "\0\4\xAB\xCD"s);
}

TEST(TftpPackets, AreNoneWithoutTheirHeader) {
  for (const std::string& packet : {""s, "\0"s, "\0\0"s, "\0\7"s, "\1\1"s, "\0\3\0"s, "\0\4\0"s, "\0\5"s}) {
    EXPECT_FALSE(tftp::parse_packet(bytes_of(packet))) << testing::PrintToString(packet);
  }
}

TEST(TftpFiles, HaveTheSameContentFromWhereverItIsRead) {
  const std::string whole = content("file-1000-a", 0, 1000);
  for (std::size_t offset = 0; offset < 40; ++offset) {
    EXPECT_EQ(content("file-1000-a", offset, 101), whole.substr(offset, 101));
    EXPECT_TRUE(File::named("put-1000-a")->has(offset, bytes_of(whole.substr(offset, 101))));
  }
  EXPECT_NE(content("file-1000-b", 0, 1000), whole);
  EXPECT_THAT(whole, testing::Each(testing::AllOf(testing::Ge('a'), testing::Le('p'))));
}

TEST(TftpFiles, NoticeEveryWrongByteAndWhatIsBeyondTheEnd) {
  const auto file = File::named("put-100");
  const std::string whole = content("file-100", 0, 100);
  for (std::size_t place = 0; place < whole.size(); ++place) {
    std::string wrong = whole;
    wrong[place] = static_cast<char>(wrong[place] ^ 1);
    EXPECT_FALSE(file->has(0, bytes_of(wrong))) << place;
  }
  EXPECT_FALSE(file->has(1, bytes_of(content("file-100", 1, 100))));
  EXPECT_FALSE(file->has(101, {}));
}

TEST(TftpFiles, AreNamedBySize) {
  EXPECT_EQ(File::named("file-65536")->bytes(), 65536U);
  EXPECT_EQ(File::named("put-7-x")->kind(), File::Kind::to_put);
  EXPECT_FALSE(File::named("file-7-x")->is_heavy());
  EXPECT_TRUE(File::named("file-7-heavy")->is_heavy());
  for (const std::string_view name :
       {"", "file-", "file", "file-x", "file-7x", "file--7", "get-7", "file-99999999999999999999"}) {
    EXPECT_FALSE(File::named(name)) << name;
  }
}

TEST(TftpSession, SendsAFileBlockByBlock) {
  for (const std::string_view mode : {"octet", "netascii", "OCTET"}) {
    TftpServer server;
    EXPECT_EQ(server.hears(reads("file-1100|"s.append(mode) + "|")), data(1, content("file-1100", 0, 512)));
    EXPECT_EQ(server.hears(ack(1)), data(2, content("file-1100", 512, 512)));
    EXPECT_EQ(server.hears(ack(2)), data(3, content("file-1100", 1024, 76)));
    EXPECT_FALSE(server.is_over());
    EXPECT_EQ(server.hears(ack(3)), "");
    EXPECT_TRUE(server.is_over());
  }
}

TEST(TftpSession, EndsAFileOfWholeBlocksWithAnEmptyOne) {
  TftpServer server;
  server.hears(reads("/file-512|octet|"));
  EXPECT_EQ(server.hears(ack(1)), data(2, ""));
  server.hears(ack(2));
  EXPECT_TRUE(server.is_over());
  EXPECT_EQ(TftpServer().hears(reads("file-0|octet|")), data(1, ""));
}

TEST(TftpSession, TakesAFileBlockByBlock) {
  TftpServer server;
  EXPECT_EQ(server.hears(writes("put-600|octet|")), ack(0));
  EXPECT_EQ(server.hears(data(1, content("file-600", 0, 512))), ack(1));
  EXPECT_FALSE(server.is_over());
  EXPECT_EQ(server.hears(data(2, content("file-600", 512, 88))), ack(2));
  EXPECT_TRUE(server.is_over());
}

TEST(TftpSession, GrantsOptions) {
  EXPECT_EQ(TftpServer().hears(reads("file-9000|octet|BlkSize|1000|tsize|0|timeout|3|unknown|x|")),
            granted("blksize|1000|timeout|3|tsize|9000|"));
  EXPECT_EQ(TftpServer().hears(reads("file-9000|octet|blksize|65464|")), granted("blksize|8192|"));
  EXPECT_EQ(TftpServer().hears(writes("put-9000|octet|tsize|9000|")), granted("tsize|9000|"));
  TftpServer server;
  server.hears(reads("file-20|octet|blksize|16|"));
  EXPECT_EQ(server.hears(ack(0)), data(1, content("file-20", 0, 16)));
  TftpServer put;
  put.hears(writes("put-20|octet|blksize|16|"));
  EXPECT_EQ(put.hears(data(1, content("file-20", 0, 16))), ack(1));
}

TEST(TftpSession, PassesOverOptionsOutOfBounds) {
  for (const std::string_view option : {"blksize|7|", "blksize|65465|", "timeout|0|", "timeout|256|", "unknown|1|"}) {
    EXPECT_EQ(TftpServer().hears(reads("file-3|octet|"s.append(option))), data(1, content("file-3", 0, 3))) << option;
  }
}

TEST(TftpSession, RefusesWithTheProtocolsErrors) {
  EXPECT_EQ(error_of(reads("nothing|octet|")), error(ErrorCode::not_found));
  EXPECT_EQ(error_of(reads("put-3|octet|")), error(ErrorCode::not_found));
  EXPECT_EQ(error_of(reads("file-1073741825|octet|")), error(ErrorCode::not_found));
  EXPECT_EQ(error_of(reads("../file-3|octet|")), error(ErrorCode::access_violation));
  EXPECT_EQ(error_of(reads("etc/passwd|octet|")), error(ErrorCode::access_violation));
  EXPECT_EQ(error_of(writes("anything|octet|")), error(ErrorCode::access_violation));
  EXPECT_EQ(error_of(writes("file-3|octet|")), error(ErrorCode::file_exists));
  EXPECT_EQ(error_of(writes("put-1073741825|octet|")), error(ErrorCode::disk_full));
  EXPECT_EQ(error_of(writes("put-3|octet|tsize|4|")), error(ErrorCode::disk_full));
  EXPECT_EQ(error_of(reads("file-3|mail|")), error(ErrorCode::illegal_operation));
  EXPECT_EQ(error_of(reads("file-3|")), error(ErrorCode::illegal_operation));
  EXPECT_EQ(error_of(reads("file-3|octet")), error(ErrorCode::illegal_operation));
  EXPECT_EQ(error_of(reads("file-3" + std::string(600, 'x') + "|octet|")), error(ErrorCode::illegal_operation));
  EXPECT_EQ(error_of("\0\7x"s), error(ErrorCode::illegal_operation));
  EXPECT_EQ(error_of(granted("blksize|8|")), error(ErrorCode::illegal_operation));
  EXPECT_EQ(error_of(ack(0)), error(ErrorCode::unknown_transfer));
  EXPECT_EQ(error_of(data(1, "x")), error(ErrorCode::unknown_transfer));
  EXPECT_EQ(error_of(reads("file-3|octet|blksize|x|")), error(ErrorCode::bad_options));
  EXPECT_EQ(error_of(reads("file-3|octet|blksize|")), error(ErrorCode::bad_options));
  EXPECT_EQ(error_of(reads("file-3|octet|blksize|8|blksize|8|")), error(ErrorCode::bad_options));
  EXPECT_EQ(error_of(numbered(Opcode::error, 0, "no"s)), "") << "an error is never answered";
}

TEST(TftpSession, RefusesWhatIsNotTheFilesContent) {
  const auto answer_to = [](const std::string& block) {
    TftpServer server;
    server.hears(writes("put-600|octet|"));
    std::string answer = server.hears(block);
    EXPECT_TRUE(server.is_over());
    return answer;
  };
  std::string wrong = content("file-600", 0, 512);
  wrong[500] = 'z';
  EXPECT_THAT(answer_to(data(1, wrong)), StartsWith(error(ErrorCode::undefined)));
  EXPECT_THAT(answer_to(data(1, content("file-600", 0, 511))), StartsWith(error(ErrorCode::undefined)));
  EXPECT_THAT(answer_to(data(1, content("file-600", 0, 513))), StartsWith(error(ErrorCode::illegal_operation)));
  EXPECT_THAT(answer_to(ack(1)), StartsWith(error(ErrorCode::illegal_operation)));
  TftpServer server;
  server.hears(writes("put-600|octet|"));
  server.hears(data(1, content("file-600", 0, 512)));
  EXPECT_THAT(server.hears(data(2, content("file-600", 512, 89))), StartsWith(error(ErrorCode::disk_full)));
}

TEST(TftpSession, PassesOverDoubledAcknowledgementsAndTakesTheFourthForASilence) {
  TftpServer server;
  server.hears(reads("file-2000|octet|"));
  const std::string second = server.hears(ack(1));
  for (int doubled = 1; doubled < 4; ++doubled) EXPECT_EQ(server.hears(ack(1)), "");
  EXPECT_EQ(server.hears(ack(1)), second);
  EXPECT_THAT(server.hears(ack(2)), StartsWith(data(3, "")));
  EXPECT_EQ(server.hears(ack(1)), "") << "counted anew";
}

TEST(TftpSession, AcknowledgesADoubledBlockAgain) {
  TftpServer server;
  server.hears(writes("put-2000|octet|"));
  server.hears(data(1, content("file-2000", 0, 512)));
  for (int again = 0; again < 20; ++again) EXPECT_EQ(server.hears(data(1, content("file-2000", 0, 512))), ack(1));
  EXPECT_EQ(server.hears(data(3, content("file-2000", 1024, 512))), "") << "a block that is not due yet";
  EXPECT_EQ(server.hears(data(2, content("file-2000", 512, 512))), ack(2));
}

TEST(TftpSession, SaysWhatWasLostFiveTimesInAll) {
  for (const std::string& first : {reads("file-2000|octet|"), reads("file-2000|octet|blksize|99|"),
                                   writes("put-2000|octet|"), writes("put-2000|octet|tsize|5|")}) {
    TftpServer server;
    const std::string said = server.hears(first);
    EXPECT_NE(said, "");
    for (int again = 1; again < 5; ++again) EXPECT_EQ(server.waits(), said);
    EXPECT_FALSE(server.is_over());
    EXPECT_EQ(server.waits(), "");
    EXPECT_TRUE(server.is_over());
  }
}

TEST(TftpSession, CountsTriesAnewAfterEachBlock) {
  TftpServer server;
  server.hears(reads("file-20000|octet|"));
  for (unsigned block = 1; block < 20; ++block) {
    EXPECT_THAT(server.waits(), StartsWith(data(block, "")));
    EXPECT_THAT(server.waits(), StartsWith(data(block, "")));
    EXPECT_THAT(server.hears(ack(block)), StartsWith(data(block + 1, "")));
  }
}

TEST(TftpSession, WaitsAsLongAsTheOptionSays) {
  TftpServer server;
  const std::string said = server.hears(reads("file-2000|octet|timeout|3|"));
  EXPECT_EQ(server.waits(), "");
  EXPECT_EQ(server.waits(), "");
  EXPECT_EQ(server.waits(), said);
}

TEST(TftpSession, DalliesWhereItIsToldTo) {
  for (const bool dallies : {false, true}) {
    TftpServer server(tftp_context(1, 512, dallies));
    server.hears(writes("put-3|octet|"));
    EXPECT_EQ(server.hears(data(1, content("file-3", 0, 3))), ack(1));
    EXPECT_NE(server.is_over(), dallies);
    if (!dallies) continue;
    EXPECT_EQ(server.hears(data(1, content("file-3", 0, 3))), ack(1));
    for (int silence = 1; silence <= 5; ++silence) {
      EXPECT_FALSE(server.is_over());
      EXPECT_EQ(server.waits(), "");
    }
    EXPECT_TRUE(server.is_over());
  }
}

TEST(TftpSession, HasTheExtrasOfAHeavyTransferBeforeItsFirstAnswer) {
  ServiceContext context = tftp_context(100);
  context.parameters.compute_steps = 5;
  context.parameters.wait = std::chrono::nanoseconds(7);
  const auto client = tftp_row().exchange(context.parameters, 2, true);
  TftpServer server(context);
  EXPECT_EQ(server.hears(request_of(*client)), "");
  EXPECT_EQ(server.step().next, Next::compute);
  EXPECT_EQ(server.step().amount, 5U);
  EXPECT_EQ(server.resumes(), "");
  EXPECT_EQ(server.step().next, Next::wait);
  EXPECT_THAT(server.resumes(), StartsWith(data(1, "")));
  EXPECT_EQ(server.step().next, Next::read);
  TftpServer light(context);
  EXPECT_THAT(light.hears(request_of(*tftp_row().exchange(context.parameters, 2, false))), StartsWith(data(1, "")));
}

// Whatever comes, and in whatever state: the session neither crashes nor reads beyond what came (as the address
// sanitizer would say), answers with one small packet, and ends or goes on as the protocol says.
TEST(TftpSession, SurvivesMalformedPackets) {
  std::mt19937 random(7);
  const auto below = [&random](std::size_t bound) { return random() % bound; };
  const std::vector<std::string> valid{reads("file-2000|octet|"),
                                       reads("file-2000|octet|blksize|1000|tsize|0|timeout|2|"),
                                       writes("put-2000|octet|"),
                                       ack(0),
                                       ack(1),
                                       data(1, content("file-2000", 0, 512)),
                                       granted("blksize|1000|"),
                                       numbered(Opcode::error, 1, "no\0"s)};
  const auto malformed = [&] {
    std::string packet = valid[below(valid.size())];
    switch (below(4)) {
      case 0: packet.resize(below(packet.size() + 1)); break;
      case 1:
        for (std::size_t i = 0; i < 1 + below(4); ++i) packet[below(packet.size())] = static_cast<char>(random());
        break;
      case 2: packet.append(below(16'000), static_cast<char>(random())); break;
      default:
        packet.resize(below(600));
        for (char& letter : packet) letter = static_cast<char>(random());
    }
    return packet;
  };
  std::size_t refused = 0;
  for (int sessions = 0; sessions < 20'000; ++sessions) {
    TftpServer server;
    if (below(2) == 0) server.hears(valid[below(3)]);
    for (int packets = 0; packets < 4 && !server.is_over(); ++packets) {
      const std::string answer = server.hears(malformed());
      ASSERT_LE(answer.size(), tftp::data_header_bytes + 8192);
      ASSERT_TRUE(answer.empty() || tftp::parse_packet(bytes_of(answer)));
      if (answer.starts_with("\0\5"s)) {
        ++refused;
        ASSERT_TRUE(server.is_over());
      }
    }
  }
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace bench
