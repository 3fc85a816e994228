// What a model sees of any run, whatever it runs: how units are counted and how all of it fails.
#pragma once

#include <cstdint>
#include <string_view>

#include "measure/run_report.h"

namespace bench {

/// The stack of a unit that has one of ours (a fiber), in bytes.
inline constexpr std::uint64_t default_stack_bytes = std::uint64_t{64} * 1024;

/// One run, seen by all of its units, whether thread or process.
class Run {
 public:
  /// `report` lies in shared memory and outlives the run.
  explicit Run(RunReport& report) noexcept : Run(report, report, {}) {}

  /// A part of `whole` that is measured by itself, in `report`: its failure is that of the whole, as "`who`: reason".
  Run(RunReport& report, RunReport& whole, std::string_view who) noexcept : report_(report), whole_(whole), who_(who) {}

  /// Ends the whole run at once with `reason`: every process of its group is killed. Any unit.
  [[noreturn]] void fail(std::string_view reason) noexcept;

  /// Fails the run with the exception that is being handled, as in "task 3 threw: out of memory". In a catch clause.
  [[noreturn]] void fail_with_exception(std::string_view who) noexcept;

  /// Counts one unit (process, thread, coroutine, …) as alive while it exists.
  class Unit {
   public:
    explicit Unit(Run& run) noexcept : report_(run.report_) { count_in(report_.units_alive, report_.units_peak); }
    ~Unit() { report_.units_alive.fetch_sub(1, std::memory_order_relaxed); }
    Unit(const Unit&) = delete;
    Unit& operator=(const Unit&) = delete;

   private:
    RunReport& report_;
  };

  /// Calls `body`. What it throws fails the run, since nobody above could go on.
  template <typename Body>
  void guard(Body&& body) {
    try {
      body();
    } catch (...) {
      fail_with_exception("a unit");
    }
  }

  /// Likewise, and counts the caller as a unit meanwhile.
  template <typename Body>
  void as_unit(Body&& body) {
    const Unit unit(*this);
    guard(body);
  }

 protected:
  RunReport& report() const noexcept { return report_; }

  /// One more in `alive`, and `peak` kept at its highest.
  static void count_in(std::atomic<std::int32_t>& alive, std::atomic<std::int32_t>& peak) noexcept {
    const std::int32_t now = alive.fetch_add(1, std::memory_order_relaxed) + 1;
    std::int32_t seen = peak.load(std::memory_order_relaxed);
    while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
    }
  }

 private:
  RunReport& report_;
  RunReport& whole_;
  std::string_view who_;
};

}  // namespace bench
