#include "harness/options/service_flags.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string_view>
#include <system_error>

#include "harness/options/choices.h"
#include "harness/options/choose.h"
#include "harness/options/workload_parameters.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

constexpr std::uint64_t no_bound = std::numeric_limits<std::uint64_t>::max();

// ---- Values ----

double read_rate(const Flags& flags, const std::string& text) {
  const double rate = flags.value("rate", text, parse_number);
  if (rate <= 0 || rate > max_given_rate) {
    usage_error("rate", text, "must be more than 0 and at most 10,000,000 requests per second");
  }
  return rate;
}

void read_rates(const Flags& flags, RateOptions& options) {
  if (!flags.given("rate")) return;
  options.rate_mode = RateMode::fixed;
  const std::vector<std::string> parts = split(flags.text("rate"), ',');
  for (const std::string& part : parts) {
    const bool search = part == "search";
    if (search || part == "common") {
      if (parts.size() > 1) usage_error("rate", flags.text("rate"), fmt::format("'{}' stands alone", part));
      options.rate_mode = search ? RateMode::search : RateMode::common;
      return;
    }
    const bool word = !part.empty() && part.find_first_of("0123456789") == std::string::npos;
    if (word) {
      constexpr std::array<std::string_view, 2> words{"search", "common"};
      usage_error("rate", part,
                  fmt::format("expected requests per second, such as 500 or 50k, or search, or common{}",
                              did_you_mean(part, words)));
    }
    options.rates.push_back(read_rate(flags, part));
  }
  drop_repeated(options.rates);
}

// "p99<10ms"
Slo parse_slo(std::string_view text) {
  constexpr auto quantiles =
      std::to_array<std::pair<std::string_view, double>>({{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}});
  const std::size_t less = text.find('<');
  const auto found = std::ranges::find(quantiles, text.substr(0, less), &std::pair<std::string_view, double>::first);
  if (less == std::string_view::npos || found == quantiles.end()) {
    throw std::invalid_argument(
        "expected p50, p90, p99 or p99.9 and a bound, in quotes for the shell: --slo='p99<10ms'");
  }
  const std::chrono::nanoseconds limit(parse_duration_ns(text.substr(less + 1)));
  if (limit.count() == 0) throw std::invalid_argument("the bound must be more than 0");
  return {.quantile = found->second, .limit = limit};
}

void read_slo(const Flags& flags, RateOptions& options) {
  if (!flags.given("slo")) return;
  options.slo = flags.value("slo", flags.single("slo"), parse_slo);
  if (options.rate_mode != RateMode::search) {
    usage_error("slo", flags.text("slo"), "bounds a search only; give --rate=search");
  }
}

double read_heavy_share(const Flags& flags, const ServiceOptions& options) {
  if (!flags.given("heavy")) return 1;
  const std::string& text = flags.single("heavy");
  const double share = flags.value("heavy", text, parse_percentage);
  if (share == 0) usage_error("heavy", text, "must be more than 0% and at most 100%");
  const auto positive = [](std::chrono::nanoseconds duration) { return duration.count() > 0; };
  if (std::ranges::none_of(options.service_cpu, positive) && std::ranges::none_of(options.service_wait, positive)) {
    usage_error("heavy", text,
                "says whose requests are heavy, but nothing makes them so; give --service-cpu or --service-wait");
  }
  return share;
}

// Fewer connections cannot hold so many active ones.
void check_active(const Flags& flags, std::uint32_t active, std::uint32_t connections) {
  if (active <= connections) return;
  usage_error("active", fmt::to_string(active),
              fmt::format("more than --connections={}{}", connections,
                          flags.given("connections") ? "" : ", which is the default"));
}

ClientOptions read_client(const Flags& flags, ClientOptions client) {
  if (flags.given("arrivals")) {
    client.arrivals = flags.choice("arrivals", arrivals_choices);
    if (!flags.given("rate")) {
      usage_error("arrivals", flags.text("arrivals"), "a closed loop has no arrivals; give --rate");
    }
  }
  if (flags.given("dispatch")) {
    client.dispatch = flags.choice("dispatch", dispatch_choices);
    if (!flags.given("rate")) {
      usage_error("dispatch", flags.text("dispatch"), "in a closed loop each connection sends for itself; give --rate");
    }
  }
  client.requests_per_connection =
      flags.count_or("requests-per-connection", 0, no_bound, client.requests_per_connection);
  if (flags.given("duration")) client.duration = flags.positive_duration_or("duration", {});
  if (flags.given("warmup")) client.warmup = flags.duration_or("warmup", {});
  client.connect_deadline = flags.positive_duration_or("connect-deadline", client.connect_deadline);
  if (flags.given("timeout")) client.request_timeout = flags.positive_duration_or("timeout", {});
  client.threads = flags.count_or("client-threads", 1, max_client_threads, client.threads);
  client.cpus = flags.cpu_set("client-cpus");
  if (flags.given("raw-latencies")) client.raw_latencies = flags.text("raw-latencies");
  return client;
}

