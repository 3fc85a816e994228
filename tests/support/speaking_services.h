// Services for tests only, of what no service of the table asks its model for yet. A request is a line.
//
//   room    publishes each line; every connection is sent all lines that were published while it was open, in order
//   errand  "write TEXT": writes TEXT to a file, reads it back and answers with it; "child N": answers with the status
//           of a child that ends with N
#pragma once

#include "workloads/service.h"

namespace bench {

extern const Service room_service;
extern const Service errand_service;

}  // namespace bench
