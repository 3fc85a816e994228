// The least that a server can be, to tell what of a latency is the network's.
#pragma once

#include "models/model.h"

namespace bench {

/// Sends back what comes (workloads/reflect.h), one thread over epoll; without sessions, deadlines or limits. It is no
/// model of concurrency and stands in no table of them: a row beside theirs, with which none is compared.
extern const Model reflector;

}  // namespace bench
