// Loads of echo messages, and the echo server that counts beside them.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

#include "harness/load/load_generator.h"
#include "measure/shared_mapping.h"

namespace bench {

/// A load of echo messages; short, since every test runs one.
LoadPlan echo_plan(const Target& target, std::uint32_t connections, std::uint64_t message_bytes = 64);

/// Carries `plan` out, and checks what holds of every load.
LoadReport run_load(
    const LoadPlan& plan, const std::function<void(Edge)>& at_edge = [](Edge) {});

/// No errors but of `kind`, and some of it; `besides` may have been counted too.
void expect_only(const LoadReport& report, LoadError kind, std::optional<LoadError> besides = std::nullopt);

/// The same of connections that are tried again until the deadline, which may come in the middle of a try.
void expect_only_until_the_deadline(const LoadReport& report, LoadError kind);

/// An echo server that counts, so that both sides can be held against each other. It is a process of its own: thread
/// sanitizer takes it ill when a process with threads forks one that starts some, as a generator with threads does.
class CountingEcho {
 public:
  CountingEcho();
  ~CountingEcho();
  CountingEcho(const CountingEcho&) = delete;
  CountingEcho& operator=(const CountingEcho&) = delete;

  Target target() const { return target_; }
  pid_t process() const { return process_; }
  std::uint64_t connections() const { return counts_[0].connections; }
  std::uint64_t messages() const { return counts_[0].messages; }
  void stop() const;
  void resume() const;

  /// For LoadGenerator::run: what was answered between the edges.
  std::function<void(Edge)> at_edge();
  std::uint64_t in_window() const { return in_window_; }

 private:
  struct Counts {
    std::atomic<std::uint64_t> connections;
    std::atomic<std::uint64_t> messages;
  };

  void serve(int fd);

  SharedArray<Counts> counts_{1};
  Target target_;
  pid_t process_ = -1;
  std::uint64_t begun_with_ = 0;
  std::uint64_t in_window_ = 0;
};

/// No errors, and as many replies as the server has sent.
void expect_good(const LoadReport& report, const CountingEcho& server);

}  // namespace bench
