// What runs leave behind: samples.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/summary/limit.h"
#include "measure/histogram.h"
#include "measure/run_report.h"

namespace bench {

/// The percentiles that every report shows, in this order.
inline constexpr std::array shown_percentiles{50.0, 90.0, 99.0, 99.9};

/// Their places, as in `latency_ns[Shown::p99]`.
struct Shown {
  enum Place : std::uint8_t { p50, p90, p99, p99_9 };
};
static_assert(shown_percentiles[Shown::p50] == 50 && shown_percentiles[Shown::p90] == 90 &&
              shown_percentiles[Shown::p99] == 99 && shown_percentiles[Shown::p99_9] == 99.9);

/// A value for each of them.
template <typename T>
using Percentiles = std::array<T, shown_percentiles.size()>;

/// The highest rate that keeps a promise, between its neighbours.
struct Knee {
  double rate = 0;        ///< Requests per second; 0: not even the lowest rate that was tried keeps it.
  double above_rate = 0;  ///< The lowest rate that was tried and that the server does not keep it at; 0: none.
  double above_quantile_ns = 0;
  std::string above_why{};  ///< What was broken there.
  double below_rate = 0;    ///< The next lower rate that was tried; 0: none.
  double below_quantile_ns = 0;
  std::uint32_t tries = 0;
  std::uint32_t unknown_tries = 0;  ///< Of them, those that say nothing of the server.
  std::uint64_t requests = 0;       ///< That the percentile at `rate` rests on.
  std::string why_not_found{};      ///< Why it may lie higher than `rate`, and between which bounds is not known;
                                    ///< empty where it was found, or no rate that can be tried keeps the promise.
};

/// Requests of one class.
struct ClassSample {
  ClassCounts counts;
  Percentiles<double> latency_ns{};  ///< shown_percentiles; 0 where there was no request.
};

/// What a run of a service measured beyond what every run does.
struct ServiceSample {
  LoadCounts load;
  double offered_rate = 0;  ///< Requests per second; 0: closed loop.
  double rate = 0;          ///< Requests answered per second.
  Judgement judgement;
  double littles_law_ratio = 1;
  double server_busy = 0;            ///< Server CPU time in the window as a share of the CPUs that the model can use.
  double generator_busy = 0;         ///< CPU time of the generator in the window as a share of the CPUs it can use.
  double generator_idle = 1;         ///< Share of the window in which it had nothing to do, asleep or kept off.
  double generator_kept_off = 0;     ///< Share of the window in which its workers could have run and did not.
  std::vector<ClassSample> classes;  ///< As Service::classes; empty where no more than one can occur.
  double send_lag_p99_ns = 0;
  double connect_p99_ns = 0;
  std::uint64_t accepted = 0;            ///< By the server, over the whole run.
  std::uint64_t refused = 0;             ///< By the server for lack of units, descriptors or room, over the whole run.
  std::uint64_t timed_out = 0;           ///< By the server, over the whole run.
  std::int32_t open_peak = 0;            ///< Conversations under way at once in the server, counted.
  std::string error_text;                ///< Of the first error.
  std::string server_cpu_unknown;        ///< Why the server's usage is not known; empty where it is, or nobody asked.
  bool server_switches_unknown = false;  ///< Its switches alone are not.
  std::optional<Knee> knee;              ///< Where the rate was searched.
  std::vector<GeneratorFindings> generators;  ///< Of several machines that put the load on the server, each of them.
};

/// Memory per connection, or per unit that waits.
struct UnitMemory {
  double user_bytes = 0;    ///< Proportional set size; with connections: of the server's tree.
  double kernel_bytes = 0;  ///< Of the kernel; with connections: for both ends and the unit that serves it.
};

/// What a run of a primitive measured beyond what every run does.
struct PrimitiveSample {
  std::uint64_t operations = 0;
  UnitMemory memory;  ///< Of a unit that waits, where that is what is measured; else 0.
};

/// What one run of a cell measured. Costs are per operation: a batch of a job, a request of a service,
/// an operation of a primitive.
struct Sample {
  std::uint32_t round = 0;    ///< Of the group, from 0; samples of the same round are pairs.
  std::uint32_t batches = 0;  ///< Measured; costs are means over them.
  std::uint32_t warmup_batches = 0;
  double wall_ns = 0;       ///< Of a batch; of a request: its mean latency.
  double cpu_ns = 0;        ///< Of the whole tree, in the measured batches.
  double ideal_cpu_ns = 0;  ///< CPU time of what no model can do without: the plain loop's, or the bare calls'; or 0.
                            ///< Of a request: of its system calls, bare.
  double voluntary_switches = 0;
  double involuntary_switches = 0;
  double minor_faults = 0;
  double major_faults = 0;
  std::int64_t run_user_ns = 0;          ///< Of the run's whole life, with its start and warm-up.
  std::int64_t run_system_ns = 0;        ///< Likewise; user and system are split by the kernel's ticks.
  CpuThrottling throttling{};            ///< Of the run's whole life, by a CPU quota.
  std::int32_t units_peak = 0;           ///< Units alive at once, counted.
  Percentiles<double> latency_ns{};      ///< shown_percentiles: from a batch's start to each task's end.
  Percentiles<double> start_delay_ns{};  ///< From a batch's start to each task's start.
  Percentiles<double> task_time_ns{};    ///< From each task's start to its end.
  std::vector<double> tallies{};         ///< Of a batch, as Job::tallies.
  std::string remark{};                  ///< Job::remark of one of the batches.
  Histogram::Encoded latency;            ///< For merging over runs.
  Surroundings surroundings{};
  std::optional<ServiceSample> service = std::nullopt;
  std::optional<PrimitiveSample> primitive = std::nullopt;
};

/// The slope of the line through the readings with the least squares (Legendre, 1805).
UnitMemory memory_slope(const std::vector<MemoryReading>& readings);

/// All that is known of a cell.
struct CellResult {
  std::vector<Sample> samples;
  std::optional<std::string> failure;  ///< Of its last run; the cell left the plan with it.
  std::int64_t peak_memory_bytes = 0;  ///< Proportional set size of the whole tree, from a run of its own; 0: unknown.
  std::optional<UnitMemory> memory;    ///< Of a service's connections.
};

/// Everything the runs of a plan have left so far. Indices are those of the plan.
struct Results {
  std::vector<CellResult> cells;
  std::vector<double> common_rates;  ///< By group: what RateMode::common has found; 0 elsewhere and before.
  bool interrupted = false;
  std::int64_t elapsed_ns = 0;
  std::vector<Surroundings> elsewhere;  ///< Of runs that are not among these and met the same machine.
};

/// What a server counts as accepted.
enum class ServerCounts { nothing, connections, datagrams, transfers };

/// The CPUs of a server.
struct ServerCpus {
  std::uint32_t usable = 1;    ///< As many as its model can use.
  std::uint32_t given = 1;     ///< As many as it may run on.
  bool shared = false;         ///< The load generator may run on some of them,
  std::uint32_t load_own = 0;  ///< and on as many that the server may not use.
};

/// The sample of a service's run in `report`.
Sample make_service_sample(const RunReport& report, std::uint32_t round, double offered_rate, const ServerCpus& cpus,
                           ServerCounts counts = ServerCounts::nothing);

/// The sample of a primitive's run in `report`.
Sample make_primitive_sample(const RunReport& report, std::uint32_t round, std::int64_t user_ns,
                             std::int64_t system_ns);

/// The sample in `report` of a job that counts so many things.
Sample make_sample(const RunReport& report, std::uint32_t round, std::int64_t user_ns, std::int64_t system_ns,
                   std::size_t tallies = 0);

/// Makes its times longer and its rates lower by the share `slowdown`, so that comparisons can be tested.
void slow_down(Sample& sample, double slowdown);

/// Why a sample's figures may not be believed; empty where they may.
std::string why_invalid(const Sample& sample);

/// Some of a cell's samples.
using Samples = std::vector<std::reference_wrapper<const Sample>>;

/// One figure of each sample; `field` is a member or a function of a sample.
template <typename Field>
std::vector<double> column(const Samples& samples, Field field) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(static_cast<double>(std::invoke(field, sample)));
  return values;
}

}  // namespace bench
