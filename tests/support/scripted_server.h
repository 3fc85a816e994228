// Small servers for tests of the load generator: each connection is a thread with blocking sockets that follows a
// script, right or wrong.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "harness/load/load_plan.h"
#include "workloads/unique_fd.h"

namespace bench {

using Bytes = std::vector<std::byte>;

/// A message of the echo protocol, header and payload; nothing when the peer has closed or reset.
std::optional<Bytes> read_message(int fd);

/// The right reply to `message`.
Bytes echo_reply(Bytes message);

/// Writes all; false when the peer has gone.
bool write_all(int fd, std::span<const std::byte> bytes);

/// Answers messages until the peer closes.
void serve_echo(int fd);

/// Makes the close of `fd` a reset.
void reset_at_close(int fd);

/// A TCP server on a free port of 127.0.0.1, in threads of the calling process.
class ScriptedThreads {
 public:
  /// Serves one connection; it is closed afterwards. `connection` counts from 0.
  using Script = std::function<void(int fd, std::uint64_t connection)>;

  enum class Accepts : std::uint8_t { all, one_at_a_time };

  explicit ScriptedThreads(Script script, Accepts accepts = Accepts::all);

  /// On a socket that is bound to `target`.
  ScriptedThreads(Script script, Accepts accepts, UniqueFd socket, const Target& target);

  /// Shuts all connections down and waits for the scripts.
  ~ScriptedThreads();
  ScriptedThreads(const ScriptedThreads&) = delete;
  ScriptedThreads& operator=(const ScriptedThreads&) = delete;

  Target target() const { return target_; }

 private:
  void start(Accepts accepts);
  void accept_all(Accepts accepts);
  void serve(UniqueFd fd, std::uint64_t connection);

  Script script_;
  UniqueFd listener_;
  Target target_;
  std::mutex mutex_;
  bool stopping_ = false;              // under mutex_
  std::set<int> open_;                 // under mutex_
  std::vector<std::jthread> threads_;  // of the acceptor
  std::jthread acceptor_;
};

/// The same in a process of its own, which ends with this one. A load generator forks, and a process whose threads
/// allocate meanwhile must not: a sanitizer's allocator may be locked in the child for ever. What a script shares with
/// the test lies in shared memory.
class ScriptedServer {
 public:
  using Accepts = ScriptedThreads::Accepts;

  explicit ScriptedServer(ScriptedThreads::Script script, Accepts accepts = Accepts::all);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  Target target() const { return target_; }

 private:
  Target target_;
  pid_t process_ = -1;
};

/// A socket bound to a free port of 127.0.0.1 that does not listen, and its address.
std::pair<UniqueFd, Target> bound_socket(Transport transport);

}  // namespace bench
