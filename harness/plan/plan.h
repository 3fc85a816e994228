// The plan: which cells run, in which groups they are compared, what is skipped and why.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/load/load_plan.h"
#include "harness/options/options.h"
#include "harness/plan/machine.h"

namespace bench {

/// The load that the cells of a service's group are put under.
struct ServiceLoad {
  ServiceParameters parameters;
  std::uint32_t connections = 0;
  std::uint32_t active = 0;  ///< Of them, those that send requests.
  std::uint32_t pipeline = 1;
  std::chrono::nanoseconds service_cpu{0};  ///< What parameters.compute_steps came from.
  RateMode mode = RateMode::closed;
  double rate = 0;  ///< Requests per second, for RateMode::fixed.
};

/// A server that somebody else runs.
struct ForeignServer {
  Target target;
  MakeExchange make_exchange;
  std::uint32_t classes = 0;  ///< As LoadPlan::classes.
  Sources sources = Sources::automatic;
  pid_t pid = -1;  ///< Of its first process, where its CPU time is to be read.
};

/// What a workload is.
enum class Kind : std::uint8_t { job, service, primitive };
inline constexpr std::size_t kind_count = 3;

/// "job", "service" or "primitive".
std::string_view kind_name(Kind kind);

/// Cells that are compared with each other: one workload with the same parameters on the same CPUs.
struct Group {
  const Job* job = nullptr;              ///< A job, or
  const Service* service = nullptr;      ///< a service, or
  const Primitive* primitive = nullptr;  ///< a primitive: one of the three is there.
  Parameters parameters;                 ///< What the workload is told, of all that it can be told.
  Batch batch;                           ///< The same as a job sees it; of a primitive the tasks are its units.
  ServiceLoad load;                      ///< Of a service.
  std::optional<ForeignServer> foreign;  ///< Serves the service in the place of a model.
  std::uint32_t cpus = 0;                ///< CPUs a run may use,
  double quota_cpus = 0;                 ///< and as how many it is given CPU time; 0: no quota.
  std::string title;                     ///< For people: "io · 100 tasks · wait 10 ms · 2 CPUs".
  std::vector<std::size_t> cells;        ///< Indices into Plan::cells, in the order of the model table.
  std::size_t workload = 0;              ///< Which of the plan's workloads it is of, in the order of the groups.

  /// As many CPUs as a run has the time of.
  double usable_cpus() const { return quota_cpus > 0 ? std::min<double>(cpus, quota_cpus) : cpus; }

  /// Of its workload.
  std::string_view name() const {
    if (primitive) return primitive->name;
    return service ? service->name : job->name;
  }

  Kind kind() const {
    if (primitive) return Kind::primitive;
    return service ? Kind::service : Kind::job;
  }
};

/// That of a kind, of values in the order of Kind.
template <typename T>
const T& of_kind(Kind kind, const std::array<const T*, kind_count>& values) {
  return *values[static_cast<std::size_t>(kind)];
}
template <typename T>
const T& of_kind(const Group& group, const std::array<const T*, kind_count>& values) {
  return of_kind(group.kind(), values);
}

/// Which CPUs serve and which load. They are the same where there is but one.
struct CpuSplit {
  std::vector<int> server;
  std::vector<int> client;
};

/// One model × workload × parameters.
struct Cell {
  std::size_t group = 0;
  const Model* model = nullptr;
  const PrimitiveRow* row = nullptr;  ///< Of a primitive; null where it has none for the model.
  std::uint32_t workers = 0;
  std::uint32_t server = 0;    ///< Of several machines that run servers, which; see OverOptions.
  bool shows_server = false;   ///< There are several, so that it belongs to the cell's name.
  bool shows_workers = false;  ///< The model is a pool, so that the workers belong to the cell's name.
  std::uint64_t stack_bytes = default_stack_bytes;  ///< Of each fiber.
  std::string name;                                 ///< Of its rows: "io/threads/tasks:100/wait:10ms".
  std::string label;                                ///< In its group's table: "threads", "thread-pool (4)".
  std::int64_t expected_ns = 0;                     ///< About how long a run takes.
  std::int64_t time_limit_ns = 0;                   ///< After which a run has failed.
  std::optional<std::string> skipped;               ///< Why it does not run.
  std::string note;                                 ///< What its model does otherwise on this machine; mostly empty.
};

struct Plan {
  std::vector<Group> groups;
  std::vector<Cell> cells;
  std::uint64_t seed = 0;
  std::uint32_t min_rounds = 8;  ///< Fewer tell nothing apart at 99%.
  std::uint32_t max_rounds = 200;
  bool measure_memory = true;       ///< Of jobs, in runs of their own.
  double injected_slowdown = 0;     ///< By so much every figure is made worse, for tests of comparisons.
  double wanted_half_width = 0.02;  ///< Of every median's interval, as a fraction; rounds end when it is reached.
  std::int64_t max_time_ns = 0;
  ServiceOptions services;  ///< What all groups of services have in common.
  CpuSplit cpu_split;       ///< Of the runs of services.
  std::optional<CpuQuota> cpu_quota;

