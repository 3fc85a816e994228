// How a unit that serves connections learns, while it sleeps, that one of their sessions has published something.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "measure/shared_mapping.h"
#include "workloads/hub.h"
#include "workloads/unique_fd.h"

namespace bench {

/// A hub and the bells of the units that read it, in memory shared by all processes of a server. Made before any unit.
class HubMemory {
 public:
  /// `loops`: how many units at the most sleep in a loop of their own and need a descriptor that is readable then.
  /// Throws std::system_error.
  HubMemory(std::size_t log_bytes, std::uint32_t loops);
  ~HubMemory() = default;
  HubMemory(const HubMemory&) = delete;
  HubMemory& operator=(const HubMemory&) = delete;

  Hub& hub() const noexcept { return shared_->hub; }

 private:
  friend class Mailbox;

  // How one unit is woken: by an eventfd, or by a signal to its thread. SIGURG, which is ignored where nobody sleeps.
  struct alignas(64) Bell {
    static constexpr std::uint32_t unused = 0;
    static constexpr std::uint32_t awake = 1;
    static constexpr std::uint32_t asleep = 2;
    static constexpr std::uint32_t taken = 3;  // and not yet of use
    std::atomic<std::uint32_t> state;
    std::atomic<std::uint64_t> unit;  // its eventfd; or its process in the upper half, and its thread in the lower
  };
  static constexpr std::size_t most_bells = 65'536;

  struct Shared {
    Hub hub;
    std::atomic<std::uint32_t> free_from;   // where a unit begins to look for a bell: mostly those before are in use
    std::atomic<std::uint32_t> used_up_to;  // all bells in use lie before it
    std::atomic<std::uint32_t> fds_taken;
  };

  static void ring(Hub& hub);

  // A bell of the unit's own. Throws std::system_error.
  Bell& take_bell() const;
  void give_back(Bell& bell) const noexcept;

  SharedMapping memory_;
  Shared* shared_;
  Bell* bells_;
  std::vector<UniqueFd> fds_;
};

/// The mailbox of one unit; of none where the server has no hub, and then it costs a comparison. The unit's own thread
/// uses it.
class Mailbox {
 public:
  /// How a unit sleeps.
  enum class Sleeps : std::uint8_t {
    in_a_loop,  ///< Until fd() is readable, among others.
    in_a_call,  ///< In wait_for_bytes().
  };

  /// Throws std::system_error where there are too many units.
  Mailbox(const HubMemory* memory, Sleeps sleeps);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  bool used() const noexcept { return memory_ != nullptr; }
  int fd() const noexcept { return static_cast<int>(bell_->unit.load(std::memory_order_relaxed)); }

  /// Whether something has been published since the last call, or since the mailbox was made.
  bool take() noexcept {
    if (!memory_) return false;
    const Hub::Place end = memory_->hub().end();
    return std::exchange(taken_, end) != end;
  }

  /// Before the unit sleeps; slept() follows. False where take() would be true: it is not to sleep.
  bool may_sleep() noexcept;
  void slept() noexcept;

  /// When fd() is readable.
  void drain() noexcept;

  /// What a wait has ended with.
  enum class Came : std::uint8_t { bytes, mail, nothing };

  /// Sleeps until `socket` has bytes or its end, or something is published, for `at_most`.
  Came wait_for_bytes(int socket, std::chrono::nanoseconds at_most) noexcept;

 private:
  const HubMemory* memory_;
  HubMemory::Bell* bell_ = nullptr;
  sigset_t listening_;  // the unit's signal mask while it sleeps in a call
  Hub::Place taken_ = 0;
};

}  // namespace bench
