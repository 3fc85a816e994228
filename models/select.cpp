// select: one thread that asks the kernel about sets of descriptors, the oldest of the readiness calls.
//
// Units: the one thread. Jobs run in the callbacks of job_loop.h, which sleeps in pselect until the next deadline: a
// share of a pselect for each wait of a task. A callback is never interrupted, and a second CPU is of no use.
//
// As a server it is reactor.h over two bit sets by descriptor, of those to be read and those to be written. The call
// overwrites its sets with the answer, so they are copied for each; the kernel and then the loop look through them up
// to the highest descriptor. System calls for a request: recv, send, and a share of a pselect, which costs time in
// proportion to all connections. A set has FD_SETSIZE bits, 1,024: a connection with a higher descriptor is refused,
// and the next ones wait in the backlog until it is tried again. A peer that resets while nothing is wanted of it is
// not noticed until something is. For datagrams the unit is the same thread, which takes all that have come.
#include <fmt/format.h>
#include <sys/select.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "models/loop/job_loop.h"
#include "models/loop/poller.h"
#include "models/loop/reactor.h"
#include "models/model.h"

namespace bench {
namespace {

class SelectPoller {
 public:
  SelectPoller() {
    FD_ZERO(&read_);
    FD_ZERO(&write_);
  }

  void watch(int fd, Interest interest) {
    if (fd >= FD_SETSIZE) {
      throw std::system_error(
          EMFILE, std::generic_category(),
          fmt::format("watch descriptor {}: select(2) takes none above {} (FD_SETSIZE)", fd, FD_SETSIZE - 1));
    }
    change(fd, interest);
  }

  void change(int fd, Interest interest) noexcept {
    reads(interest) ? FD_SET(fd, &read_) : FD_CLR(fd, &read_);
    writes(interest) ? FD_SET(fd, &write_) : FD_CLR(fd, &write_);
    highest_ = std::max(highest_, fd);
    while (highest_ >= 0 && !FD_ISSET(highest_, &read_) && !FD_ISSET(highest_, &write_)) --highest_;
  }

  void closing(int fd) noexcept { change(fd, Interest::nothing); }
  static void exhausted(int /*fd*/, Interest /*direction*/) noexcept {}

  std::span<const Ready> wait(std::int64_t deadline_ns) {
    fd_set readable = read_;
    fd_set writable = write_;
    int left = pselect(highest_ + 1, &readable, &writable, nullptr, Timeout(deadline_ns).get(), nullptr);
    if (left < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "pselect");
    std::size_t count = 0;
    for (int fd = 0; left > 0; ++fd) {
      const bool to_read = FD_ISSET(fd, &readable);
      const bool to_write = FD_ISSET(fd, &writable);
      if (!to_read && !to_write) continue;
      left -= (to_read ? 1 : 0) + (to_write ? 1 : 0);  // the call counts bits
      ready_[count++] = {.fd = fd, .readable = to_read, .writable = to_write, .broken = false};
    }
    return std::span(ready_).first(count);
  }

 private:
  fd_set read_;
  fd_set write_;
  int highest_ = -1;
  std::array<Ready, FD_SETSIZE> ready_;
};

void run_select(JobRun& job) { run_in_loop<SelectPoller>(job); }

void serve_select(ServerRun& server) {
  const Run::Unit unit(server);
  Reactor<SelectPoller>(server).run();
}

}  // namespace

extern constinit const Model select_model{
    .name = "select",
    .summary = "one thread that runs callbacks from a loop of select",
    .unit = UnitKind::thread,
    .units = Count::one,
    .in_flight = Count::tasks,
    .run = run_select,
    .serve = serve_select,
    .max_descriptors = FD_SETSIZE,
};

}  // namespace bench
