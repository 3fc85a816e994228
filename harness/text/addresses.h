// Addresses as people write them.
#pragma once

#include <netinet/in.h>

#include <string>

namespace bench {

/// "10.0.0.1"
std::string text_of(in_addr address);

}  // namespace bench
