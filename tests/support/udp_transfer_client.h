// The client's side of a transfer over UDP, datagram by datagram, for tests that talk to a server by sockets.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <string>

#include "tests/support/test_runs.h"
#include "tests/support/test_server.h"

namespace bench {

/// One transfer, by a socket of its own.
class UdpTransferClient {
 public:
  /// `exchange` outlives it. A wait for a datagram lasts as long as `longest_wait` at the most.
  UdpTransferClient(const TestServer& server, Exchange& exchange, std::chrono::milliseconds longest_wait = generous);

  /// Sends the exchange's next request.
  void ask();

  /// Sends what was said last again.
  void say_again();

  /// As Verdict says; `nothing`: within that wait.
  enum class Came { more, complete, stale, nothing, wrong };

  /// Takes the next datagram, and answers it unless the answer is to be lost.
  Came take(bool answers = true);

  /// A whole transfer; what is wrong otherwise.
  std::string run();

  /// What was wrong.
  const std::string& why() const { return why_; }

 private:
  void send(Output& out) const;

  Exchange& exchange_;
  UniqueFd socket_;
  sockaddr_in server_{};
  bool connected_ = false;
  std::string why_;
};

}  // namespace bench
