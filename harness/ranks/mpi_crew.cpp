#include "harness/ranks/mpi_crew.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "harness/ranks/handshake.h"
#include "harness/ranks/lifeline.h"
#include "harness/ranks/merge.h"
#include "harness/ranks/messages.h"
#include "harness/ranks/mpi_calls.h"
#include "harness/ranks/roles.h"
#include "harness/ranks/run_progress.h"
#include "measure/clock.h"
#include "measure/shared_mapping.h"

namespace bench {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

enum Tag : int { order_tag = 1, word_tag };

// How often a rank looks for news: what a barrier costs at the most.
constexpr std::chrono::milliseconds glance{1};

constexpr std::int64_t wish_ns =
    second_ns / 10;  // how often the session is asked what it wishes, which shows its progress
constexpr std::int64_t heartbeat_ns = second_ns / 2;
constexpr std::int64_t silence_ns = 4 * second_ns;  // after which a rank is taken to be stopped

// MPI lets nobody go in good order once one of its processes is gone.
[[noreturn]] void leave_at_once(int status) {
  std::fflush(nullptr);
  _exit(status);
}

// Initialised as long as it lives, unless somebody was lost.
class Mpi {
 public:
  Mpi() {
    MPI_Init(nullptr, nullptr);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  }
  ~Mpi() { finalize(); }
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;

  void finalize() {
    if (!std::exchange(open_, false)) return;
    MPI_Finalize();
  }
  void abandon() { open_ = false; }

  std::uint32_t rank() const {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return static_cast<std::uint32_t>(rank);
  }
  std::uint32_t ranks() const {
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return static_cast<std::uint32_t>(ranks);
  }

 private:
  bool open_ = true;
};

class MpiCrew : public Crew {
 public:
  explicit MpiCrew(const CrewSetup& setup)
      : setup_(setup), rank_(mpi_.rank()), ranks_(mpi_.ranks()), roles_(roles_or_leave()) {
    shake_hands();
    meet();
  }

  bool leads() const override { return rank_ == 0; }
  const std::vector<CrewHost>& hosts() const override { return hosts_; }
  const std::string& lost() const override { return lost_; }

  bool follow() override {
    // Of what has started the ranks, which sends them to all: the leader decides what becomes of the plan.
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    while (true) {
      const std::optional<Order> order = next_order();
      if (!order) {
        look_after_leader();
        std::this_thread::sleep_for(glance);
        continue;
      }
      if (order->kind == Order::Kind::run) carry_out(order->request);
      if (order->kind == Order::Kind::merge) reduce(order->took_part);
      if (order->kind == Order::Kind::dismiss) return true;
    }
  }

  Runs runs() override {
    return {.run = [this](const RunRequest& request, const std::function<Wish()>& wish) { return lead(request, wish); },
            .report = merged_.data()};
  }

  void skip_what_does_not_fit(Plan& plan) const override { fit_to_ranks(plan, roles_, machines_); }

  void dismiss() override {
    if (std::exchange(dismissed_, true)) return;
    if (!lost_.empty()) {
      mpi_.abandon();
      return;
    }
    for (std::uint32_t rank = 1; rank < ranks_; ++rank) send(rank, {.kind = Order::Kind::dismiss});
    // Each closes its lifeline as soon as it knows; until then those that are left here stay open.
    const std::int64_t deadline_ns = now_ns() + silence_ns;
    for (std::uint32_t rank = 1; rank < ranks_; ++rank) {
      std::array<char, 64> pulses{};
      while (recv(lifelines_[rank].get(), pulses.data(), pulses.size(), MSG_DONTWAIT) != 0 && now_ns() < deadline_ns) {
        std::this_thread::sleep_for(glance);
      }
    }
  }

 private:
  // ---- Joining ----

  // What is wrong is said by the leader alone.
  Roles roles_or_leave() {
    try {
      return choose_roles(setup_.options.over, setup_.options.load.has_value(), ranks_);
    } catch (const std::exception&) {
      if (!leads()) leave_after(1);
      throw;
    }
  }

