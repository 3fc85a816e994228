#include "harness/app/serve_command.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include "harness/app/interrupts.h"
#include "harness/plan/calibration.h"
#include "harness/plan/machine.h"
#include "harness/run/listener.h"
#include "harness/run/scratch_folder.h"
#include "harness/run/server_process.h"
#include "measure/affinity.h"
#include "measure/shared_mapping.h"
#include "models/hybrid.h"

namespace bench {
namespace {

std::string host_of(const std::string& address) {
  return address.find(':') == std::string::npos ? address : fmt::format("[{}]", address);
}

}  // namespace

Exit serve(const Options& options) {
  const ServeOptions& serve = *options.serve;
  if (const std::string why = serve.model->why_unavailable ? serve.model->why_unavailable() : ""; !why.empty()) {
    throw std::runtime_error(fmt::format("{} is not available here: {}", serve.model->name, why));
  }
  if (serve.service->transport == Transport::udp_transfers && !serve.model->why_no_transfers.empty()) {
    throw std::runtime_error(fmt::format("{} does not serve {}: it {}", serve.model->name, serve.service->name,
                                         serve.model->why_no_transfers));
  }
  raise_descriptor_limit();
  const std::uint32_t workers = serve.workers.value_or(available_cpus());
  const Listeners listeners = listen_on_all(serve.bind, serve.port, serve.service->transport, serve.idle_timeout,
                                            server_copies(*serve.model, workers));
  ServiceParameters parameters = service_parameters_of(serve.parameters);
  parameters.compute_steps = steps_of(serve.service_cpu);
  parameters.wait = serve.service_wait;
  std::optional<ScratchFolder> folder;
  if (serve.service->fill_store) folder.emplace();
  const ServerSetup setup{.service = serve.service,
                          .context = {.parameters = parameters,
                                      .model = serve.model->name,
                                      .store = folder ? folder->scratch() : Scratch{}},
                          .workers = workers,
                          .stack_bytes = serve.stack_bytes,
                          .sockets = listeners.descriptors(),
                          .idle_timeout = serve.idle_timeout};
  SharedArray<RunReport> report(1);
  count_interrupts();
  ServerProcess server(*serve.model, setup, *report.data(), serve.cpus);
  const std::string_view scheme = serve.service->scheme.name;
  // What cannot begin, for want of a descriptor or of memory, ends at once, and says why.
  if (server.ended_within(std::chrono::milliseconds(100))) {
    server.stop();
    throw std::runtime_error("the server ended by itself");
  }
  fmt::print("serving {} under {} at {}{}{}:{}\n", serve.service->name, serve.model->name, scheme,
             scheme.empty() ? "" : "://", host_of(serve.bind), listeners.port);
  std::fflush(stdout);
  bool told = false;
  while (interrupts() == 0) {
    if (server.ended_within(std::chrono::milliseconds(100))) break;
    if (told || report[0].server.refused.load() == 0) continue;
    told = true;
    fmt::print(stderr,
               "bench: the server has no unit, descriptor or memory to spare for all who come; see `ulimit -u` "
               "and `ulimit -n`\n");
  }
  server.stop();
  if (interrupts() == 0) throw std::runtime_error("the server ended by itself");
  return Exit::done;
}

}  // namespace bench
