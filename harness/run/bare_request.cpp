#include "harness/run/bare_request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "harness/run/listener.h"
#include "harness/run/tries.h"
#include "measure/clock.h"
#include "workloads/output.h"

namespace bench {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// Two ends of a loopback connection.
struct Pair {
  UniqueFd server;
  UniqueFd client;
};

Pair connect_pair(Transport transport) {
  const bool tcp = transport == Transport::tcp;
  Listener listener = listen_on("127.0.0.1", 0, transport);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Pair pair;
  pair.client = UniqueFd(socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!pair.client.valid() || connect(pair.client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail("connect for the bare request");
  }
  if (tcp) {
    pair.server = UniqueFd(accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!pair.server.valid()) fail("accept for the bare request");
  } else {
    socklen_t size = sizeof address;
    getsockname(pair.client.get(), reinterpret_cast<sockaddr*>(&address), &size);
    if (connect(listener.socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) fail("connect back");
    pair.server = std::move(listener.socket);
  }
  return pair;
}

void receive_all(int socket, std::vector<char>& room, std::size_t size) {
  while (size != 0) {
    const ssize_t got = recv(socket, room.data(), room.size(), 0);
    if (got <= 0) fail("receive for the bare request");
    size -= std::min(size, static_cast<std::size_t>(got));
  }
}

}  // namespace

double measure_bare_request(Transport transport, std::size_t request_bytes, std::size_t reply_bytes) {
  // What does not fit a socket's buffer cannot go to and fro in one thread.
  constexpr std::size_t largest = 32 * 1024;
  if (std::max(request_bytes, reply_bytes) > largest) return 0;
  const Pair pair = connect_pair(transport);
  std::vector<char> room(largest);
  std::vector<double> times_ns;
  constexpr int tries = 60;
  for (int i = 0; i < tries; ++i) {
    if (send(pair.client.get(), room.data(), request_bytes, MSG_NOSIGNAL) < 0) fail("send for the bare request");
    const std::int64_t begin_ns = now_ns();
    receive_all(pair.server.get(), room, request_bytes);
    if (send(pair.server.get(), room.data(), reply_bytes, MSG_NOSIGNAL) < 0) fail("send for the bare request");
    times_ns.push_back(static_cast<double>(now_ns() - begin_ns));
    receive_all(pair.client.get(), room, reply_bytes);
  }
  std::ranges::nth_element(times_ns, times_ns.begin() + tries / 2);
  return times_ns[tries / 2];
}

std::size_t request_bytes(const Service& service, const ServiceParameters& parameters) {
  Output out;
  service.exchange(parameters, 0, false)->request(out);
  return out.pending();
}

double computation_ns(const ServiceParameters& parameters) {
  if (parameters.compute_steps == 0) return 0;
  constexpr std::uint64_t most = 200'000;  // of steps, which are timed: a fifth of a millisecond
  const std::uint64_t steps = std::min(parameters.compute_steps, most);
  const double ns = median_of_tries([steps] {
    const std::int64_t begin_ns = now_ns();
    service_compute(steps);
    return static_cast<double>(now_ns() - begin_ns);
  });
  return ns * static_cast<double>(parameters.compute_steps) / static_cast<double>(steps);
}

double heavy_share(const Service& service, const ServiceParameters& parameters, const LoadCounts& load) {
  if (std::ranges::find(service.classes, AskedBy::heavy, &RequestClass::asked_by) == service.classes.end()) {
    return parameters.heavy_share;
  }
  if (load.class_count == 0) return 1;
  std::uint64_t heavy = 0;
  for (std::uint32_t index = 0; index < load.class_count; ++index) {
    const ClassCounts& counts = load.classes[index];
    if (service.classes[index].asked_by == AskedBy::heavy) heavy += counts.completed + counts.drained;
  }
  const std::uint64_t all = load.requests_answered();
  return all == 0 ? 0 : static_cast<double>(heavy) / static_cast<double>(all);
}

double bare_request_ns(const Service& service, const ServiceLoad& load) {
  const std::size_t bytes = request_bytes(service, load.parameters);
  if (service.round_trips) {
    const std::uint64_t trips = service.round_trips(load.parameters);
    const std::size_t reply_bytes = std::max<std::size_t>(load.parameters.message_bytes / trips, 1);
    return static_cast<double>(trips) * measure_bare_request(service.transport, bytes, reply_bytes);
  }
  const std::size_t reply_bytes = std::max<std::size_t>(bytes, load.parameters.message_bytes);
  const std::size_t together = service.transport == Transport::tcp ? load.pipeline : 1;
  return measure_bare_request(service.transport, together * bytes, together * reply_bytes) /
         static_cast<double>(together);
}

}  // namespace bench
