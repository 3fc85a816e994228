#include "harness/claims/claim.h"

namespace bench {

std::string_view topic_letter(Topic topic) {
  constexpr std::array<std::string_view, 4> letters{"A", "B", "C", "D"};
  return letters[static_cast<std::size_t>(topic)];
}

std::string_view topic_title(Topic topic) {
  constexpr std::array<std::string_view, 4> titles{"CPU-bound and IO-bound work", "What a unit of concurrency costs",
                                                   "Order, sharing and synchronisation", "Network servers"};
  return titles[static_cast<std::size_t>(topic)];
}

std::string_view verdict_name(ClaimVerdict verdict) {
  constexpr std::array<std::string_view, 5> names{"confirmed", "confirmed here, if", "refuted", "inconclusive",
                                                  "not run"};
  return names[static_cast<std::size_t>(verdict)];
}

std::vector<const Claim*> all_claims() {
  std::vector<const Claim*> claims;
  for (const std::span<const Claim> topic :
       {claims_on_work(), claims_on_units(), claims_on_sharing(), claims_on_servers()}) {
    for (const Claim& claim : topic) claims.push_back(&claim);
  }
  return claims;
}

}  // namespace bench