  void shake_hands() {
    const std::vector<std::string> texts = gather(hello_of(setup_.plan, setup_.machine, rank_).dump());
    std::vector<Json> hellos;
    for (const std::string& text : texts) hellos.push_back(Json::parse(text, nullptr, false));
    const std::string refusals = broadcast(leads() ? refusals_of(hellos) : "");
    if (!refusals.empty()) {
      if (!leads()) leave_after(1);  // whom the leader names
      throw std::runtime_error(refusals);
    }
    for (const Json& hello : hellos) keep(hello);
  }

  // Of a rank that has nothing to say.
  [[noreturn]] void leave_after(int status) {
    mpi_.finalize();
    leave_at_once(status);
  }

  void keep(const Json& hello) {
    const std::uint32_t rank = hello.at("rank");
    hosts_.push_back({.rank = rank,
                      .host = hello.at("host"),
                      .role = roles_.serves(rank) ? "server" : "load generator",
                      .address = {},
                      .cpu_model = hello.at("cpu_model"),
                      .kernel = hello.at("kernel"),
                      .cpus = hello.at("cpus"),
                      .memory_bytes = hello.at("memory_bytes"),
                      .warning = hello.at("warning")});
    RankMachine machine{.host = hello.at("host"), .ports = hello.at("ports"), .skipped = {}};
    machine.skipped.resize(setup_.plan.cells.size());
    for (const auto& [cell, why] : hello.at("skipped").items()) machine.skipped[std::stoul(cell)] = why;
    machines_.push_back(std::move(machine));
  }

  // Everyone finds a way to the leader, whose connections are the lifelines, and to each server.
  void meet() {
    lifelines_.resize(ranks_);
    std::set<std::uint32_t> met(roles_.servers.begin(), roles_.servers.end());
    met.insert(0);
    for (const std::uint32_t host : met) meet_at(host);
    heard_ns_.assign(ranks_, now_ns());
    looked_ns_ = now_ns();
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
      receive_all(*meeting, host);
    } else if (std::optional<Way> way = find_way(addresses, port, token, rank_)) {
      ways_[host] = way->address;
      if (host == 0) to_leader_ = std::move(way->connection);
    }
    const bool reached = rank_ == host || ways_.contains(host);
    const std::uint32_t without = least_of_all(reached ? UINT32_MAX : rank_);
    if (without == UINT32_MAX) return;
    if (!leads()) leave_after(1);
    std::vector<std::string> tried;
    for (const in_addr address : addresses) tried.push_back(text_of(address));
    throw std::runtime_error(
        fmt::format("rank {} on host {} reaches host {} at none of its addresses ({}); a firewall may be between them, "
                    "or --server-address names one that it reaches",
                    without, host_of(without), host_of(host), fmt::join(tried, ", ")));
  }

  std::vector<in_addr> addresses_to_try() const {
    std::vector<in_addr> addresses = own_addresses();
    if (const std::string& text = setup_.options.over.server_address; !text.empty() && roles_.serves(rank_)) {
      in_addr given{};
      inet_pton(AF_INET, text.c_str(), &given);
      addresses = {given};
    }
    return addresses;
  }

  static std::string pack(const std::vector<in_addr>& addresses) {
    return {reinterpret_cast<const char*>(addresses.data()), addresses.size() * sizeof(in_addr)};
  }
  static std::vector<in_addr> unpack(const std::string& packed) {
    std::vector<in_addr> addresses(packed.size() / sizeof(in_addr));
    std::memcpy(addresses.data(), packed.data(), packed.size());
    return addresses;
  }

  // Whoever does not come has tried all addresses by then.
  void receive_all(Meeting& meeting, std::uint32_t host) {
    std::uint32_t missing = ranks_ - 1;
    const std::int64_t deadline_ns = now_ns() + 20 * second_ns;
    while (missing != 0 && now_ns() < deadline_ns) {
      std::optional<Meeting::Guest> guest = meeting.accept_one(200ms);
      if (!guest || guest->rank >= ranks_) continue;
      --missing;
      if (host == 0) lifelines_[guest->rank] = std::move(guest->connection);
    }
  }

