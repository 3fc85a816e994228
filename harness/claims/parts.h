// Parts that claims of several topics share: cells are run, and are in the result file, once.
#pragma once

#include "harness/claims/claim.h"

namespace bench {

inline constexpr Part many_waits{
    "--workload=io --model=serial,processes,threads,gil-threads,epoll,coroutines --tasks=20 --wait=5ms"};

}  // namespace bench
