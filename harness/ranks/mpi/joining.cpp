#include "harness/ranks/mpi/joining.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "harness/ranks/handshake.h"
#include "harness/ranks/lifeline.h"
#include "harness/text/addresses.h"
#include "measure/clock.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

// All ranks know of it, and those that follow leave in good order.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string pack(const std::vector<in_addr>& addresses) {
  return {reinterpret_cast<const char*>(addresses.data()), addresses.size() * sizeof(in_addr)};
}

std::vector<in_addr> unpack(const std::string& packed) {
  std::vector<in_addr> addresses(packed.size() / sizeof(in_addr));
  std::memcpy(addresses.data(), packed.data(), packed.size());
  return addresses;
}

class Joining {
 public:
  Joining(const CrewSetup& setup, const Mpi& mpi) : setup_(setup), rank_(mpi.rank()), ranks_(mpi.ranks()) {}

  Joined join() {
    shake_hands();
    choose();
    meet();
    return std::move(joined_);
  }

 private:
  bool leads() const { return rank_ == 0; }

  // By all together: what the leader says of it goes no further where it is empty.
  void refuse(const std::string& why) const {
    const std::string refusal = broadcast(leads() ? why : "");
    if (!refusal.empty()) throw Refusal(refusal);
  }

  void shake_hands() {
    const std::vector<std::string> texts = gather(hello_of(setup_.options, setup_.plan, setup_.machine, rank_).dump());
    std::vector<Json> hellos;
    for (const std::string& text : texts) hellos.push_back(Json::parse(text, nullptr, false));
    refuse(leads() ? refusals_of(hellos) : "");
    for (const Json& hello : hellos) keep(hello);
    refuse(leads() ? why_not_there(joined_.machines) : "");
  }

  // All were told the same, so that all come to the same.
  void choose() {
    try {
      joined_.roles = choose_roles(setup_.options.over, setup_.options.load.has_value(), ranks_);
    } catch (const std::runtime_error& error) {
      throw Refusal(error.what());
    }
    for (CrewHost& host : joined_.hosts) host.role = joined_.roles.serves(host.rank) ? "server" : "load generator";
  }

  void keep(const Json& hello) {
    joined_.hosts.push_back({.rank = hello.at("rank"),
                             .host = hello.at("host"),
                             .role = {},
                             .address = {},
                             .cpu_model = hello.at("cpu_model"),
                             .kernel = hello.at("kernel"),
                             .cpus = hello.at("cpus"),
                             .memory_bytes = hello.at("memory_bytes"),
                             .warning = hello.at("warning")});
    RankMachine machine{.host = hello.at("host"),
                        .ports = hello.at("ports"),
                        .skipped = {},
                        .addresses = {},
                        .local_target = hello.at("local_target")};
    machine.skipped.resize(setup_.plan.cells.size());
    for (const auto& [cell, why] : hello.at("skipped").items()) machine.skipped[std::stoul(cell)] = why;
    joined_.machines.push_back(std::move(machine));
  }

  // Everyone finds a way to the leader, whose connections are the lifelines, and to each server.
  void meet() {
    joined_.lifelines.resize(ranks_);
    std::set<std::uint32_t> met(joined_.roles.servers.begin(), joined_.roles.servers.end());
    met.insert(0);
    for (const std::uint32_t host : met) meet_at(host);
    tell_addresses();
  }

  void meet_at(std::uint32_t host) {
    const Token token = broadcast_value(make_token(), host);
    std::string packed = host == rank_ ? pack(addresses_to_try()) : "";
    const std::vector<in_addr> addresses = unpack(broadcast(std::move(packed), host));
    std::optional<Meeting> meeting;
    if (host == rank_) meeting.emplace(token);
    const std::uint16_t port = broadcast_value(meeting ? meeting->port() : std::uint16_t{0}, host);
    if (meeting) {
      receive_all(*meeting, host, longest_search(addresses.size()));
    } else if (std::optional<Way> way = find_way(addresses, port, token, rank_)) {
      joined_.ways[host] = way->address;
      if (host == 0) joined_.to_leader = std::move(way->connection);
    }
    const bool reached = rank_ == host || joined_.ways.contains(host);
    const std::uint32_t without = least_of_all(reached ? UINT32_MAX : rank_);
    if (without == UINT32_MAX) return;
    std::vector<std::string> tried;
    for (const in_addr address : addresses) tried.push_back(text_of(address));
    const auto name = [&](std::uint32_t rank) { return leads() ? joined_.machines[rank].host : std::to_string(rank); };
    throw Refusal(
        fmt::format("rank {} on host {} reaches host {} at none of its addresses ({}); a firewall may be between them, "
                    "or --server-address names one that it reaches",
                    without, name(without), name(host), fmt::join(tried, ", ")));
  }

  std::vector<in_addr> addresses_to_try() const {
    const std::string& given = setup_.options.over.server_address;
    if (given.empty() || !joined_.roles.serves(rank_)) return own_addresses();
    in_addr address{};
    inet_pton(AF_INET, given.c_str(), &address);
    return {address};
  }

  // Whoever does not come has tried all addresses by then.
  void receive_all(Meeting& meeting, std::uint32_t host, std::chrono::nanoseconds patience) {
    std::set<std::uint32_t> missing;
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      if (rank != host) missing.insert(rank);
    }
    const std::int64_t deadline_ns = now_ns() + patience.count();
    while (!missing.empty() && now_ns() < deadline_ns) {
      std::optional<Meeting::Guest> guest = meeting.next_guest(200ms);
      if (!guest || guest->rank >= ranks_ || guest->rank == host) continue;
      missing.erase(guest->rank);  // or comes once more, since it gave up the way before
      if (host == 0) joined_.lifelines[guest->rank] = std::move(guest->connection);
    }
  }

  // The leader learns how each server is reached: for the record, and since a server of datagrams answers from one
  // address.
  void tell_addresses() {
    Json mine = Json::object();
    for (const auto& [host, address] : joined_.ways) mine[std::to_string(host)] = text_of(address);
    for (const std::string& text : gather(mine.dump())) {
      const Json ways = Json::parse(text);
      for (const auto& [host, address] : ways.items()) {
        const auto rank = static_cast<std::uint32_t>(std::stoul(host));
        if (joined_.roles.serves(rank)) joined_.machines[rank].addresses.insert(address.get<std::string>());
      }
    }
    for (CrewHost& host : joined_.hosts) {
      host.address = fmt::format("{}", fmt::join(joined_.machines[host.rank].addresses, ", "));
    }
  }

  const CrewSetup& setup_;
  const std::uint32_t rank_;
  const std::uint32_t ranks_;
  Joined joined_;
};

}  // namespace

Joined join_ranks(const CrewSetup& setup, Mpi& mpi) {
  try {
    return Joining(setup, mpi).join();
  } catch (const Refusal&) {
    if (mpi.rank() == 0) throw;
    mpi.finalize();    // and the leader says why
    leave_at_once(0);  // the exit status is the leader's
  } catch (const std::exception& error) {
    // The others are at another place, and wait. What MPI makes of it comes after this.
    fmt::print(stderr, "bench: rank {} on host {}: {}\n", mpi.rank(), setup.machine.host, error.what());
    leave_at_once(1);
  }
}

}  // namespace bench
