#include "harness/app/load_command.h"

#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <stdexcept>

#include "harness/app/run_command.h"
#include "harness/load/url.h"
#include "harness/options/workload_parameters.h"
#include "harness/run/socket_owner.h"
#include "harness/text/quantities.h"
#include "measure/proc_files.h"

namespace bench {
namespace {

// A server that is not ours has no model; this row stands where one belongs.
constexpr Model foreign_model{.name = "server",
                              .summary = "a server that somebody else runs",
                              .aliases = {},
                              .unit = UnitKind::process,
                              .units = HowMany::one,
                              .in_flight = HowMany::tasks,
                              .parallel = true,
                              .run = nullptr,
                              .serve = nullptr,
                              .why_unavailable = nullptr};

MakeExchange exchange_maker(const LoadOptions& load, const ServerUrl& url, const ServiceParameters& parameters) {
  const Service& service = *url.service;
  if (!service.scheme.exchanges) {
    return [&service, parameters](std::uint64_t connection, bool heavy) {
      return service.exchange(parameters, connection, heavy);
    };
  }
  const MakeForeignExchange make = service.scheme.exchanges({.host = url.target.text,
                                                             .path = url.path,
                                                             .check = load.check,
                                                             .expected_status = static_cast<int>(load.expect_status)});
  return [make](std::uint64_t /*connection*/, bool /*heavy*/) { return make(); };
}

}  // namespace

Plan make_load_plan(const Tables& tables, const Options& options, const Machine& machine) {
  const LoadOptions& load = *options.load;
  ServerUrl url;
  try {
    url = parse_url(load.url, tables.services);
  } catch (const std::invalid_argument& error) {
    throw UsageError(fmt::format("{}: {}", load.url, error.what()));
  }
  if (load.server_pid && kill(*load.server_pid, 0) != 0 && errno == ESRCH) {
    throw UsageError(fmt::format("--server-pid={}: {}", *load.server_pid, std::strerror(errno)));
  }
  if (load.server_pid) {
    const std::int64_t process = proc_value(fmt::format("/proc/{}/status", *load.server_pid), "Tgid");
    if (process > 0 && process != *load.server_pid) {
      throw UsageError(fmt::format("--server-pid={}: is a thread of process {}", *load.server_pid, process));
    }
  }
  const Service& service = *url.service;
  const UrlScheme& scheme = service.scheme;
  if (scheme.exchanges && load.parameters.contains("message-size")) {
    throw UsageError(fmt::format("--message-size: over {} the server decides how long a reply is; ask for another path",
                                 scheme.name));
  }

  Plan plan;
  plan.seed = options.seed.value_or(std::random_device{}());
  plan.min_rounds = plan.max_rounds = options.repetitions.value_or(1);
  plan.max_time_ns = options.max_time_ns;
  plan.cpu_quota = machine.cpu_quota;
  plan.services.client = load.client;
  plan.cpu_split = {.server = {}, .client = load.client.cpus};

  Group& group = plan.groups.emplace_back();
  group.service = &service;
  group.cpus = 1;  // how many the server may use is not known, so its CPU time is told in CPUs
  group.parameters = single_values(parameters_of(service), load.parameters);
  group.load = {.parameters = service_parameters_of(group.parameters),
                .connections = load.connections,
                .active = load.active,
                .pipeline = load.pipeline,
                .mode = load.rate > 0 ? RateMode::fixed : RateMode::closed,
                .rate = load.rate};
  group.foreign = ForeignServer{.target = url.target,
                                .make_exchange = exchange_maker(load, url, group.load.parameters),
                                .classes = scheme.exchanges ? 0 : classes_told_apart(service, group.load.parameters),
                                .pid = load.server_pid.value_or(-1)};
  group.title =
      fmt::format("{} · {} connections{} · {}{}", load.url, format_count(load.connections),
                  load.pipeline > 1 ? fmt::format(" · pipeline {}", load.pipeline) : "",
                  load.rate > 0 ? fmt::format("{} requests/s offered", format_count(load.rate)) : "closed loop",
                  plan.cpu_quota ? fmt::format(" · load held to a quota of {:.2f} CPUs", plan.cpu_quota->cpus) : "");
  group.cells = {0};
  Cell cell;
  cell.model = &foreign_model;
  cell.name = service_cell_name(cell, group);
  cell.label = url.target.text;
  cell.expected_ns = expected_service_run_ns(group, plan.services);
  if (load.server_pid && owns_socket(*load.server_pid, url.target, ServerSockets::open) == Owns::unknown) {
    cell.note = fmt::format("is taken to be process {}, whose sockets cannot be seen from here", *load.server_pid);
  }
  constexpr std::int64_t minute_ns = 60'000'000'000;
  cell.time_limit_ns = minute_ns + 3 * cell.expected_ns;
  plan.cells.push_back(std::move(cell));
  return plan;
}

Exit load(const Tables& tables, const Options& options) {
  return run_and_report(options, [&](const Machine& machine) { return make_load_plan(tables, options, machine); });
}

}  // namespace bench
