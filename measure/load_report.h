// What a load generator found.
#pragma once

#include <algorithm>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "measure/histogram.h"
#include "workloads/service.h"

namespace bench {

/// What went wrong with a connection. Each event counts once, however many requests were under way on it.
enum class LoadError : std::uint8_t {
  refused,          ///< ECONNREFUSED: nobody listens.
  reset,            ///< ECONNRESET or EPIPE.
  timeout,          ///< No complete reply within LoadPlan::request_timeout.
  wrong_reply,      ///< Bytes that are not the reply that is due.
  short_reply,      ///< The peer closed in the middle of a reply.
  closed,           ///< The peer closed with requests under way and not a byte of the reply.
  connect_timeout,  ///< Not established in time.
  lost,             ///< UDP: no reply within 200 ms.
  no_descriptor,    ///< EMFILE or ENFILE.
  tls,              ///< A handshake that failed, or bytes that are no TLS.
  other,            ///< Any other errno.
};

inline constexpr std::size_t load_error_kinds = 11;

/// "wrong_reply" and so on, as files name it.
std::string_view name_of(LoadError kind);
/// "12 wrong replies" and so on.
std::string text_of(LoadError kind, std::uint64_t count);

/// Whether a connection went wrong while or after it stood: one that is not established in time is none yet, and what
/// is lost or takes too long is counted as requests.
constexpr bool is_broken(LoadError kind) {
  return kind != LoadError::connect_timeout && kind != LoadError::lost && kind != LoadError::timeout;
}

using LoadErrorCounts = std::array<std::uint64_t, load_error_kinds>;

/// A histogram on the heap with the value semantics of one in place, which would burden every stack it lies on.
class HistogramValue {
 public:
  HistogramValue() : histogram_(std::make_unique<Histogram>()) {}
  HistogramValue(const HistogramValue& other) : histogram_(std::make_unique<Histogram>(*other)) {}
  HistogramValue& operator=(const HistogramValue& other) {
    *histogram_ = *other;
    return *this;
  }
  ~HistogramValue() = default;

  Histogram& operator*() noexcept { return *histogram_; }
  const Histogram& operator*() const noexcept { return *histogram_; }
  Histogram* operator->() noexcept { return histogram_.get(); }
  const Histogram* operator->() const noexcept { return histogram_.get(); }

 private:
  std::unique_ptr<Histogram> histogram_;
};

/// A window is looked at in so many equal parts, so that a time without any reply shows.
inline constexpr std::size_t window_slices = 50;

/// Requests of one class; LoadCounts says what each figure means.
struct ClassCounts {
  std::uint64_t completed = 0;
  std::uint64_t drained = 0;
  std::uint64_t unfinished = 0;
  std::uint64_t failed = 0;
};

/// The merged findings of all workers. Where it does not say otherwise a figure is of the measured window, which begins
/// with nothing under way but what the drain before it did not bring to an end; what is under way at its end is waited
/// for, at most LoadPlan::drain.
struct LoadCounts {
  std::uint32_t processes = 0;
  std::uint32_t workers = 0;

  std::uint64_t connections_asked = 0;
  std::uint64_t connections_established = 0;  ///< Places that had a connection at any time of the run.
  std::uint64_t connections_failed = 0;       ///< Places that never had one.
  std::uint64_t connections_begun = 0;        ///< Attempts over the whole run, failed ones and those in a place again.
  std::int64_t connect_phase_ns = 0;          ///< Until all were established, or given up.
  std::uint64_t reconnects = 0;               ///< Connections established in the window, as under churn.
  std::uint64_t messages_pushed = 0;          ///< Until the end of the drain: what no request asked for.
  std::uint64_t idle_closes = 0;              ///< Connections that the peer closed with nothing under way; no error.
  std::uint64_t connections_broken = 0;  ///< Of `errors`, those in the window and its drain that is_broken() names.

