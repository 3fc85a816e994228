// One worker of a load generator: a thread with an epoll loop of its own and its share of the load.
//
// worker.cpp holds its phases, worker_loop.cpp the loop, worker_connections.cpp how connections come and go,
// worker_requests.cpp and worker_replies.cpp what is sent and received on them, worker_transfers.cpp how transfers over
// UDP go on. A request costs one send and one recv; epoll_pwait2 is shared by all that is ready. Nothing is allocated
// for a request, and the clock is read once for each reply: that reading ends one request and begins the next.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/load/due_requests.h"
#include "harness/load/free_lists.h"
#include "harness/load/in_flight_meter.h"
#include "harness/load/load_plan.h"
#include "harness/load/run_queue_meter.h"
#include "harness/load/shares.h"
#include "harness/load/tls.h"
#include "harness/load/worker_report.h"
#include "workloads/output.h"
#include "workloads/unique_fd.h"

namespace bench {

/// What a worker is joined to its coordinator by. All of it outlives the worker.
struct WorkerLink {
  const LoadControl& control;
  WorkerReport& report;
  int wake = -1;  ///< An eventfd that the coordinator writes to after each change of the phase.
  int done = -1;  ///< An eventfd that all workers write to after each phase.
};

class Worker {
 public:
  /// Throws std::system_error without a descriptor to spare.
  Worker(const LoadPlan& plan, const WorkerShare& share, WorkerLink link);

  /// Carries out the coordinator's phases until the last one. Throws std::system_error when epoll fails, and what the
  /// exchanges throw.
  void run();

 private:
  enum class Mode : std::uint8_t { connecting, running, draining, paused };

  enum class State : std::uint8_t {
    queued,      // to be connected as soon as may be
    pausing,     // to be connected after a pause
    connecting,  // epoll will tell
    open,
    abandoned,  // never established in time
  };

  // A place for a connection; under churn many follow one another in it.
  struct Connection {
    UniqueFd fd;
    State state = State::queued;
    bool active = false;
    bool heavy = false;
    bool established_once = false;
    bool answered = false;         // ever, in this place
    bool reply_begun = false;      // some of the reply that is due has come
    bool watching_output = false;  // EPOLLOUT, because the socket was full
    bool has_partner = false;      // of a transfer: connected to the port that the first reply came from
    std::uint8_t silences = 0;     // of a transfer: in a row, as far as they lengthen the next one
    std::uint8_t failures = 0;     // to connect, in a row, as far as they lengthen the pause
    std::uint8_t place = 0;        // in targets_, where it is tried
    bool turned_away = false;      // at the last try the backlog of a Unix socket was full
    std::uint32_t generation = 0;  // tells events of an earlier connection in this place
    std::uint32_t in_flight = 0;
    std::uint32_t first = 0;           // of the ring of requests under way
    std::uint64_t number = 0;          // of the connection, for its exchange
    std::uint64_t sent = 0;            // requests on this connection
    std::uint64_t window_replies = 0;  // replies in this place since the window began
    std::int64_t since_ns = 0;         // connecting: since when
    std::int64_t heard_ns = 0;         // of a transfer: when it last went on, or something was said again
    std::int64_t free_since_ns = 0;    // when the loop woke up that freed it for another request
    std::unique_ptr<TlsStream> tls;
    std::unique_ptr<Exchange> exchange;
    std::unique_ptr<Output> unsent;
    std::unique_ptr<std::vector<std::byte>> tail;  // received, and not consumed by the exchange
  };

  struct Request {
    std::int64_t due_ns;   // the latency counts from here
    std::int64_t sent_ns;  // the timeout counts from here
    ClassIndex kind;
  };

  // Phases and the loop.
  void await(LoadPhase phase);
  void report_done(LoadPhase phase);
  void connect_all();
  void touch_window();
  void restart_window();
  void prepare_load();
  void load(bool is_window);
  void begin_load(std::int64_t begin_ns, std::int64_t end_ns);
  void stop_load();
  void drain(std::int64_t stopped_ns, bool is_window);
  void await_deliveries(std::int64_t deadline_ns);
  bool worth_waiting() const;
  void read_thread_clocks();
  void look_at_run_queue();
  void count_unfinished();
  void record_latency(std::int64_t latency_ns);
  void leave_raw_latencies() const;
  void summarise_connections();
  bool quiet() const;
  void turn();
  std::int64_t next_turn_ns() const;
  void note_absence(std::int64_t away_ns);
  int wait_for_events(std::int64_t until_ns);
  void handle(const epoll_event& event);
  void begin_requests();
  void take_what_is_due();
  void sweep();

  // Connections.
  bool may_connect() const;
  void begin_connections();
  void begin_connection(std::uint32_t index);
  void finish_connection(std::uint32_t index, std::uint32_t events);
  void connected(std::uint32_t index);
  void go_on_securing(std::uint32_t index);
  void securing_failed(std::uint32_t index);
  void established(std::uint32_t index);
  void settle_on(std::size_t place);
  void connection_failed(std::uint32_t index, int error);
  void retry_connection(std::uint32_t index);
  void connect_later(std::uint32_t index, std::int64_t pause_ns);
  void close_connection(std::uint32_t index, LoadError why = LoadError::other);
  void replace_connection(std::uint32_t index);
  void end_as_announced(std::uint32_t index, std::span<const std::byte> rest);
  void fail(std::uint32_t index, LoadError kind, std::string_view why = {});
  void fail_with(std::uint32_t index, int error);
  void watch(std::uint32_t index, int operation, std::uint32_t events);
  void count_error(LoadError kind, std::string_view why = {});

