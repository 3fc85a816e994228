// poll: one thread that asks the kernel about every connection at each turn.
//
// Units: the one thread. Jobs run in the callbacks of job_loop.h, which sleeps in ppoll until the next deadline: a
// share of a ppoll for each wait of a task. A callback is never interrupted, and a second CPU is of no use.
//
// As a server it is reactor.h over an array of one pollfd for each connection. The kernel keeps nothing between two
// calls: it is handed the whole array each time, asks each socket and enqueues itself on it, and the loop then looks
// through the array for those that are ready. System calls for a request: recv, send, and a share of a ppoll, which
// costs time in proportion to all connections, idle ones too; epoll's does to those that are ready. What is watched
// changes without a call. For datagrams the unit is the same thread, which takes all that have come.
#include <poll.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "models/loop/fd_list.h"
#include "models/loop/job_loop.h"
#include "models/loop/poller.h"
#include "models/loop/reactor.h"
#include "models/model.h"

namespace bench {
namespace {

class PollPoller {
 public:
  void watch(int fd, Interest interest) { watched_.add({.fd = fd, .events = events_of(interest), .revents = 0}); }
  void change(int fd, Interest interest) { watched_[fd].events = events_of(interest); }
  void closing(int fd) noexcept { watched_.remove(fd); }
  static void exhausted(int /*fd*/, Interest /*direction*/) noexcept {}

  std::span<const Ready> wait(std::int64_t deadline_ns) {
    ready_.clear();
    const std::span<pollfd> all = watched_.all();
    const int count = ppoll(all.data(), all.size(), Timeout(deadline_ns).get(), nullptr);
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "ppoll");
    auto left = count;
    for (auto entry = all.begin(); left > 0; ++entry) {
      if (entry->revents == 0) continue;
      --left;
      const bool broken = (entry->revents & (POLLERR | POLLHUP)) != 0;
      ready_.push_back({.fd = entry->fd,
                        .readable = broken || (entry->revents & POLLIN) != 0,
                        .writable = broken || (entry->revents & POLLOUT) != 0,
                        .broken = broken});
    }
    return ready_;
  }

 private:
  static short events_of(Interest interest) noexcept {
    return static_cast<short>((reads(interest) ? POLLIN : 0) | (writes(interest) ? POLLOUT : 0));
  }

  FdList<pollfd> watched_;
  std::vector<Ready> ready_;
};

void run_poll(JobRun& job) { run_in_loop<PollPoller>(job); }

void serve_poll(ServerRun& server) {
  const Run::Unit unit(server);
  Reactor<PollPoller>(server).run();
}

}  // namespace

extern constinit const Model poll_model{
    .name = "poll",
    .summary = "one thread that runs callbacks from a loop of poll",
    .unit = UnitKind::thread,
    .units = Count::one,
    .in_flight = Count::tasks,
    .run = run_poll,
    .serve = serve_poll,
};

}  // namespace bench
