// Transfers by the ring, of a job's tasks and of a service's sessions.
#pragma once

#include <cstdint>

#include "models/ring/ring.h"
#include "models/talk/host.h"

namespace bench {

/// Hands a transfer to the kernel, or does what the ring has no call for. After `later` its completion, under `tag`, is
/// told to go_on_with_transfer(); the operation stays where it is until then.
Done begin_transfer(Ring& ring, std::uint64_t tag, Operation& operation);

/// The completion has come to `result`. `later`: it is under way again.
Done go_on_with_transfer(Ring& ring, std::uint64_t tag, Operation& operation, int result);

}  // namespace bench
