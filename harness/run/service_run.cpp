#include "harness/run/service_run.h"

#include <netinet/in.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
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
#include "harness/text/addresses.h"
#include "harness/text/quantities.h"
#include "measure/affinity.h"
#include "measure/clock.h"
#include "models/hybrid.h"
#include "workloads/reflect.h"

namespace bench {
namespace {

const in_addr loopback{.s_addr = htonl(INADDR_LOOPBACK)};

Target target_at(in_addr host, std::uint16_t port, Transport transport) {
  Target target;
  auto* address = reinterpret_cast<sockaddr_in*>(&target.address);
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  address->sin_addr = host;
  target.address_size = sizeof *address;
  target.transport = transport;
  target.text = fmt::format("{}:{}", text_of(host), port);
  return target;
}

// What the cell serves: its group's service, or for the empty network messages that come back.
const Service& service_of(const Cell& cell, const Group& group) {
  if (!cell.model->is_ideal) return *group.service;
  return group.service->transport == Transport::tcp ? reflected_stream : reflected_datagrams;
}

// The load of the request's cell, as it was agreed on. Messages of the empty network are as long as the longer of a
// request and its reply.
ServiceLoad load_of(const Cell& cell, const Group& group, const PartRequest& part) {
  ServiceLoad load = group.load;
  if (part.part != RunPart::whole) load.parameters.compute_steps = part.compute_steps;
  if (!cell.model->is_ideal) return load;
  const std::uint64_t bytes =
      std::max<std::uint64_t>(request_bytes(*group.service, load.parameters), load.parameters.message_bytes);
  const bool stream = group.service->transport == Transport::tcp;
  load.parameters = {};
  load.parameters.message_bytes = std::min(bytes, stream ? max_reflected_bytes : max_reflected_datagram_bytes);
  return load;
}

// A server of the request's cell and the load that it is to be put under, or what is here of both.
class ServiceRun {
 public:
  ServiceRun(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report)
      : plan_(plan),
        cell_(plan.cells[request.cell]),
        group_(plan.group_of(cell_)),
        part_(request.part),
        service_(service_of(cell_, group_)),
        offered_(load_of(cell_, group_, part_)),
        setup_{.service = &service_,
               .context = {.parameters = offered_.parameters, .model = cell_.model->name, .store = scratch},
               .workers = part_.part == RunPart::whole ? cell_.workers : part_.workers,
               .stack_bytes = cell_.stack_bytes,
               .sockets = {},
               .idle_timeout = plan.services.idle_timeout},
        end_soon_(report.end_soon),
        connecting_(report.connecting),
        steps_(report.steps) {
    if (group_.foreign) {
      aim_at(*group_.foreign);
    } else if (part_.part == RunPart::load) {
      load_own_service();
    } else {
      start_server(report);
    }
    const ClientOptions& client = plan.services.client;
    load_.connections = offered_.connections;
    load_.active = offered_.active;
    load_.pipeline = offered_.pipeline;
    load_.requests_per_connection = client.requests_per_connection;
    load_.heavy_share = offered_.parameters.has_extras() ? offered_.parameters.heavy_share : 0;
    load_.rate = request.rate;
    load_.arrivals = client.arrivals;
    load_.dispatch = client.dispatch;
    load_.seed = part_.part == RunPart::whole ? plan.seed : part_.seed;
    if (service_.resend_after.count() != 0) load_.resend_after = service_.resend_after;
    load_.connect_deadline = client.connect_deadline;
    load_.warmup = warm_up_of(offered_, client, request.rate);
    load_.duration = request.duration_ns != 0 ? std::chrono::nanoseconds(request.duration_ns)
                                              : window_of(offered_, client, request.rate);
    load_.threads = client.threads;
    if (const auto timeout = client.request_timeout) {
      load_.request_timeout = load_.datagram_timeout = load_.drain = *timeout;
    }
    load_.raw_latencies = client.raw_latencies;
    if (part_.part == RunPart::load) load_ = part_of(load_, part_.generator, part_.generators);
  }

