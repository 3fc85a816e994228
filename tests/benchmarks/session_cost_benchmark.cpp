// What the code of a service costs per request, in nanoseconds and without sockets: to be far below the system calls
// of a request, which are microseconds.
//
//   build/release/tests/session_cost_benchmark [--benchmark_filter=session]
//
// session/SERVICE/N answers one request of a client, with a new session for each datagram where the service is UDP;
// exchange/SERVICE/N makes a request, answers it and checks the reply, with the copies that stand for the network;
// reply/foreign_http checks a reply such as nginx sends.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "tests/support/service_memory.h"
#include "workloads/http_client.h"
#include "workloads/service.h"

namespace {

using bench::Output;
using bench::Service;
using bench::Why;

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const Output& out) {
  Bytes bytes;
  std::array<iovec, 64> vectors;
  for (const iovec& vector : out.gather(vectors)) {
    const auto* const data = static_cast<const std::byte*>(vector.iov_base);
    bytes.insert(bytes.end(), data, data + vector.iov_len);
  }
  return bytes;
}

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void answer(benchmark::State& state, const Service& service, const Bytes& request) {
  bench::ServiceMemory memory(service);
  const bench::ServiceContext context = memory.context({});
  Output out;
  auto session = service.open(context);
  for ([[maybe_unused]] auto iteration : state) {
    if (service.transport == bench::Transport::udp) session = service.open(context);
    benchmark::DoNotOptimize(session->advance(Why::data, request, out).consumed);
    benchmark::DoNotOptimize(out.pending());
    out.clear();
  }
}

void answer_own_client(benchmark::State& state, const Service& service, std::uint64_t size) {
  Output out;
  service.exchange({.message_bytes = size}, 1, false)->request(out);
  answer(state, service, bytes_of(out));
}

// Both sides, since each reply has to be of its own request.
void exchange(benchmark::State& state, const Service& service, std::uint64_t size) {
  bench::ServiceMemory memory(service);
  const bench::ServiceContext context = memory.context({.message_bytes = size});
  const auto client = service.exchange(context.parameters, 1, false);
  const auto session = service.open(context);
  Output out;
  Bytes wire;
  for ([[maybe_unused]] auto iteration : state) {
    client->request(out);
    wire = bytes_of(out);
    out.clear();
    session->advance(Why::data, wire, out);
    wire = bytes_of(out);
    out.clear();
    if (client->reply(wire).verdict != bench::Verdict::complete) return state.SkipWithError("wrong reply");
  }
}

// Both sides of whole transfers.
void transfer(benchmark::State& state, const Service& service, std::uint64_t size) {
  const bench::ServiceContext context{.parameters = {.message_bytes = size}, .model = "none"};
  const auto client = service.exchange(context.parameters, 1, false);
  Output out;
  for ([[maybe_unused]] auto iteration : state) {
    const auto session = service.open(context);
    client->request(out);
    auto verdict = bench::Verdict::more;
    while (verdict == bench::Verdict::more) {
      Bytes wire = bytes_of(out);
      out.clear();
      session->advance(Why::data, wire, out);
      wire = bytes_of(out);
      out.clear();
      verdict = client->reply(wire).verdict;
      client->answer(out);
    }
    if (verdict != bench::Verdict::complete) return state.SkipWithError("wrong reply");
    out.clear();
  }
}

// As nginx replies, with its usual header.
void check_foreign_reply(benchmark::State& state, std::uint64_t size, bench::ReplyCheck check) {
  const auto client = bench::http_exchanges({.host = "127.0.0.1:8080", .path = "/1k", .check = check})();
  const Bytes reply = bytes_of(
      "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
      "Content-Type: application/octet-stream\r\nContent-Length: " +
      std::to_string(size) +
      "\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nConnection: keep-alive\r\n"
      "ETag: \"65920080-400\"\r\nAccept-Ranges: bytes\r\n\r\n" +
      std::string(size, 'x'));
  Output out;
  for ([[maybe_unused]] auto iteration : state) {
    client->request(out);
    out.clear();
    if (client->reply(reply).verdict != bench::Verdict::complete) return state.SkipWithError("wrong reply");
  }
}

const Service& service_named(std::string_view name) {
  for (const Service& service : bench::all_services()) {
    if (service.name == name) return service;
  }
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  const Service& http = service_named("http");
  for (const Service& service : bench::all_services()) {
    for (const std::uint64_t size : {std::uint64_t{2}, std::uint64_t{64}, std::uint64_t{1024}}) {
      const std::string name = std::string(service.name) + "/" + std::to_string(size);
      if (service.transport == bench::Transport::udp_transfers) {
        benchmark::RegisterBenchmark(("transfer/" + name).c_str(), transfer, service, size);
        continue;
      }
      benchmark::RegisterBenchmark(("session/" + name).c_str(), answer_own_client, service, size);
      benchmark::RegisterBenchmark(("exchange/" + name).c_str(), exchange, service, size);
    }
  }
  for (const std::string path : {"2", "1k", "64k"}) {
    benchmark::RegisterBenchmark(("session/http/GET_" + path).c_str(), answer, http,
                                 bytes_of("GET /" + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  // What curl and a browser send besides.
  benchmark::RegisterBenchmark(
      "session/http/GET_1k_browser", answer, http,
      bytes_of("GET /1k HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
               "Gecko/20100101 Firefox/128.0\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
               "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
               "Upgrade-Insecure-Requests: 1\r\n\r\n"));
  for (const std::uint64_t size : {std::uint64_t{2}, std::uint64_t{1024}}) {
    const std::string name = "reply/foreign_http/" + std::to_string(size);
    benchmark::RegisterBenchmark((name + "/length").c_str(), check_foreign_reply, size, bench::ReplyCheck::length);
    benchmark::RegisterBenchmark((name + "/body").c_str(), check_foreign_reply, size, bench::ReplyCheck::body);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
