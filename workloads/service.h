// Services: protocols that a model serves to many connections. A service turns bytes into bytes and never sees a
// socket, a clock or a thread, so that the same session code runs under every model.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "workloads/output.h"
#include "workloads/parameter.h"
#include "workloads/row_list.h"
#include "workloads/scratch.h"

namespace bench {

class Hub;
struct Operation;

/// Why a model calls a session.
enum class Why : std::uint8_t {
  data,       ///< Bytes have come.
  end,        ///< The peer sends nothing more (half-close); `in` is what is left.
  resumed,    ///< The wait, the computation or the transfer that was asked for is over.
  drained,    ///< All pending output has gone out.
  timed_out,  ///< The peer has been silent for too long. A last word may be said; the connection is then closed, but
              ///< for transfers, which may go on (Service::resend_after).
  message,    ///< Something has been published in ServiceContext::hub. Told only to a session that wants to read.
};

/// What a session wants next.
enum class Next : std::uint8_t {
  read,      ///< More bytes, after `in` beyond `consumed`.
  drain,     ///< To be called again once the pending output has gone out.
  wait,      ///< To be called again after `amount` nanoseconds, as for a database.
  compute,   ///< To be called again after `amount` steps of service_compute().
  close,     ///< The end of the connection, after the pending output.
  transfer,  ///< To be called again when `operation` is done: a file read or written, a child waited for. Not for UDP.
};

struct Step {
  std::size_t consumed = 0;  ///< Bytes of `in` that are done with; the rest comes again, in front of what follows.
  Next next = Next::read;
  std::uint64_t amount = 0;
  Operation* operation = nullptr;  ///< The session's, with its `transfer`; its `result` is what comes of that.
};

/// The server's side of one connection; of one datagram where the transport is Transport::udp. There it answers with
/// one datagram or with nothing, says `close`, and is then as new: it may be given another datagram. Of a transfer
/// (Transport::udp_transfers) it is called with one whole datagram at a time, consumes it, and answers each call with
/// one datagram or with nothing; called with `timed_out` it may say its last one again and want `read`.
class Session {
 public:
  virtual ~Session() = default;

  /// Goes on with `in`, which holds what was not consumed and what has come since, and appends replies to `out`.
  /// One unit calls it at a time. A session that wants `read` has consumed all it can use, and leaves no more than
  /// max_unconsumed bytes. Where sessions speak to each other it has also read all that the hub has for it, or more
  /// output than high_water_bytes is pending; it may look there whatever it is called for.
  virtual Step advance(Why why, std::span<const std::byte> in, Output& out) = 0;
};

/// The most bytes of an incomplete request that a session may leave unconsumed, so that a connection stays bounded.
inline constexpr std::size_t max_unconsumed = 16 * 1024;

/// While more output than this is pending, a model does not read, nor does it call a session that wants to read.
inline constexpr std::size_t high_water_bytes = 64 * 1024;

/// What the client's side makes of bytes that came.
enum class Verdict : std::uint8_t {
  more,      ///< The reply is not complete yet.
  complete,  ///< A right and complete reply.
  wrong,     ///< Not the reply that is due; Reply::why says what is wrong with it.
  stale,     ///< UDP: to what was given up, or has been replied to before. It is passed over.
  pushed,    ///< A right and complete message that no request asked for.
  farewell,  ///< No request is under way, and the peer has said that it closes the connection for that.
};

/// A request's class: its index in Service::classes.
using ClassIndex = std::uint8_t;

struct Reply {
  std::size_t consumed = 0;
  Verdict verdict = Verdict::more;
  std::string_view why;      ///< With `wrong`; valid until the exchange is used again.
  bool peer_closes = false;  ///< With `complete`: the peer ends the connection after this reply.
  std::size_t place = 0;     ///< With `complete`: of its request among those under way, the oldest being 0.
  std::int64_t stamp = 0;    ///< With `pushed`: of the request that the message comes of (Exchange::stamp); 0: of none.
  ClassIndex kind = 0;       ///< With a stamp: the class that the message counts for.
};

/// Which of the connections ask for requests of a class.
enum class AskedBy : std::uint8_t {
  all,
  light,
  heavy,
  nobody,  ///< It is of messages that are pushed to a connection since another one has asked for something.
};

/// A kind of request whose counts and latencies are kept apart from those of the others.
struct RequestClass {
  std::string_view name;
  AskedBy asked_by = AskedBy::all;
};

/// The most classes that a service may have: each one takes a histogram in every place where latencies are counted.
inline constexpr std::size_t max_request_classes = 4;

/// The one class of a service that does not tell its requests apart.
inline constexpr std::array one_class{RequestClass{}};

/// The classes of a service whose connections ask either for heavy requests, which need Extras, or for light ones.
inline constexpr std::array light_and_heavy{RequestClass{"light", AskedBy::light},
                                            RequestClass{"heavy", AskedBy::heavy}};

/// Of light_and_heavy.
constexpr ClassIndex class_of(bool heavy) noexcept { return heavy ? 1 : 0; }

/// The client's side of one connection: makes requests and checks every byte of the replies, which come in the order
/// of the requests. Payloads depend on connection and request number, so that a stale reply shows.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Called before each request where connections are pushed what others ask for: with a number that the generator
  /// wants back, in Reply::stamp, with every message that comes of this request, wherever it is received.
  virtual void stamp(std::int64_t /*number*/) {}