  const Group& group() const { return group_; }
  const Service& service() const { return service_; }
  const ServiceLoad& offered() const { return offered_; }
  /// Null where it is foreign, or on another machine.
  ServerProcess* server() { return server_ ? &*server_ : nullptr; }
  std::uint16_t port() const { return listeners_.port; }
  LoadPlan& load() { return load_; }
  const LoadPlan& load() const { return load_; }

  LoadReport run(const std::function<void(Edge)>& at_edge) {
    LoadGenerator generator(load_, plan_.cpu_split.client);
    return generator.run(
        at_edge, [this] { return end_soon_.load() != 0; }, &connecting_);
  }

  /// The same where others put their parts of the load on the server, which all begin and end together.
  LoadReport run_with_others(const std::function<void(Edge)>& at_edge) {
    pass_step(steps_, RunStep::listening);
    if (!group_.foreign) {
      const auto port = static_cast<std::uint16_t>(steps_.port.load());
      load_.target = target_at(part_.server, port, service_.transport);
    }
    LoadGenerator generator(load_, plan_.cpu_split.client);
    const auto at = [&](Edge edge) {
      if (edge == Edge::begin) pass_step(steps_, RunStep::warm);
      if (edge == Edge::stop) pass_step(steps_, RunStep::stopped);
      if (edge == Edge::end) pass_step(steps_, RunStep::drained);
      at_edge(edge);
      if (edge == Edge::begin) pass_step(steps_, RunStep::begun);
    };
    LoadReport report = generator.run(
        at, [this] { return end_soon_.load() != 0; }, &connecting_, [this] { pass_step(steps_, RunStep::connected); });
    // Whoever has no connection has had no window, and the others have theirs.
    for (const RunStep step : {RunStep::warm, RunStep::begun, RunStep::stopped, RunStep::drained})
      pass_step(steps_, step);
    return report;
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
    const in_addr address = part_.part == RunPart::server ? part_.server : loopback;
    listeners_ = listen_on_all(text_of(address), 0, service_.transport, plan_.services.idle_timeout,
                               server_copies(*cell_.model, setup_.workers));
    setup_.sockets = listeners_.descriptors();
    server_.emplace(*cell_.model, setup_, report, plan_.cpu_split.server);
    load_.target = target_at(address, listeners_.port, service_.transport);
    load_own_service();
  }

