// What one run leaves for the harness, in memory that the harness, its launcher, the run and all its units share.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "measure/histogram.h"
#include "measure/load_report.h"
#include "measure/run_steps.h"
#include "measure/usage.h"
#include "workloads/job.h"

namespace bench {

/// Four probes of the CPUs that a run uses, each the median of several tries, of several CPUs the slowest; 0 where a
/// probe was not possible.
struct Ruler {
  double line_trip_ns = 0;    ///< One-way trip of a cache line between two CPUs.
  double spin_ns = 0;         ///< 1,000 steps of six independent chains: how much of its core a CPU gets.
  double system_call_ns = 0;  ///< One getppid.
  double loopback_ns = 0;     ///< On the first of the CPUs: 64 bytes received from a TCP connection and sent back.
};

/// What is probed of a machine once per plan; 0 where it was not.
struct MachineProbes {
  double load_ns = 0;    ///< One load, from memory that no cache holds, that waits for the one before.
  double switch_ns = 0;  ///< One CPU goes from one thread to another through a pipe, with a write and a read.
};

/// What the machine was like while something was measured, told by what is no part of it.
struct Surroundings {
  Ruler before;
  Ruler after;
  double others_busy = 0;  ///< What processes outside of the run used of its CPUs meanwhile, as a share; counted in
                           ///< ticks of 10 ms.
};

/// The measurements of a job's run: sums over its measured batches.
struct JobMeasurement {
  std::uint32_t batches = 0;
  std::uint32_t warmup_batches = 0;
  std::int64_t wall_ns = 0;
  TreeUsage usage;
  Histogram latency;      ///< From the batch's start, when every task was due, to the task's end.
  Histogram start_delay;  ///< From the batch's start to the task's start.
  Histogram service;      ///< From the task's start to its end.
  std::array<std::uint64_t, max_tallies> tallies;  ///< As Job::tallies.
  char remark[160];                                ///< Job::remark of the last batch that had one, zero-terminated.
};

/// How often a CPU quota stopped the groups of processes that a run is in, and for how long.
struct CpuThrottling {
  std::int64_t times = 0;
  std::int64_t ns = 0;  ///< Summed over CPUs where the kernel does so.

  CpuThrottling operator-(const CpuThrottling& other) const noexcept {
    return {.times = times - other.times, .ns = ns - other.ns};
  }
};

/// Memory with so many connections or units, over that without any.
struct MemoryReading {
  std::uint32_t count = 0;
  std::int64_t user_bytes = 0;
  std::int64_t kernel_bytes = 0;
};

/// The measurements of a primitive's run: sums over its operations.
struct PrimitiveMeasurement {
  std::uint64_t operations;
  double wall_ns;
  TreeUsage usage;                      ///< Of the run's whole tree, with what is done between the operations.
  std::array<MemoryReading, 5> memory;  ///< With ever more units that wait, where that is what is measured.
};

/// What a server counts of its connections. A connection's unit that is killed when the server stops leaves `open`
/// uncounted down.
struct ServerCounters {
  std::atomic<std::uint64_t> accepted;  ///< Connections; datagrams where the transport is UDP.
  std::atomic<std::int32_t> open;       ///< Conversations under way.
  std::atomic<std::int32_t> open_peak;
  std::atomic<std::uint32_t> stopping;  ///< 1 once the server is to stop.
  std::atomic<std::uint64_t> refused;   ///< How often one could not be taken: a unit, a descriptor or room was missing.
  std::atomic<std::uint32_t> ready;     ///< 1 once the server's process answers questions.
  std::atomic<std::uint32_t> usage_answers;  ///< How often own_usage was written.
  TreeUsage own_usage;                       ///< Of the server's first process and its reaped descendants,
  std::int64_t own_usage_ns;                 ///< and when that was (CLOCK_MONOTONIC).
  std::atomic<std::int64_t> held_bytes;      ///< By datagrams whose answers take time.
  std::atomic<std::uint64_t> timed_out;      ///< Connections closed since the peer sent or read nothing for too long.
};

/// The measurements of a service's run.
struct ServiceMeasurement {
  LoadCounts load;
  double littles_law_ratio;
  char error_text[160];  ///< Of the first error, zero-terminated.
  Histogram latency;     ///< As LoadReport has them.
  Histogram send_lag;
  Histogram connect_time;
  TreeUsage usage;                ///< Of the server's whole tree from the window's beginning to the end of its drain.
  TreeUsage usage_to_stop;        ///< Of it, until the window's time was up,
  std::int64_t to_stop_ns;        ///< and how long that was.
  char server_cpu_unknown[160];   ///< Why that is not known, zero-terminated; empty where it is.
  bool server_switches_unknown;   ///< The rest of it is known, but for its switches.
  std::int64_t server_user_ns;    ///< Of the server's tree over its whole life (tick-sampled split),
  std::int64_t server_system_ns;  ///< as far as its units were waited for.
  std::uint32_t generator_cpus;   ///< That the load generator's workers may use at once.
  std::uint32_t server_cpus;      ///< That the server may run on; 0 where it is foreign.
  double bare_request_ns;         ///< The system calls of a request, bare, and the computation that was asked for.
  double computation_ns;          ///< That of a heavy request, which is added to it once it is known how many were.
  std::int32_t open_at_barrier;   ///< Memory runs: conversations that the server has when its memory is read,
  std::int64_t user_bytes;        ///< what its tree grew by, proportional set size,
  std::int64_t kernel_bytes;      ///< and what the kernel did, for both ends, from no connection to all of them.
};

/// The first failure of a run, written by whichever of its units comes first.
class FailureSlot {
 public:
  /// Keeps `reason`, cut to the slot's size, unless another reason is there already. Any process or thread.
  void set(std::string_view reason) noexcept;
  /// The reason, or empty. Complete once the run's processes have ended.
  std::string_view reason() const noexcept;
  void clear() noexcept;