  std::int64_t wall_ns = 0;                 ///< From go to stop; 0 when no connection was established.
  std::uint64_t requests_completed = 0;     ///< Answered before the stop.
  std::uint64_t requests_drained = 0;       ///< Due before the stop and answered after it.
  std::uint64_t requests_unfinished = 0;    ///< Not answered when the drain was over, never sent ones among them.
  std::uint64_t requests_failed = 0;        ///< Given up because their connection failed; UDP: lost.
  std::uint64_t requests_timed_out = 0;     ///< Of them, those given up since they took too long; UDP: all.
  std::uint64_t backlog_at_end = 0;         ///< Open loop: due and not sent at the stop.
  std::uint64_t in_flight_at_end = 0;       ///< Sent and not answered at the stop.
  std::uint64_t received_bytes = 0;         ///< Until the stop.
  std::uint64_t sent_bytes = 0;             ///< Until the stop.
  std::int64_t idle_ns = 0;                 ///< Sum over the workers of the time spent in epoll until the stop.
  std::int64_t cpu_ns = 0;                  ///< Sum over the workers of their CPU time until the stop.
  std::uint64_t in_flight_integral_ns = 0;  ///< Sum of requests under way × time, to the end of the drain.
  std::uint64_t in_flight_to_stop_ns = 0;   ///< Of it, until the stop; without what was under way before the window.
  std::uint64_t failed_in_flight_ns = 0;    ///< Of it, the share of requests that failed and did not time out.
  std::array<std::uint64_t, window_slices>
      replies_by_slice{};  ///< Of requests_completed: in equal parts of the window.

  /// Sum over the workers of how long, until the stop, each could have run and did not: it waited for its CPU, in any
  /// millisecond or so longer than 20 µs each time in the mean, or its loop was away for a millisecond and more.
  std::int64_t kept_off_ns = 0;
  std::int64_t longest_absence_ns = 0;  ///< The longest time that any worker's loop did not turn although it was due.

  std::uint64_t active_asked = 0;
  std::uint64_t active_established = 0;  ///< Active places that had a connection.
  std::uint64_t active_served = 0;       ///< Of them, those that got a reply.
  std::uint64_t active_at_end = 0;       ///< Of them, those that had a connection, or were getting one, at the stop.
  std::uint64_t replies_per_connection_max = 0;
  double replies_per_connection_sum = 0;
  double replies_per_connection_squares = 0;  ///< Sum of the squares.

  /// By Service::classes, `class_count` of them. A request that no connection had taken when the drain was over is
  /// unfinished, and of no class as yet.
  std::array<ClassCounts, max_request_classes> classes{};
  std::uint32_t class_count = 0;  ///< As LoadPlan::classes.

  LoadErrorCounts errors{};  ///< By kind, from the first connect on.

  std::uint64_t error_count(LoadError kind) const { return errors[static_cast<std::size_t>(kind)]; }
  std::uint64_t errors_total() const;

  /// All requests that a server has answered between the two edges.
  std::uint64_t requests_answered() const { return requests_completed + requests_drained; }

  /// Active connections that had a request to send: not all, where fewer were due than there are connections.
  std::uint64_t active_due() const {
    return std::min(active_asked, requests_answered() + requests_unfinished + requests_failed);
  }

  /// Completed requests per second; 0 without a window.
  double rate_per_second() const;

  /// Jain's index of the replies per active established connection (R. Jain, D. Chiu, W. Hawe, DEC-TR-301, 1984):
  /// 1 when all had the same number, 1/n when one had all; 0 without replies.
  double fairness() const;
};

/// Adds what another generator found that put its part of a load on the same server at the same time. The window
/// becomes as long as gives the sum of both rates, each of which counts over its own.
void merge(LoadCounts& counts, const LoadCounts& other);

/// Little's law, L = λW (J. D. C. Little, Operations Research 9(3), 1961), as integral of L over the sum of all times
/// in flight: 1 when the counts, the clock and the latencies agree; 1 as well when nothing was under way.
double littles_law_ratio(const LoadCounts& counts, const Histogram& latency);

/// "12 refused, 3 wrong replies (status 503 where 200 was due)", with what was said of the first; or "no errors".
std::string describe_errors(const LoadErrorCounts& errors, std::string_view first = {});

/// The same with the distributions of times.
struct LoadReport : LoadCounts {
  /// Of every request that was answered, and with their age of those that were not: timed out, or unfinished. Closed
  /// loop: from sending to the whole reply; open loop: from the due time, which may lie before the window.
  HistogramValue latency;
  /// The same of each class; `class_count` of them.
  std::vector<HistogramValue> class_latency;
  /// How late the generator itself was. Open loop: from the due time, or from when a connection became free after it,
  /// to sending; closed loop: from the wake-up that delivered a reply until it was received and the next request begun.
  HistogramValue send_lag;
  /// TCP, over the whole run: from connect(2) to established.
  HistogramValue connect_time;

  std::string error_text;  ///< Of the first wrong reply: what is wrong with it; or of the first other error.

  double littles_law_ratio() const { return bench::littles_law_ratio(*this, *latency); }
};

}  // namespace bench
