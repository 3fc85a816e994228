// Services for tests only, each the echo service with one fault, to see that a load notices and names it.
//
//   wrong-reply      every tenth reply of a connection has a wrong last byte
//   closes           in the place of a connection's tenth reply its end comes
//   aborts           in the place of a connection's tenth reply the server's unit dies
//   session-throws   in the place of a connection's tenth reply the session throws
//   silent           takes all requests and answers none
//   slow-client      no fault of the server: the client takes half a millisecond over each reply
#pragma once

#include <span>

#include "workloads/service.h"

namespace bench {

/// The rows above and nothing else.
RowList<Service> faulty_services();

}  // namespace bench
