// How far the ranks of one run have come, as its leader sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/ranks/messages.h"

namespace bench {

/// Of the ranks that take part in a run: what they have said, and what follows from that.
class RunProgress {
 public:
  RunProgress(std::vector<std::uint32_t> ranks, std::uint32_t of);

  const std::vector<std::uint32_t>& ranks() const { return ranks_; }
  std::uint32_t port() const { return port_; }
  std::uint32_t opened() const { return opened_; }

  void take(std::uint32_t rank, const Word& word);

  /// Leaves in `whole` how far all are with their connections together.
  void tell(Connecting& whole) const;

  /// The step that all have come to since the last that was opened, which is opened by this; nothing where there is
  /// none.
  std::optional<std::uint32_t> open_next();

  bool has_ended(std::uint32_t rank) const { return ended_[rank].has_value(); }
  bool all_ended() const;
  const Word& end_of(std::uint32_t rank) const { return *ended_[rank]; }

  /// Whether some part has failed, so that the others are to end, too.
  bool has_failed() const;

  /// How the whole has ended, once all parts have, and why it failed, with the hosts (by rank) that did; empty where it
  /// did not.
  RunOutcome outcome() const;
  std::string failure(const std::vector<std::string>& hosts) const;

 private:
  std::string waited_for(const std::vector<std::string>& hosts) const;

  std::vector<std::uint32_t> ranks_;
  std::vector<std::uint32_t> reached_;         // by rank
  std::vector<Word> connecting_;               // by rank
  std::vector<std::optional<Word>> ended_;     // by rank
  std::optional<std::uint32_t> first_failed_;  // whose end made the others end
  std::uint32_t opened_ = 0;
  std::uint32_t port_ = 0;
};

}  // namespace bench
