// What the workers of a load generator and its coordinator share.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "measure/histogram.h"
#include "measure/load_report.h"
#include "measure/run_report.h"

namespace bench {

/// What the coordinator wants next; a worker reports each phase as done.
enum class LoadPhase : std::uint32_t { none, connect, warm_up, window, finish };

/// One for all workers. All-zero bytes are a valid one.
struct LoadControl {
  std::atomic<LoadPhase> phase;
  std::atomic<std::int64_t> begin_ns;  ///< Of warm-up and window: when requests begin, and when they stop. Written
  std::atomic<std::int64_t> end_ns;    ///< before the phase; the end may be brought forward in it.
  FailureSlot failure;                 ///< Why a worker's process has ended.
};

/// One worker's findings; LoadReport says what they mean. All-zero bytes are a valid, empty report.
struct WorkerReport {
  std::atomic<LoadPhase> done;
  std::uint32_t connections_established;
  std::uint64_t connections_begun;
  LoadErrorCounts errors;
  char error_text[160];  ///< Zero-terminated.
  Histogram connect_time;

  /// What begins anew with the window.
  struct Window {
    std::uint64_t reconnects;
    std::uint64_t messages_pushed;
    std::uint64_t idle_closes;
    std::uint64_t connections_broken;
    std::uint64_t requests_completed;
    std::uint64_t requests_drained;
    std::uint64_t requests_unfinished;
    std::uint64_t requests_failed;
    std::uint64_t requests_timed_out;
    std::uint64_t backlog_at_end;
    std::uint64_t in_flight_at_end;
    std::uint64_t received_bytes;
    std::uint64_t sent_bytes;
    std::int64_t idle_ns;
    std::int64_t cpu_ns;
    std::uint64_t in_flight_integral_ns;
    std::uint64_t in_flight_to_stop_ns;
    std::uint64_t failed_in_flight_ns;
    std::array<std::uint64_t, window_slices> replies_by_slice;
    std::int64_t kept_off_ns;
    std::int64_t longest_absence_ns;
    std::uint64_t active_established;
    std::uint64_t active_served;
    std::uint64_t active_at_end;
    std::uint64_t replies_per_connection_max;
    double replies_per_connection_sum;
    double replies_per_connection_squares;
  } window;
  Histogram latency;  ///< These begin anew likewise.
  Histogram send_lag;

  /// Likewise, of each class of requests. Apart, since those of classes that a load does not have are never written.
  struct ClassWindow {
    ClassCounts counts;
    Histogram latency;
  };
  std::array<ClassWindow, max_request_classes> classes;
};

/// Deals the replies of a window out anew that ended after `lasted` and not, as was planned, after `planned`: its
/// slices become equal parts of what it lasted. Within a slice they are taken to have come evenly.
void stretch(std::array<std::uint64_t, window_slices>& replies, std::chrono::nanoseconds lasted,
             std::chrono::nanoseconds planned);

/// Adds one worker's findings to `report`, which says how many classes there are; the worker has ended.
void merge(LoadReport& report, const WorkerReport& worker);

}  // namespace bench
