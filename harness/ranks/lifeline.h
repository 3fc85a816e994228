// A TCP connection from each rank to the leader: by which address it reaches that machine, and whether its process is
// alive. The kernel closes it with the process, so that a death is known at once and by name, which MPI does not tell.
#pragma once

#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workloads/unique_fd.h"

namespace bench {

/// Proves that who answers at an address is the one that was meant: many machines have a 127.0.0.1.
using Token = std::array<std::uint64_t, 2>;
Token make_token();

/// The machine's addresses of IPv4, those that others can reach first, 127.0.0.1 last.
std::vector<in_addr> own_addresses();

/// Accepts the other ranks. Who comes and says nothing holds up nobody.
class Meeting {
 public:
  /// Listens on all addresses. Throws std::system_error.
  explicit Meeting(const Token& token);

  std::uint16_t port() const { return port_; }

  /// A rank that has come, and its connection; nothing when none did in time. What does not know the token is
  /// turned away.
  struct Guest {
    std::uint32_t rank = 0;
    UniqueFd connection;
  };
  std::optional<Guest> next_guest(std::chrono::milliseconds patience);

 private:
  // Who has come and not said who it is.
  struct Stranger {
    UniqueFd connection;
    std::int64_t since_ns = 0;
  };

  void accept_all();
  std::optional<Guest> greet();

  Token token_;
  std::vector<Stranger> strangers_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
};

/// The way to a Meeting.
struct Way {
  in_addr address{};
  UniqueFd connection;
};

/// How long find_way() takes at most.
std::chrono::nanoseconds longest_search(std::size_t addresses);

/// Tries `addresses` in turn; the first at which the meeting with this token answers. Nothing where none does.
std::optional<Way> find_way(const std::vector<in_addr>& addresses, std::uint16_t port, const Token& token,
                            std::uint32_t rank);

}  // namespace bench
