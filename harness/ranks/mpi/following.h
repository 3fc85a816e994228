// A rank that does what the leader says.
#pragma once

#include "harness/ranks/mpi/parts.h"

namespace bench {

class Follower {
 public:
  Follower(const CrewSetup& setup, const Joined& joined, std::uint32_t rank);

  /// Until the leader is done. Without a leader there is nobody to work for: then the process ends, and with it its
  /// launcher and what that runs.
  void follow();

 private:
  void look_after_leader();
  /// False where the leader was done before that came to its end.
  bool carry_out(const RunRequest& request);

  const Joined& joined_;
  Parts parts_;
  std::int64_t next_beat_ns_ = 0;
};

}  // namespace bench
