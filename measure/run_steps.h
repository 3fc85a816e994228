// What holds the processes of one run together that are spread over machines.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "workloads/futex.h"

namespace bench {

/// The barriers of a run, in their order. Nobody begins what comes after one before all have come to it.
enum class RunStep : std::uint32_t {
  none,
  listening,  ///< The server takes connections.
  connected,  ///< The load's connections are made, or given up.
  warm,       ///< The warm-up is over, and nothing is under way.
  begun,      ///< The server has been read at the beginning of the window, which begins.
  stopped,    ///< The time of the window is up.
  drained,    ///< What was under way then has come to its end.
};
inline constexpr std::array<std::string_view, 7> step_names{"none",  "listening", "connected", "warmed up",
                                                            "begun", "stopped",   "drained"};

/// One process's place among the steps, in memory that it shares with who tells it of the others. All-zero bytes are a
/// valid one.
struct RunSteps {
  FutexWord reached;                ///< The last step that it has come to.
  FutexWord open;                   ///< The last step that all have come to.
  std::atomic<std::uint32_t> port;  ///< Where the server listens: written before `reached` or `open` says so.
};

/// Comes to a step and sleeps until all have.
inline void pass_step(RunSteps& steps, RunStep step) noexcept {
  const auto wanted = static_cast<std::uint32_t>(step);
  steps.reached.store(wanted);
  for (std::uint32_t open = steps.open.load(); open < wanted; open = steps.open.load()) {
    futex_wait(steps.open, open, Sharing::processes);
  }
}

/// Lets the process go on that waits for `step`.
inline void open_step(RunSteps& steps, RunStep step) noexcept {
  steps.open.store(static_cast<std::uint32_t>(step));
  futex_wake_one(steps.open, Sharing::processes);
}

}  // namespace bench
