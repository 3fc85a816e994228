// Why: every figure for a service rests on sessions that answer rightly whatever way bytes are cut up, and on clients
// that notice every wrong byte.
#include "workloads/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <ostream>

#include "tests/support/conversation.h"
#include "tests/support/own_folder.h"
#include "tests/support/service_memory.h"
#include "tests/support/told.h"
#include "workloads/payload.h"

namespace bench {

std::ostream& operator<<(std::ostream& stream, const Service& service) { return stream << service.name; }

namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;
using testing::StartsWith;

using Lines = std::vector<std::string>;

// Clients and sessions of one row with the same parameters.
struct Setting {
  const Service& service;
  std::shared_ptr<ServiceMemory> memory;
  ServiceContext context;
  std::shared_ptr<ScratchFolder> folder{};  // where the service has one

  std::unique_ptr<Exchange> client(std::uint64_t connection = 1, bool heavy = false) const {
    return service.exchange(context.parameters, connection, heavy);
  }
  ServedConnection server() const { return {service, context}; }

  // What the server says to a request.
  std::string answer(std::string_view request) const {
    ServedConnection connection = server();
    connection.receive(request);
    return connection.take_sent();
  }
};

Setting setting(const Service& service, std::uint64_t message_bytes) {
  const auto memory = std::make_shared<ServiceMemory>(service);
  Setting made{service, memory, memory->context({.message_bytes = message_bytes})};
  made.folder = give_store(service, made.context);
  return made;
}

const Service& service_named(std::string_view name) {
  const auto services = all_services();
  return *std::ranges::find(services, name, &Service::name);
}

std::string requests_of(Exchange& client, int count) {
  std::string requests;
  for (int request = 0; request < count; ++request) requests += request_of(client);
  return requests;
}

TEST(ServiceTable, HasUniqueNames) {
  Lines names;
  for (const Service& service : all_services()) {
    EXPECT_EQ(std::ranges::count(names, service.name), 0);
    names.emplace_back(service.name);
  }
}

TEST(ServiceTable, HasUniqueSchemesOfUrls) {
  Lines names;
  for (const Service& service : all_services()) {
    EXPECT_THAT(service.scheme.port, MatchesRegex("[0-9]*")) << service.name;
    if (service.scheme.name.empty()) continue;
    EXPECT_EQ(std::ranges::count(names, service.scheme.name), 0) << service.name;
    names.emplace_back(service.scheme.name);
  }
}

TEST(ServiceTable, HasNoMoreClassesThanLoadsHaveHistogramsFor) {
  for (const Service& service : all_services()) {
    EXPECT_FALSE(service.classes.empty()) << service.name;
    EXPECT_LE(service.classes.size(), max_request_classes) << service.name;
    Lines names;
    for (const RequestClass& each : service.classes) {
      EXPECT_EQ(each.name.empty(), service.classes.size() == 1) << service.name;
      EXPECT_EQ(std::ranges::count(names, each.name), 0) << service.name << ": " << each.name;
      names.emplace_back(each.name);
    }
  }
}

TEST(ClassesToldApart, AreThoseOfTheRowWhereMoreThanOneCanOccur) {
  constexpr std::array listed{RequestClass{"list"}, RequestClass{"get"}, RequestClass{"put"}};
  Service service = service_named("echo");
  const ServiceParameters none{.heavy_share = 0.5};
  const ServiceParameters some{.compute_steps = 5, .heavy_share = 0.5};
  const ServiceParameters all{.wait = std::chrono::milliseconds(1), .heavy_share = 1};
  EXPECT_EQ(classes_told_apart(service, none), 0U);
  EXPECT_EQ(classes_told_apart(service, some), 2U);
  EXPECT_EQ(classes_told_apart(service, all), 0U);
  service.classes = listed;
  EXPECT_EQ(classes_told_apart(service, none), 3U);
  service.classes = one_class;
  EXPECT_EQ(classes_told_apart(service, some), 0U);
}

class AnyService : public testing::TestWithParam<Service> {};
class TcpService : public testing::TestWithParam<Service> {};

// Those whose reply is one answer to one request; a transfer is a dialogue, tftp_test.cpp.
std::vector<Service> services_of(std::optional<Transport> transport) {
  std::vector<Service> services;
  for (const Service& service : all_services()) {
    if (service.transport == Transport::udp_transfers) continue;
    if (!transport || service.transport == *transport) services.push_back(service);
  }
  return services;
}

std::string name_of_service(const testing::TestParamInfo<Service>& info) {
  std::string name(info.param.name);
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Rows, AnyService, testing::ValuesIn(services_of(std::nullopt)), name_of_service);
INSTANTIATE_TEST_SUITE_P(Rows, TcpService, testing::ValuesIn(services_of(Transport::tcp)), name_of_service);

TEST_P(AnyService, AnswersItsOwnClientForEverySize) {
  for (const std::uint64_t size : {0U, 1U, 2U, 7U, 8U, 9U, 63U, 64U, 255U, 256U, 257U, 1000U, 65'000U}) {
    if (size > largest_message(GetParam())) continue;
    const Setting test = setting(GetParam(), size);
    const auto client = test.client();
    for (int request = 0; request < 3; ++request) {
      EXPECT_THAT(replies(*client, test.answer(request_of(*client))), ElementsAre("complete")) << size;
    }
  }
}

TEST_P(AnyService, SaysWhichOfItsClassesItAsksFor) {
  const Setting test = setting(GetParam(), 64);
  const std::span<const RequestClass> classes = GetParam().classes;
  for (const bool heavy : {false, true}) {
    const auto client = test.client(1, heavy);
    for (int request = 0; request < 20; ++request) {
      Output out;
      const std::size_t asked = client->request(out);
      ASSERT_LT(asked, classes.size());
      const AskedBy by = classes[asked].asked_by;
      EXPECT_TRUE(by == AskedBy::all || (by == AskedBy::heavy) == heavy) << classes[asked].name;
    }
  }
}

TEST_P(AnyService, AsksForTheComputationAndThenTheWaitOfEachHeavyRequestOnce) {
  Setting test = setting(GetParam(), 100);
  test.context.parameters.compute_steps = 1000;
  test.context.parameters.wait = std::chrono::milliseconds(2);
  const auto heavy = test.client(1, true);
  const auto light = test.client(2, false);
  for (int request = 0; request < 2; ++request) {
    ServedConnection server = test.server();
    server.receive(request_of(*heavy));
    EXPECT_THAT(server.asked(), ElementsAre("compute 1000", "wait 2000000"));
    EXPECT_THAT(replies(*heavy, server.take_sent()), ElementsAre("complete"));

    ServedConnection other = test.server();
    other.receive(request_of(*light));
    EXPECT_THAT(other.asked(), IsEmpty());
    EXPECT_THAT(replies(*light, other.take_sent()), ElementsAre("complete"));
  }
}

TEST_P(AnyService, AsksForWhichExtrasThereAre) {
  Setting test = setting(GetParam(), 100);
  const auto asked = [&] {
    ServedConnection server = test.server();
    server.receive(request_of(*test.client(1, true)));
    return server.asked();
  };
  EXPECT_THAT(asked(), IsEmpty());
  test.context.parameters.compute_steps = 5;
  EXPECT_THAT(asked(), ElementsAre("compute 5"));
  test.context.parameters.compute_steps = 0;
  test.context.parameters.wait = std::chrono::nanoseconds(7);
  EXPECT_THAT(asked(), ElementsAre("wait 7"));
}

// A model may send what is pending while it waits: half a reply would cost it a system call.
TEST_P(AnyService, SaysNothingBeforeTheExtras) {
  Setting test = setting(GetParam(), 100);
  test.context.parameters.compute_steps = 1;
  const std::string request = request_of(*test.client(1, true));
  Output out;
  const auto session = test.service.open(test.context);
  const Step step = session->advance(Why::data, bytes_of(request), out);
  EXPECT_EQ(step.next, Next::compute);
  EXPECT_EQ(out.pending(), 0U);
}

// The bytes of a reply that a client has to check: all, but of HTTP's header only what tells replies apart.
std::vector<std::size_t> checked_places(const Service& service, const std::string& reply) {
  std::vector<std::size_t> places;
  const auto add = [&](std::size_t from, std::size_t to) {
    for (std::size_t place = from; place < to; ++place) places.push_back(place);
  };
  if (service.name != "http") {
    // A line of a chat whose end is damaged goes on.
    add(0, reply.size() - (service.name == "chat" ? 1 : 0));
    return places;
  }
  add(0, std::string_view("HTTP/1.").size());  // a reply of HTTP/1.0 would be right too
  add(std::string_view("HTTP/1.1").size(), std::string_view("HTTP/1.1 200").size());
  for (const std::string_view field : {"Content-Length: ", "X-Request: "}) {
    const std::size_t from = reply.find(field) + field.size();
    add(from, reply.find('\r', from));
  }
  add(reply.find("\r\n\r\n") + 4, reply.size());
  return places;
}

TEST_P(AnyService, ClientNoticesEveryWrongByte) {
  const Setting test = setting(GetParam(), 100);
  const std::string reply = test.answer(request_of(*test.client()));
  for (const std::size_t place : checked_places(test.service, reply)) {
    for (const int change : {0x01, 0x20, 0x80, 0xFF}) {
      const auto client = test.client();
      request_of(*client);
      std::string mutated = reply;
      mutated[place] = static_cast<char>(mutated[place] ^ change);
      const Lines lines = replies(*client, mutated);
      ASSERT_THAT(lines, ElementsAre(StartsWith("wrong: "))) << place << " changed by " << change;
      ASSERT_GT(lines[0].size(), std::string_view("wrong: ").size());
    }
  }
}

TEST_P(AnyService, ClientNoticesAnotherConnectionsReply) {
  const Setting test = setting(GetParam(), 64);
  const auto client = test.client(1);
  request_of(*client);
  EXPECT_THAT(replies(*client, test.answer(request_of(*test.client(2)))), ElementsAre(StartsWith("wrong: ")));
}

TEST_P(TcpService, AnswersRequestsAndRepliesInPiecesOfAnySize) {
  for (const std::uint64_t size : {0U, 1U, 64U, 5000U, 70'000U}) {
    if (size > largest_message(GetParam())) continue;
    const Setting test = setting(GetParam(), size);
    for (const std::size_t piece : {1U, 2U, 3U, 5U, 16U, 4096U}) {
      if (piece < 5 && size > 5000) continue;  // quadratic in the test's own tails
      const auto client = test.client();
      ServedConnection server = test.server();
      for (int request = 0; request < 3; ++request) {
        server.receive_in_pieces(request_of(*client), piece);
        EXPECT_THAT(replies_in_pieces(*client, server.take_sent(), piece), ElementsAre("complete"))
            << size << " bytes in pieces of " << piece;
      }
      EXPECT_EQ(server.unconsumed(), 0U);
    }
  }
}

TEST_P(TcpService, AnswersARequestCutInTwoAnywhere) {
  const Setting test = setting(GetParam(), 60);
  const std::size_t size = request_of(*test.client()).size();
  for (std::size_t cut = 1; cut < size; ++cut) {
    const auto client = test.client();
    ServedConnection server = test.server();
    const std::string request = request_of(*client);
    server.receive(request.substr(0, cut));
    server.receive(request.substr(cut));
    const std::string reply = server.take_sent();
    ASSERT_THAT(replies(*client, reply), ElementsAre("complete")) << cut;
  }
}

TEST_P(TcpService, ClientTakesAReplyCutInTwoAnywhere) {
  const Setting test = setting(GetParam(), 60);
  const std::size_t size = test.answer(request_of(*test.client())).size();
  for (std::size_t cut = 1; cut < size; ++cut) {
    const auto client = test.client();
    const std::string reply = test.answer(request_of(*client));
    const Reply first = client->reply(bytes_of(reply).first(cut));
    ASSERT_EQ(first.verdict, Verdict::more) << cut;
    ASSERT_THAT(replies(*client, reply.substr(first.consumed)), ElementsAre("complete")) << cut;
  }
}

TEST_P(TcpService, AnswersPipelinedRequestsInOrder) {
  for (const std::uint64_t size : {0U, 64U, 40'000U}) {
    for (const std::size_t piece : {7U, 1000U, 10'000'000U}) {
      if ((piece < 1000 && size > 1000) || size > largest_message(GetParam())) continue;
      const Setting test = setting(GetParam(), size);
      const auto client = test.client();
      const std::string requests = requests_of(*client, 20);
      ServedConnection server = test.server();
      server.receive_in_pieces(requests, piece);
      const Lines lines = replies_in_pieces(*client, server.take_sent(), piece);
      EXPECT_THAT(lines, SizeIs(20));
      EXPECT_THAT(lines, Each("complete"));
      // One that reads a disk between has its output taken meanwhile, here where sending never fails.
      if (size == 40'000 && piece > 1000 && largest_message(test.service) >= size && !test.service.fill_store) {
        EXPECT_GE(server.drains(), 5U);
      }
    }
  }
}

TEST_P(TcpService, AsksForTheExtrasOfEachPipelinedRequest) {
  Setting test = setting(GetParam(), 10);
  test.context.parameters.compute_steps = 3;
  test.context.parameters.wait = std::chrono::nanoseconds(4);
  for (const std::size_t piece : {1U, 1000U}) {
    const auto client = test.client(1, true);
    const std::string requests = requests_of(*client, 2);
    ServedConnection server = test.server();
    server.receive_in_pieces(requests, piece);
    EXPECT_THAT(server.asked(), ElementsAre("compute 3", "wait 4", "compute 3", "wait 4"));
    EXPECT_THAT(replies(*client, server.take_sent()), ElementsAre("complete", "complete"));
  }
}

TEST_P(TcpService, ClientNoticesAStaleReply) {
  const Setting test = setting(GetParam(), 64);
  const auto client = test.client();
  const std::string first = test.answer(request_of(*client));
  request_of(*client);
  EXPECT_THAT(replies(*client, first + first), ElementsAre("complete", StartsWith("wrong: ")));
}

TEST_P(TcpService, ClientNoticesThatAReplyIsCutShort) {
  const Setting test = setting(GetParam(), 64);
  const auto client = test.client();
  const std::string reply = test.answer(request_of(*client));
  EXPECT_EQ(client->end().verdict, Verdict::more);
  EXPECT_THAT(replies(*client, reply.substr(0, reply.size() - 1)), ElementsAre("more"));
  EXPECT_EQ(client->end().verdict, Verdict::more);
}

TEST_P(TcpService, AnswersWhatIsWholeWhenThePeerEndsAndCloses) {
  Setting test = setting(GetParam(), 64);
  test.context.parameters.wait = std::chrono::nanoseconds(4);
  const auto client = test.client(1, true);
  const std::string requests = requests_of(*client, 2);
  ServedConnection server = test.server();
  server.receive(requests);
  EXPECT_FALSE(server.is_closed());
  server.end();
  EXPECT_TRUE(server.is_closed());
  EXPECT_THAT(replies(*client, server.take_sent()), ElementsAre("complete", "complete"));

  const std::string third = request_of(*client);
  ServedConnection cut = test.server();
  cut.receive(third.substr(0, third.size() / 2));
  cut.end();
  EXPECT_TRUE(cut.is_closed());
}

TEST_P(TcpService, ClosesASilentConnectionWithoutAWord) {
  const Setting test = setting(GetParam(), 64);
  ServedConnection silent = test.server();
  silent.time_out();
  EXPECT_TRUE(silent.is_closed());
  EXPECT_EQ(silent.take_sent(), "");

  const auto client = test.client();
  ServedConnection idle = test.server();
  idle.receive(request_of(*client));
  EXPECT_THAT(replies(*client, idle.take_sent()), ElementsAre("complete"));
  idle.time_out();
  EXPECT_TRUE(idle.is_closed());
  EXPECT_EQ(idle.take_sent(), "");
}

TEST(Echo, FoldsAsciiLettersAndNothingElse) {
  std::string all(256, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  std::string expected = all;
  for (char letter = 'a'; letter <= 'z'; ++letter) expected[static_cast<std::size_t>(letter)] -= 0x20;
  for (std::size_t from = 0; from < 9; ++from) {  // at every place in a word
    std::string folded = all.substr(from);
    copy_upper_case(bytes_of(folded), std::as_writable_bytes(std::span(folded)));
    EXPECT_EQ(folded, expected.substr(from));
  }
}

TEST(Echo, AnswersTooLongALengthWithAnErrorAndCloses) {
  const Setting test = setting(service_named("echo"), 1);
  for (const std::string_view header : {std::string_view("\x40\0\0\1", 4), std::string_view("\xFF\xFF\xFF\xFF"),
                                        std::string_view("GET / HTTP/1.1\r\n\r\n")}) {
    ServedConnection server = test.server();
    server.receive(header);
    EXPECT_TRUE(server.is_closed());
    EXPECT_EQ(server.take_sent(), "\xFF\xFF\xFF\xFF");
  }
}

TEST(Echo, AnswersTheRightRequestBeforeTheWrongOne) {
  const Setting test = setting(service_named("echo"), 1);
  ServedConnection server = test.server();
  server.receive(std::string("\0\0\0\1x\xFF\xFF\xFF\xFF", 9));
  EXPECT_TRUE(server.is_closed());
  EXPECT_EQ(server.take_sent(), std::string("\0\0\0\1X\xFF\xFF\xFF\xFF", 9));
}

TEST(UdpEcho, DropsADatagramWithoutAHeader) {
  const Setting test = setting(service_named("udp-echo"), 1);
  for (std::size_t size = 0; size < 12; ++size) {
    ServedConnection server = test.server();
    server.receive(std::string(size, 'x'));
    EXPECT_TRUE(server.is_closed());
    EXPECT_EQ(server.take_sent(), "");
    EXPECT_EQ(server.unconsumed(), 0U);
  }
}

TEST(UdpEcho, SessionTakesAnotherDatagramAfterItsClose) {
  Setting test = setting(service_named("udp-echo"), 10);
  test.context.parameters.compute_steps = 9;
  const auto client = test.client(1, true);
  const auto session = test.service.open(test.context);
  for (int datagram = 0; datagram < 3; ++datagram) {
    const std::string request = request_of(*client);
    Output out;
    EXPECT_EQ(session->advance(Why::data, bytes_of(request), out).next, Next::compute);
    EXPECT_EQ(session->advance(Why::resumed, bytes_of(request), out).next, Next::close);
    EXPECT_THAT(replies(*client, take(out)), ElementsAre("complete"));
  }
}

TEST(UdpEcho, ClientTakesRepliesInAnyOrder) {
  const Setting test = setting(service_named("udp-echo"), 20);
  const auto client = test.client();
  Lines answers;
  for (int request = 0; request < 3; ++request) answers.push_back(test.answer(request_of(*client)));
  for (const std::size_t next : {2U, 0U, 1U}) {
    EXPECT_THAT(replies(*client, answers[next]), ElementsAre("complete"));
  }
}

TEST(UdpEcho, ClientTellsStaleRepliesFromWrongOnes) {
  const Setting test = setting(service_named("udp-echo"), 20);
  const auto client = test.client();
  const std::string lost = test.answer(request_of(*client));
  const std::string due = test.answer(request_of(*client));
  client->give_up();
  EXPECT_THAT(replies(*client, lost), ElementsAre("stale"));
  EXPECT_THAT(replies(*client, due), ElementsAre("complete"));
  EXPECT_THAT(replies(*client, due), ElementsAre("stale"));

  const auto other = test.client();  // the same connection number, further on
  request_of(*other);
  request_of(*other);
  const std::string future = test.answer(request_of(*other));
  EXPECT_THAT(replies(*client, future), ElementsAre(StartsWith("wrong: ")));
}

TEST(UdpEcho, LongestMessageFillsADatagram) {
  const Service& service = service_named("udp-echo");
  const Setting test = setting(service, largest_message(service));
  const auto client = test.client();
  const std::string request = request_of(*client);
  EXPECT_EQ(request.size(), 65'507U);
  EXPECT_THAT(replies(*client, test.answer(request)), ElementsAre("complete"));
}

}  // namespace
}  // namespace bench