  /// Appends the next request; for UDP, one datagram. Any number of requests may be under way at once. Returns the
  /// request's class.
  virtual ClassIndex request(Output& out) = 0;

  /// Looks at bytes of the replies, in order, and stops after one complete reply. Consumes what it has checked, so
  /// that a large reply streams through; what it does not consume comes again in front of what follows. For UDP, `in`
  /// is one whole datagram, and `more` is said of a transfer that goes on.
  virtual Reply reply(std::span<const std::byte> in) = 0;

  /// The peer has closed. `complete`: that was the end of the reply due. `more`: the reply due, if there is one, was
  /// cut short. Consumes nothing.
  virtual Reply end() { return {}; }

  /// Whether the server may send what no request asked for (Verdict::pushed, Verdict::farewell). If not, reply() is
  /// called only while a request is under way.
  virtual bool may_speak_unasked() const { return false; }

  /// Gives up the oldest request under way (UDP: its datagram or the reply was lost).
  virtual void give_up() {}

  /// Of transfers: appends what is to be said to what reply() has just looked at, one datagram or nothing. A transfer
  /// has one request under way.
  virtual void answer(Output& /*out*/) {}

  /// Of transfers: the peer has been silent for Service::resend_after; appends what was said last, as it was.
  virtual void say_again(Output& /*out*/) {}
};

/// The sizes of a service.
struct ServiceParameters {
  std::uint64_t message_bytes = 0;   ///< Payload of a message; its exact meaning is the service's.
  std::uint64_t compute_steps = 0;   ///< Of service_compute() for each heavy request.
  std::chrono::nanoseconds wait{0};  ///< For each heavy request, after its computation.
  double heavy_share = 1;            ///< Share of the connections whose requests are heavy.
  Parameters own{};                  ///< All that the service's own parameters were told, the message's size included.

  /// Whether a heavy request differs from a light one.
  bool has_extras() const noexcept { return compute_steps != 0 || wait.count() != 0; }

  bool operator==(const ServiceParameters&) const = default;
};

/// How large messages are: from 1 byte to `most`; `meaning` says what is counted.
constexpr Parameter message_size_parameter(std::string_view standard, std::uint64_t most, std::string_view meaning) {
  return {.name = "message-size",
          .kind = ParameterKind::size,
          .standard = standard,
          .meaning = meaning,
          .most = static_cast<double>(most),
          .word = "message",
          .key = "message_bytes",
          .title = "{}"};
}

/// What a service is told by the values of its own parameters; it computes nothing and waits for nothing.
ServiceParameters service_parameters_of(const Parameters& parameters);

/// What a session may know of where it runs.
struct ServiceContext {
  ServiceParameters parameters;
  std::string_view model;       ///< Name of the model that serves; static text.
  Hub* hub = nullptr;           ///< Where the service's sessions speak to each other (Service::hub_bytes).
  std::byte* shared = nullptr;  ///< What they share besides (Service::shared_bytes).
  Scratch store{};              ///< The server's folder on disk (Service::fill_store).

  /// Now, as HTTP writes it: 29 characters, which last until the thread asks again. Null: the server has no clock.
  std::string_view (*date)() noexcept = nullptr;
};

enum class Transport : std::uint8_t {
  tcp,
  udp,            ///< Each datagram is a request by itself.
  udp_transfers,  ///< A peer's first datagram opens a session, which has a socket of its own for all that follows.
};

/// Whether its sessions outlive a datagram and so have a socket each.
constexpr bool has_connections(Transport transport) noexcept { return transport != Transport::udp; }

