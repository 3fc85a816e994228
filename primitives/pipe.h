// A pipe or a socket pair as a queue of items from one unit to another.
#pragma once

#include <array>
#include <cstdint>

#include "measure/primitive_run.h"
#include "workloads/unique_fd.h"

namespace bench {

/// What goes through a queue.
using Item = std::uint64_t;

/// Tells whoever receives it that no other will come.
inline constexpr Item last_item = ~Item{0};

/// One direction of a pair of descriptors. Pipes and sockets move so few bytes as a whole.
class Pipe {
 public:
  /// A pipe. Throws std::system_error.
  explicit Pipe(PrimitiveRun& run);

  /// One direction of a pair of Unix stream sockets. Throws std::system_error.
  static Pipe of_sockets(PrimitiveRun& run);

  /// One write. A failure fails the run.
  void put(Item item);

  /// One read. A failure fails the run.
  Item get();

 private:
  Pipe(PrimitiveRun& run, const std::array<int, 2>& ends) : run_(&run), in_(ends[0]), out_(ends[1]) {}

  PrimitiveRun* run_;
  UniqueFd in_;   // where items come out
  UniqueFd out_;  // where they go in
};

}  // namespace bench