 private:
  static constexpr std::size_t capacity = 1000;
  std::atomic<std::uint32_t> claimed_;
  std::atomic<std::uint32_t> length_;
  char text_[capacity];
};

/// How far a load has come with its connections, while it makes them.
struct Connecting {
  std::atomic<std::uint64_t> established;
  std::array<std::atomic<std::uint64_t>, load_error_kinds> errors;  ///< By LoadError.
};

/// How the load generator of one machine has fared, where those of several put a load on a server together.
struct GeneratorFindings {
  std::uint32_t rank = 0;
  char host[64] = {};  ///< Zero-terminated.
  std::uint64_t requests_completed = 0;
  double rate = 0;  ///< Requests per second, in its own window.
  double latency_p50_ns = 0;
  double latency_p99_ns = 0;
  double busy = 0;      ///< CPU time as a share of the CPUs that it can use.
  double idle = 0;      ///< Share of the window in which it had nothing to do.
  double kept_off = 0;  ///< Share of the window in which its workers could have run and did not.
  double littles_law_ratio = 1;
  char limit[16] = {};         ///< Its own, zero-terminated.
  char why_invalid[200] = {};  ///< Zero-terminated; empty where its figures may be believed.
};
inline constexpr std::size_t max_generators = 64;

/// One run's results. All-zero bytes are a valid, empty report.
struct RunReport {
  std::atomic<std::int32_t> process_group;  ///< Of the run's tree; 0 where there was no process.
  std::atomic<std::int32_t> finished;       ///< 1 when the run came to its end.
  std::atomic<std::uint32_t> end_soon;      ///< 1 once the harness wants no more than what has been measured by then.
  std::atomic<std::uint32_t> cut_short;     ///< 1 when the run ended for that, before there was anything to keep.
  std::atomic<std::uint32_t> helpers;       ///< Helper servers, which are the launcher's children.
  std::atomic<std::int32_t> units_alive;
  std::atomic<std::int32_t> units_peak;
  FailureSlot failure;
  Connecting connecting;
  RunSteps steps;  ///< Of a part of a run; see RunRequest.
  JobMeasurement job;
  PrimitiveMeasurement primitive;
  ServerCounters server;
  ServiceMeasurement service;
  CpuThrottling throttling;    ///< From the run's start to its end.
  std::int64_t plain_loop_ns;  ///< CPU time that went into measuring the next figure.
  double compute_ns;  ///< CPU time of one batch's computation as a plain loop; 0 where the workload computes nothing.
  Surroundings surroundings;
  MachineProbes machine;  ///< Of RunKind::machine alone.

  /// Where several machines put the load on a server: those that did, so many of them.
  std::array<GeneratorFindings, max_generators> generators;
  std::uint32_t generator_count;

  /// Of the service's run, of each class; LoadCounts::class_count of them. The last member, see clear().
  std::array<Histogram, max_request_classes> class_latency;

  /// Empties the report. No unit of an earlier run may be alive.
  void clear() noexcept;
};
static_assert(std::is_standard_layout_v<RunReport>);
static_assert(std::atomic<std::int32_t>::is_always_lock_free, "shared between processes");

}  // namespace bench
