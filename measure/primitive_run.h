// One run of a primitive: how often its operation is done, and what one costs.
//
// Google Benchmark decides how often: it repeats with ever more operations until they take long enough.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "measure/run.h"

namespace bench {

/// What a run of a primitive is to do.
struct PrimitiveSetup {
  std::uint32_t tasks = 0;                          ///< Units that wait, where the primitive is about many.
  std::uint32_t units = 0;                          ///< Units that take part, where its rows differ in that.
  std::vector<int> cpus;                            ///< CPUs over which the units are spread.
  std::uint64_t stack_bytes = default_stack_bytes;  ///< Of each fiber.
  std::int64_t minimum_ns = 30'000'000;             ///< The operations measured take so long together.
};

/// One run of a primitive, seen by all of its units, whether thread or process.
///
/// A row's function sets up what it needs, calls one of the functions that measure, once, and returns with none of its
/// units left. Whatever was not done as often as it should fails the run.
class PrimitiveRun : public Run {
 public:
  PrimitiveRun(PrimitiveSetup setup, RunReport& report) : Run(report), setup_(std::move(setup)) {}

  std::uint32_t tasks() const noexcept { return setup_.tasks; }
  std::uint32_t units() const noexcept { return setup_.units; }

  /// Of a fiber.
  std::uint64_t stack_bytes() const noexcept { return setup_.stack_bytes; }

  /// Confines the calling thread, the run's `unit`-th unit, to its CPU: they are dealt round.
  void place(std::uint32_t unit) const;

  /// Measures the wall time of `body(count)`, which does `count` operations, or so many as it returns.
  void time(const std::function<std::uint64_t(std::uint64_t count)>& body);

  /// The same where only parts of the wall time belong to the `count` operations: `body` returns how many ns did.
  void time_parts(const std::function<std::int64_t(std::uint64_t count)>& body);

  /// Measures the memory of tasks() units that wait, and how long it takes to start one: `add(count)` starts so many
  /// more and returns when all wait.
  void weigh(const std::function<void(std::uint32_t count)>& add);

  /// Fails the run unless something was done as often as it should.
  void expect_equal(std::uint64_t found, std::uint64_t expected, std::string_view what) noexcept;

 private:
  PrimitiveSetup setup_;
};

}  // namespace bench
