#include "harness/ranks/roles.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "harness/text/quantities.h"
#include "measure/run_report.h"

namespace bench {
namespace {

std::string why_no_share(const Group& group, const Roles& roles, const std::vector<RankMachine>& machines) {
  const std::uint32_t connections = group.load.connections;
  const auto generators = static_cast<std::uint32_t>(roles.generators.size());
  if (connections < generators) {
    return fmt::format("{} connections are too few for {} load generators", connections, generators);
  }
  if (group.foreign) return {};  // one that is on this machine, too, has a spread of source addresses
  for (std::uint32_t number = 0; number < generators; ++number) {
    const RankMachine& machine = machines[roles.generators[number]];
    const std::uint32_t share = connections / generators + (number < connections % generators ? 1 : 0);
    if (machine.ports == 0 || share <= machine.ports) continue;
    return fmt::format(
        "host {} has {} ports for its {} connections; use more load generators, or widen the range there: sysctl -w "
        "net.ipv4.ip_local_port_range='1024 65535'",
        machine.host, format_count(machine.ports), format_count(share));
  }
  return {};
}

// "A", "A and B", or how many, where there are more.
std::string names_of(const std::vector<std::uint32_t>& ranks, const std::vector<RankMachine>& machines) {
  if (ranks.size() > 2) return fmt::format("{} machines", ranks.size());
  return ranks.size() == 1 ? machines[ranks[0]].host
                           : fmt::format("{} and {}", machines[ranks[0]].host, machines[ranks[1]].host);
}

// Where a server listens: where all reach it, or everywhere.
in_addr listening_address(const RankMachine& machine) {
  in_addr address{.s_addr = INADDR_ANY};
  if (machine.addresses.size() == 1) inet_pton(AF_INET, machine.addresses.begin()->c_str(), &address);
  return address;
}

}  // namespace

bool Roles::serves(std::uint32_t rank) const { return std::ranges::find(servers, rank) != servers.end(); }

Roles choose_roles(const OverOptions& over, bool foreign, std::uint32_t ranks) {
  const std::uint32_t servers = foreign ? 0 : over.servers;
  if (!foreign && (over.server_rank + servers > ranks || ranks <= servers)) {
    throw std::runtime_error(fmt::format(
        "{} server{} from rank {} on and at least one load generator are more than the {} rank{} that {} started: "
        "mpirun -n N starts N",
        servers, servers == 1 ? "" : "s", over.server_rank, ranks, ranks == 1 ? "" : "s", ranks == 1 ? "was" : "were"));
  }
  Roles roles;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    const bool serves = rank >= over.server_rank && rank < over.server_rank + servers;
    (serves ? roles.servers : roles.generators).push_back(rank);
  }
  if (roles.generators.size() > max_generators) {
    throw std::runtime_error(fmt::format("{} load generators are more than the {} that are possible",
                                         roles.generators.size(), max_generators));
  }
  return roles;
}

PartRequest part_of_rank(const Roles& roles, const Plan& plan, std::size_t index, std::uint32_t rank,
                         const std::vector<RankMachine>& machines) {
  const Cell& cell = plan.cells[index];
  const bool serves = roles.serves(rank);
  const auto number = std::ranges::find(roles.generators, rank) - roles.generators.begin();
  return {.part = serves ? RunPart::server : RunPart::load,
          .generator = serves ? 0 : static_cast<std::uint32_t>(number),
          .generators = static_cast<std::uint32_t>(roles.generators.size()),
          .server = serves ? listening_address(machines[rank]) : in_addr{},
          .seed = plan.seed,
          .compute_steps = plan.group_of(cell).load.parameters.compute_steps,
          .workers = cell.workers};
}

std::string why_not_there(const std::vector<RankMachine>& machines) {
  const auto is_elsewhere = [&](const RankMachine& machine) { return machine.host != machines.front().host; };
  if (std::ranges::none_of(machines, is_elsewhere)) return {};
  for (const RankMachine& machine : machines) {
    if (machine.local_target.empty()) continue;
    return fmt::format("{} is host {} itself as seen from there, and elsewhere another; give an address that all reach",
                       machine.local_target, machine.host);
  }
  return {};
}

void fit_to_ranks(Plan& plan, const Roles& roles, const std::vector<RankMachine>& machines) {
  for (std::size_t index = 0; index < plan.cells.size(); ++index) {
    Cell& cell = plan.cells[index];
    const Group& group = plan.group_of(cell);
    if (!group.foreign) {
      const RankMachine& server = machines[roles.servers[cell.server]];
      cell.skipped.reset();  // which was about the machine that leads
      if (const std::string& why = server.skipped[index]; !why.empty()) {
        cell.skipped = fmt::format("host {}: {}", server.host, why);
      }
      if (group.service->transport != Transport::tcp && server.addresses.size() > 1) {
        cell.skipped = fmt::format(
            "load generators reach host {} at {}, and a server of datagrams answers from one address; --server-address "
            "names one that all reach",
            server.host, fmt::join(server.addresses, " and "));
      }
      if (cell.shows_server) cell.label += fmt::format(" on {}", server.host);
    }
    if (const std::string why = why_no_share(group, roles, machines); !why.empty()) cell.skipped = why;
  }
  const std::string load = "load from " + names_of(roles.generators, machines);
  for (Group& group : plan.groups) {
    group.title +=
        group.foreign ? " · " + load : fmt::format(" · served by {}, {}", names_of(roles.servers, machines), load);
  }
}

}  // namespace bench
