#include "harness/load/worker_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <span>
#include <thread>

#include "measure/affinity.h"

namespace bench {
namespace {

// A copy of a server's listener or connection would keep it alive after the server has closed it.
void close_others(std::span<const WorkerLink> links) {
  std::vector<int> kept{STDERR_FILENO};
  for (const WorkerLink& link : links) kept.insert(kept.end(), {link.wake, link.done});
  std::ranges::sort(kept);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const int first = kept[i] + 1;
    const int last = i + 1 < kept.size() ? kept[i + 1] - 1 : INT32_MAX;
    if (first <= last) close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0);
  }
}

void raise_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// An exception of any worker ends the process, and so the load.
void work(const WorkerProcess& process, std::size_t index) {
  try {
    const std::span<const int> cpus = process.cpus;
    if (!cpus.empty()) pin_to(cpus.subspan(process.shares[index].worker % cpus.size(), 1));
    Worker(process.plan, process.shares[index], process.links[index]).run();
    return;
  } catch (const std::exception& error) {
    process.control.failure.set(error.what());
  }
  _exit(1);
}

}  // namespace

void run_worker_process(const WorkerProcess& process, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // the parent died before the line above
  prctl(PR_SET_NAME, "bench-load");
  close_others(process.links);
  raise_descriptors();
  signal(SIGPIPE, SIG_IGN);  // TLS writes as write(2) does
  try {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < process.shares.size(); ++i) threads.emplace_back([&process, i] { work(process, i); });
    work(process, 0);
  } catch (const std::exception& error) {
    process.control.failure.set(error.what());
    _exit(1);
  }
  _exit(0);
}

}  // namespace bench
