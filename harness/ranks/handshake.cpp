#include "harness/ranks/handshake.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cstring>
#include <fstream>
#include <span>
#include <string_view>

#include "harness/report/build_info.h"
#include "harness/report/results.h"
#include "measure/affinity.h"
#include "workloads/digest.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

std::string text_of(const Digest& digest) { return fmt::format("{:016x}", digest.value()); }

std::string own_program_digest() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  Digest digest;
  std::vector<char> block(std::size_t{1} << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    digest.add(std::as_bytes(std::span(block).first(static_cast<std::size_t>(file.gcount()))));
  }
  return text_of(digest);
}

// A pool has as many workers as its machine has CPUs, unless it is told how many; the leader says what they are.
std::string without_workers(std::string name) {
  constexpr std::string_view key = "/workers:";
  const std::size_t begin = name.find(key);
  if (begin == std::string::npos) return name;
  const std::size_t end = name.find('/', begin + key.size());
  return name.erase(begin, end == std::string::npos ? end : end - begin);
}

// The cells by their names, and what all of them have in common: what every rank has to be told the same of.
std::string plan_digest(const Options& options, const Plan& plan) {
  Digest digest;
  const auto add = [&](std::string_view text) { digest.add(std::as_bytes(std::span(text))); };
  for (const Cell& cell : plan.cells) add(without_workers(cell.name) + "\n");
  for (const Group& group : plan.groups) add(group.foreign ? group.foreign->target.text : std::string());
  const ClientOptions& client = plan.services.client;
  add(fmt::format("{} {} {} {} {} {} {} {}", client.threads, client.requests_per_connection,
                  client.connect_deadline.count(), client.duration.value_or(0ns).count(),
                  client.warmup.value_or(-1ns).count(), client.request_timeout.value_or(0ns).count(),
                  static_cast<int>(client.arrivals), static_cast<int>(client.dispatch)));
  const OverOptions& over = options.over;
  add(fmt::format("{} {} {}", over.server_rank, over.servers, over.server_address));
  if (const auto& load = options.load) {
    add(fmt::format("{} {} {} {} {} {}", load->method, load->unix_path, load->verify, load->expect_status.value_or(0),
                    load->check ? static_cast<int>(*load->check) : -1, static_cast<int>(load->sources)));
    for (const std::string& header : load->headers) add(header + "\n");
    add(load->body);
  }
  return text_of(digest);
}

// To be reached on its own machine alone.
bool is_local(const Target& target) {
  switch (target.address.ss_family) {
    case AF_UNIX: return true;
    case AF_INET: {
      sockaddr_in address{};
      std::memcpy(&address, &target.address, sizeof address);
      const in_addr_t host = ntohl(address.sin_addr.s_addr);
      return host == INADDR_ANY || host >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
    }
    case AF_INET6: {
      sockaddr_in6 address{};
      std::memcpy(&address, &target.address, sizeof address);
      const in6_addr& host = address.sin6_addr;
      return IN6_IS_ADDR_UNSPECIFIED(&host) || IN6_IS_ADDR_LOOPBACK(&host) ||
             (IN6_IS_ADDR_V4MAPPED(&host) && host.s6_addr[12] == IN_LOOPBACKNET);
    }
    default: return false;
  }
}

std::string local_target(const Plan& plan) {
  for (const Group& group : plan.groups) {
    if (group.foreign && is_local(group.foreign->target)) return group.foreign->target.text;
  }
  return {};
}

// What starts ranks may bind each to fewer CPUs than there are.
std::string binding_warning(const Machine& machine) {
  const auto given = static_cast<std::uint32_t>(available_cpus());
  if (given >= machine.cpus) return {};
  return fmt::format("may use {} of its {} CPUs; mpirun --bind-to none gives it all", given, machine.cpus);
}

std::string word_of(const Json& hello, const char* name) {
  const auto found = hello.find(name);
  if (found == hello.end()) return "unknown";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

// Why a rank cannot work with the first; empty where it can.
std::string why_not(const Json& first, const Json& other) {
  struct Field {
    const char* name;
    const char* what;
  };
  const std::string host = word_of(first, "host");
  for (const auto& [name, what] :
       {Field{"version", "version"}, Field{"schema", "schema of results"}, Field{"revision", "revision"},
        Field{"compiler", "compiler"}, Field{"flags", "compiler's flags"}}) {
    if (word_of(other, name) == word_of(first, name)) continue;
    return fmt::format("its {} is '{}', that of rank 0 on host {} is '{}'", what, word_of(other, name), host,
                       word_of(first, name));
  }
  if (word_of(other, "program") != word_of(first, "program")) {
    return fmt::format(
        "its program is another build of the same sources than that of rank 0; copy that of host {} there", host);
  }
  if (word_of(other, "plan") != word_of(first, "plan")) return "it was given other options than rank 0";
  return {};
}

}  // namespace

Json hello_of(const Options& options, const Plan& plan, const Machine& machine, std::uint32_t rank) {
  Json skipped = Json::object();
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    if (plan.cells[cell].skipped) skipped[std::to_string(cell)] = *plan.cells[cell].skipped;
  }
  return {{"rank", rank},
          {"host", machine.host},
          {"version", build_info.version},
          {"revision", build_info.git_revision},
          {"compiler", build_info.compiler},
          {"flags", build_info.flags},
          {"program", own_program_digest()},
          {"schema", schema_version},
          {"plan", plan_digest(options, plan)},
          {"cpu_model", machine.cpu_model},
          {"kernel", machine.kernel},
          {"cpus", available_cpus()},
          {"memory_bytes", machine.memory_bytes},
          {"warning", binding_warning(machine)},
          {"ports", machine.ports},
          {"local_target", local_target(plan)},
          {"skipped", std::move(skipped)}};
}

std::string refusals_of(const std::vector<Json>& hellos) {
  std::string text;
  for (std::size_t rank = 1; rank < hellos.size(); ++rank) {
    const std::string why = why_not(hellos[0], hellos[rank]);
    if (why.empty()) continue;
    text += fmt::format("{}rank {} on host {} cannot take part: {}", text.empty() ? "" : "\n", rank,
                        word_of(hellos[rank], "host"), why);
  }
  return text;
}

}  // namespace bench