/// How closely the replies of a server that somebody else runs are looked at; each includes those before it.
enum class ReplyCheck : std::uint8_t {
  status,
  length,  ///< Of the body: that of the first reply.
  body,    ///< A 64-bit hash of it: that of the first reply.
};

/// What to ask a server that somebody else runs for, and what of its replies has to be right.
struct ForeignRequest {
  std::string host;        ///< With its port, as a URL has it: "127.0.0.1:8080", "[::1]:8080".
  std::string path = "/";  ///< With its query; sent as it is.
  std::string method = "GET";
  std::vector<std::string> headers = {};  ///< "Name: value"; a Host of one's own replaces `host`.
  std::string body = {};                  ///< Sent with its length where it is not empty.
  ReplyCheck check = ReplyCheck::body;
  int expected_status = 200;  ///< Where the protocol has one.
};

/// The client's side of one more connection to the same server. Any thread.
using MakeForeignExchange = std::function<std::unique_ptr<Exchange>()>;

/// How a URL says that a server speaks the protocol of a service.
struct UrlScheme {
  std::string_view name{};  ///< As in NAME://host:port; of one row only. Empty: no URL names such a server.
  std::string_view port{};  ///< Where the URL has none; digits. Empty: it must have one.

  std::string_view secure_name{};  ///< Of the same over TLS; empty: there is none.
  std::string_view secure_port{};  ///< As `port`.

  /// For a protocol in which the path of a URL says what to ask for, and each server has other replies. Their requests
  /// are of one class. Null: URLs have no path, and a server has to reply as ours does to Service::exchange.
  MakeForeignExchange (*exchanges)(const ForeignRequest& asked) = nullptr;
};

/// A row of the service table.
struct Service {
  std::string_view name;
  std::string_view summary;
  Transport transport = Transport::tcp;
  UrlScheme scheme{};
  std::span<const Parameter> parameters{};  ///< What the service can be told, in the order of names and titles.
  std::span<const RequestClass> classes = one_class;  ///< In the order of reports; max_request_classes at most.

  /// Of transfers: after so long a silence what was said last has been lost, and is to be said again; by the session
  /// (Why::timed_out) and by the client (Exchange::say_again).
  std::chrono::nanoseconds resend_after{0};

  /// Of transfers: how many datagrams go each way for one request. Null where it is one.
  std::uint64_t (*round_trips)(const ServiceParameters& parameters) = nullptr;

  /// How much the sessions of a server may be behind each other, in bytes of messages, where they speak to each other
  /// through a hub; 0: they do not.
  std::size_t hub_bytes = 0;

  /// How much memory the sessions of a server share besides, in whatever process they are: bytes that are 0 at first.
  std::size_t shared_bytes = 0;

  /// Fills the server's folder on disk, ServiceContext::store, which is its own and goes with it, before the server
  /// starts. Null: the service has none. Throws std::exception.
  void (*fill_store)(const ServiceContext& context) = nullptr;

  /// A session for a new connection. `context` outlives it.
  std::unique_ptr<Session> (*open)(const ServiceContext& context);

  /// The client's side of connection number `connection`; `heavy`: its requests ask for the extras.
  std::unique_ptr<Exchange> (*exchange)(const ServiceParameters& parameters, std::uint64_t connection, bool heavy);
};

/// How many classes the requests of a load are told apart by: all of the row's where more than one can occur, else 0.
std::uint32_t classes_told_apart(const Service& service, const ServiceParameters& parameters);

/// Every service, in the order of every report.
RowList<Service> all_services();

/// `steps` steps of work that no compiler removes, about a nanosecond each: the same work whatever the clock says.
std::uint64_t service_compute(std::uint64_t steps) noexcept;

/// What a heavy request asks of its model before it is answered: first the computation, then the wait.
class Extras {
 public:
  explicit Extras(const ServiceParameters& parameters) noexcept
      : compute_steps_(parameters.compute_steps), wait_ns_(static_cast<std::uint64_t>(parameters.wait.count())) {}

  /// The next step that a heavy request needs before its answer; `read` when it has had all. Consumes nothing.
  Step next() noexcept {
    if (stage_ == 0 && ++stage_ && compute_steps_ != 0) return {0, Next::compute, compute_steps_};
    if (stage_ == 1 && ++stage_ && wait_ns_ != 0) return {0, Next::wait, wait_ns_};
    return {};
  }

  /// For the next request.
  void reset() noexcept { stage_ = 0; }

 private:
  std::uint64_t compute_steps_;
  std::uint64_t wait_ns_;
  int stage_ = 0;
};

}  // namespace bench
