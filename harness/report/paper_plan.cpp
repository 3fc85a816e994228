#include "harness/report/paper_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "harness/summary/statistics.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

// A generator that has less time left sends late, and a server's queue grows without bound.
constexpr double comfortable = 0.7;

constexpr double bits_per_byte = 8;

double median_or_0(const std::vector<double>& values) { return values.empty() ? 0 : median(values); }

double generator_cpu_ns(const LoadCounts& load) {
  return static_cast<double>(load.cpu_ns) / static_cast<double>(load.requests_completed);
}

bool is_like(const Group& measured, const Group& target) {
  return measured.service == target.service && measured.parameters == target.parameters &&
         measured.load.pipeline == target.load.pipeline && measured.load.service_cpu == target.load.service_cpu &&
         measured.load.parameters.wait == target.load.parameters.wait &&
         measured.load.parameters.heavy_share == target.load.parameters.heavy_share;
}

bool is_like(const Cell& measured, const Cell& target) {
  return measured.model == target.model && (!target.shows_workers || measured.workers == target.workers);
}

double rounded_up(double value) { return std::ceil(value - 1e-9); }

std::string generators_text(const Group& group, const CostFigures& costs, const Machine& machine, std::uint32_t hosts) {
  const double connections = group.load.connections;
  const double bearable = comfortable * machine.cpus * 1e9 / costs.generator_cpu_ns;
  const double for_rate = group.load.rate > 0 ? rounded_up(group.load.rate / bearable) : 1;
  const double for_ports = machine.ports > 0 ? rounded_up(connections / machine.ports) : 1;
  const double needed = std::max(for_rate, for_ports);
  const double there = hosts - 1;
  std::string text =
      fmt::format("  load generators: a request costs {} of CPU, so {} CPUs make {}/s when {:.0f}% busy",
                  format_duration(costs.generator_cpu_ns), machine.cpus, format_count(bearable), comfortable * 100);
  if (group.load.rate > 0) text += fmt::format(": {} for {}/s", format_count(for_rate), format_count(group.load.rate));
  if (machine.ports > 0) {
    text += fmt::format("; {} ports each: {} for {} connections", format_count(machine.ports), format_count(for_ports),
                        format_count(connections));
  }
  return text + fmt::format(".\n    {} needed, {} there: {}\n", format_count(needed), format_count(there),
                            needed <= there ? "enough" : fmt::format("{} too few", format_count(needed - there)));
}

std::string server_text(const Group& group, const Cell& cell, const CostFigures& costs, const Machine& machine) {
  if (costs.server_cpu_ns <= 0) return fmt::format("  {} as the server: was not measured\n", cell.label);
  std::string text =
      fmt::format("  {} as the server: {} of CPU a request", cell.label, format_duration(costs.server_cpu_ns));
  if (group.load.rate > 0) {
    const double cpus = group.load.rate * costs.server_cpu_ns / 1e9 / comfortable;
    text += fmt::format(", so {:.1f} CPUs that are {:.0f}% busy; this machine has {}", cpus, comfortable * 100,
                        machine.cpus);
  } else {
    text += fmt::format(", so this machine's {} CPUs bear {}/s when {:.0f}% busy", machine.cpus,
                        format_count(comfortable * machine.cpus * 1e9 / costs.server_cpu_ns), comfortable * 100);
  }
  if (costs.server_connection_bytes > 0) {
    text += fmt::format("; {} for its connections, of {}",
                        format_bytes(costs.server_connection_bytes * group.load.connections),
                        format_bytes(static_cast<double>(machine.memory_bytes)));
  }
  return text + fmt::format(" ({} runs)\n", costs.runs);
}

std::string group_text(const Plan& target, const Group& group, const Plan& measured, const Results& results,
                       const Machine& machine, std::uint32_t hosts) {
  std::string servers;
  CostFigures known;
  for (const std::size_t index : group.cells) {
    const Cell& cell = target.cells[index];
    const CostFigures costs = cost_figures(measured, results, target, cell);
    servers += server_text(group, cell, costs, machine);
    known = costs;
  }
  if (known.generator_cpu_ns <= 0) {
    throw std::runtime_error(fmt::format(
        "the figures have no run of {} with such requests that may be believed; measure one here: bench run "
        "--workload={} --rate=common --out=FILE",
        group.name(), group.name()));
  }
  std::string text = group.title + "\n" + generators_text(group, known, machine, hosts) + servers;
  if (group.load.rate > 0) {
    text += fmt::format("  network: {:.2f} Gbit/s of requests and replies, without their headers\n",
                        group.load.rate * known.bytes * bits_per_byte / 1e9);
  }
  return text;
}

}  // namespace

CostFigures cost_figures(const Plan& measured, const Results& results, const Plan& target, const Cell& cell) {
  std::vector<double> generator;
  std::vector<double> bytes;
  std::vector<double> server;
  std::vector<double> memory;
  if (measured.services.client.requests_per_connection != target.services.client.requests_per_connection) return {};
  for (std::size_t index = 0; index < measured.cells.size(); ++index) {
    const Cell& other = measured.cells[index];
    if (other.model->is_ideal || !is_like(measured.group_of(other), target.group_of(cell))) continue;
    const bool same_server = is_like(other, cell);
    const CellResult& result = results.cells[index];
    if (same_server && result.memory) memory.push_back(result.memory->user_bytes + result.memory->kernel_bytes);
    for (const Sample& sample : result.samples) {
      if (!why_invalid(sample).empty() || sample.service->load.requests_completed == 0) continue;
      const LoadCounts& load = sample.service->load;
      generator.push_back(generator_cpu_ns(load));
      bytes.push_back(static_cast<double>(load.received_bytes + load.sent_bytes) /
                      static_cast<double>(load.requests_completed));
      if (same_server && sample.cpu_ns > 0) server.push_back(sample.cpu_ns);
    }
  }
  return {.runs = server.size(),
          .generator_cpu_ns = median_or_0(generator),
          .server_cpu_ns = median_or_0(server),
          .bytes = median_or_0(bytes),
          .server_connection_bytes = median_or_0(memory)};
}

std::string paper_plan_text(const Plan& target, const Plan& measured, const Results& results, const Machine& machine,
                            std::uint32_t hosts) {
  std::string text = fmt::format("On paper, for {} machines like this one ({} CPUs, {}), one of which serves:\n", hosts,
                                 machine.cpus, format_bytes(static_cast<double>(machine.memory_bytes)));
  for (const Group& group : target.groups) {
    if (group.kind() != Kind::service) continue;
    text += "\n" + group_text(target, group, measured, results, machine, hosts);
  }
  return text +
         "\nThis assumes that a request costs on many CPUs, and among more connections, what it cost where it was "
         "measured,\nthat all machines are like this one, and that the network between them bears the load. Costs per "
         "request rise with\nconnections that are seldom in a cache: measure with as many as one machine takes, and "
         "take "
         "the plan for a lower bound.\n";
}

}  // namespace bench
