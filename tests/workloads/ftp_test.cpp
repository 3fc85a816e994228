// Why: a server of files that tears one, leaves half of one, or follows a name out of its folder is wrong whatever its
// rate; and whatever bytes come, it must stay up and bounded.
#include "workloads/ftp.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "measure/usage.h"
#include "models/talk/transfer.h"
#include "tests/support/conversation.h"
#include "tests/support/own_folder.h"
#include "workloads/file_contents.h"
#include "workloads/ftp_protocol.h"

namespace bench {

extern const Service ftp_service;

namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::uint64_t file_bytes = 20;

class FtpSession : public testing::Test {
 protected:
  explicit FtpSession(std::uint64_t bytes = file_bytes) {
    context_.parameters.message_bytes = bytes;
    folder_ = give_store(ftp_service, context_);
    for (const std::string& name : names()) fs::remove(path(name));  // the tests of sessions name what there is
  }

  ServedConnection connect() const { return {ftp_service, context_}; }

  // What a connection of its own says to these bytes, and whether it is closed after them.
  std::string answer(std::string_view bytes) const {
    ServedConnection connection = connect();
    connection.receive(bytes);
    return connection.take_sent() + (connection.is_closed() ? "(closed)" : "");
  }

  std::string path(const std::string& name) const { return context_.store.path + "/" + name; }

  void put(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }

  std::string text_of(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // All there is in the store, hidden or not.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(context_.store.path)) {
      if (!entry.is_directory()) names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  ServiceContext context_{.parameters = {}, .model = "epoll"};
  std::unique_ptr<ScratchFolder> folder_;
};

TEST_F(FtpSession, ListsFilesInTheOrderOfTheirNames) {
  EXPECT_EQ(answer("LIST\n"), "OK 0\n");
  put("b", "two");
  put("a.txt", "");
  put("C_-9", "1");
  put(".hidden", "x");
  fs::create_directory(path("folder"));
  EXPECT_EQ(answer("LIST\n"), "OK 19\n1 C_-9\n0 a.txt\n3 b\n");
}

TEST_F(FtpSession, GivesAFile) {
  put("a", "some\ntext");
  put("empty", "");
  EXPECT_EQ(answer("GET a\n"), "OK 9\nsome\ntext");
  EXPECT_EQ(answer("GET a\r\nGET empty\nGET a\n"), "OK 9\nsome\ntextOK 0\nOK 9\nsome\ntext");
}

TEST_F(FtpSession, TakesAFileAndReplacesOne) {
  EXPECT_EQ(answer("PUT a 9\nsome\ntextLIST\n"), "OK 4\n9 a\nOK 4\n9 a\n");
  EXPECT_EQ(text_of("a"), "some\ntext");
  EXPECT_EQ(answer("PUT a 1\n.PUT b 0\n"), "OK 4\n1 a\nOK 4\n0 b\n");
  EXPECT_EQ(text_of("a"), ".");
  EXPECT_EQ(text_of("b"), "");
  EXPECT_THAT(names(), ElementsAre("a", "b"));
}

TEST_F(FtpSession, EndsAtQuit) { EXPECT_EQ(answer("LIST\nQUIT\nLIST\n"), "OK 0\nOK 0\n(closed)"); }

TEST_F(FtpSession, TakesAndGivesFilesOfManyPieces) {
  for (const std::size_t size : {65'535U, 65'536U, 65'537U, 300'000U}) {
    std::string text(size, ' ');
    FileContents(size).fill(std::as_writable_bytes(std::span(text)), 0);
    for (const std::size_t piece : {1'000U, 16'384U, 1'000'000U}) {
      ServedConnection connection = connect();
      connection.receive_in_pieces(fmt::format("PUT large {}\n{}GET large\n", size, text), piece);
      EXPECT_EQ(connection.take_sent(),
                fmt::format("OK {}\n{} large\nOK {}\n{}", 7 + std::to_string(size).size(), size, size, text));
    }
  }
}

TEST_F(FtpSession, RefusesNamesThatLeadElsewhere) {
  put("a", "x");
  fs::create_symlink("/etc/passwd", path("link"));
  fs::create_directory(path("folder"));
  for (const std::string_view name : {"..", ".", "../a", "/etc/passwd", "a/b", ".incoming", ".hidden", "", "a\\b", "a*",
                                      "\xC3\xA4", "a\tb", "a;b", "a~"}) {
    EXPECT_EQ(answer(fmt::format("GET {}\n", name)),
              "ERROR a name has letters, digits, '.', '-' and '_', and does not begin with '.'\n")
        << name;
    EXPECT_EQ(answer(fmt::format("PUT {} 3\nabcGET a\n", name)),
              "ERROR a name has letters, digits, '.', '-' and '_', and does not begin with '.'\nOK 1\nx")
        << name;
  }
  EXPECT_THAT(answer(std::string("GET a\0b\n", 8)), StartsWith("ERROR a name has"));
  EXPECT_THAT(answer(std::string("PUT a\0 1\n.", 10)), StartsWith("ERROR a name has"));
  EXPECT_EQ(answer("GET " + std::string(101, 'a') + "\nGET a\n"), "ERROR the name is too long\nOK 1\nx");
  EXPECT_EQ(answer("GET " + std::string(100, 'a') + "\n"), "ERROR no such file\n");
  EXPECT_EQ(answer("GET link\n"), "ERROR no such file\n");
  EXPECT_EQ(answer("GET folder\n"), "ERROR no such file\n");
  EXPECT_THAT(answer("PUT folder 3\nabcGET a\n"), AllOf(StartsWith("ERROR name the file: "), EndsWith("\nOK 1\nx")));
  EXPECT_EQ(answer("PUT link 1\n.GET link\n"), "OK 7\n1 link\nOK 1\n.");  // the name, and not what it led to
}

TEST_F(FtpSession, GoesOnAfterAnErrorThatLeavesNoDoubt) {
  put("a", "x");
  for (const std::string_view line : {"", "get a", "FOO", "GET", "GET a b", "GET  a", " GET a", "GET a ", "LIST a",
                                      "QUIT now", "GET missing", "GET a heavy heavy"}) {
    const std::string said = answer(fmt::format("{}\nGET a\n", line));
    EXPECT_THAT(said, AllOf(StartsWith("ERROR "), EndsWith("\nOK 1\nx"))) << line;
    EXPECT_EQ(std::ranges::count(said, '\n'), 2) << line;
  }
}

TEST_F(FtpSession, ClosesWhereNobodyKnowsWhereTheNextCommandBegins) {
  for (const std::string_view line :
       {"PUT", "PUT a", "PUT a -1", "PUT a 1x", "PUT a 01", "PUT a 0x1", "PUT a 99999999999999999999", "PUT a 1 2",
        "PUT a 67108865", "PUT a ", "PUT a +1"}) {
    EXPECT_THAT(answer(fmt::format("{}\nLIST\n", line)), AllOf(StartsWith("ERROR "), EndsWith("\n(closed)"))) << line;
  }
  EXPECT_EQ(answer(std::string(256, 'x')), "ERROR the line is too long\n(closed)");
  EXPECT_EQ(answer(std::string(255, 'x')), "");
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(FtpSession, LeavesNothingOfAFileThatIsCutShort) {
  put("a", "old");
  const std::string whole = "PUT a 100000\n" + std::string(100'000, 'x');
  for (const std::size_t size : {13U, 14U, 5'000U, 70'000U, 100'012U}) {
    {
      ServedConnection ended = connect();
      ended.receive(whole.substr(0, size));
      EXPECT_EQ(names().size(), 2U) << "it comes in beside the old one";
      EXPECT_EQ(answer("LIST\n"), "OK 4\n3 a\n");
      ended.end();
      EXPECT_TRUE(ended.is_closed());
    }
    {
      ServedConnection gone = connect();
      gone.receive(whole.substr(0, size));
    }
    EXPECT_THAT(names(), ElementsAre("a"));
    EXPECT_EQ(text_of("a"), "old");
  }
}

TEST_F(FtpSession, TellsThatTheStoreIsFull) {
  for (std::size_t i = 0; i < max_ftp_store_files; ++i) put(fmt::format("f{}", i), "");
  EXPECT_EQ(answer("PUT another 3\nabcGET f0\n"), "ERROR the store is full: it holds too many files\nOK 0\n");
  EXPECT_EQ(answer("PUT f0 3\nabc"), "OK 5\n3 f0\n");
  for (const std::string& name : names()) fs::remove(path(name));

  put("large", "");
  std::error_code error;
  fs::resize_file(path("large"), max_ftp_store_bytes - 2, error);  // it has holes
  if (error) GTEST_SKIP() << "no room for a file of that length";
  EXPECT_EQ(answer("PUT b 3\nabcPUT b 2\nab"), "ERROR the store is full: its files are too large\nOK 4\n2 b\n");
}

// Files may grow to a megabyte, as on a disk that is full after that.
TEST_F(FtpSession, RefusesWhatTheDiskRefusesAndSkipsTheRest) {
  put("a", "x");
  rlimit usual{};
  getrlimit(RLIMIT_FSIZE, &usual);
  const auto kept = signal(SIGXFSZ, SIG_IGN);
  const rlimit few{.rlim_cur = 1 << 20, .rlim_max = usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &few), 0);
  const std::string said = answer(fmt::format("PUT b 3000000\n{}GET a\n", std::string(3'000'000, '\n')));
  setrlimit(RLIMIT_FSIZE, &usual);
  signal(SIGXFSZ, kept);
  EXPECT_EQ(said, "ERROR write the file: File too large\nOK 1\nx");
  EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(FtpSession, SaysWhyAFileCannotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  put("a", "x");
  fs::permissions(path("a"), fs::perms::none);
  EXPECT_EQ(answer("GET a\nLIST\n"), "ERROR open the file: Permission denied\nOK 4\n1 a\n");
}

// The old file to its end, although it is no longer there.
TEST_F(FtpSession, GivesAFileThatIsReplacedMeanwhileAsItWas) {
  const std::string before(200'000, 'o');
  const std::string after(150'000, 'n');
  put("a", before);
  const auto reader = ftp_service.open(context_);
  Output out;
  std::string got;
  Step step = reader->advance(Why::data, bytes_of("GET a\n"), out);
  bool replaced = false;
  while (step.next == Next::transfer || step.next == Next::drain) {
    if (step.next == Next::transfer) {
      step.operation->result = do_transfer(step.operation->transfer);
      if (!replaced) {
        EXPECT_EQ(answer(fmt::format("PUT a {}\n{}", after.size(), after)), "OK 9\n150000 a\n");
      }
      replaced = true;
    }
    const Why why = step.next == Next::transfer ? Why::resumed : Why::drained;
    got += take(out);
    step = reader->advance(why, {}, out);
  }
  EXPECT_EQ(got + take(out), "OK 200000\n" + before);
  EXPECT_EQ(answer("GET a\n"), "OK 150000\n" + after);
}

TEST_F(FtpSession, GivesOneOfTheFilesThatAreReplacedAtTheSameTime) {
  constexpr int rounds = 200;
  const auto text_from = [](char letter) { return std::string(100'000, letter); };
  put("a", text_from('a'));
  std::vector<std::thread> writers;
  for (char letter = 'b'; letter < 'e'; ++letter) {
    writers.emplace_back([&, letter] {
      const std::string request = fmt::format("PUT a 100000\n{}", text_from(letter));
      for (int round = 0; round < rounds; ++round) answer(request);
    });
  }
  for (int round = 0; round < rounds; ++round) {
    const std::string said = answer("GET a\n");
    const char letter = said.back();
    ASSERT_EQ(said, "OK 100000\n" + text_from(letter));
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(FtpSession, ClosesWhereAFileIsCutUnderItsReader) {
  put("a", std::string(300'000, 'x'));
  const auto reader = ftp_service.open(context_);
  Output out;
  Step step = reader->advance(Why::data, bytes_of("GET a\n"), out);
  step.operation->result = do_transfer(step.operation->transfer);
  fs::resize_file(path("a"), 70'000);
  while (step.next != Next::close && step.next != Next::read) {
    const Why why = step.next == Next::transfer ? Why::resumed : Why::drained;
    take(out);
    step = reader->advance(why, {}, out);
    if (step.next == Next::transfer) step.operation->result = do_transfer(step.operation->transfer);
  }
  EXPECT_EQ(step.next, Next::close);
}

// Truncated, oversized, changed and random bytes, cut anywhere. Whatever becomes of them does not depend on the cuts.
TEST_F(FtpSession, StaysUpAndBoundedWhateverComes) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  const std::vector<std::string> parts{"LIST\n",
                                       "GET a\n",
                                       "GET ..\n",
                                       "PUT a 5\nabcde",
                                       "PUT b 0\n",
                                       "QUIT\n",
                                       "PUT c 70\n" + std::string(70, '\n'),
                                       "GET a heavy\r\n",
                                       "PUT a 99999999999\n",
                                       "PUT ../x 4\nabcd",
                                       "LIST",
                                       "PUT d 67108864\n",
                                       "GET b\n",
                                       "\n"};
  put("a", std::string(1000, 'a'));
  const std::int64_t before = proportional_set_bytes(getpid());
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (std::size_t count = 1 + below(4); count != 0; --count) bytes += parts[below(parts.size())];
    for (std::size_t damage = below(4); damage != 0 && !bytes.empty(); --damage) {
      const std::size_t place = below(bytes.size());
      switch (below(5)) {
        case 0: bytes[place] = static_cast<char>(below(256)); break;
        case 1: bytes.erase(place, 1 + below(5)); break;
        case 2: bytes.insert(place, 1 + below(3), bytes[place]); break;
        case 3: bytes.insert(place, below(400), static_cast<char>(below(256))); break;
        default: bytes.resize(place);
      }
    }
    ServedConnection connection = connect();
    connection.receive_in_pieces(bytes, 1 + below(below(2) == 0 ? 8 : 500));  // asserts max_unconsumed
    const std::string said = connection.take_sent();
    ASSERT_TRUE(said.empty() || said.starts_with("OK ") || said.starts_with("ERROR ")) << bytes;
    if (!connection.is_closed()) connection.end();
    ASSERT_TRUE(connection.is_closed()) << bytes;
  }
  EXPECT_LT(proportional_set_bytes(getpid()) - before, 300 << 20);  // sanitizers keep what was freed
  EXPECT_TRUE(fs::is_empty(path(".incoming"))) << "something was left behind";
}

TEST_F(FtpSession, AnswersTheSameHoweverItIsCut) {
  put("a", std::string(1000, 'a'));
  const std::string bytes = "LIST\nGET a\nFOO\nPUT ../x 4\nabcdPUT b 5\nabcdeGET b\nPUT c 3\n\n\n\nLIST\nPUT x\n";
  ServedConnection whole = connect();
  whole.receive(bytes);
  const std::string said = whole.take_sent();
  EXPECT_THAT(said, EndsWith("ERROR PUT takes a name and a size\n"));
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 30U}) {
    fs::remove(path("b"));
    fs::remove(path("c"));
    ServedConnection cut = connect();
    cut.receive_in_pieces(bytes, piece);
    EXPECT_EQ(cut.take_sent(), said) << piece;
    EXPECT_TRUE(cut.is_closed());
  }
}

// ---- The client ----

class FtpClient : public FtpSession {
 protected:
  FtpClient() : FtpSession(64) { ftp_service.fill_store(context_); }

  std::unique_ptr<Exchange> client(std::uint64_t connection) const {
    return ftp_service.exchange(context_.parameters, connection, false);
  }

  // Goes on until the next request is of that class, and returns it.
  std::string next_of(Exchange& client, FtpClass kind) const {
    while (true) {
      Output out;
      const ClassIndex asked = client.request(out);
      std::string request = take(out);
      if (asked == static_cast<ClassIndex>(kind)) return request;
      EXPECT_THAT(replies(client, answer(request)), ElementsAre("complete")) << request;
    }
  }
};

TEST_F(FtpClient, AsksForEachClass) {
  std::array<int, 3> asked{};
  const auto exchange = client(1);
  for (int request = 0; request < 600; ++request) {
    Output out;
    ++asked[exchange->request(out)];
  }
  EXPECT_THAT(asked, ElementsAre(100, 400, 100));
}

TEST_F(FtpClient, ReadsWhatItHasPut) {
  const auto exchange = client(5);
  int own = 0;
  for (int request = 0; request < 60; ++request) {
    const std::string text = request_of(*exchange);
    own += text.starts_with("GET put-005\n") ? 1 : 0;
    ASSERT_THAT(replies(*exchange, answer(text)), ElementsAre("complete")) << text;
  }
  EXPECT_GE(own, 10);
}

TEST_F(FtpClient, NoticesAnOldVersionOfWhatItHasPut) {
  const auto exchange = client(5);
  std::string stale;
  for (int request = 0; stale.empty(); ++request) {
    const std::string text = request_of(*exchange);
    const std::string reply = answer(text);
    if (text.starts_with("GET put-005\n")) stale = reply;
    replies(*exchange, reply);
  }
  next_of(*exchange, FtpClass::put);
  EXPECT_THAT(replies(*exchange, "OK 11\n64 put-005\n"), ElementsAre("complete"));
  std::string text;
  while (!text.starts_with("GET put-005\n")) {
    text = request_of(*exchange);
    if (!text.starts_with("GET put-005\n")) {
      EXPECT_THAT(replies(*exchange, answer(text)), ElementsAre("complete")) << text;
    }
  }
  EXPECT_THAT(replies(*exchange, stale), ElementsAre("wrong: wrong bytes in the file"));
}

// Two that share a name: each reads whichever was put last, but whole.
TEST_F(FtpClient, TakesWhatAnotherHasPutUnderTheSameNameIfItIsWhole) {
  const auto first = client(5);
  const auto second = client(5 + ftp_put_names);
  EXPECT_EQ(answer(next_of(*first, FtpClass::put)), "OK 11\n64 put-005\n");
  EXPECT_THAT(replies(*first, "OK 11\n64 put-005\n"), ElementsAre("complete"));
  EXPECT_EQ(answer(next_of(*second, FtpClass::put)), "OK 11\n64 put-005\n");
  std::string text;
  while (!(text = request_of(*first)).starts_with("GET put-005\n")) replies(*first, answer(text));
  std::string reply = answer(text);
  const auto again = [&] {  // a client that waits for the same
    auto other = client(5);
    std::string wanted;
    while (!(wanted = request_of(*other)).starts_with("GET put-005\n")) {
      const std::string said = wanted.starts_with("PUT") ? "OK 11\n64 put-005\n" : answer(wanted);
      replies(*other, said);
    }
    return other;
  };
  EXPECT_THAT(replies(*first, reply), ElementsAre("complete"));
  for (std::size_t place = std::string_view("OK 64\n").size(); place < reply.size(); ++place) {
    std::string torn = reply;
    torn[place] = static_cast<char>(torn[place] ^ 1);
    EXPECT_THAT(replies(*again(), torn), ElementsAre("wrong: wrong bytes in the file")) << place;
  }
}

TEST_F(FtpClient, NoticesWhatAListLacksOrHasTooMuch) {
  const auto verdict_on = [&](const std::function<void(std::string&)>& change) {
    const auto exchange = client(3);
    for (int round = 0; round < 2; ++round) {
      const std::string request = next_of(*exchange, FtpClass::list);
      const std::string reply = answer(request);
      std::string lines = reply.substr(reply.find('\n') + 1);
      if (round == 1) change(lines);
      const std::vector<std::string> said =
          replies_in_pieces(*exchange, fmt::format("OK {}\n{}", lines.size(), lines), 7);
      if (round == 1) return said.at(0);
      EXPECT_THAT(said, ElementsAre("complete"));
    }
    return std::string();
  };
  const auto replace = [](std::string_view old, std::string_view text) {
    return [=](std::string& lines) {
      ASSERT_NE(lines.find(old), std::string::npos) << lines;
      lines.replace(lines.find(old), old.size(), text);
    };
  };
  EXPECT_EQ(verdict_on(replace("", "")), "complete");
  EXPECT_EQ(verdict_on(replace("64 put-003\n", "64 put-003\n999 zzz\n")), "complete");  // of somebody else
  EXPECT_EQ(verdict_on(replace("64 file-007\n", "")), "wrong: the list lacks a file");
  EXPECT_EQ(verdict_on(replace("64 put-003\n", "")), "wrong: the list lacks a file");
  EXPECT_EQ(verdict_on(replace("64 put-003\n", "63 put-003\n")), "wrong: a file of another size in the list");
  EXPECT_EQ(verdict_on(replace("64 file-007\n", "65 file-007\n")), "wrong: a file of another size in the list");
  EXPECT_EQ(verdict_on(replace("64 file-007\n", "64 file-007\n64 file-007\n")), "wrong: the list is not in order");
  EXPECT_EQ(verdict_on(replace("64 file-007\n", "64 .file\n")), "wrong: a name in the list that no file may have");
  EXPECT_EQ(verdict_on(replace("64 file-007\n", "file-007\n")), "wrong: no line of a list");
  EXPECT_EQ(verdict_on(replace("64 put-003\n", "64 put-003")), "wrong: no line of a list");
}

TEST_F(FtpClient, TellsTheServersError) {
  const auto exchange = client(1);
  request_of(*exchange);
  EXPECT_THAT(replies_in_pieces(*exchange, "ERROR no such file\n", 3), ElementsAre("wrong: ERROR no such file"));
}

TEST(FileContents, SpellTheirStampAndDifferInEveryPart) {
  for (const std::uint64_t stamp : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, ftp_put_stamp(7, 3)}) {
    std::string text(200, ' ');
    FileContents(stamp).fill(std::as_writable_bytes(std::span(text)), 0);
    EXPECT_EQ(FileContents::stamp_in(bytes_of(text).first<FileContents::stamp_bytes>()), stamp);
    for (std::size_t from = 0; from < 40; ++from) {  // whatever is asked for first
      std::string part(33, ' ');
      FileContents(stamp).fill(std::as_writable_bytes(std::span(part)), from);
      EXPECT_EQ(part, text.substr(from, part.size()));
      EXPECT_TRUE(FileContents(stamp).matches(bytes_of(part), from));
      EXPECT_FALSE(FileContents(stamp).matches(bytes_of(part), from + 1));
      EXPECT_FALSE(FileContents(stamp + 1).matches(bytes_of(part).last(12), from + 21));
    }
  }
}

}  // namespace
}  // namespace bench