  // Requests.
  bool open_loop() const { return plan_.rate > 0; }
  bool in_turn() const { return plan_.dispatch == Dispatch::each; }
  bool can_take_request(const Connection& connection) const;
  Request& request_at(std::uint32_t index, std::uint32_t place);
  WorkerReport::ClassWindow& class_window(const Request& request) { return link_.report.classes[request.kind]; }
  void forget_oldest_request(std::uint32_t index);
  void abandon_oldest_request(std::uint32_t index, LoadError why);
  void list_if_free(std::uint32_t index);
  void send_next(std::uint32_t index);
  void send_owed();
  void send_owed_by(std::uint32_t index);
  void send_due(std::uint32_t index, std::int64_t due_ns);
  void begin_request(std::uint32_t index, std::int64_t due_ns);
  void make_exchange(Connection& connection);
  bool flush(std::uint32_t index);
  void receive(std::uint32_t index);
  bool receive_some(std::uint32_t index);
  ssize_t send_some(const Connection& connection, const Output& out);
  bool take_replies(std::uint32_t index, std::span<const std::byte> bytes);
  bool take_datagram(std::uint32_t index, std::span<const std::byte> bytes);
  bool take_packet(std::uint32_t index, std::span<const std::byte> bytes);
  ssize_t receive_first(const Connection& connection, std::span<std::byte> room);
  static ssize_t receive_next(const Connection& connection, std::span<std::byte> room);
  bool renew_socket(std::uint32_t index);
  void go_on_with_transfer(std::uint32_t index);
  bool is_overdue(std::uint32_t index);
  void complete_request(std::uint32_t index, std::size_t place = 0);
  void count_delivery(const Reply& message);
  void count_in_slice();
  void use_connection(std::uint32_t index);
  void end_of_stream(std::uint32_t index);
  void close_idle(std::uint32_t index);
  void give_up_datagrams(std::uint32_t index);
  std::int64_t read_clock();

  static constexpr std::size_t receive_bytes = 64 * 1024;
  static constexpr std::size_t max_tail_bytes = 64 * 1024;
  static constexpr std::size_t events_at_once = 256;
  static constexpr std::uint32_t any_user = 0;            // of due_, with Dispatch::any
  static constexpr std::uint64_t wake_mark = UINT64_MAX;  // epoll data of the coordinator's eventfd

  const LoadPlan& plan_;
  const WorkerShare share_;
  const WorkerLink link_;
  WorkerReport::Window& window_;
  const bool tcp_;
  const bool transfers_;
  const bool split_classes_;
  bool reset_at_close_;
  std::vector<Target> targets_;  // until a connection is established all addresses of the name, then the one

  UniqueFd epoll_;
  std::array<epoll_event, events_at_once> events_{};
  std::vector<std::byte> scratch_;
  Output out_;  // of the loop; what a full socket leaves of it moves to the connection

  std::vector<Connection> connections_;
  std::vector<Request> requests_;  // a ring of plan_.pipeline for each connection
  FreeLists free_;                 // open loop
  std::deque<std::uint32_t> queued_;
  std::priority_queue<std::pair<std::int64_t, std::uint32_t>, std::vector<std::pair<std::int64_t, std::uint32_t>>,
                      std::greater<>>
      pausing_;
  std::uint32_t connecting_ = 0;
  std::uint32_t abandoned_ = 0;  // before the deadline
  std::uint64_t next_number_;

  Mode mode_ = Mode::paused;
  std::uint32_t to_begin_;       // connections below it have been told that requests begin
  std::int64_t now_ns_ = 0;      // the last reading of the clock
  std::int64_t woken_ns_ = 0;    // when epoll last returned
  std::int64_t turn_at_ns_ = 0;  // the phase needs the loop to turn at this time
  std::int64_t sweep_ns_ = 0;    // next time to look for timeouts
  std::int64_t end_ns_ = 0;      // of the requests of this phase

  // Counters that only grow; the window is a difference.
  struct Counters {
    std::int64_t idle_ns = 0;
    std::int64_t cpu_ns = 0;
    std::int64_t queued_ns = 0;  // ready to run, and another ran on its CPU; as run_queue_ counts it
    std::int64_t absent_ns = 0;  // absences that note_absence() counts
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
  };
  Counters total_;
  Counters at_begin_;

  UniqueFd schedstat_;  // of the worker's thread
  RunQueueMeter run_queue_;
  std::int64_t looked_ns_ = 0;  // at the run queue

  sockaddr_storage partner_{};  // of the first reply of a transfer, which has just come
  socklen_t partner_size_ = 0;
  bool may_be_strays_ = false;  // of transfers that were left unfinished

  std::int64_t slice_ns_ = 0;      // of the window
  std::int64_t slice_end_ns_ = 0;  // of the slice that `slice_` is
  std::size_t slice_ = 0;
  std::int64_t last_reply_ns_ = 0;
  std::int64_t last_delivery_ns_ = 0;
  std::uint32_t answered_ = 0;  // places that have been, ever

  std::vector<std::uint32_t> users_;  // those to whom requests fall due: the active connections, or one for them all
  DueRequests due_;
  std::uint64_t loads_ = 0;       // that were prepared
  InFlightMeter meter_;           // of what is owed and of what is under way
  std::uint64_t carried_ns_ = 0;  // for how long what was under way at the beginning of the phase had been so
  std::vector<std::int64_t> raw_latencies_ns_;  // of the phase, where they are asked for
};

}  // namespace bench
