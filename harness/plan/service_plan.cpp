// The plan's part for services.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/options/workload_parameters.h"
#include "harness/plan/calibration.h"
#include "harness/plan/plan_kind.h"
#include "harness/text/parameters.h"
#include "harness/text/quantities.h"
#include "models/reflector.h"

namespace bench {
namespace {

std::string extras_text(const ServiceLoad& load) {
  std::string text;
  if (load.service_cpu.count() != 0) {
    text += fmt::format(" · computes {}", format_duration_exact(load.service_cpu.count()));
  }
  if (load.parameters.wait.count() != 0) {
    text += fmt::format(" · waits {}", format_duration_exact(load.parameters.wait.count()));
  }
  if (!text.empty() && load.parameters.heavy_share < 1) {
    text += fmt::format(" on {:g}% of the connections", load.parameters.heavy_share * 100);
  }
  return text;
}

std::string cpus_text(const CpuSplit& cpus) {
  const auto list = [](const std::vector<int>& numbers) {
    return fmt::format("CPU{} {}", numbers.size() == 1 ? "" : "s", fmt::join(numbers, ","));
  };
  return fmt::format("server on {}, load on {}", list(cpus.server), list(cpus.client));
}

std::string title_of(const Group& group, const ClientOptions& client, const CpuSplit& cpus) {
  const ServiceLoad& load = group.load;
  std::string title =
      fmt::format("{} · {} connection{}", group.service->name, format_count(static_cast<double>(load.connections)),
                  load.connections == 1 ? "" : "s");
  if (load.active < load.connections) title += fmt::format(", {} active", format_count(load.active));
  title += parameters_in_title(group.parameters);
  if (load.pipeline > 1) title += fmt::format(" · pipeline {}", load.pipeline);
  if (client.requests_per_connection != 0) {
    title += fmt::format(" · {} requests each", format_count(static_cast<double>(client.requests_per_connection)));
  }
  title += extras_text(load);
  title += fmt::format(" · {}", rate_text(load));
  if (load.mode != RateMode::closed && client.dispatch == Dispatch::any) title += " to any free connection";
  return title + fmt::format(" · {}", cpus_text(cpus));
}

// About how long a server takes to have its connections.
std::int64_t start_ns(std::uint32_t connections) {
  constexpr std::int64_t server_ns = 100'000'000;
  constexpr std::int64_t connection_ns = 150'000;  // with a unit of its own
  return server_ns + connection_ns * connections;
}

std::vector<Group> groups_of(const Options& options, const CpuSplit& cpus) {
  const ServiceOptions& asked = options.service;
  std::vector<double> rates = asked.rates;
  if (rates.empty()) rates.push_back(0);
  std::vector<Group> groups;
  for (const Service* service : options.services) {
    for (const std::uint32_t connections : asked.connections) {
      std::vector<std::uint32_t> actives = asked.active;
      if (actives.empty()) actives.push_back(connections);
      for (const std::uint32_t active : actives) {
        for (const Parameters& parameters : combinations(parameters_of(*service), options.parameters)) {
          for (const std::uint32_t pipeline : asked.pipeline) {
            for (const std::chrono::nanoseconds service_cpu : asked.service_cpu) {
              for (const std::chrono::nanoseconds wait : asked.service_wait) {
                for (const double rate : rates) {
                  Group& group = groups.emplace_back();
                  group.service = service;
                  group.parameters = parameters;
                  group.load = {.parameters = service_parameters_of(parameters),
                                .connections = connections,
                                .active = active,
                                .pipeline = pipeline,
                                .service_cpu = service_cpu,
                                .mode = asked.rate_mode,
                                .rate = rate};
                  group.load.parameters.compute_steps = steps_of(service_cpu);
                  group.load.parameters.wait = wait;
                  group.load.parameters.heavy_share = asked.heavy_share;
                  group.cpus = static_cast<std::uint32_t>(cpus.server.size());
                  group.title = title_of(group, asked.client, cpus);
                }
              }
            }
          }
        }
      }
    }
  }
  return groups;
}

// Each model on each machine that runs servers.
std::vector<Cell> cells_on_servers(const Group& group, const Options& options) {
  std::vector<Cell> cells;
  for (std::uint32_t server = 0; server < options.over.servers; ++server) {
    std::vector<Cell> here = cells_of_models(group, options);
    if (options.over.mpi) here.insert(here.begin(), Cell())->model = &reflector;
    for (Cell& cell : here) {
      cell.server = server;
      cell.shows_server = options.over.servers > 1;
      cells.push_back(std::move(cell));
    }
  }
  return cells;
}

std::string name_of(const Cell& cell, const Group& group, const Options& /*options*/) {
  return service_cell_name(cell, group);
}

std::int64_t expected_ns(const Cell& /*cell*/, const Group& group, const Options& options) {
  return expected_service_run_ns(group, options.service);
}

std::optional<std::string> why_skipped(const Cell& cell, const Group& group, const Machine& machine) {
  if (auto why = why_unavailable(cell)) return why;
  if (!cell.model->serve) return "serves no connections";
  if (group.service->transport == Transport::udp_transfers) {
    if (!cell.model->why_no_transfers.empty()) return std::string(cell.model->why_no_transfers);
    if (group.load.pipeline > 1) return "a transfer has a socket of its own, so a connection has one under way";
  }
  const std::uint32_t connections = group.load.connections;
  const std::uint32_t units = resolve(cell.model->units, connections, cell.workers);
  if (auto why = machine.why_too_many(cell.model->unit, units, connections)) return why;
  // A server holds a descriptor for each of its connections.
  constexpr std::uint32_t server_descriptors = 100;
  const std::uint32_t needed = tasks_in_one_process(cell, connections) + server_descriptors;
  if (auto why = why_too_many_descriptors(cell, needed, machine)) return why;
  return why_no_pool(cell, machine);
}

std::string note_of(const Cell& cell, const Group& group) {
  const Model& model = *cell.model;
  if (model.note) return model_note(cell);
  constexpr std::uint32_t other_descriptors = 10;
  if (model.max_descriptors != 0 &&
      tasks_in_one_process(cell, group.load.connections) + other_descriptors > model.max_descriptors) {
    return fmt::format("watches {} descriptors at the most, and so not all connections",
                       format_count(model.max_descriptors));
  }
  return {};
}

std::int64_t once_ns(const Cell& cell, const Group& group, const ServiceOptions& options) {
  std::int64_t total_ns = 0;
  if (group.load.mode == RateMode::common) {
    total_ns += start_ns(group.load.connections) +
                (warm_up_of(group.load, options.client, 0) + capacity_probe(group.load, options.client)).count();
  }
  if (options.memory && cell.model->in_flight == HowMany::tasks) {
    constexpr std::int64_t settling_ns = 1'000'000'000;
    for (const std::uint32_t connections : memory_counts(group.load.connections))
      total_ns += start_ns(connections) + settling_ns;
  }
  return total_ns;
}

}  // namespace

std::string rate_text(const ServiceLoad& load) {
  switch (load.mode) {
    case RateMode::closed: return "closed loop";
    case RateMode::fixed: return fmt::format("{} requests/s offered", format_count(load.rate));
    case RateMode::search: return "highest rate within the bound";
    case RateMode::common: break;
  }
  return "a common rate";
}

std::string service_cell_name(const Cell& cell, const Group& group) {
  const ServiceLoad& load = group.load;
  std::string name = fmt::format("{}/{}/connections:{}", group.service->name, cell.model->name, load.connections);
  if (load.active < load.connections) name += fmt::format("/active:{}", load.active);
  name += parameters_in_name(group.parameters);
  if (load.pipeline > 1) name += fmt::format("/pipeline:{}", load.pipeline);
  if (load.service_cpu.count() != 0)
    name += fmt::format("/service-cpu:{}", format_duration_exact(load.service_cpu.count()));
  if (load.parameters.wait.count() != 0) {
    name += fmt::format("/service-wait:{}", format_duration_exact(load.parameters.wait.count()));
  }
  if (load.parameters.heavy_share < 1) name += fmt::format("/heavy:{:g}%", load.parameters.heavy_share * 100);
  if (load.mode == RateMode::fixed) name += fmt::format("/rate:{}", load.rate);
  if (load.mode == RateMode::search) name += "/rate:search";
  if (load.mode == RateMode::common) name += "/rate:common";
  if (cell.shows_server) name += fmt::format("/server:{}", cell.server);
  return name + model_parameters_text(cell);
}

std::int64_t expected_service_run_ns(const Group& group, const ServiceOptions& options) {
  const std::int64_t run_ns =
      start_ns(group.load.connections) +
      (warm_up_of(group.load, options.client, group.load.rate) + window_of(group.load, options.client, group.load.rate))
          .count();
  constexpr int probes_of_a_search = 12;
  return group.load.mode == RateMode::search ? probes_of_a_search * run_ns : run_ns;
}

std::int64_t longest_wait_ns(const ClientOptions& client) {
  // A warm-up and a window end with a drain each, which a given timeout bounds.
  return (client.connect_deadline + 2 * client.request_timeout.value_or(std::chrono::nanoseconds(0))).count();
}

namespace {
constexpr std::chrono::seconds longest_phase{3};
}  // namespace

std::chrono::nanoseconds window_of(const ServiceLoad& load, const ClientOptions& client, double rate) {
  using namespace std::chrono_literals;
  if (client.duration) return *client.duration;
  constexpr double requests = 1000;
  const std::chrono::nanoseconds each = load.service_cpu + load.parameters.wait;
  std::chrono::nanoseconds window = std::max<std::chrono::nanoseconds>(100ms, 20 * each);
  if (rate > 0) {
    const std::chrono::duration<double> wanted(std::max(requests, 1.2 * load.active) / rate);
    window = std::max<std::chrono::nanoseconds>(window, std::chrono::ceil<std::chrono::milliseconds>(wanted));
  } else {
    window += load.active * 50us;  // all have a request under way, at the end as well
  }
  return std::min<std::chrono::nanoseconds>(window, longest_phase);
}

std::chrono::nanoseconds warm_up_of(const ServiceLoad& load, const ClientOptions& client, double rate) {
  using namespace std::chrono_literals;
  if (client.warmup) return *client.warmup;
  // Until all connections are served: in the closed loop about as long as it takes to fork for each of them.
  const std::chrono::duration<double> all_served(rate > 0 ? 1.2 * load.active / rate : 300e-6 * load.active);
  const std::chrono::nanoseconds wanted = std::chrono::ceil<std::chrono::milliseconds>(all_served);
  return std::clamp<std::chrono::nanoseconds>(std::max(window_of(load, {}, rate) / 2, wanted), 50ms, longest_phase);
}

std::chrono::nanoseconds capacity_probe(const ServiceLoad& load, const ClientOptions& client) {
  return std::min<std::chrono::nanoseconds>(window_of(load, client, 0), std::chrono::milliseconds(500));
}

CpuSplit split_cpus(const std::vector<int>& available, const ServiceOptions& options) {
  const auto without = [&](const std::vector<int>& taken) {
    std::vector<int> rest;
    for (const int cpu : available) {
      if (std::ranges::find(taken, cpu) == taken.end()) rest.push_back(cpu);
    }
    return rest.empty() ? available : rest;
  };
  CpuSplit split{.server = options.server_cpus, .client = options.client.cpus};
  if (split.client.empty()) {
    split.client = split.server.empty() ? available : without(split.server);
    const std::size_t wanted =
        std::min<std::size_t>(options.client.threads, std::max<std::size_t>(split.client.size() / 2, 1));
    if (split.server.empty())
      split.client.erase(split.client.begin(), split.client.end() - static_cast<std::ptrdiff_t>(wanted));
  }
  if (split.server.empty()) split.server = without(split.client);
  return split;
}

CpuSplit cpus_of_machines(const std::vector<int>& available, const ServiceOptions& options) {
  return {.server = options.server_cpus.empty() ? available : options.server_cpus,
          .client = options.client.cpus.empty() ? available : options.client.cpus};
}

const PlanKind service_plan{.groups = groups_of,
                            .cells = cells_on_servers,
                            .name = name_of,
                            .label = model_label,
                            .expected_ns = expected_ns,
                            .patience_ns = 60'000'000'000,
                            .patience = 3,
                            .why_skipped = why_skipped,
                            .note = note_of,
                            .once_ns = once_ns};

}  // namespace bench
