// A service's session and its client in memory: the test plays the model's part and the network's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workloads/service.h"

namespace bench {

/// The bytes of `text`, which outlives them.
std::span<const std::byte> bytes_of(std::string_view text);

/// Takes everything pending out of `out`, as a model does that can always send.
std::string take(Output& out);

/// Does for one session what every model does: keeps the tail that was not consumed, sends what is pending, grants
/// waits and computations, calls again with `drained` and `end`, and stops at `close`. Asserts what a session owes its
/// model.
class ServedConnection {
 public:
  ServedConnection(const Service& service, const ServiceContext& context) : session_(service.open(context)) {}

  void receive(std::string_view bytes);
  /// In pieces of at most `size` bytes, until the session closes.
  void receive_in_pieces(std::string_view bytes, std::size_t size);
  void end();
  void time_out() { call(Why::timed_out); }
  /// Something has been published in the hub.
  void tell() { call(Why::message); }

  /// All that has been sent; the next call returns what came after.
  std::string take_sent() { return std::exchange(sent_, {}); }

  bool is_closed() const { return closed_; }
  std::size_t unconsumed() const { return tail_.size(); }
  std::size_t drains() const { return drains_; }
  /// The most output that one call of the session has left to be sent.
  std::size_t most_pending() const { return most_pending_; }
  /// The waits and computations asked for, in order: "compute 1000" and "wait 2000".
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  void call(Why why);

  std::unique_ptr<Session> session_;
  Output out_;
  std::string tail_;
  std::string sent_;
  std::vector<std::string> asked_;
  std::size_t drains_ = 0;
  std::size_t most_pending_ = 0;
  bool ended_ = false;
  bool closed_ = false;
};

/// What a client makes of bytes that come in pieces of at most `size` bytes: one line for each reply, "complete", or
/// "wrong: why" after which it listens no more, or "stale", "farewell", and at last "more" if a reply is not whole.
std::vector<std::string> replies_in_pieces(Exchange& client, std::string_view bytes, std::size_t size);

/// The same of all at once.
inline std::vector<std::string> replies(Exchange& client, std::string_view bytes) {
  return replies_in_pieces(client, bytes, bytes.size());
}

/// The bytes of the client's next request.
std::string request_of(Exchange& client);

}  // namespace bench
