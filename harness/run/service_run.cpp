#include "harness/run/service_run.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness/load/load_generator.h"
#include "harness/run/bare_request.h"
#include "harness/run/listener.h"
#include "harness/run/server_process.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"
#include "measure/clock.h"
#include "models/hybrid.h"

namespace bench {
namespace {

Target loopback_target(std::uint16_t port, Transport transport) {
  Target target;
  auto* address = reinterpret_cast<sockaddr_in*>(&target.address);
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  target.address_size = sizeof *address;
  target.transport = transport;
  target.text = fmt::format("127.0.0.1:{}", port);
  return target;
}

// A server of the request's cell and the load that it is to be put under.
class ServiceRun {
 public:
  ServiceRun(const Plan& plan, const RunRequest& request, RunReport& report)
      : plan_(plan),
        cell_(plan.cells[request.cell]),
        group_(plan.group_of(cell_)),
        setup_{.service = group_.service,
               .context = {.parameters = group_.load.parameters, .model = cell_.model->name},
               .workers = cell_.workers,
               .stack_bytes = cell_.stack_bytes,
               .sockets = {},
               .idle_timeout = plan.services.idle_timeout} {
    group_.foreign ? aim_at(*group_.foreign) : start_server(report);
    const ClientOptions& client = plan.services.client;
    load_.connections = group_.load.connections;
    load_.active = group_.load.active;
    load_.pipeline = group_.load.pipeline;
    load_.requests_per_connection = client.requests_per_connection;
    load_.heavy_share = group_.load.parameters.has_extras() ? group_.load.parameters.heavy_share : 0;
    load_.rate = request.rate;
    load_.arrivals = client.arrivals;
    load_.dispatch = client.dispatch;
    load_.seed = plan.seed;
    load_.connect_deadline = client.connect_deadline;
    load_.warmup = client.warmup;
    load_.duration = request.duration_ns != 0 ? std::chrono::nanoseconds(request.duration_ns) : client.duration;
    load_.threads = client.threads;
  }

  const Group& group() const { return group_; }
  /// Null where the server is foreign.
  ServerProcess* server() { return server_ ? &*server_ : nullptr; }
  LoadPlan& load() { return load_; }

  LoadReport run(const std::function<void(Edge)>& at_edge) {
    LoadGenerator generator(load_, plan_.cpu_split.client);
    return generator.run(at_edge);
  }

  /// What the server's tree has used so far; nothing where that is unknown.
  UsageReading server_usage(Edge edge) {
    if (server_) return server_->usage(edge);
    const pid_t pid = group_.foreign->pid;
    return {.usage = pid > 0 ? outside_tree_usage(pid) : TreeUsage{}, .at_ns = now_ns()};
  }

 private:
  void start_server(RunReport& report) {
    listeners_ = listen_on_all("127.0.0.1", 0, group_.service->transport, plan_.services.idle_timeout,
                               server_copies(*cell_.model, cell_.workers));
    setup_.sockets = listeners_.descriptors();
    server_.emplace(*cell_.model, setup_, report, plan_.cpu_split.server);
    load_.target = loopback_target(listeners_.port, group_.service->transport);
    load_.classes = classes_told_apart(*group_.service, group_.load.parameters);
    load_.make_exchange = [service = group_.service, parameters = group_.load.parameters](std::uint64_t connection,
                                                                                          bool heavy) {
      return service->exchange(parameters, connection, heavy);
    };
  }

  void aim_at(const ForeignServer& foreign) {
    load_.target = foreign.target;
    load_.classes = foreign.classes;
    load_.make_exchange = foreign.make_exchange;
    load_.request_timeout = foreign.request_timeout;
  }

