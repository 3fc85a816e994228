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

#include <cerrno>
#include <system_error>
#include <vector>

#include "models/model.h"
#include "models/ring/ring.h"
#include "models/ring/ring_datagrams.h"
#include "models/ring/ring_streams.h"

namespace bench {
namespace {

class JobLoop {
 public:
  explicit JobLoop(JobRun& job) : job_(job) {}

  void run_batch() {
    tasks_.resize(job_.tasks());
    unfinished_ = job_.tasks();
    for (std::uint32_t index = 0; index < job_.tasks(); ++index) start(index);
    while (unfinished_ != 0) {
      ring_.submit_and_wait();
      for (Completion done; ring_.take(done);) on_completion(done);
    }
  }

 private:
  struct Task {
    Script script;
    __kernel_timespec due{};
  };

  void start(std::uint32_t index) {
    tasks_[index].script = job_.begin(index);
    go_on(index);
  }

  void begin(const Transfer& transfer, std::uint32_t index) {
    io_uring_sqe* const submission = ring_.prepare(index);
    const auto bytes = static_cast<unsigned>(transfer.bytes);
    const auto offset = static_cast<std::uint64_t>(transfer.offset);
    if (transfer.kind == Op::write) {
      io_uring_prep_write(submission, transfer.fd, transfer.data, bytes, offset);
    } else {
      io_uring_prep_read(submission, transfer.fd, transfer.data, bytes, offset);
    }
  }

  void on_completion(const Completion& done) {
    const auto index = static_cast<std::uint32_t>(done.tag);
    const Operation& operation = tasks_[index].script.operation();
    if (operation.kind == Op::wait_for) {
      if (done.result != -ETIME) throw std::system_error(-done.result, std::generic_category(), "a timer of the ring");
    } else if (done.result == -EINTR) {
      return begin(operation.transfer, index);
    } else {
      *operation.result = done.result;
    }
    go_on(index);
  }

  // Runs task `index` up to its next wait or to its end.
  void go_on(std::uint32_t index) {
    Task& task = tasks_[index];
    try {
      while (task.script.advance()) {
        const Operation operation = task.script.operation();
        switch (operation.kind) {
          case Op::checkpoint: break;
          case Op::wait_for: return ring_.arm(index, now_ns() + operation.duration.count(), task.due);
          case Op::read:
          case Op::write: return begin(operation.transfer, index);
        }
      }
    } catch (...) {
      job_.fail_task(index);
    }
    job_.end(index);
    task.script = Script();
    --unfinished_;
  }

  JobRun& job_;
  std::vector<Task> tasks_;
  std::uint32_t unfinished_ = 0;
  Ring ring_;  // destroyed before what it points at
};

void run_io_uring(JobRun& job) {
  const Run::Unit unit(job);
  JobLoop loop(job);
  while (job.next_batch()) loop.run_batch();
}

void serve_io_uring(ServerRun& server) {
  const Run::Unit unit(server);
  server.transport() == Transport::tcp ? RingStreams(server).run() : RingDatagrams(server).run();
}

}  // namespace

extern constinit const Model io_uring_model{
    .name = "io-uring",
    .summary = "one thread that hands its calls to a completion ring",
    .aliases = {"uring", "iouring"},
    .unit = UnitKind::thread,
    .units = Count::one,
    .in_flight = Count::tasks,
    .run = run_io_uring,
    .serve = serve_io_uring,
    .why_unavailable = why_no_io_uring,
    .note = io_uring_note,
};

}  // namespace bench
