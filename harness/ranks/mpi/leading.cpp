#include "harness/ranks/mpi/leading.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <thread>

#include "harness/run/service_run.h"
#include "measure/clock.h"

namespace bench {
namespace {

constexpr std::int64_t wish_ns = second_ns / 10;  // how often the session is asked, which shows its progress
constexpr std::int64_t longest_silence_ns = std::chrono::nanoseconds(longest_silence).count();

// Those of a run that are still at it.
void tell(const RunProgress& progress, const Order& order) {
  for (const std::uint32_t rank : progress.ranks()) {
    if (rank != 0 && !progress.has_ended(rank)) send_to(rank, Tag::order, order);
  }
}

void keep(const ServerFacts& facts, RunReport& report) {
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

}  // namespace

Leader::Leader(const CrewSetup& setup, const Joined& joined)
    : setup_(setup),
      joined_(joined),
      ranks_(static_cast<std::uint32_t>(joined.machines.size())),
      parts_(setup, joined, 0, [this] { return look_for_losses(); }),
      heard_ns_(ranks_, now_ns()),
      looked_ns_(now_ns()) {}

RunOutcome Leader::run(const RunRequest& request, const std::function<Wish()>& wish) {
  merged_.data()->clear();
  if (!lost_.empty()) return failed(lost_);
  try {
    return lead(request, wish);
  } catch (const std::exception& error) {  // of MPI, or of this rank's launcher
    look_for_losses();
    if (lost_.empty()) lost_ = fmt::format("rank 0 on host {} was lost: {}", host_of(0), error.what());
    return failed(lost_);
  }
}

RunOutcome Leader::lead(const RunRequest& request, const std::function<Wish()>& wish) {
  std::vector<std::uint32_t> ranks = joined_.roles.generators;
  if (!joined_.roles.servers.empty()) ranks.push_back(parts_.server_of(request));
  RunProgress progress(ranks, ranks_);
  Wish told = Wish::all;
  std::optional<RunRequest> own;
  for (const std::uint32_t rank : ranks) {
    RunRequest part = request;
    part.part = part_of_rank(joined_.roles, setup_.plan, request.cell, rank, joined_.machines);
    if (rank == 0) {
      own = part;
    } else {
      send_to(rank, Tag::order, Order{.kind = Order::Kind::run, .request = part});
    }
  }
  if (own) run_own_part(*own, progress, told, wish);
  while (lost_.empty() && !progress.all_ended()) {
    look(progress, told, wish);
    std::this_thread::sleep_for(glance);
  }
  return lost_.empty() ? finish(request, progress) : failed(lost_);
}

RunOutcome Leader::failed(const std::string& reason) {
  merged_.data()->failure.set(reason);
  return {};
}

// While it leads.
void Leader::run_own_part(const RunRequest& request, RunProgress& progress, Wish& told,
                          const std::function<Wish()>& wish) {
  progress.take(0, parts_.run(request, [&](RunSteps& steps) {
    progress.take(0, word_of(parts_.connecting()));
    progress.take(0, {.kind = Word::Kind::reached, .step = steps.reached.load(), .port = steps.port.load()});
    look(progress, told, wish);
    if (progress.opened() > steps.open.load()) Parts::go_on(steps, progress.opened(), progress.port());
    return lost_.empty() ? told : Wish::nothing;
  }));
}

// Takes what has been said, opens the next step once all have come to it, and hands on what is wished.
void Leader::look(RunProgress& progress, Wish& told, const std::function<Wish()>& wish) {
  if (!look_for_losses()) return;
  std::uint32_t rank = 0;
  for (Word word; receive_from(MPI_ANY_SOURCE, Tag::word, word, &rank);) progress.take(rank, word);
  progress.tell(merged_.data()->connecting);
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

// A connection that has closed, or over which nothing has come for long. False once one was lost.
bool Leader::look_for_losses() {
  const std::int64_t now = now_ns();
  // It may be this process that did not look for a while.
  if (now - looked_ns_ > longest_silence_ns / 2) heard_ns_.assign(ranks_, now);
  looked_ns_ = now;
  std::array<char, 64> pulses{};
  for (std::uint32_t rank = 1; rank < ranks_ && lost_.empty(); ++rank) {
    const ssize_t got = recv(joined_.lifelines[rank].get(), pulses.data(), pulses.size(), MSG_DONTWAIT);
    const bool closed = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    if (got > 0) heard_ns_[rank] = now;
    if (closed) {
      lost_ = fmt::format("rank {} on host {} was lost: its process has ended", rank, host_of(rank));
    } else if (now - heard_ns_[rank] > longest_silence_ns) {
      lost_ = fmt::format("rank {} on host {} was lost: it has not been heard of for {} s, as if it were stopped", rank,
                          host_of(rank), (now - heard_ns_[rank]) / second_ns);
    }
  }
  return lost_.empty();
}

// All parts have ended: the reason of that which failed, or what they have measured together.
RunOutcome Leader::finish(const RunRequest& request, const RunProgress& progress) {
  const RunOutcome outcome = progress.outcome();
  if (outcome.cancelled) return outcome;
  std::vector<std::string> hosts;
  for (const RankMachine& machine : joined_.machines) hosts.push_back(machine.host);
  if (const std::string why = progress.failure(hosts); !why.empty()) return failed(why);
  const auto took_part = [&](std::uint32_t rank) {
    return std::ranges::find(progress.ranks(), rank) != progress.ranks().end();
  };
  for (std::uint32_t rank = 1; rank < ranks_; ++rank) {
    send_to(rank, Tag::order, Order{.kind = Order::Kind::merge, .took_part = took_part(rank)});
  }
  RunReport& merged = *merged_.data();
  if (!parts_.reduce(took_part(0), merged)) return failed(lost_);
  const bool foreign = joined_.roles.servers.empty();
  keep(progress.end_of(foreign ? joined_.roles.generators.front() : parts_.server_of(request)).server, merged);
  add_computation(setup_.plan, request, merged.service);
  return outcome;
}

void Leader::dismiss() {
  if (!lost_.empty()) return;
  try {
    for (std::uint32_t rank = 1; rank < ranks_; ++rank) send_to(rank, Tag::order, Order{.kind = Order::Kind::dismiss});
  } catch (const MpiError& error) {
    lost_ = error.what();
    return;
  }
  // Each closes its lifeline as soon as it knows; until then those that are left here stay open.
  const std::int64_t deadline_ns = now_ns() + longest_silence_ns;
  for (std::uint32_t rank = 1; rank < ranks_; ++rank) {
    std::array<char, 64> pulses{};
    while (recv(joined_.lifelines[rank].get(), pulses.data(), pulses.size(), MSG_DONTWAIT) != 0) {
      if (now_ns() > deadline_ns) {
        lost_ = fmt::format("rank {} on host {} was lost: it does not end", rank, host_of(rank));
        return;
      }
      std::this_thread::sleep_for(glance);
    }
  }
}

}  // namespace bench