  const Group& group_of(const Cell& cell) const { return groups[cell.group]; }
};

/// Has the group know of the quota, and its title say so.
void hold_to_quota(Group& group, const std::optional<CpuQuota>& quota);

/// Numbers the workloads of the plan's groups, as Group::workload has them.
void number_workloads(Plan& plan);

/// The name of each workload, by its number.
std::vector<std::string_view> workload_names(const Plan& plan);

/// Expands the option lists into cells and holds their needs against the machine. Throws UsageError for cells that make
/// no sense anywhere.
Plan make_plan(const Options& options, const Machine& machine);

/// How many requests a load offers, for titles: "500 requests/s offered".
std::string rate_text(const ServiceLoad& load);

/// The name of a service's cell: "echo/epoll/connections:50/message:64".
std::string service_cell_name(const Cell& cell, const Group& group);

/// About how long a run of a service takes.
std::int64_t expected_service_run_ns(const Group& group, const ServiceOptions& options);

/// What such a run may spend beyond that on connections that are not made and on replies that do not come.
std::int64_t longest_wait_ns(const ClientOptions& client);

/// Splits the available CPUs: those given, otherwise the last `threads` for the load and the rest for the server.
CpuSplit split_cpus(const std::vector<int>& available, const ServiceOptions& options);

/// The same where servers and load are on different machines: those given, otherwise all.
CpuSplit cpus_of_machines(const std::vector<int>& available, const ServiceOptions& options);

/// About how long one round of all cells takes, in nanoseconds.
std::int64_t expected_round_ns(const Plan& plan);

/// How long the window of a run under `load` is, at `rate` requests per second or in the closed loop, 0: as asked for.
/// Otherwise as short as may be, since a machine's regime changes within a second and many short runs tell more than
/// few long ones: so long that there are 1,000 requests, each active connection has one, and each takes a small part of
/// it; three seconds at the most.
std::chrono::nanoseconds window_of(const ServiceLoad& load, const ClientOptions& client, double rate);

/// The same of its warm-up: so long that each active connection has had a request; three seconds at the most. 50 ms are
/// the least: with 25 ms, 100 processes seemed to take 8% more CPU per request than with 50 ms and more.
std::chrono::nanoseconds warm_up_of(const ServiceLoad& load, const ClientOptions& client, double rate);

/// How long a probe of what a cell can bear lasts: as long as a window, half a second at the most.
std::chrono::nanoseconds capacity_probe(const ServiceLoad& load, const ClientOptions& client);

/// How many connections the runs have that measure the memory of one of them, as a slope: once, twice and three times
/// as many as this, for rows of `connections`. Where these are spread over many processes, each still has some.
constexpr std::array<std::uint32_t, 3> memory_counts(std::uint32_t connections) {
  const std::uint32_t step = std::max(1000U, connections / 50);
  return {step, 2 * step, 3 * step};
}

/// Likewise what happens once, beside the rounds: memory runs, and probes for a common rate.
std::int64_t expected_once_ns(const Plan& plan);

}  // namespace bench
