#include "harness/run/service_run.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness/load/load_generator.h"
#include "harness/run/bare_request.h"
#include "harness/run/foreign_usage.h"
#include "harness/run/listener.h"
#include "harness/run/ruler.h"
#include "harness/run/server_process.h"
#include "harness/run/tries.h"
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
  ServiceRun(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report)
      : plan_(plan),
        cell_(plan.cells[request.cell]),
        group_(plan.group_of(cell_)),
        setup_{.service = group_.service,
               .context = {.parameters = group_.load.parameters, .model = cell_.model->name, .store = scratch},
               .workers = cell_.workers,
               .stack_bytes = cell_.stack_bytes,
               .sockets = {},
               .idle_timeout = plan.services.idle_timeout},
        end_soon_(report.end_soon),
        connecting_(report.connecting) {
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
    if (group_.service->resend_after.count() != 0) load_.resend_after = group_.service->resend_after;
    load_.connect_deadline = client.connect_deadline;
    load_.warmup = warm_up_of(group_.load, client, request.rate);
    load_.duration = request.duration_ns != 0 ? std::chrono::nanoseconds(request.duration_ns)
                                              : window_of(group_.load, client, request.rate);
    load_.threads = client.threads;
    if (const auto timeout = client.request_timeout) {
      load_.request_timeout = load_.datagram_timeout = load_.drain = *timeout;
    }
  }

  const Group& group() const { return group_; }
  /// Null where the server is foreign.
  ServerProcess* server() { return server_ ? &*server_ : nullptr; }
  LoadPlan& load() { return load_; }

  LoadReport run(const std::function<void(Edge)>& at_edge) {
    LoadGenerator generator(load_, plan_.cpu_split.client);
    return generator.run(
        at_edge, [this] { return end_soon_.load() != 0; }, &connecting_);
  }

  /// What the server's tree has used so far, of a foreign one since the window began; nothing where that is unknown.
  UsageReading server_usage(Edge edge) {
    if (server_) return server_->usage(edge);
    return foreign_->at(edge);
  }

  /// Has the measurement say what is unknown of the server's usage.
  void explain_usage(ServiceMeasurement& measured) const {
    if (foreign_) foreign_->explain(measured);
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
    load_.sources = foreign.sources;
    foreign_.emplace(foreign);
  }

  const Plan& plan_;
  const Cell& cell_;
  const Group& group_;
  Listeners listeners_;
  ServerSetup setup_;
  std::optional<ServerProcess> server_;
  std::optional<ForeignUsage> foreign_;
  LoadPlan load_;
  const std::atomic<std::uint32_t>& end_soon_;
  Connecting& connecting_;
};

std::size_t request_bytes(const Service& service, const ServiceParameters& parameters) {
  Output out;
  service.exchange(parameters, 0, false)->request(out);
  return out.pending();
}

// What the computation of a heavy request takes.
double computation_ns(const ServiceParameters& parameters) {
  if (parameters.compute_steps == 0) return 0;
  constexpr std::uint64_t most = 200'000;  // of steps, which are timed: a fifth of a millisecond
  const std::uint64_t steps = std::min(parameters.compute_steps, most);
  const double ns = median_of_tries([steps] {
    const std::int64_t begin_ns = now_ns();
    service_compute(steps);
    return static_cast<double>(now_ns() - begin_ns);
  });
  return ns * static_cast<double>(parameters.compute_steps) / static_cast<double>(steps);
}

// The share of the answered requests that were heavy; in a closed loop other than that of their connections, as far as
// classes tell them apart.
double heavy_share(const Service& service, const ServiceParameters& parameters, const LoadReport& load) {
  if (std::ranges::find(service.classes, AskedBy::heavy, &RequestClass::asked_by) == service.classes.end()) {
    return parameters.heavy_share;
  }
  if (load.class_count == 0) return 1;
  std::uint64_t heavy = 0;
  for (std::uint32_t index = 0; index < load.class_count; ++index) {
    const ClassCounts& counts = load.classes[index];
    if (service.classes[index].asked_by == AskedBy::heavy) heavy += counts.completed + counts.drained;
  }
  const std::uint64_t all = load.requests_answered();
  return all == 0 ? 0 : static_cast<double>(heavy) / static_cast<double>(all);
}

// On the server's CPUs, while the server is idle. Of requests that are sent together the system calls may be, too.
double bare_request_ns(const Group& group) {
  const std::size_t bytes = request_bytes(*group.service, group.load.parameters);
  if (group.service->round_trips) {
    const std::uint64_t trips = group.service->round_trips(group.load.parameters);
    const std::size_t reply_bytes = std::max<std::size_t>(group.load.parameters.message_bytes / trips, 1);
    return static_cast<double>(trips) * measure_bare_request(group.service->transport, bytes, reply_bytes);
  }
  const std::size_t reply_bytes = std::max<std::size_t>(bytes, group.load.parameters.message_bytes);
  const std::size_t together = group.service->transport == Transport::tcp ? group.load.pipeline : 1;
  return measure_bare_request(group.service->transport, together * bytes, together * reply_bytes) /
         static_cast<double>(together);
}

