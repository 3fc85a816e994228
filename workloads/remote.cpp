// `remote`: the notes' server of remote commands. A request is a line: a command, and perhaps a space and its argument.
// The command is run as a child process. Its answer is a line, the exit status (or 128 and the signal's number) and how
// many bytes the command has printed, and then those bytes:
//
//   → echo some words          → false          → rm -rf x
//   ← 0 11                     ← 1 0            ← refused rm: no such command
//   ← some words
//
// The commands are date (the year), echo ARGUMENT, false, sleep (for 10 ms), true and uname.
//
// Nothing of a request reaches a shell, and no path comes from one: a command is a row of the table below, and an
// argument is one element of argv, of letters, digits and a few signs. What is refused starts nothing, and the
// connection goes on; only a line of more than max_remote_line bytes is refused by `refused: …` and a close. A session
// runs one command at a time, kills and reaps what still runs when it ends, and keeps at most 64 KiB of output, beyond
// which the command cannot write. A first letter 'H' or 'h' of an argument marks a request as heavy.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "workloads/child_program.h"
#include "workloads/payload.h"
#include "workloads/remote.h"
#include "workloads/remote_client.h"
#include "workloads/script.h"
#include "workloads/service.h"

namespace bench {
namespace {

constexpr off_t most_output_bytes = 64 * 1024;

struct Command {
  std::string_view name;
  ProgramCall call;  // the request's argument follows
  bool takes_argument = false;
};

constexpr auto commands = std::to_array<Command>({
    {"date", {"/bin/date", "-u", "+%Y"}},
    {"echo", {"/usr/bin/printf", "%s\\n"}, true},
    {"false", {"/bin/false"}},
    {"sleep", {"/bin/sleep", "0.01"}},
    {"true", {"/bin/true"}},
    {"uname", {"/bin/uname", "-s"}},
});

constexpr bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr bool may_be_in_argument(char c) noexcept {
  return is_letter_or_digit(c) || std::string_view(" .,:_+-").find(c) != std::string_view::npos;
}

// A command's name as it may be repeated to the client; empty where it had better not be.
std::string_view repeatable(std::string_view name) noexcept {
  constexpr std::size_t longest = 32;
  const bool plain = std::ranges::all_of(name, [](char c) { return is_letter_or_digit(c) || c == '-'; });
  return plain && name.size() <= longest ? name : std::string_view();
}

// What a line asks for.
struct Request {
  std::string_view name;
  std::string_view argument = {};
  const Command* command = nullptr;
  std::string_view refusal = {};  // why not; empty where there is no reason

  bool is_heavy() const noexcept {
    return refusal.empty() && !argument.empty() && marks_heavy(static_cast<std::byte>(argument.front()));
  }
};

Request parse(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t space = line.find(' ');
  Request request{.name = line.substr(0, space)};
  if (space != std::string_view::npos) request.argument = line.substr(space + 1);
  const auto found = std::ranges::find(commands, request.name, &Command::name);
  if (found == commands.end()) {
    request.refusal = "no such command";
  } else if (!found->takes_argument && space != std::string_view::npos) {
    request.refusal = "takes no argument";
  } else if (!std::ranges::all_of(request.argument, may_be_in_argument)) {
    request.refusal = "only letters, digits, spaces and .,:_+- may be in an argument";
  } else {
    request.command = &*found;
  }
  return request;
}

void refuse(std::string_view name, std::string_view why, Output& out) {
  const std::string_view repeated = repeatable(name);
  out.append(fmt::format("refused{}{}: {}\n", repeated.empty() ? "" : " ", repeated, why));
}

// A file in memory that cannot grow beyond its bound; invalid, with errno set, where there is none.
UniqueFd bounded_file() noexcept {
  UniqueFd file(memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const bool bounded = file.valid() && ftruncate(file.get(), most_output_bytes) == 0 &&
                       fcntl(file.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0;
  return bounded ? std::move(file) : UniqueFd();
}

class RemoteSession final : public Session {
 public:
  explicit RemoteSession(const ServiceContext& context) : extras_(context.parameters) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    if (child_.is_running()) answer(out);
    const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
    std::size_t used = 0;
    while (out.pending() <= high_water_bytes) {
      const std::string_view rest = text.substr(used);
      const std::size_t size = rest.find('\n');
      if (std::min(size, rest.size()) > max_remote_line) {
        refuse({}, "the line is too long", out);
        return {in.size(), Next::close};
      }
      // What is missing of a line will not come.
      if (size == std::string_view::npos) {
        return {used, why == Why::end || why == Why::timed_out ? Next::close : Next::read};
      }
      const Request request = parse(rest.substr(0, size));
      if (request.is_heavy()) {
        const Step extra = extras_.next();
        if (extra.next != Next::read) return {used, extra.next, extra.amount};
        extras_.reset();
      }
      used += size + 1;
      if (begin(request, out)) return {used, Next::transfer, 0, &operation_};
    }
    return {used, Next::drain};
  }

 private:
  // Starts what is asked for; false where it is refused.
  bool begin(const Request& request, Output& out) {
    if (!request.refusal.empty()) {
      refuse(request.name, request.refusal, out);
      return false;
    }
    output_ = bounded_file();
    const int error = output_.valid() ? start(request) : errno;
    if (error != 0) {
      output_.reset();
      refuse(request.name, start_failure(request.command->call[0], error).what(), out);
      return false;
    }
    operation_ = {.verb = Verb::transfer, .transfer = end_of(child_.pidfd())};
    return true;
  }

  int start(const Request& request) {
    const std::string argument(request.argument);
    const char* const given = request.command->takes_argument ? argument.c_str() : nullptr;
    return child_.start(MadeBy::vfork, request.command->call, given, output_.get());
  }

  // The command has ended. It has shared its file's offset with us, which is how much it has written.
  void answer(Output& out) {
    const UniqueFd ended(child_.release());
    const UniqueFd file = std::move(output_);
    const auto size = static_cast<std::size_t>(lseek(file.get(), 0, SEEK_CUR));
    out.append(fmt::format("{} {}\n", operation_.result, size));
    if (pread(file.get(), out.extend(size).data(), size, 0) != static_cast<ssize_t>(size)) {
      throw std::system_error(errno, std::generic_category(), "read what a command has printed");
    }
  }

  Extras extras_;
  Operation operation_;
  UniqueFd output_;
  ChildProgram child_;
};

std::unique_ptr<Session> open(const ServiceContext& context) { return std::make_unique<RemoteSession>(context); }

constexpr auto parameters = std::to_array<Parameter>({
    message_size_parameter("64", max_remote_argument, "bytes of echo's argument"),
});

constexpr std::array classes{RequestClass{"run"}, RequestClass{"refused"}};

}  // namespace

extern constinit const Service remote_service{
    .name = "remote",
    .summary = "TCP: a line names a command of a fixed few, which runs as a child process",
    .scheme = {.name = "remote"},
    .parameters = parameters,
    .classes = classes,
    .open = open,
    .exchange = remote_exchange,
};

}  // namespace bench
