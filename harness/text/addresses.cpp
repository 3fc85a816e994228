#include "harness/text/addresses.h"

#include <arpa/inet.h>

#include <array>

namespace bench {

std::string text_of(in_addr address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  return inet_ntop(AF_INET, &address, text.data(), text.size());
}

}  // namespace bench
