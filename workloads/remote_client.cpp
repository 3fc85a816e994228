// The client's side of `remote`: most requests are an `echo` with an argument that depends on connection and request.
// Of each eight, one is a command without an argument, whose answer is the same on every machine, and one names a
// command that there is not, another each time, and has to be refused. On a heavy connection it is the echoes that are
// heavy.
#include "workloads/remote_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "workloads/payload.h"
#include "workloads/remote.h"

namespace bench {
namespace {

constexpr ClassIndex run_class = 0;
constexpr ClassIndex refused_class = 1;

struct Question {
  std::string request;
  std::string answer;
  ClassIndex asked = run_class;
};

std::string letters(std::size_t size, std::uint64_t connection, std::uint64_t request, bool heavy) {
  std::string text(size, ' ');
  fill_payload(std::as_writable_bytes(std::span(text)), connection, request, heavy);
  return text;
}

class RemoteExchange final : public Exchange {
 public:
  RemoteExchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy)
      : connection_(connection),
        length_(std::min<std::size_t>(parameters.message_bytes, max_remote_argument)),
        heavy_(heavy) {}

  ClassIndex request(Output& out) override {
    const Question next = question(sent_++);
    out.append(next.request);
    return next.asked;
  }

  Reply reply(std::span<const std::byte> in) override {
    if (expected_.empty()) expected_ = question(answered_).answer;
    const std::size_t size = std::min(expected_.size() - seen_, in.size());
    const bool right = std::memcmp(expected_.data() + seen_, in.data(), size) == 0;
    if (!right) return {0, Verdict::wrong, seen_ == 0 && in[0] == std::byte{'r'} ? "refused" : "wrong answer"};
    seen_ += size;
    if (seen_ != expected_.size()) return {.consumed = size, .verdict = Verdict::more, .why = {}};
    expected_.clear();
    seen_ = 0;
    ++answered_;
    return {.consumed = size, .verdict = Verdict::complete, .why = {}};
  }

 private:
  // Request `number` of this connection.
  Question question(std::uint64_t number) const {
    constexpr std::uint64_t period = 8;
    switch (number % period) {
      case 3:
        if (number / period % 2 == 0) return {"uname\n", "0 6\nLinux\n"};
        return {"false\n", "1 0\n"};
      case 6: {
        constexpr std::size_t name_length = 12;
        const std::string name = "no-" + letters(name_length, connection_, number, false);
        return {name + '\n', fmt::format("refused {}: no such command\n", name), refused_class};
      }
      default: {
        const std::string argument = letters(length_, connection_, number, heavy_);
        return {fmt::format("echo {}\n", argument), fmt::format("0 {}\n{}\n", argument.size() + 1, argument)};
      }
    }
  }

  std::uint64_t connection_;
  std::size_t length_;
  bool heavy_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::string expected_;  // of the answer that is coming; empty between two
  std::size_t seen_ = 0;  // bytes of it
};

}  // namespace

std::unique_ptr<Exchange> remote_exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy) {
  return std::make_unique<RemoteExchange>(parameters, connection, heavy);
}

}  // namespace bench
