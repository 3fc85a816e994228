#include "tests/support/speaking_services.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/support/conversation.h"
#include "workloads/hub.h"
#include "workloads/script.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

// The line at the front of `in`, and its end; false where it is not whole.
bool take_line(std::span<const std::byte> in, std::string& line) {
  const auto* text = reinterpret_cast<const char*>(in.data());
  const auto* end = static_cast<const char*>(in.empty() ? nullptr : std::memchr(text, '\n', in.size()));
  if (!end) return false;
  line.assign(text, end);
  return true;
}

class RoomSession final : public Session {
 public:
  explicit RoomSession(Hub& hub) : hub_(hub), place_(hub.end()) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    std::size_t used = 0;
    for (std::string line; take_line(in.subspan(used), line); used += line.size() + 1) {
      if (!hub_.publish(bytes_of(line + '\n'))) return {in.size(), Next::close};
    }
    while (out.pending() <= high_water_bytes) {
      switch (hub_.next(place_, message_)) {
        case Hub::Mail::nothing: return {used, why == Why::end || why == Why::timed_out ? Next::close : Next::read};
        case Hub::Mail::lost: out.append("lost\n"); return {in.size(), Next::close};
        case Hub::Mail::message: out.append(message_); break;
      }
    }
    return {used};
  }

 private:
  Hub& hub_;
  Hub::Place place_;
  std::vector<std::byte> message_;
};

class ErrandSession final : public Session {
 public:
  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    if (why == Why::resumed) {
      const Transfer& done = operation_.transfer;
      if (done.kind == Transfer::Kind::write_at) {
        text_.assign(static_cast<std::size_t>(operation_.result), '?');
        return ask(0, read_at(file_.get(), std::as_writable_bytes(std::span(text_)), 0));
      }
      out.append((done.kind == Transfer::Kind::read_at ? text_ : std::to_string(operation_.result)) + '\n');
      file_.reset();
    }
    std::string line;
    if (!take_line(in, line)) return {0, why == Why::end || why == Why::timed_out ? Next::close : Next::read};
    const std::size_t used = line.size() + 1;
    const std::string operand = line.substr(line.find(' ') + 1);
    if (line.starts_with("write ")) {
      text_ = operand;
      file_ = UniqueFd(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
      return ask(used, write_at(file_.get(), std::as_writable_bytes(std::span(text_)), 0));
    }
    file_ = start_child(operand);
    return ask(used, end_of(file_.get()));
  }

 private:
  Step ask(std::size_t used, const Transfer& transfer) {
    operation_ = {.verb = Verb::transfer, .transfer = transfer};
    return {used, Next::transfer, 0, &operation_};
  }

  static UniqueFd start_child(const std::string& status) {
    std::string shell = "sh";
    std::string option = "-c";
    std::string command = "sleep 0.02; exit " + status;
    std::array<char*, 4> arguments{shell.data(), option.data(), command.data(), nullptr};
    pid_t pid = -1;
    if (posix_spawn(&pid, "/bin/sh", nullptr, nullptr, arguments.data(), nullptr) != 0) return {};
    return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  }

  Operation operation_;
  std::string text_;
  UniqueFd file_;
};

}  // namespace

extern const Service room_service{
    .name = "room",
    .summary = "",
    .hub_bytes = 1 << 20,
    .open = [](const ServiceContext& context) -> std::unique_ptr<Session> {
      // A moment in which who takes the connection for open could publish something that it then misses.
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return std::make_unique<RoomSession>(*context.hub);
    },
    .exchange = nullptr,
};

extern const Service errand_service{
    .name = "errand",
    .summary = "",
    .open = [](const ServiceContext&) -> std::unique_ptr<Session> { return std::make_unique<ErrandSession>(); },
    .exchange = nullptr,
};

}  // namespace bench
