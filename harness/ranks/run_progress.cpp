#include "harness/ranks/run_progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace bench {

RunProgress::RunProgress(std::vector<std::uint32_t> ranks, std::uint32_t of)
    : ranks_(std::move(ranks)), reached_(of), connecting_(of), ended_(of) {}

void RunProgress::take(std::uint32_t rank, const Word& word) {
  if (word.kind == Word::Kind::ended) {
    ended_[rank] = word;
    if (word.reason[0] != '\0' && !first_failed_) first_failed_ = rank;
    return;
  }
  if (word.kind == Word::Kind::connecting) {
    connecting_[rank] = word;
    return;
  }
  reached_[rank] = word.step;
  if (word.port != 0) port_ = word.port;
}

void RunProgress::tell(Connecting& whole) const {
  std::uint64_t established = 0;
  std::array<std::uint64_t, load_error_kinds> errors{};
  for (const Word& word : connecting_) {
    established += word.established;
    for (std::size_t kind = 0; kind < errors.size(); ++kind) errors[kind] += word.errors[kind];
  }
  whole.established.store(established);
  for (std::size_t kind = 0; kind < errors.size(); ++kind) whole.errors[kind].store(errors[kind]);
}

// Whoever has ended well has passed all steps.
std::optional<std::uint32_t> RunProgress::open_next() {
  if (has_failed()) return std::nullopt;
  std::optional<std::uint32_t> least;
  for (const std::uint32_t rank : ranks_) {
    if (!ended_[rank]) least = std::min(least.value_or(UINT32_MAX), reached_[rank]);
  }
  if (!least || *least <= opened_) return std::nullopt;
  opened_ = *least;
  return least;
}

bool RunProgress::all_ended() const {
  return std::ranges::all_of(ranks_, [&](std::uint32_t rank) { return has_ended(rank); });
}

bool RunProgress::has_failed() const { return first_failed_.has_value(); }

// A part that was cancelled since another failed was not cancelled by the user.
RunOutcome RunProgress::outcome() const {
  RunOutcome whole;
  for (const std::uint32_t rank : ranks_) {
    const RunOutcome& part = ended_[rank]->outcome;
    whole.timed_out = whole.timed_out || part.timed_out;
    whole.cancelled = whole.cancelled || part.cancelled;
  }
  if (first_failed_ && !ended_[*first_failed_]->outcome.cancelled) whole.cancelled = false;
  return whole;
}

std::string RunProgress::failure(const std::vector<std::string>& hosts) const {
  if (!first_failed_) return {};
  const Word& first = *ended_[*first_failed_];
  std::string text = fmt::format("rank {} on host {}: {}", *first_failed_, hosts[*first_failed_], first.reason);
  if (first.outcome.timed_out) text += waited_for(hosts);
  return text;
}

// Who kept the others waiting at the step where the run stood.
std::string RunProgress::waited_for(const std::vector<std::string>& hosts) const {
  std::vector<std::string> late;
  for (const std::uint32_t rank : ranks_) {
    if (reached_[rank] <= opened_) late.push_back(fmt::format("rank {} on host {}", rank, hosts[rank]));
  }
  if (late.empty() || late.size() == ranks_.size() || opened_ + 1 >= step_names.size()) return {};
  return fmt::format("; the others waited for {} to be {}", fmt::join(late, ", "), step_names[opened_ + 1]);
}

}  // namespace bench
