// A server of one model and one service in a process of its own, for tests that talk to it over sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "harness/run/listener.h"
#include "harness/run/scratch_folder.h"
#include "harness/run/server_process.h"
#include "measure/shared_mapping.h"
#include "tests/support/sanitized.h"
#include "workloads/unique_fd.h"

namespace bench {

/// What a server may take whatever its peers do. The address sanitizer keeps 256 MiB of what was freed.
inline constexpr std::int64_t bounded_bytes = sanitized ? 512 << 20 : 64 << 20;

/// A server of one model and one service, and connections to it.
class TestServer {
 public:
  TestServer(const Model& model, const Service& service, ServiceParameters parameters,
             std::chrono::nanoseconds idle_timeout = std::chrono::seconds(60), std::uint32_t workers = 4);

  UniqueFd connect() const;

  /// What the server's end of connections made from now on takes in before its peer has to wait.
  void set_receive_buffer(int bytes) const;

  /// What it holds of what its peer has not taken yet.
  void set_send_buffer(int bytes) const;

  std::unique_ptr<Exchange> exchange(std::uint64_t connection, bool heavy = false) const {
    return service_.exchange(parameters_, connection, heavy);
  }

  /// Its folder on disk, where it has one.
  const Scratch& store() const { return folder_->scratch(); }

  ServerProcess& process() { return *process_; }
  const ServerCounters& counters() const { return report_.data()->server; }
  std::int32_t units_alive() const { return report_.data()->units_alive.load(); }

 private:
  void set_option(int option, int value) const;

  const Service& service_;
  ServiceParameters parameters_;
  Listeners listeners_;
  ServerSetup setup_;
  SharedArray<RunReport> report_{1};
  std::optional<ScratchFolder> folder_;  // outlives the process
  std::optional<ServerProcess> process_;
};

/// Sends all of `out`; a failed send fails the test.
void send_all(int socket, Output& out);

/// Receives until `replies` complete replies have come, whatever is pushed in between; what is wrong otherwise.
std::string receive_replies(int socket, Exchange& exchange, int replies, std::size_t at_most = 65536);

/// One request after another and their replies; what is wrong otherwise.
std::string converse(int socket, Exchange& exchange, int requests);

/// A new connection and one request; again, for seconds, where it is not served: the server may not have seen yet that
/// others have gone. What was wrong the last time.
std::string converse_in_time(const TestServer& server);

/// Closes with a reset.
void reset(UniqueFd& socket);

/// Whether what comes ends, or is reset, within the socket's patience.
bool closed_by_server(int socket);

/// The row of the service of that name.
const Service& service_named(std::string_view name);

}  // namespace bench
