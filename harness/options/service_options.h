// What can be asked of services, as values: by `bench run`, by `bench serve` and by `bench load`.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/load/load_plan.h"
#include "models/model.h"
#include "workloads/service.h"

namespace bench {

/// What was given for parameters of workloads: by name the values as they are written, each of which makes cells.
using GivenParameters = std::map<std::string, std::vector<std::string>, std::less<>>;

/// Largest --connections: more than the ports and the memory of a machine of today allow to one server.
inline constexpr std::uint32_t max_connections = 1'000'000;
inline constexpr std::uint32_t max_pipeline = 1024;
inline constexpr std::uint32_t max_client_threads = 256;
inline constexpr double max_rate = 1e9;        ///< Requests per second that a search looks up to,
inline constexpr double max_given_rate = 1e7;  ///< and that may be asked for: more than a load generator makes.

/// How many requests are offered.
enum class RateMode : std::uint8_t {
  closed,  ///< Closed loop: each connection sends when its reply has come.
  fixed,   ///< Open loop at given rates.
  search,  ///< Open loop; for each model the highest rate that keeps the Slo.
  common,  ///< Open loop; one rate that all models can bear, so that their cost per request compares.
};

/// The bound that a searched rate keeps: the quantile of the latencies is below the limit.
struct Slo {
  double quantile = 0.99;
  std::chrono::nanoseconds limit{std::chrono::milliseconds{10}};
};

/// How many requests are offered by `run` and by `load`.
struct RateOptions {
  RateMode rate_mode = RateMode::closed;
  std::vector<double> rates;  ///< Requests per second, each of which makes cells; for RateMode::fixed only.
  Slo slo;                    ///< For RateMode::search.
};

/// What a load generator is told by `run` and by `load` alike.
struct ClientOptions {
  Arrivals arrivals = Arrivals::constant;            ///< Of an open loop.
  Dispatch dispatch = Dispatch::each;                ///< Likewise.
  std::uint64_t requests_per_connection = 0;         ///< 0: no end.
  std::optional<std::chrono::nanoseconds> duration;  ///< Without it as window_of() has it.
  std::optional<std::chrono::nanoseconds> warmup;    ///< May be 0; without it as warm_up_of() has it.
  std::chrono::nanoseconds connect_deadline{std::chrono::seconds{5}};
  std::optional<std::chrono::nanoseconds> request_timeout;  ///< Without it as LoadPlan has it.
  std::uint32_t threads = 1;
  std::vector<int> cpus;      ///< CPU numbers; empty: not given.
  std::string raw_latencies;  ///< For tests, as LoadPlan has it.
};

/// Options of `run` for services. Each list makes cells. Where services are chosen, an empty list means what its
/// comment says, and a list with a default is never empty.
struct ServiceOptions : RateOptions {
  std::vector<std::uint32_t> connections{100};
  std::vector<std::uint32_t> active;  ///< None above any of `connections`; empty: all connections are active.
  std::vector<std::uint32_t> pipeline{1};
  std::vector<std::chrono::nanoseconds> service_cpu{std::chrono::nanoseconds{0}};
  std::vector<std::chrono::nanoseconds> service_wait{std::chrono::nanoseconds{0}};
  double heavy_share = 1;  ///< Of the connections; more than 0, at most 1.
  ClientOptions client;
  bool memory = false;           ///< Measure memory per connection, in runs of their own.
  std::vector<int> server_cpus;  ///< CPU numbers; empty: not given.
  bool no_halt = false;          ///< Keep idle CPUs from halting.
  std::chrono::nanoseconds idle_timeout{std::chrono::seconds{60}};
};

/// Options of `bench serve`: one service under one model.
struct ServeOptions {
  const Model* model = nullptr;
  const Service* service = nullptr;
  Parameters parameters;  ///< Of the service, all of them.
  std::chrono::nanoseconds service_cpu{0};
  std::chrono::nanoseconds service_wait{0};
  std::string bind = "127.0.0.1";                   ///< Numeric IPv4 or IPv6 address.
  std::uint16_t port = 8080;                        ///< 0: one that is free.
  std::optional<std::uint32_t> workers;             ///< Units of a pool; without it, the CPUs.
  std::uint64_t stack_bytes = default_stack_bytes;  ///< Of a fiber.
  std::vector<int> cpus;                            ///< CPU numbers; empty: all.
  std::chrono::nanoseconds idle_timeout{std::chrono::seconds{60}};
};

/// What `load` takes for one window, which is all that it measures unless it is told otherwise.
inline ClientOptions one_long_window() {
  ClientOptions client;
  client.duration = std::chrono::seconds(2);
  client.warmup = std::chrono::milliseconds(500);
  return client;
}

/// Options of `bench load`: any server under each combination of connections and rates. Repetitions, seed and output
/// are in Options.
struct LoadOptions : RateOptions {  // never RateMode::common, for there is but one server
  std::string url;                  ///< SCHEME://REST, otherwise as it was given.
  std::vector<std::uint32_t> connections{100};
  std::optional<std::uint32_t> active;  ///< No more than any of `connections`; without it, all are active.
  GivenParameters parameters;           ///< Of the service that the URL's scheme names; one value of each.
  std::uint32_t pipeline = 1;
  ClientOptions client = one_long_window();
  std::string unix_path;                       ///< Of the socket where the server listens; empty: where the URL says.
  Sources sources = Sources::automatic;        ///< Which addresses the connections come from.
  bool verify = true;                          ///< Whether a server that speaks TLS has to prove who it is.
  std::optional<pid_t> server_pid;             ///< Of the server, where its CPU time is to be read.
  std::optional<std::uint32_t> expect_status;  ///< Of every reply; without it 200.
  std::optional<ReplyCheck> check;             ///< Without it all of the reply is compared.
  std::string method;                          ///< Of the requests, where the protocol has one; empty: the usual one.
  std::vector<std::string> headers;            ///< "Name: value"
  std::string body;
};

}  // namespace bench
