// Why: a download is right only when every byte of every part came and lies at its place, whatever the server answers
// with; and where it does not, the run says what was asked for and what came.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/faulty_tables.h"
#include "tests/support/http_answers.h"
#include "tests/support/test_runs.h"
#include "tests/support/told.h"
#include "workloads/http_body.h"
#include "workloads/job.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const Job& download() { return job_named("download"); }

// The helper server and the network between, in memory: what a script transfers is done with sessions of ours, whose
// replies the test may change.
class Network {
 public:
  using Change = std::function<std::string(std::string reply, std::uint32_t connection)>;

  explicit Network(Change change = nullptr) : change_(std::move(change)) {}

  std::int64_t transfer(const Transfer& transfer) {
    const auto size = std::min(transfer.bytes, piece_bytes);
    switch (transfer.kind) {
      case Transfer::Kind::connect:
        connections_.emplace_back(std::make_unique<ServedConnection>(serve_http()));
        return static_cast<std::int64_t>(connections_.size()) - 1;
      case Transfer::Kind::send:
        connection(transfer).server->receive({reinterpret_cast<const char*>(transfer.data), size});
        return static_cast<std::int64_t>(size);
      case Transfer::Kind::receive: return receive(transfer, size);
      case Transfer::Kind::close: ++closed_; return 0;
      default: ADD_FAILURE() << "no transfer of a download"; return -EINVAL;
    }
  }

  std::size_t opened() const { return connections_.size(); }
  std::size_t closed() const { return closed_; }

 private:
  struct Connection {
    explicit Connection(std::unique_ptr<ServedConnection> made) : server(std::move(made)) {}
    std::unique_ptr<ServedConnection> server;
    std::string unread;
    bool answered = false;
  };

  static constexpr std::size_t piece_bytes = 700;

  Connection& connection(const Transfer& transfer) { return connections_.at(static_cast<std::size_t>(transfer.fd)); }

  // Gives what the server has said; after that the connection is at its end.
  std::int64_t receive(const Transfer& transfer, std::size_t size) {
    Connection& from = connection(transfer);
    if (!from.answered) {
      from.unread = from.server->take_sent();
      if (change_) from.unread = change_(std::move(from.unread), static_cast<std::uint32_t>(transfer.fd));
    }
    from.answered = true;
    size = std::min(size, from.unread.size());
    std::ranges::copy(bytes_of(from.unread).first(size), transfer.data);
    from.unread.erase(0, size);
    return static_cast<std::int64_t>(size);
  }

  Change change_;
  std::vector<Connection> connections_;
  std::size_t closed_ = 0;
};

// A batch whose tasks run one step each in turn, as under any model with all of them under way.
class Downloading {
 public:
  explicit Downloading(const GivenParameters& given, Network::Change change = nullptr)
      : network(std::move(change)), batch(batch_told(download(), given)), outcomes(batch.tasks) {
    state_.resize((download().state_bytes(batch) + sizeof(std::max_align_t)) / sizeof(std::max_align_t));
    batch.state = reinterpret_cast<std::byte*>(state_.data());
    download().prepare(batch);
  }

  void run() {
    std::vector<Task> tasks;
    tasks.reserve(batch.tasks);
    for (std::uint32_t index = 0; index < batch.tasks; ++index)
      tasks.push_back({.batch = batch, .index = index, .outcome = outcomes[index]});
    std::vector<Script> scripts;
    for (const Task& task : tasks) scripts.push_back(download().task(task));
    std::erase_if(scripts, [](Script& script) { return !script.advance(); });
    while (!scripts.empty()) {
      std::erase_if(scripts, [&](Script& script) {
        script.operation().result = network.transfer(script.operation().transfer);
        return !script.advance();
      });
    }
  }

  std::optional<std::string> check() { return download().check(batch, outcomes); }

  std::string failure() {
    try {
      run();
    } catch (const std::exception& error) {
      return error.what();
    }
    return check().value_or("");
  }

  Network network;
  Batch batch;
  std::vector<std::uint64_t> outcomes;

 private:
  std::vector<std::max_align_t> state_;
};

const GivenParameters small{{"file-size", {"10000"}}, {"ranges", {"4"}}};

GivenParameters with(GivenParameters given, std::string_view name, std::string value) {
  given[std::string(name)] = {std::move(value)};
  return given;
}

TEST(Download, PutsAFileTogetherFromItsRanges) {
  for (const char* size : {"1000", "1001", "65536", "1MiB"}) {
    for (const char* ranges : {"1", "2", "3", "7", "1000"}) {
      Downloading all({{"file-size", {size}}, {"ranges", {ranges}}});
      all.run();
      EXPECT_EQ(all.check(), std::nullopt) << size << " bytes in " << ranges;
      EXPECT_EQ(all.network.opened(), all.batch.tasks);
      EXPECT_EQ(all.network.closed(), all.batch.tasks);
    }
  }
}

