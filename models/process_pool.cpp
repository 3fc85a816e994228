// process-pool: N processes forked beforehand.
//
// Units: N processes forked before the first batch. The parent writes task numbers into a pipe and each idle worker
// reads the next one, so that the kernel wakes a worker and a long task holds up nobody else. The worker that ends the
// last task of a batch wakes the parent through an eventfd. System calls for a task: a read and a share of a write, and
// the waits of the task. A task that waits keeps its worker; a worker that dies fails the run at once.
//
// As a server each of the N accepts for itself from the socket they share and keeps a connection until its peer leaves;
// a peer that comes beyond N waits in the backlog. The kernel wakes one of them for a connection or a datagram. System
// calls for a request: recv and send.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "models/blocking/blocking.h"
#include "models/blocking/blocking_server.h"
#include "models/blocking/child.h"
#include "models/model.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

std::system_error system_failure(const char* what) { return {errno, std::generic_category(), what}; }

class ProcessPool {
 public:
  explicit ProcessPool(JobRun& job);
  void run_batch();
  void stop();

 private:
  void work();
  void submit(std::uint32_t first, std::uint32_t end);
  void wait_until_done();

  JobRun& job_;
  UniqueFd tasks_out_;  // workers read task numbers here
  UniqueFd tasks_in_;
  UniqueFd batch_done_;
  SharedArray<std::atomic<std::uint32_t>> unfinished_{1};
  std::vector<UniqueFd> workers_;  // pidfds, readable when the worker has ended
};

ProcessPool::ProcessPool(JobRun& job) : job_(job), batch_done_(eventfd(0, EFD_CLOEXEC)) {
  if (!batch_done_.valid()) throw system_failure("eventfd");
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw system_failure("pipe");
  tasks_out_ = UniqueFd(ends[0]);
  tasks_in_ = UniqueFd(ends[1]);
  for (std::uint32_t worker = 0; worker < job_.workers(); ++worker) {
    workers_.push_back(fork_watched(job_, [this] { job_.as_unit([this] { work(); }); }));
  }
  tasks_out_.reset();
}

// In a worker: a read takes a whole number, since all writes are whole numbers and a pipe's read holds its lock.
void ProcessPool::work() {
  tasks_in_.reset();
  std::uint32_t index = 0;
  while (true) {
    const ssize_t size = read(tasks_out_.get(), &index, sizeof index);
    if (size < 0 && errno == EINTR) continue;
    if (size == 0) return;
    if (size != sizeof index) job_.fail(fmt::format("read a task from the pool's pipe: {}", std::strerror(errno)));
    run_blocking(job_, index);
    if (unfinished_[0].fetch_sub(1) == 1) eventfd_write(batch_done_.get(), 1);
  }
}

void ProcessPool::run_batch() {
  const std::uint32_t at_once = job_.one_at_a_time() ? 1 : job_.tasks();
  for (std::uint32_t first = 0; first < job_.tasks(); first += at_once) {
    unfinished_[0] = at_once;
    submit(first, first + at_once);
    wait_until_done();
  }
}

void ProcessPool::submit(std::uint32_t first, std::uint32_t end) {
  for (std::uint32_t index = first; index < end; ++index) {
    while (write(tasks_in_.get(), &index, sizeof index) < 0) {
      if (errno == EINTR) continue;
      if (errno == EPIPE) return;  // every worker has died: wait_until_done says how
      job_.fail(fmt::format("write a task to the pool's pipe: {}", std::strerror(errno)));
    }
  }
}

void ProcessPool::wait_until_done() {
  std::vector<pollfd> watched{{.fd = batch_done_.get(), .events = POLLIN, .revents = 0}};
  for (const UniqueFd& worker : workers_) watched.push_back({.fd = worker.get(), .events = POLLIN, .revents = 0});
  while (true) {
    if (poll(watched.data(), watched.size(), -1) < 0) {
      if (errno == EINTR) continue;
      job_.fail(fmt::format("wait for the pool: {}", std::strerror(errno)));
    }
    if (watched.front().revents != 0) break;
    reap_unit(job_);  // fails the run unless the worker ended well, which it may only after stop()
    job_.fail("a worker of the pool ended before its work was done");
  }
  eventfd_t count = 0;
  eventfd_read(batch_done_.get(), &count);
}

void ProcessPool::stop() {
  tasks_in_.reset();
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) reap_unit(job_);
}

void run_process_pool(JobRun& job) {
  ProcessPool pool(job);
  while (job.next_batch()) pool.run_batch();
  pool.stop();
}

void serve_process_pool(ServerRun& server) {
  std::vector<UniqueFd> workers;
  std::vector<pollfd> watched{{.fd = server.socket(), .events = 0, .revents = 0}};  // its hang-up means the end
  for (std::uint32_t worker = 0; worker < server.workers(); ++worker) {
    workers.push_back(
        fork_watched(server, [&server] { server.as_unit([&server] { serve_in_turn(server, nullptr, plain_unit); }); }));
    watched.push_back({.fd = workers.back().get(), .events = POLLIN, .revents = 0});
  }
  while (poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
  }
  // A signal to the whole group ends workers before the server has been told to stop.
  constexpr int told_ms = 1000;
  while (watched.front().revents == 0 && poll(watched.data(), 1, told_ms) < 0 && errno == EINTR) {
  }
  if (watched.front().revents == 0 && !server.stopping()) {
    reap_unit(server);
    server.fail("a worker of the pool ended before the server was to stop");
  }
  end_children();
}

}  // namespace

extern constinit const Model process_pool_model{
    .name = "process-pool",
    .summary = "N processes forked beforehand, fed through a pipe",
    .aliases = {"processpool", "prefork", "pool-of-processes"},
    .unit = UnitKind::process,
    .units = HowMany::workers,
    .in_flight = HowMany::workers,
    .parallel = true,
    .hands_out = true,
    .run = run_process_pool,
    .serve = serve_process_pool,
};

}  // namespace bench