  void load_own_service() {
    load_.classes = classes_told_apart(service_, offered_.parameters);
    load_.make_exchange = [&service = service_, parameters = offered_.parameters](std::uint64_t connection,
                                                                                  bool heavy) {
      return service.exchange(parameters, connection, heavy);
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
  const PartRequest part_;
  const Service& service_;
  const ServiceLoad offered_;
  Listeners listeners_;
  ServerSetup setup_;
  std::optional<ServerProcess> server_;
  std::optional<ForeignUsage> foreign_;
  LoadPlan load_;
  const std::atomic<std::uint32_t>& end_soon_;
  Connecting& connecting_;
  RunSteps& steps_;
};

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
  /// `client`: the CPUs of the load, where it is on this machine.
  Window(const Plan& plan, ServiceRun& run, RunReport& report, const std::vector<int>& client)
      : plan_(plan), run_(run), report_(report), measured_(report.service), cpus_(plan.cpu_split.server) {
    for (const int cpu : client) {
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
    if (run_.server()) {
      measured_.server_cpus = static_cast<std::uint32_t>(plan_.cpu_split.server.size());
      measured_.bare_request_ns = bare_request_ns(run_.service(), run_.offered());
      measured_.computation_ns = computation_ns(run_.offered().parameters);
    }
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
      measured_.bare_request_ns = (measured_.bare_request_ns + bare_request_ns(run_.service(), run_.offered())) / 2;
      measured_.computation_ns = (measured_.computation_ns + computation_ns(run_.offered().parameters)) / 2;
    }
    report_.surroundings.after = measure_ruler(cpus_);
  }

  const Plan& plan_;
  ServiceRun& run_;
  RunReport& report_;
  ServiceMeasurement& measured_;
  std::vector<int> cpus_;  // of both sides
  UsageReading before_;
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

void count_generator_cpus(const Plan& plan, const LoadReport& load, RunReport& report) {
  const std::size_t cpus = plan.cpu_split.client.empty() ? available_cpus() : plan.cpu_split.client.size();
  report.service.generator_cpus = static_cast<std::uint32_t>(std::min<std::size_t>(load.workers, cpus));
}

// Of a server that is not ours.
void check_connected(const ServiceRun& run, const LoadReport& load) {
  if (load.connections_established != 0) return;
  throw std::runtime_error(fmt::format("no connection to {} was established within {}: {}", run.load().target.text,
                                       format_duration(static_cast<double>(run.load().connect_deadline.count())),
                                       describe_errors(load.errors, load.error_text)));
}

void run_whole(const Plan& plan, ServiceRun& run, RunReport& report) {
  if (run.server()) pin_to(plan.cpu_split.server);  // for what a bare request takes there
  Window window(plan, run, report, plan.cpu_split.client);
  const LoadReport load = run.run([&](Edge edge) { window.at(edge); });
  keep(load, report);
  count_generator_cpus(plan, load, report);
  run.explain_usage(report.service);
  window.count_others(load.cpu_ns);
  if (run.server()) {
    run.server()->stop();
  } else {
    check_connected(run, load);
  }
}

void run_server_part(const Plan& plan, ServiceRun& run, RunReport& report) {
  pin_to(plan.cpu_split.server);
  Window window(plan, run, report, {});
  report.steps.port.store(run.port());
  for (const RunStep step : {RunStep::listening, RunStep::connected, RunStep::warm}) pass_step(report.steps, step);
  window.at(Edge::begin);
  for (const RunStep step : {RunStep::begun, RunStep::stopped}) pass_step(report.steps, step);
  window.at(Edge::stop);
  pass_step(report.steps, RunStep::drained);
  window.at(Edge::end);
  window.count_others(0);
  run.server()->stop();
}

void run_load_part(const Plan& plan, ServiceRun& run, RunReport& report) {
  const std::vector<int>& own = plan.cpu_split.client;
  const std::vector<int> cpus = own.empty() ? available_cpu_numbers() : own;
  std::int64_t busy_in_window_ns = 0;
  std::int64_t window_ns = 0;
  const LoadReport load = run.run_with_others([&](Edge edge) {
    const int sign = edge == Edge::begin ? -1 : 1;
    if (edge == Edge::end) return;
    busy_in_window_ns += sign * busy_ns(cpus);
    window_ns += sign * now_ns();
  });
  keep(load, report);
  count_generator_cpus(plan, load, report);
  report.service.to_stop_ns = window_ns;
  const double all_ns = static_cast<double>(window_ns) * static_cast<double>(cpus.size());
  if (all_ns > 0) {
    report.surroundings.others_busy =
        std::clamp(static_cast<double>(busy_in_window_ns - load.cpu_ns) / all_ns, 0.0, 1.0);
  }
  if (run.group().foreign) check_connected(run, load);
}

}  // namespace

void run_service(const Plan& plan, const RunRequest& request, const Scratch& scratch, RunReport& report) {
  ServiceRun run(plan, request, scratch, report);
  switch (request.part.part) {
    case RunPart::whole: run_whole(plan, run, report); return add_computation(plan, request, report.service);
    case RunPart::server: return run_server_part(plan, run, report);
    case RunPart::load: return run_load_part(plan, run, report);
  }
}

void add_computation(const Plan& plan, const RunRequest& request, ServiceMeasurement& measured) {
  const Cell& cell = plan.cells[request.cell];
  const Group& group = plan.group_of(cell);
  if (measured.computation_ns == 0) return;
  measured.bare_request_ns +=
      measured.computation_ns * heavy_share(service_of(cell, group), group.load.parameters, measured.load);
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