// What is used of `cpus` while nothing is asked of the server, as a share: all that is known of others where a server's
// own CPU time is not.
double busy_at_rest(std::span<const int> cpus) {
  const std::int64_t begun_ns = now_ns();
  const std::int64_t busy_before_ns = busy_ns(cpus);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double all_ns = static_cast<double>(now_ns() - begun_ns) * static_cast<double>(cpus.size());
  return std::clamp(static_cast<double>(busy_ns(cpus) - busy_before_ns) / all_ns, 0.0, 1.0);
}

// What lies around the measured window: readings of the server and of the machine.
class Window {
 public:
  Window(const Plan& plan, ServiceRun& run, RunReport& report)
      : run_(run), report_(report), measured_(report.service), cpus_(plan.cpu_split.server) {
    for (const int cpu : plan.cpu_split.client) {
      if (std::ranges::find(cpus_, cpu) == cpus_.end()) cpus_.push_back(cpu);
    }
    if (!run.server()) cpus_ = available_cpu_numbers();  // it may run on any
  }

  void at(Edge edge) {
    switch (edge) {
      case Edge::begin: return begin();
      case Edge::stop: return stop();
      case Edge::end: return end();
    }
  }

  /// Adds to the bare system calls what no server can do without besides.
  void add_computation(const LoadReport& load) {
    const Group& group = run_.group();
    measured_.bare_request_ns += computation_ns_ * heavy_share(*group.service, group.load.parameters, load);
  }

  /// What others used until the stop, of which `generator_ns` was the generator's.
  void count_others(std::int64_t generator_ns) {
    if (!is_watched()) return;
    const std::int64_t others_ns = others_ns_ - measured_.usage_to_stop.cpu_ns - generator_ns;
    const double all_ns = static_cast<double>(measured_.to_stop_ns) * static_cast<double>(cpus_.size());
    if (all_ns > 0) {
      report_.surroundings.others_busy = std::clamp(static_cast<double>(others_ns) / all_ns, 0.0, 1.0);
    }
  }

 private:
  bool is_watched() const { return run_.server() || run_.group().foreign->pid > 0; }

  void begin() {
    if (!is_watched()) report_.surroundings.others_busy = busy_at_rest(cpus_);
    report_.surroundings.before = measure_ruler(cpus_);
    if (run_.server()) measured_.bare_request_ns = bare_request_ns(run_.group());
    if (run_.server()) computation_ns_ = computation_ns(run_.group().load.parameters);
    before_ = run_.server_usage(Edge::begin);
    others_ns_ = -busy_ns(cpus_);
  }

  void stop() {
    others_ns_ += busy_ns(cpus_);  // first, for to read what thousands of processes have used takes half a second
    const UsageReading now = run_.server_usage(Edge::stop);
    measured_.to_stop_ns = now.at_ns - before_.at_ns;
    measured_.usage_to_stop = now.usage - before_.usage;
  }

  void end() {
    measured_.usage = run_.server_usage(Edge::end).usage - before_.usage;
    if (run_.server()) {
      measured_.bare_request_ns = (measured_.bare_request_ns + bare_request_ns(run_.group())) / 2;
      computation_ns_ = (computation_ns_ + computation_ns(run_.group().load.parameters)) / 2;
    }
    report_.surroundings.after = measure_ruler(cpus_);
  }

  ServiceRun& run_;
  RunReport& report_;
  ServiceMeasurement& measured_;
  std::vector<int> cpus_;  // of both sides
  UsageReading before_;
  double computation_ns_ = 0;   // of a heavy request
  std::int64_t others_ns_ = 0;  // first what was used before
};

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

void run_service(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report) {
  ServiceRun run(plan, request, scratch, report);
  if (run.server()) pin_to(plan.cpu_split.server);  // for what a bare request takes there
  Window window(plan, run, report);
  const LoadReport load = run.run([&](Edge edge) { window.at(edge); });
  keep(load, report);
  const std::size_t cpus = plan.cpu_split.client.empty() ? available_cpus() : plan.cpu_split.client.size();
  report.service.generator_cpus = static_cast<std::uint32_t>(std::min<std::size_t>(load.workers, cpus));
  run.explain_usage(report.service);
  window.count_others(load.cpu_ns);
  window.add_computation(load);
  if (run.server()) {
    run.server()->stop();
  } else if (load.connections_established == 0) {
    throw std::runtime_error(fmt::format("no connection to {} was established within {}: {}", run.load().target.text,
                                         format_duration(static_cast<double>(run.load().connect_deadline.count())),
                                         describe_errors(load)));
  }
}

void run_service_memory(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report) {
  ServiceRun run(plan, request, scratch, report);
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
