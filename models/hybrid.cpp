// Hybrids, OUTER+INNER: as many copies of the inner model as there are workers, each in a process (processes+…) or in a
// thread (threads+…) of its own. The inner model may be a hybrid again, and a pool: inside, they have as many units as
// there are CPUs.
//
// Units: those of all copies together; what carries a copy counts for none. A job's tasks are dealt out evenly
// beforehand, in runs of neighbours, and a gate holds the copies between batches. A server's copies each have a
// listening socket of their own for the same port (SO_REUSEPORT), among which the kernel spreads connections and
// datagrams by a hash of their addresses: evenly for many, by chance for few, and a connection never changes its copy.
// System calls for a task or a request: those of the inner model. Copies in processes ignore SIGTERM: sent to the whole
// group it is for the process that started them, which ends them in its own way.
#include "models/hybrid.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <vector>

#include "measure/affinity.h"
#include "measure/batch_gate.h"
#include "models/blocking/child.h"
#include "models/blocking/thread_group.h"

namespace bench {
namespace {

// What a row of the table only points at.
struct Row {
  std::string name;
  std::string summary;
  Model model;
};

bool forks(const Model& model) {
  return model.unit == UnitKind::process || (model.inner && (forks(*model.outer) || forks(*model.inner)));
}

// Whether a copy would find its own kind of carrier further out or in: processes+threads+processes.
bool carries(const Model& model, const Model& outer) {
  return model.name == outer.name || (model.inner && (carries(*model.outer, outer) || carries(*model.inner, outer)));
}

HowMany at_least_workers(HowMany count) { return count == HowMany::one ? HowMany::workers : count; }

Row make_row(const Model& outer, const Model& inner) {
  Row row{.name = fmt::format("{}+{}", outer.name, inner.name),
          .summary = fmt::format("{} in each of N {}", inner.name, outer.name),
          .model = inner};
  row.model.aliases = {};
  row.model.outer = &outer;
  row.model.inner = &inner;
  row.model.units = at_least_workers(inner.units);
  row.model.in_flight = at_least_workers(inner.in_flight);
  row.model.parallel = true;
  return row;
}

// Holds a signal back from the calling thread.
class HeldSignal {
 public:
  explicit HeldSignal(int signal) {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, signal);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~HeldSignal() { release(); }
  HeldSignal(const HeldSignal&) = delete;
  HeldSignal& operator=(const HeldSignal&) = delete;

  void release() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// Calls `body(copy)` in a process or a thread of its own for each copy.
class Copies {
 public:
  Copies(const Model& outer, Run& run, std::uint32_t count, std::function<void(std::uint32_t)> body)
      : run_(run), body_(std::move(body)), threads_(run, count) {
    HeldSignal held(SIGTERM);
    for (std::uint32_t copy = 0; copy < count; ++copy) {
      if (outer.unit == UnitKind::process) {
        processes_.push_back(fork_watched(run, [this, copy, &held] {
          signal(SIGTERM, SIG_IGN);
          held.release();
          body_(copy);
        }));
      } else {
        threads_.start_uncounted([this, copy] { body_(copy); });
      }
    }
  }

  // Until `fd` has one of `events`, or hangs up. A process that ends before that fails the run.
  void wait_for(int fd, short events) {
    std::vector<pollfd> watched{{.fd = fd, .events = events, .revents = 0}};
    for (const UniqueFd& process : processes_) watched.push_back({.fd = process.get(), .events = POLLIN, .revents = 0});
    while (poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
    }
    if (watched.front().revents != 0) return;
    reap_unit(run_);
    run_.fail("a copy of the inner model ended before its time");
  }

  // Waits until all have ended.
  void join() {
    for (std::size_t process = 0; process < processes_.size(); ++process) reap_unit(run_);
    threads_.join();
  }

 private:
  Run& run_;
  std::function<void(std::uint32_t)> body_;
  ThreadGroup threads_;
  std::vector<UniqueFd> processes_;
};

void run_hybrid(const Model& model, JobRun& job) {
  const std::uint32_t copies = job.workers();
  BatchGate gate(copies);
  Copies running(*model.outer, job, copies, [&](std::uint32_t copy) {
    JobRun part(job, {.number = copy, .of = copies, .workers = available_cpus()}, gate);
    run_under(*model.inner, part);
  });
  while (job.next_batch()) {
    gate.open();
    running.wait_for(gate.done_fd(), POLLIN);
    gate.take_done();
  }
  gate.close();
  running.join();
}

void serve_hybrid(const Model& model, ServerRun& server) {
  const std::uint32_t copies = server.workers();
  Copies running(*model.outer, server, copies, [&](std::uint32_t copy) {
    ServerRun part(server, copy, copies, available_cpus());
    serve_under(*model.inner, part);
  });
  running.wait_for(server.socket(), 0);  // its hang-up means the end
  running.join();
}

}  // namespace

std::string why_no_hybrid(const Model& outer, const Model& inner) {
  if (!outer.carries_others)
    return fmt::format("only processes and threads can carry copies of another model, {} cannot", outer.name);
  if (carries(inner, outer)) {
    return fmt::format("{} inside {} are but more {}", outer.name, outer.name, outer.name);
  }
  if (outer.unit == UnitKind::thread && forks(inner)) {
    return "a process with several threads must not fork: of the others' locks the child would have copies that nobody "
           "unlocks";
  }
  return {};
}

const Model& hybrid_of(const Model& outer, const Model& inner) {
  static std::deque<Row> rows;
  for (const Row& row : rows) {
    if (row.model.outer == &outer && row.model.inner == &inner) return row.model;
  }
  Row& row = rows.emplace_back(make_row(outer, inner));
  row.model.name = row.name;
  row.model.summary = row.summary;
  return row.model;
}

std::uint32_t server_copies(const Model& model, std::uint32_t workers) {
  return model.inner ? workers * server_copies(*model.inner, available_cpus()) : 1;
}

std::uint32_t job_loops(const Model& model, std::uint32_t workers) {
  return model.loops ? server_copies(model, workers) : 0;
}

void run_under(const Model& model, JobRun& job) { model.inner ? run_hybrid(model, job) : model.run(job); }

void serve_under(const Model& model, ServerRun& server) {
  model.inner ? serve_hybrid(model, server) : model.serve(server);
}

}  // namespace bench
