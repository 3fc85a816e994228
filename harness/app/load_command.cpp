#include "harness/app/load_command.h"

#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "harness/app/run_command.h"
#include "harness/load/tls.h"
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

std::string method_of(const LoadOptions& load) {
  if (!load.method.empty()) return load.method;
  return load.body.empty() ? "GET" : "POST";
}

MakeExchange exchange_maker(const LoadOptions& load, const ServerUrl& url, const ServiceParameters& parameters) {
  const Service& service = *url.service;
  if (!service.scheme.exchanges) {
    return [&service, parameters](std::uint64_t connection, bool heavy) {
      return service.exchange(parameters, connection, heavy);
    };
  }
  // A zone means something here alone (RFC 6874, 1).
  std::string host = url.authority();
  if (const std::size_t zone = host.find('%'); zone != std::string::npos) host.erase(zone, host.find(']') - zone);
  const MakeForeignExchange make =
      service.scheme.exchanges({.host = std::move(host),
                                .path = url.path,
                                .method = method_of(load),
                                .headers = load.headers,
                                .body = load.body,
                                .check = load.check.value_or(ReplyCheck::body),
                                .expected_status = static_cast<int>(load.expect_status.value_or(200))});
  return [make](std::uint64_t /*connection*/, bool /*heavy*/) { return make(); };
}

// Refuses a load that this machine or this server cannot be put under.
void check(const LoadOptions& load, const ServerUrl& url) {
  const UrlScheme& scheme = url.service->scheme;
  if (!load.verify && !url.secure) {
    throw UsageError(fmt::format("--insecure: {}:// has no certificates to look at", scheme.name));
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
  if (!scheme.exchanges) {
    const std::string_view flag = !load.method.empty()    ? "method"
                                  : !load.headers.empty() ? "header"
                                  : !load.body.empty()    ? "body"
                                  : load.expect_status    ? "expect-status"
                                  : load.check            ? "check"
                                                          : "";
    if (!flag.empty()) {
      throw UsageError(fmt::format("--{}: {}:// does not take it; http:// and https:// do", flag, scheme.name));
    }
  }
  if (url.service->transport == Transport::udp_transfers && load.pipeline > 1) {
    throw UsageError(fmt::format("--pipeline: over {} a connection has one transfer under way", scheme.name));
  }
  if (scheme.exchanges && load.parameters.contains("message-size")) {
    throw UsageError(fmt::format("--message-size: over {} the server decides how long a reply is; ask for another path",
                                 scheme.name));
  }
}

std::string title_of(const LoadOptions& load, const ServiceLoad& offered, const std::optional<CpuQuota>& quota) {
  return fmt::format("{} · {} connection{}{} · {}{}", load.url, format_count(offered.connections),
                     offered.connections == 1 ? "" : "s",
                     offered.pipeline > 1 ? fmt::format(" · pipeline {}", offered.pipeline) : "", rate_text(offered),
                     quota ? fmt::format(" · load held to a quota of {:.2f} CPUs", quota->cpus) : "");
}

// The one cell of a group.
Cell cell_of(const Plan& plan, std::size_t group) {
  const Group& of = plan.groups[group];
  Cell cell;
  cell.group = group;
  cell.model = &foreign_model;
  cell.name = service_cell_name(cell, of);
  cell.label = of.foreign->target.text;
  cell.expected_ns = expected_service_run_ns(of, plan.services);
  const pid_t pid = of.foreign->pid;
  if (pid > 0 && owns_socket(pid, of.foreign->target, ServerSockets::open) == Owns::unknown) {
    cell.note = fmt::format("is taken to be process {}, whose sockets cannot be seen from here", pid);
  }
  constexpr std::int64_t minute_ns = 60'000'000'000;
  cell.time_limit_ns = minute_ns + 3 * cell.expected_ns + longest_wait_ns(plan.services.client);
  return cell;
}

}  // namespace

Plan make_load_plan(const Tables& tables, const Options& options, const Machine& machine) {
  const LoadOptions& load = *options.load;
  ServerUrl url;
  try {
    url = parse_url(load.url, tables.services, load.unix_path);
  } catch (const std::invalid_argument& error) {
    throw UsageError(fmt::format("{}: {}", load.url, error.what()));
  }
  const Service& service = *url.service;
  check(load, url);
  if (url.secure) url.target.tls = std::make_shared<TlsClient>(url.host, load.verify);

  Plan plan;
  plan.seed = options.seed.value_or(std::random_device{}());
  plan.min_rounds = plan.max_rounds = options.repetitions.value_or(1);
  plan.max_time_ns = options.max_time_ns;
  plan.cpu_quota = machine.cpu_quota;
  static_cast<RateOptions&>(plan.services) = load;
  plan.services.client = load.client;
  plan.cpu_split = {.server = {}, .client = load.client.cpus};

  for (const std::uint32_t connections : load.connections) {
    for (const double rate : load.rates.empty() ? std::vector<double>{0} : load.rates) {
      Group& group = plan.groups.emplace_back();
      group.service = &service;
      group.cpus = 1;  // how many the server may use is not known, so its CPU time is told in CPUs
      if (!service.scheme.exchanges) {
        group.parameters = single_values(parameters_of(service), load.parameters);
        group.load.parameters = service_parameters_of(group.parameters);
      }
      group.load = {.parameters = group.load.parameters,
                    .connections = connections,
                    .active = load.active.value_or(connections),
                    .pipeline = load.pipeline,
                    .mode = load.rate_mode,
                    .rate = rate};
      group.foreign =
          ForeignServer{.target = url.target,
                        .make_exchange = exchange_maker(load, url, group.load.parameters),
                        .classes = service.scheme.exchanges ? 0 : classes_told_apart(service, group.load.parameters),
                        .sources = load.sources,
                        .pid = load.server_pid.value_or(-1)};
      group.title = title_of(load, group.load, plan.cpu_quota);
      group.cells = {plan.cells.size()};
      plan.cells.push_back(cell_of(plan, plan.groups.size() - 1));
    }
  }
  number_workloads(plan);
  return plan;
}

Exit load(const Tables& tables, const Options& options, JoinCrew join) {
  return run_and_report(
      options, [&](const Machine& machine) { return make_load_plan(tables, options, machine); }, join);
}

}  // namespace bench