  // The leader learns how each server is reached, for the record.
  void tell_addresses() {
    Json mine = Json::object();
    for (const auto& [host, address] : ways_) mine[std::to_string(host)] = text_of(address);
    const std::vector<std::string> all = gather(mine.dump());
    for (CrewHost& host : hosts_) {
      std::set<std::string> addresses;
      for (const std::string& text : all) {
        const Json ways = Json::parse(text);
        const auto found = ways.find(std::to_string(host.rank));
        if (found != ways.end() && roles_.serves(host.rank)) addresses.insert(found->get<std::string>());
      }
      host.address = fmt::format("{}", fmt::join(addresses, ", "));
    }
  }

  // ---- Following ----

  std::optional<Order> next_order() {
    int there = 0;
    MPI_Iprobe(0, order_tag, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
    if (there == 0) return std::nullopt;
    Order order;
    MPI_Recv(&order, sizeof order, MPI_BYTE, 0, order_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return order;
  }

  // Shows the leader that this process is alive and not stopped. Without a leader there is nobody to work for: launcher
  // and run end with this process.
  void look_after_leader() {
    char byte = 0;
    if (recv(to_leader_.get(), &byte, 1, MSG_DONTWAIT) == 0) leave_at_once(1);
    if (now_ns() < next_beat_ns_) return;
    next_beat_ns_ = now_ns() + heartbeat_ns;
    constexpr char pulse = '.';
    [[maybe_unused]] const auto sent = ::send(to_leader_.get(), &pulse, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void send_word(const Word& word) { MPI_Send(&word, sizeof word, MPI_BYTE, 0, word_tag, MPI_COMM_WORLD); }

  // Its part of a run, from which it tells each step and which goes on as the leader says.
  void carry_out(RunRequest request) {
    RunSteps& steps = prepare_part(request);
    std::uint32_t told = 0;
    Wish wish = Wish::all;
    const auto look = [&] {
      look_after_leader();
      if (const std::uint32_t reached = steps.reached.load(); reached > told) {
        told = reached;
        send_word({.kind = Word::Kind::reached, .step = told, .port = steps.port.load()});
      }
      while (const std::optional<Order> order = next_order()) {
        if (order->kind == Order::Kind::go_on) go_on(steps, order->step, order->port);
        if (order->kind == Order::Kind::end_soon) wish = std::max(wish, Wish::so_far);
        if (order->kind == Order::Kind::cancel) wish = Wish::nothing;
      }
      return wish;
    };
    const RunOutcome outcome = setup_.launcher.run(request, look, glance);
    send_word(end_of_part(request, outcome));
  }

  // ---- Leading ----

  void send(std::uint32_t rank, const Order& order) {
    MPI_Send(&order, sizeof order, MPI_BYTE, static_cast<int>(rank), order_tag, MPI_COMM_WORLD);
  }

  RunOutcome lead(const RunRequest& request, const std::function<Wish()>& wish) {
    merged_.data()->clear();
    if (!lost_.empty()) return failed(lost_);
    std::vector<std::uint32_t> ranks = roles_.generators;
    if (!roles_.servers.empty()) ranks.push_back(server_of(request));
    RunProgress progress(ranks, ranks_);
    Wish told = Wish::all;
    std::optional<RunRequest> own;
    for (const std::uint32_t rank : ranks) {
      RunRequest part = request;
      part.part = part_of_rank(roles_, setup_.plan, request.cell, rank);
      if (rank == 0) {
        own = part;
      } else {
        send(rank, {.kind = Order::Kind::run, .request = part});
      }
    }
    if (own) lead_and_run(*own, progress, told, wish);
    while (lost_.empty() && !progress.all_ended()) {
      look(progress, told, wish);
      std::this_thread::sleep_for(glance);
    }
    if (!lost_.empty()) return failed(lost_);
    return finish(request, progress);
  }

  RunOutcome failed(const std::string& reason) {
    merged_.data()->failure.set(reason);
    return {};
  }

  // The leader's own part, while it leads.
  void lead_and_run(RunRequest request, RunProgress& progress, Wish& told, const std::function<Wish()>& wish) {
    RunSteps& steps = prepare_part(request);
    const auto look_and_go_on = [&] {
      progress.take(0, {.kind = Word::Kind::reached, .step = steps.reached.load(), .port = steps.port.load()});
      look(progress, told, wish);
      if (progress.opened() > steps.open.load()) go_on(steps, progress.opened(), progress.port());
      return lost_.empty() ? told : Wish::nothing;
    };
    const RunOutcome outcome = setup_.launcher.run(request, look_and_go_on, glance);
    progress.take(0, end_of_part(request, outcome));
  }

  // Takes what has been said, opens the next step once all have come to it, and hands on what is wished.
  void look(RunProgress& progress, Wish& told, const std::function<Wish()>& wish) {
    look_for_losses();
    if (!lost_.empty()) return;
    take_words(progress);
    if (const std::optional<std::uint32_t> step = progress.open_next()) {
      tell(progress, {.kind = Order::Kind::go_on, .step = *step, .port = progress.port()});
    }
    Wish wanted = progress.has_failed() ? Wish::nothing : told;
    if (now_ns() >= next_wish_ns_) {
      next_wish_ns_ = now_ns() + wish_ns;
      wanted = std::max(wanted, wish());
    }
    if (wanted <= told) return;
    told = wanted;
    tell(progress, {.kind = wanted == Wish::nothing ? Order::Kind::cancel : Order::Kind::end_soon});
  }

  // Those of a run that are still at it.
  void tell(const RunProgress& progress, const Order& order) {
    for (const std::uint32_t rank : progress.ranks()) {
      if (rank != 0 && !progress.has_ended(rank)) send(rank, order);
    }
  }

  void take_words(RunProgress& progress) {
    while (true) {
      int there = 0;
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, word_tag, MPI_COMM_WORLD, &there, &status);
      if (there == 0) return;
      Word word;
      MPI_Recv(&word, sizeof word, MPI_BYTE, status.MPI_SOURCE, word_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      progress.take(static_cast<std::uint32_t>(status.MPI_SOURCE), word);
    }
  }

  // A connection that has closed, or over which nothing has come for long.
  void look_for_losses() {
    const std::int64_t now = now_ns();
    // It may be this process that did not look for a while.
    if (now - looked_ns_ > silence_ns / 2) heard_ns_.assign(ranks_, now);
    looked_ns_ = now;
    std::array<char, 64> pulses{};
    for (std::uint32_t rank = 1; rank < ranks_ && lost_.empty(); ++rank) {
      const ssize_t got = recv(lifelines_[rank].get(), pulses.data(), pulses.size(), MSG_DONTWAIT);
      const bool closed = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
      if (got > 0) heard_ns_[rank] = now;
      if (closed) {
        lost_ = fmt::format("rank {} on host {} was lost: its process has ended", rank, host_of(rank));
      } else if (now - heard_ns_[rank] > silence_ns) {
        lost_ = fmt::format("rank {} on host {} was lost: it has not been heard of for {} s, as if it were stopped",
                            rank, host_of(rank), (now - heard_ns_[rank]) / second_ns);
      }
    }
  }

  // All parts have ended: the reason of that which failed, or what they have measured together.
  RunOutcome finish(const RunRequest& request, const RunProgress& progress) {
    const RunOutcome outcome = progress.outcome();
    if (outcome.cancelled) return outcome;
    std::vector<std::string> hosts;
    for (const RankMachine& machine : machines_) hosts.push_back(machine.host);
    if (const std::string why = progress.failure(hosts); !why.empty()) return failed(why);
    const auto took_part = [&](std::uint32_t rank) {
      return std::ranges::find(progress.ranks(), rank) != progress.ranks().end();
    };
    for (std::uint32_t rank = 1; rank < ranks_; ++rank) {
      send(rank, {.kind = Order::Kind::merge, .took_part = took_part(rank)});
    }
    reduce(took_part(0));
    if (!lost_.empty()) return failed(lost_);
    const std::uint32_t watched = roles_.servers.empty() ? roles_.generators.front() : server_of(request);
    keep(progress.end_of(watched).server, *merged_.data());
    return outcome;
  }

  static void keep(const ServerFacts& facts, RunReport& report) {
    report.server.accepted.store(facts.accepted);
    report.server.open_peak.store(facts.open_peak);
    report.server.refused.store(facts.refused);
    report.server.timed_out.store(facts.timed_out);
    report.units_peak.store(facts.units_peak);
    report.service.to_stop_ns = facts.to_stop_ns;
    report.surroundings = facts.surroundings;
    report.throttling = facts.throttling;
    report.finished.store(1);
  }

  // ---- Both ----

  // The steps of a part that is to begin, which learns where its server is.
  RunSteps& prepare_part(RunRequest& request) {
    if (request.part.part == RunPart::load && !roles_.servers.empty()) {
      request.part.server = ways_.at(server_of(request));
    }
    last_ = request;
    RunSteps& steps = setup_.launcher.steps();
    std::memset(static_cast<void*>(&steps), 0, sizeof steps);
    return steps;
  }

  static void go_on(RunSteps& steps, std::uint32_t step, std::uint32_t port) {
    if (port != 0) steps.port.store(port);
    open_step(steps, static_cast<RunStep>(step));
  }

  Word end_of_part(const RunRequest& request, const RunOutcome& outcome) const {
    const RunReport& report = setup_.launcher.report();
    Word word{.kind = Word::Kind::ended,
              .outcome = outcome,
              .server = {.accepted = report.server.accepted.load(),
                         .open_peak = report.server.open_peak.load(),
                         .refused = report.server.refused.load(),
                         .timed_out = report.server.timed_out.load(),
                         .units_peak = report.units_peak.load(),
                         .to_stop_ns = report.service.to_stop_ns,
                         .surroundings = report.surroundings,
                         .throttling = report.throttling}};
    copy_text(failure_reason(outcome, report, request), word.reason);
    return word;
  }

  std::uint32_t server_of(const RunRequest& request) const {
    return roles_.servers[setup_.plan.cells[request.cell].server];
  }

  // Every rank's findings, at the leader as those of one run. Who had no part in it has nothing to add.
  void reduce(bool took_part) {
    const std::optional<RunRequest> part = took_part ? last_ : std::nullopt;
    const RunReport& own = part ? setup_.launcher.report() : *nothing_.data();
    RunReport& merged = *merged_.data();
    reductions_.add_up(own, merged);
    GeneratorFindings findings;
    if (part && part->part.part == RunPart::load) {
      findings = findings_of(own, rank_, setup_.machine.host, part->rate / part->part.generators);
    }
    const std::vector<GeneratorFindings> all = reductions_.collect(findings);
    if (!leads() || !lost_.empty()) return;
    for (const std::uint32_t rank : roles_.generators) merged.generators[merged.generator_count++] = all[rank];
  }

  // Until it is done, or a rank was lost, without which it never will be.
  void await(MPI_Request& request) {
    while (lost_.empty()) {
      int done = 0;
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done != 0) return;
      leads() ? look_for_losses() : look_after_leader();
      std::this_thread::sleep_for(100us);
    }
  }

  std::string host_of(std::uint32_t rank) const { return machines_[rank].host; }

  Mpi mpi_;
  const CrewSetup setup_;
  const std::uint32_t rank_;
  const std::uint32_t ranks_;
  const Roles roles_;
  std::vector<RankMachine> machines_;  // by rank; at the leader, as what follows
  std::vector<CrewHost> hosts_;
  std::vector<UniqueFd> lifelines_;
  std::vector<std::int64_t> heard_ns_;
  std::int64_t looked_ns_ = 0;
  std::string lost_;
  std::map<std::uint32_t, in_addr> ways_;  // to the leader and the servers, by rank
  UniqueFd to_leader_;
  std::int64_t next_beat_ns_ = 0;
  std::int64_t next_wish_ns_ = 0;
  bool dismissed_ = false;
  std::optional<RunRequest> last_;  // what this rank did of the last run that it had a part in
  SharedArray<RunReport> merged_{1};
  SharedArray<RunReport> nothing_{1};  // stays empty
  Reductions reductions_{[this](MPI_Request& request) { await(request); }};
};

}  // namespace

std::unique_ptr<Crew> join_over_mpi(const CrewSetup& setup) { return std::make_unique<MpiCrew>(setup); }

}  // namespace bench