// Replaces the default where a list is given.
template <typename T>
void take_if_given(std::vector<T>& list, std::vector<T> given) {
  if (!given.empty()) list = std::move(given);
}

// ---- serve ----

const Model* read_served_model(const Flags& flags, const Tables& tables) {
  if (!flags.given("model")) {
    throw UsageError(
        "--model is missing: name the model to serve under, such as --model=epoll; `bench list` names them all");
  }
  const auto models = choose_models(tables, flags.text("model"));
  if (models.size() != 1) usage_error("model", flags.text("model"), "name one model; a server runs under one");
  return models.front();
}

const Service* read_served_service(const Flags& flags, const Tables& tables) {
  std::string names;
  for (const Service& service : tables.services) names += fmt::format("{}{}", names.empty() ? "" : ", ", service.name);
  if (!flags.given("workload")) {
    throw UsageError(fmt::format("--workload is missing: name the service to serve; there are {}", names));
  }
  const std::string& list = flags.text("workload");
  const ChosenWorkloads chosen = choose_workloads(tables, list);
  if (chosen.services.size() != 1 || !chosen.jobs.empty() || !chosen.primitives.empty()) {
    usage_error("workload", list, fmt::format("name one service; there are {}", names));
  }
  return chosen.services.front();
}

bool is_ipv4(const std::string& address) {
  in_addr parsed{};
  return inet_pton(AF_INET, address.c_str(), &parsed) == 1;
}

std::string read_bind(const Flags& flags, const std::string& otherwise) {
  if (!flags.given("bind")) return otherwise;
  const std::string& address = flags.text("bind");
  in6_addr parsed{};  // large enough for either
  if (inet_pton(AF_INET, address.c_str(), &parsed) != 1 && inet_pton(AF_INET6, address.c_str(), &parsed) != 1) {
    usage_error("bind", address, "expected a numeric IPv4 or IPv6 address, such as 127.0.0.1, 0.0.0.0 or ::1");
  }
  return address;
}

// ---- load ----

std::string read_url(const Flags& flags) {
  if (flags.positional().empty()) {
    throw UsageError("the URL of the server is missing, such as: bench load http://127.0.0.1:8080/");
  }
  if (flags.positional().size() > 1) {
    throw UsageError(fmt::format("unexpected argument '{}'; `bench load` takes one URL", flags.positional()[1]));
  }
  const std::string& url = flags.positional().front();
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == 0 || scheme_end == std::string::npos || scheme_end + 3 == url.size()) {
    throw UsageError(fmt::format("{}: expected a URL, such as http://127.0.0.1:8080/", url.empty() ? "''" : url));
  }
  return url;
}

// Which service the URL's scheme names is known later, so that it is enough here if any allows what is given.
GivenParameters read_any_parameters(const Flags& flags, const Tables& tables) {
  std::optional<UsageError> refusal;
  for (const WorkloadParameters& service : services_of(tables)) {
    try {
      return read_single_parameters(flags, {service});
    } catch (const UsageError& error) {
      if (!refusal) refusal = error;
    }
  }
  if (refusal) throw UsageError(*refusal);
  return {};
}

}  // namespace

OverOptions read_over(const Flags& flags) {
  OverOptions over;
  constexpr std::uint32_t most_ranks = 10'000;
  over.mpi = flags.given("over") && flags.choice("over", over_choices);
  over.server_rank = flags.count_or("server-rank", 0, most_ranks, over.server_rank);
  over.servers = flags.count_or("servers", 1, most_ranks, over.servers);
  if (flags.given("server-address")) {
    over.server_address = flags.text("server-address");
    if (!is_ipv4(over.server_address)) {
      usage_error("server-address", over.server_address, "expected a numeric IPv4 address, such as 10.0.0.1");
    }
  }
  if (over.servers > 1 && !over.server_address.empty()) {
    usage_error("server-address", over.server_address, "is one address, and --servers asks for more servers");
  }
  over.hosts = flags.count_or("hosts", 2, most_ranks, over.hosts);
  if (flags.given("figures")) over.figures = flags.text("figures");
  if (over.hosts != 0 && (!flags.given("dry-run") || over.figures.empty())) {
    usage_error(
        "hosts", flags.text("hosts"),
        "plans on paper, from figures of this machine: give --dry-run and --figures=RESULT, a file of such a load");
  }
  if (over.hosts == 0 && !over.figures.empty()) usage_error("figures", over.figures, "are what --hosts=N plans with");
  if (over.mpi) return over;
  for (const char* flag : {"server-rank", "servers", "server-address"}) {
    if (flags.given(flag)) usage_error(flag, flags.text(flag), "is of several machines; give --over=mpi");
  }
  return over;
}

