#include "harness/service_run.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>

#include "harness/affinity.h"
#include "harness/bare_request.h"
#include "harness/load/load_generator.h"
#include "harness/measure/clock.h"
#include "harness/server_process.h"

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
        listener_(listen_on("127.0.0.1", 0, group_.service->transport)),
        setup_{.service = group_.service,
               .context = {.parameters = group_.load.parameters, .model = cell_.model->name},
               .workers = cell_.workers,
               .socket = listener_.socket.get(),
               .idle_timeout = plan.services.idle_timeout},
        server_(*cell_.model, setup_, report, plan.cpu_split.server) {
    const ClientOptions& client = plan.services.client;
    load_.target = loopback_target(listener_.port, group_.service->transport);
    load_.make_exchange = [service = group_.service, parameters = group_.load.parameters](
                              std::uint64_t connection, bool heavy) {
      return service->exchange(parameters, connection, heavy);
    };
    load_.connections = group_.load.connections;
    load_.active = group_.load.active;
    load_.pipeline = group_.load.pipeline;
    load_.requests_per_connection = client.requests_per_connection;
    const bool extras = group_.load.parameters.compute_steps != 0 || group_.load.parameters.wait.count() != 0;
    load_.heavy_share = extras ? group_.load.parameters.heavy_share : 0;
    load_.rate = request.rate;
    load_.arrivals = client.arrivals;
    load_.seed = plan.seed;
    load_.connect_deadline = client.connect_deadline;
    load_.warmup = client.warmup;
    load_.duration = request.duration_ns != 0 ? std::chrono::nanoseconds(request.duration_ns) : client.duration;
    load_.threads = client.threads;
  }

  const Group& group() const { return group_; }
  ServerProcess& server() { return server_; }
  LoadPlan& load() { return load_; }

  LoadReport run(const std::function<void(Edge)>& at_edge) {
    LoadGenerator generator(load_, plan_.cpu_split.client);
    return generator.run(at_edge);
  }

 private:
  const Plan& plan_;
  const Cell& cell_;
  const Group& group_;
  Listener listener_;
  ServerSetup setup_;
  ServerProcess server_;
  LoadPlan load_;
};

std::size_t request_bytes(const Service& service, const ServiceParameters& parameters) {
  Output out;
  service.exchange(parameters, 0, false)->request(out);
  return out.pending();
}

void keep(const LoadReport& load, ServiceMeasurement& measured) {
  measured.load = load;
  measured.littles_law_ratio = load.littles_law_ratio();
  load.error_text.copy(measured.error_text, sizeof measured.error_text - 1);
  measured.latency = *load.latency;
  measured.light_latency = *load.light_latency;
  measured.send_lag = *load.send_lag;
  measured.connect_time = *load.connect_time;
}

// What the kernel holds for connections and units: slab (sockets, files, task structures), stacks, page tables.
std::int64_t kernel_bytes() {
  std::ifstream file("/proc/meminfo");
  std::int64_t kilobytes = 0;
  for (std::string line; std::getline(file, line);) {
    for (const std::string_view key : {"Slab:", "KernelStack:", "PageTables:"}) {
      if (line.starts_with(key)) kilobytes += std::stoll(line.substr(key.size()));
    }
  }
  return kilobytes * 1024;
}

}  // namespace

void run_service(const Plan& plan, const RunRequest& request, RunReport& report) {
  ServiceMeasurement& measured = report.service;
  ServiceRun run(plan, request, report);
  const std::size_t bytes = request_bytes(*run.group().service, run.group().load.parameters);
  pin_to(plan.cpu_split.server);  // where the server will be; it has nothing to do yet
  measured.bare_request_ns = measure_bare_request(run.group().service->transport, bytes,
                                                  std::max(bytes, run.group().load.parameters.message_bytes));
  TreeUsage before;
  std::int64_t before_ns = 0;
  keep(run.run([&](Edge edge) {
    if (edge == Edge::begin) {
      before = run.server().usage();
      before_ns = now_ns();
    } else {
      measured.between_ns = now_ns() - before_ns;
      measured.usage = run.server().usage() - before;
    }
  }), measured);
  run.server().stop();
}

void run_service_memory(const Plan& plan, const RunRequest& request, RunReport& report) {
  ServiceRun run(plan, request, report);
  LoadPlan& load = run.load();
  load.connections = load.active = request.connections;
  load.rate = 0;
  load.connect_deadline = std::max<std::chrono::nanoseconds>(load.connect_deadline, std::chrono::seconds(20));
  load.warmup = std::chrono::seconds(1);
  load.duration = std::chrono::milliseconds(10);
  const std::int64_t kernel_before = kernel_bytes();
  const std::int64_t user_before = tree_proportional_set_bytes(run.server().pid());
  const LoadReport found = run.run([&](Edge edge) {
    if (edge != Edge::begin) return;
    report.service.user_bytes = tree_proportional_set_bytes(run.server().pid()) - user_before;
    report.service.kernel_bytes = kernel_bytes() - kernel_before;
  });
  keep(found, report.service);
  run.server().stop();
}

}  // namespace bench