TEST(Download, TakesTheFileAsOneStreamFromAServerWithoutRanges) {
  std::map<std::uint32_t, std::size_t> replies;
  Downloading all(with(small, "server", "whole"), [&](std::string reply, std::uint32_t connection) {
    EXPECT_THAT(reply, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
    replies[connection] = reply.size();
    return reply;
  });
  all.run();
  EXPECT_EQ(all.check(), std::nullopt);
  EXPECT_EQ(replies.size(), 4U);  // each asked
  EXPECT_EQ(all.network.closed(), 4U);
}

TEST(Download, SaysSoWhenAServerWithRangesSendsTheWhole) {
  Downloading all(small, [](const std::string&, std::uint32_t) { return http_get("/10000"); });
  EXPECT_EQ(all.failure(), "the file came in 1 streams where 4 were due");
}

TEST(Download, SaysWhatWasAskedForAndWhatCame) {
  const auto failure_of = [](std::uint32_t wrong, const std::function<std::string(std::string)>& change) {
    return Downloading(small,
                       [&](std::string reply, std::uint32_t connection) {
                         return connection == wrong ? change(std::move(reply)) : reply;
                       })
        .failure();
  };
  const auto replaced = [](std::string_view from, std::string_view to) {
    return [=](std::string reply) { return reply.replace(reply.find(from), from.size(), to); };
  };
  const std::string asked = "GET /10000?pace=1048576, bytes=2500-4999 from the helper server: ";
  EXPECT_EQ(failure_of(1, replaced("206 Partial Content", "500 Internal Server Error")),
            asked + "status 500 where 206 was due");
  EXPECT_EQ(failure_of(1, replaced("2500-4999", "2501-4999")),
            asked + "bytes 2501-4999 of 10000 where 2500-4999 of 10000 were due");
  EXPECT_EQ(failure_of(1, replaced("2500-4999/10000", "2500-4999/9999")),
            asked + "bytes 2500-4999 of 9999 where 2500-4999 of 10000 were due");
  EXPECT_EQ(failure_of(1, replaced("Content-Range: bytes 2500-4999/10000\r\n", "")),
            asked + "a part of the page without a Content-Range");
  EXPECT_EQ(failure_of(1, replaced("Content-Range: bytes", "Content-Range: lines")),
            asked + "a part of the page without a Content-Range");
  EXPECT_EQ(failure_of(1, replaced("Content-Length: 2500", "Content-Length: 2499")),
            asked + "a body of 2499 bytes where 2500 were due");
  EXPECT_EQ(failure_of(1, replaced("Content-Length: 2500\r\n", "")),
            asked + "a reply of status 206 without a Content-Length");
  EXPECT_EQ(failure_of(1, [](const std::string& reply) { return reply.substr(0, reply.size() - 1); }),
            asked + "the end of the connection after 2499 of 2500 bytes");
  EXPECT_EQ(failure_of(1, [](const std::string& reply) { return reply.substr(0, 20); }),
            asked + "the end of the connection after 20 bytes of a header");
  EXPECT_EQ(failure_of(1, [](const std::string&) { return std::string(2000, 'x'); }),
            asked + "a header of more than 1024 bytes");
  EXPECT_EQ(failure_of(1, [](const std::string&) { return std::string("SSH-2.0\r\n\r\n"); }),
            asked + "\"SSH-2.0\", which is no reply of HTTP/1.1");
  // One wrong byte of a body.
  EXPECT_EQ(failure_of(1,
                       [](std::string reply) {
                         reply.back() = '?';
                         return reply;
                       }),
            "wrong file: byte 4999 of 10000 is another than the server's");
}

TEST(Download, SaysWhichCallFailed) {
  Downloading all(small);
  const Task task{.batch = all.batch, .index = 0, .outcome = all.outcomes[0]};
  Script script = download().task(task);
  script.advance();
  script.operation().result = -ECONNREFUSED;
  EXPECT_THAT([&] { script.advance(); },
              testing::ThrowsMessage<std::runtime_error>(
                  AllOf(HasSubstr("bytes=0-2499 from the helper server: connect: "), HasSubstr("refused"))));
}

TEST(Download, NoticesATaskThatDidNothingAndABatchThatDidNot) {
  Downloading all(small);
  all.run();
  all.outcomes[2] = 0;
  EXPECT_THAT(all.check().value_or(""), HasSubstr("task 2 "));
  Downloading none(small);
  for (std::uint32_t index = 0; index < 4; ++index) none.outcomes[index] = all.outcomes[index];
  none.outcomes[2] = 3;
  EXPECT_THAT(none.check().value_or(""), HasSubstr("wrong file: byte 0 "));
}

// A pace bounds a stream from below, and so each task, or the one stream there is.
TEST(Download, WaitsForAsLongAsItsPaceSays) {
  const auto told = [](const GivenParameters& given) { return batch_told(download(), given); };
  const Batch ranges = told(with(small, "pace", "1000"));
  EXPECT_EQ(ranges.wait_of(0), std::chrono::milliseconds(2500));
  EXPECT_EQ(download().in_turn(ranges).count(), 0);
  const Batch whole = told(with(with(small, "pace", "1000"), "server", "whole"));
  EXPECT_EQ(whole.wait_of(0).count(), 0);
  EXPECT_EQ(download().in_turn(whole), std::chrono::seconds(10));
  const Batch unbound = told(with(small, "pace", "0"));
  EXPECT_EQ(unbound.wait_of(0).count(), 0);
  EXPECT_EQ(download().in_turn(unbound).count(), 0);
}

}  // namespace
}  // namespace bench
