// What a load generator is asked to do.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "measure/process.h"
#include "workloads/service.h"

namespace bench {

class TlsClient;

/// An address as the kernel takes it.
struct SocketAddress {
  sockaddr_storage address{};
  socklen_t size = 0;
};

/// Where a server listens.
struct Target {
  sockaddr_storage address{};
  socklen_t address_size = 0;
  Transport transport = Transport::tcp;       ///< Of AF_UNIX too: a stream.
  std::string text;                           ///< For people: "127.0.0.1:8080", or the path of a Unix socket.
  std::shared_ptr<const TlsClient> tls = {};  ///< How connections are secured; null: they are not.

  /// TCP: further addresses of the same name. A connection that fails is tried at the next one, until one is
  /// established; from then on the worker's connections go where that one went.
  std::vector<SocketAddress> others = {};
};

/// When the requests of an open loop are due.
enum class Arrivals : std::uint8_t {
  constant,  ///< At equal distances.
  poisson,   ///< At exponentially distributed distances, as from many independent users.
};

/// Which connection carries a request of an open loop.
enum class Dispatch : std::uint8_t {
  each,  ///< Each in turn, as independent users: what is due while its connection is busy, or not there, waits for it.
  any,   ///< Whichever can take one: what a connection cannot serve, others carry.
};

/// Which addresses the connections come from where a server listens on a loopback address of IPv4: 127.0.0.1 has some
/// 28,000 ports, and the search for a free one among them becomes slow beyond half of that.
enum class Sources : std::uint8_t {
  automatic,  ///< The first 10,000 connections from the kernel's choice, each 10,000 more from one of their own.
  one,        ///< All from the kernel's choice.
  spread,     ///< Each 10,000 from one of their own, others than the last load had.
};

/// The client's side of one connection; `connection` counts from 0 over all workers and is new after a reconnect.
/// Called in the generator's processes, by several threads at once, and there no descriptors of the caller are open.
using MakeExchange = std::function<std::unique_ptr<Exchange>(std::uint64_t connection, bool heavy)>;

/// One load. All durations are positive unless it says otherwise.
struct LoadPlan {
  Target target;
  MakeExchange make_exchange;

  Sources sources = Sources::spread;
  std::uint32_t connections = 100;
  std::uint32_t active = 100;  ///< Of them, those that send requests; the rest are established and stay idle.
  std::uint32_t pipeline = 1;  ///< Requests under way at once on each connection.
  std::uint64_t requests_per_connection = 0;  ///< Then the connection is closed and a new one made; 0: no end.
  double heavy_share = 1;                     ///< Of the active connections, those whose exchange is made heavy,
  std::optional<std::uint32_t> heavy = {};    ///< or how many they are, of a part of a load.
  std::uint32_t classes = 0;  ///< By which requests are told apart, as Exchange::request numbers them; 0: they are not.

  double rate = 0;  ///< Requests per second over all workers; 0: closed loop.
  Arrivals arrivals = Arrivals::constant;
  Dispatch dispatch = Dispatch::each;
  std::uint64_t seed = 0;

  std::chrono::nanoseconds connect_deadline{std::chrono::seconds{5}};  ///< For all connections together.
  std::chrono::nanoseconds warmup{std::chrono::milliseconds{500}};     ///< May be 0.
  std::chrono::nanoseconds duration{std::chrono::seconds{2}};

  /// A request is given up when it has waited for its reply for so long: on TCP with its connection.
  std::chrono::nanoseconds request_timeout{std::chrono::seconds{10}};
  std::chrono::nanoseconds datagram_timeout{std::chrono::milliseconds{200}};

  /// Of transfers: after so long a silence what was said last is said again, and then after twice as long, and so on.
  /// A transfer has the time of a request on TCP.
  std::chrono::nanoseconds resend_after{std::chrono::seconds{1}};

  /// At most so long is what is under way at the end of warm-up and window waited for.
  std::chrono::nanoseconds drain{request_timeout};

  /// Once the server has been silent for so long, what waits on connections that are closed, or that it has never
  /// answered although it did answer others, is waited for no longer; after the warm-up nothing is.
  std::chrono::nanoseconds silence{std::chrono::seconds{1}};

  /// What a machine under load may keep a worker from answering beyond what the plan takes. After it the load fails;
  /// where all is reported and only a process has not ended, that is ended and the report stands.
  std::chrono::nanoseconds patience{patience_with_processes};

  std::uint32_t threads = 1;  ///< Workers; spread over processes where the descriptors of one are not enough.
  std::uint32_t max_connections_per_process = 0;  ///< 0: as many as its descriptors allow.

  /// Of a part of a load, as part_of() makes it: which of how many, and how many connections come before its own.
  std::uint32_t number = 0;
  std::uint32_t generators = 1;
  std::uint64_t first_connection = 0;

  std::string raw_latencies{};  ///< For tests: the folder where each worker leaves its window's latencies; empty: none.
};

}  // namespace bench