ServiceOptions read_service_options(const Flags& flags) {
  ServiceOptions options;
  take_if_given(options.connections, flags.counts("connections", 1, max_connections));
  options.active = flags.counts("active", 1, max_connections);
  for (const std::uint32_t active : options.active) {
    for (const std::uint32_t connections : options.connections) check_active(flags, active, connections);
  }
  read_rates(flags, options);
  read_slo(flags, options);
  take_if_given(options.pipeline, flags.counts("pipeline", 1, max_pipeline));
  take_if_given(options.service_cpu, flags.durations("service-cpu"));
  take_if_given(options.service_wait, flags.durations("service-wait"));
  options.heavy_share = read_heavy_share(flags, options);
  options.client = read_client(flags, options.client);
  options.memory = flags.given("memory");
  options.server_cpus = flags.cpu_set("server-cpus");
  options.no_halt = flags.given("no-halt");
  options.idle_timeout = flags.positive_duration_or("idle-timeout", options.idle_timeout);
  return options;
}

ServeOptions read_serve_options(const Flags& flags, const Tables& tables) {
  ServeOptions options;
  options.model = read_served_model(flags, tables);
  options.service = read_served_service(flags, tables);
  const WorkloadParameters served = parameters_of(*options.service);
  check_parameters_taken(flags, {served}, services_of(tables));
  options.parameters = single_values(served, read_single_parameters(flags, {served}));
  options.service_cpu = flags.duration_or("service-cpu", options.service_cpu);
  options.service_wait = flags.duration_or("service-wait", options.service_wait);
  options.bind = read_bind(flags, options.bind);
  options.port = flags.count_or("port", 0, 65'535, options.port);
  if (flags.given("workers")) options.workers = flags.count_or("workers", 1, max_workers, 1U);
  check_workers_taken({options.model}, flags.given("workers"));
  if (flags.given("stack")) {
    options.stack_bytes = flags.bytes("stack", flags.single("stack"), min_stack_bytes, max_stack_bytes);
  }
  check_stack_taken({options.model}, flags.given("stack"));
  options.cpus = flags.cpu_set("server-cpus");
  options.idle_timeout = flags.positive_duration_or("idle-timeout", options.idle_timeout);
  return options;
}

// A name of HTTP: a token of RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
    return std::isalnum(c) != 0 || others.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool equals_ignoring_case(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

void check_header(const std::string& header) {
  const std::size_t colon = header.find(':');
  if (colon == std::string::npos || !is_token(std::string_view(header).substr(0, colon))) {
    usage_error("header", header, "is no 'Name: value'");
  }
  if (std::ranges::any_of(header, [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7F; })) {
    usage_error("header", header, "holds a control character");
  }
  for (const std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection", "Expect", "Upgrade"}) {
    if (equals_ignoring_case(std::string_view(header).substr(0, colon), own)) {
      usage_error("header", header, "says how the load itself sends, which it decides alone");
    }
  }
}

// The text itself, or what is in the file behind an '@'.
std::string read_body(const std::string& given) {
  if (!given.starts_with('@')) return given;
  const std::string path = given.substr(1);
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  if (!file || std::filesystem::is_directory(path, error)) usage_error("body", given, "the file cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

void read_request(const Flags& flags, LoadOptions& options) {
  options.headers = flags.each("header");
  for (const std::string& header : options.headers) check_header(header);
  if (flags.given("body")) options.body = read_body(flags.text("body"));
  if (flags.given("method")) {
    options.method = flags.text("method");
    if (!is_token(options.method) || options.method == "CONNECT") {
      usage_error("method", options.method, "is no method that a load can use");
    }
  }
}

LoadOptions read_load_options(const Flags& flags, const Tables& tables) {
  LoadOptions options;
  options.url = read_url(flags);
  take_if_given(options.connections, flags.counts("connections", 1, max_connections));
  if (flags.given("active")) {
    options.active = flags.count_or("active", 1, max_connections, 1U);
    for (const std::uint32_t connections : options.connections) check_active(flags, *options.active, connections);
  }
  read_rates(flags, options);
  if (options.rate_mode == RateMode::common) {
    usage_error("rate", "common", "there is one server; give requests per second, or search");
  }
  read_slo(flags, options);
  options.parameters = read_any_parameters(flags, tables);
  options.pipeline = flags.count_or("pipeline", 1, max_pipeline, options.pipeline);
  options.client = read_client(flags, options.client);
  if (flags.given("server-pid")) {
    constexpr std::uint64_t max_pid = 1U << 22;  // PID_MAX_LIMIT of 64-bit kernels
    options.server_pid = flags.count_or<pid_t>("server-pid", 1, max_pid, 1);
  }
  if (flags.given("expect-status")) options.expect_status = flags.count_or("expect-status", 100, 599, 0U);
  if (flags.given("check")) {
    options.check = flags.choice("check", check_choices);
  }
  read_request(flags, options);
  if (flags.given("unix")) {
    options.unix_path = flags.text("unix");
    if (options.unix_path.empty()) usage_error("unix", "", "is the path of a socket");
  }
  if (flags.given("source")) {
    options.sources = flags.choice("source", source_choices);
    if (!options.unix_path.empty()) usage_error("source", flags.text("source"), "a Unix socket has no addresses");
  }
  options.verify = !flags.given("insecure");
  return options;
}

}  // namespace bench