  const Plan& plan_;
  const Cell& cell_;
  const Group& group_;
  Listeners listeners_;
  ServerSetup setup_;
  std::optional<ServerProcess> server_;
  LoadPlan load_;
};

std::size_t request_bytes(const Service& service, const ServiceParameters& parameters) {
  Output out;
  service.exchange(parameters, 0, false)->request(out);
  return out.pending();
}

// On the server's CPUs, where the server is idle as yet.
double bare_request_ns(const Group& group, std::span<const int> cpus) {
  const std::size_t bytes = request_bytes(*group.service, group.load.parameters);
  const std::size_t reply_bytes = std::max<std::size_t>(bytes, group.load.parameters.message_bytes);
  pin_to(cpus);
  return measure_bare_request(group.service->transport, bytes, reply_bytes);
}

// CPU time that anybody has used of `cpus` so far, interrupts included, in ns; in ticks of 10 ms (proc(5), stat).
std::int64_t busy_ns(const std::set<int>& cpus) {
  std::ifstream file("/proc/stat");
  std::int64_t ticks = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    std::int64_t user = 0;
    std::int64_t nice = 0;
    std::int64_t system = 0;
    std::int64_t idle = 0;
    std::int64_t io_wait = 0;
    std::int64_t interrupts = 0;
    std::int64_t soft_interrupts = 0;
    fields >> name >> user >> nice >> system >> idle >> io_wait >> interrupts >> soft_interrupts;
    if (name.size() < 4 || !name.starts_with("cpu") || !cpus.contains(std::stoi(name.substr(3)))) continue;
    ticks += user + nice + system + interrupts + soft_interrupts;
  }
  return ticks * (1'000'000'000 / sysconf(_SC_CLK_TCK));
}

// The CPUs whose use by others counts: those of both sides, or any where the server's are not known.
std::set<int> cpus_of(const Plan& plan, bool server_known) {
  std::set<int> cpus(plan.cpu_split.server.begin(), plan.cpu_split.server.end());
  cpus.insert(plan.cpu_split.client.begin(), plan.cpu_split.client.end());
  const std::vector<int> any = available_cpu_numbers();
  if (!server_known) cpus.insert(any.begin(), any.end());
  return cpus;
}

// What is used of `cpus` while nothing is asked of the server, as a share: all that is known of others where a server's
// own CPU time is not.
double busy_at_rest(const std::set<int>& cpus) {
  const std::int64_t begun_ns = now_ns();
  const std::int64_t busy_before_ns = busy_ns(cpus);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double all_ns = static_cast<double>(now_ns() - begun_ns) * static_cast<double>(cpus.size());
  return std::clamp(static_cast<double>(busy_ns(cpus) - busy_before_ns) / all_ns, 0.0, 1.0);
}

void keep(const LoadReport& load, RunReport& report) {
  ServiceMeasurement& measured = report.service;
  measured.load = load;
  measured.littles_law_ratio = load.littles_law_ratio();
  load.error_text.copy(measured.error_text, sizeof measured.error_text - 1);
  measured.latency = *load.latency;
  measured.send_lag = *load.send_lag;
  measured.connect_time = *load.connect_time;
  for (std::size_t index = 0; index < load.class_latency.size(); ++index) {
    report.class_latency[index] = *load.class_latency[index];
  }
}

}  // namespace

void run_service(const Plan& plan, const RunRequest& request, RunReport& report) {
  ServiceMeasurement& measured = report.service;
  ServiceRun run(plan, request, report);
  if (run.server()) measured.bare_request_ns = bare_request_ns(run.group(), plan.cpu_split.server);
  const std::set<int> cpus = cpus_of(plan, run.server() != nullptr);
  const bool watched = run.server() || run.group().foreign->pid > 0;
  if (!watched) measured.others_busy = busy_at_rest(cpus);
  UsageReading before;
  std::int64_t busy_before_ns = 0;
  std::int64_t busy_after_ns = 0;
  const LoadReport load = run.run([&](Edge edge) {
    const UsageReading now = run.server_usage(edge);
    (edge == Edge::begin ? busy_before_ns : busy_after_ns) = busy_ns(cpus);
    if (edge == Edge::begin) {
      before = now;
    } else {
      measured.between_ns = now.at_ns - before.at_ns;
      measured.usage = now.usage - before.usage;
    }
  });
  keep(load, report);
  if (watched) {
    const std::int64_t others_ns = busy_after_ns - busy_before_ns - measured.usage.cpu_ns - load.cpu_ns;
    const double all_ns = static_cast<double>(measured.between_ns) * static_cast<double>(cpus.size());
    if (all_ns > 0) measured.others_busy = std::clamp(static_cast<double>(others_ns) / all_ns, 0.0, 1.0);
  }
  if (run.server()) {
    run.server()->stop();
  } else if (load.connections_established == 0) {
    throw std::runtime_error(fmt::format("no connection to {} was established within {}: {}", run.load().target.text,
                                         format_duration(static_cast<double>(run.load().connect_deadline.count())),
                                         describe_errors(load)));
  }
}

void run_service_memory(const Plan& plan, const RunRequest& request, RunReport& report) {
  ServiceRun run(plan, request, report);
  LoadPlan& load = run.load();
  load.connections = load.active = request.connections;
  load.rate = 0;
  load.requests_per_connection = 0;
  load.connect_deadline = std::max<std::chrono::nanoseconds>(load.connect_deadline, std::chrono::seconds(20));
  load.warmup = std::chrono::seconds(1);
  load.duration = std::chrono::milliseconds(10);
  const std::int64_t kernel_before = kernel_bytes();
  const std::int64_t user_before = tree_proportional_set_bytes(run.server()->pid());
  const LoadReport found = run.run([&](Edge edge) {
    if (edge != Edge::begin) return;
    report.service.open_at_barrier = report.server.open.load();
    report.service.user_bytes = tree_proportional_set_bytes(run.server()->pid()) - user_before;
    report.service.kernel_bytes = kernel_bytes() - kernel_before;
  });
  keep(found, report);
  run.server()->stop();
}

}  // namespace bench
