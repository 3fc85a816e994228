// io-uring: one thread and a completion ring. Instead of asking who is ready and then calling, it hands over the calls
// themselves, and takes what has come of them.
//
// Units: the one thread. Each task runs in the loop until it must wait, which is a timer of the ring; the loop sleeps
// in io_uring_enter until the kernel completes one, and goes on with whoever is due. System calls for a task: a share
// of an io_uring_enter for each of its waits. Files are read and written by the ring too: what the kernel cannot do
// without blocking, which on many file systems is every write, goes to threads of its own, on the same CPUs. Nothing is
// interrupted, not at a checkpoint either: a task that computes holds up all others, and a second CPU is of no use.
//
// As a server it accepts and receives by submissions that go on for ever (multishot); bytes come in buffers that the
// kernel takes from a common stock when there are any. A turn of the loop takes all completions, and one io_uring_enter
// then submits all replies and sleeps. System calls for a request: a share of that io_uring_enter. For datagrams the
// unit is the same thread. Before Linux 6.0 there is a submission for each connection and each message instead, into a
// buffer of the connection's own; io_uring_note() says so.
#include <fmt/format.h>
#include <poll.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "models/loop/parking.h"
#include "models/loop/poller.h"
#include "models/model.h"
#include "models/ring/ring.h"
#include "models/ring/ring_datagrams.h"
#include "models/ring/ring_streams.h"
#include "models/ring/ring_transfer.h"

namespace bench {
namespace {

class RingJob {
 public:
  explicit RingJob(JobRun& job) : job_(job), parking_(job) {
    if (parking_.used()) watch_inbox();
  }

  void run_batch() {
    tasks_.resize(job_.tasks());
    unfinished_ = job_.tasks();
    for (std::uint32_t index = 0; index < job_.tasks(); ++index) start(index);
    while (true) {
      parking_.resume_all([this](Waiting& waiting) { advance_task(waiting.task); });
      if (unfinished_ == 0) return;
      sleep();
      for (Completion done; ring_.take(done);) on_completion(done);
    }
  }

 private:
  // Beside the tasks' numbers.
  static constexpr std::uint64_t inbox_tag = std::uint64_t{1} << 32;
  static constexpr std::uint64_t bound_tag = inbox_tag + 1;  // of the earliest deadline of a parked task

  struct Task {
    Script script;
    __kernel_timespec due{};
  };

  // Of one task, for the driver.
  struct TaskHost {
    RingJob& loop;
    std::uint32_t index;

    static Done checkpoint() noexcept { return Done::now; }
    Done wait_for(std::chrono::nanoseconds duration) {
      loop.ring_.arm(index, now_ns() + duration.count(), loop.tasks_[index].due);
      return Done::later;
    }
    Done transfer(Operation& operation) { return begin_transfer(loop.ring_, index, operation); }
    Done park(Waiting& waiting, std::chrono::nanoseconds at_most) { return loop.parking_.park(waiting, at_most); }
  };
  static_assert(Host<TaskHost>);

  void start(std::uint32_t index) {
    tasks_[index].script = job_.begin(index, parking_.home());
    advance_task(index);
  }

  void watch_inbox() { io_uring_prep_poll_add(ring_.prepare(inbox_tag), parking_.fd(), POLLIN); }

  void sleep() {
    const std::int64_t deadline_ns = parking_.sleep_until(no_deadline);
    if (deadline_ns == 0) {
      ring_.submit_and_look();
    } else {
      if (deadline_ns < armed_bound_ns_) {
        ring_.arm(bound_tag, deadline_ns, bound_due_);
        armed_bound_ns_ = deadline_ns;
      }
      ring_.submit_and_wait();
    }
    parking_.slept();
  }

  void on_completion(const Completion& done) {
    if (done.tag == bound_tag) {  // resume_all() looks whose it was
      armed_bound_ns_ = no_deadline;
      return;
    }
    if (done.tag == inbox_tag) {
      parking_.drain();
      return watch_inbox();
    }
    const auto index = static_cast<std::uint32_t>(done.tag);
    Operation& operation = tasks_[index].script.operation();
    if (operation.verb == Verb::wait_for) {
      if (done.result != -ETIME) throw std::system_error(-done.result, std::generic_category(), "a timer of the ring");
    } else if (go_on_with_transfer(ring_, index, operation, done.result) == Done::later) {
      return;
    }
    advance_task(index);
  }

  // Runs task `index` up to its next wait or to its end.
  void advance_task(std::uint32_t index) {
    Task& task = tasks_[index];
    TaskHost host{*this, index};
    try {
      if (!drive(task.script, host)) return;
    } catch (...) {
      job_.fail_task(index);
    }
    job_.end(index);
    task.script = Script();
    --unfinished_;
  }

  JobRun& job_;
  Parking parking_;
  std::vector<Task> tasks_;
  std::uint32_t unfinished_ = 0;
  __kernel_timespec bound_due_{};
  std::int64_t armed_bound_ns_ = no_deadline;  // the earliest of those that the ring has
  Ring ring_;                                  // destroyed before what it points at
};

void run_io_uring(JobRun& job) {
  const Run::Unit unit(job);
  RingJob loop(job);
  while (job.next_batch()) loop.run_batch();
}

void serve_io_uring(ServerRun& server) {
  const Run::Unit unit(server);
  has_connections(server.transport()) ? RingStreams(server).run() : RingDatagrams(server).run();
}

}  // namespace

extern constinit const Model io_uring_model{
    .name = "io-uring",
    .summary = "one thread that hands its calls to a completion ring",
    .aliases = {"uring", "iouring"},
    .unit = UnitKind::thread,
    .units = HowMany::one,
    .in_flight = HowMany::tasks,
    .loops = true,
    .run = run_io_uring,
    .serve = serve_io_uring,
    .why_unavailable = why_no_io_uring,
    .note = io_uring_note,
};

}  // namespace bench
