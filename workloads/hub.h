// What the sessions of one service say to each other, where it is such a service: Service::hub_bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "workloads/sync.h"

namespace bench {

/// A log of messages for all sessions of a server, whatever thread or process they are in. It lies in memory that they
/// share and holds the latest messages: whoever does not read for long loses some, and learns of it.
class Hub {
 public:
  /// How far a session has read.
  using Place = std::uint64_t;

  /// What next() has found.
  enum class Mail : std::uint8_t { message, nothing, lost };

  /// `log` holds the messages, and 4 bytes more for each. `ring(hub)` wakes the units that sleep, after each message.
  /// Both outlive the hub.
  Hub(std::span<std::byte> log, void (*ring)(Hub& hub)) noexcept : log_(log.data()), size_(log.size()), ring_(ring) {}

  /// Appends a message; false where the log is too small for it. Any unit.
  bool publish(std::span<const std::byte> message) noexcept;

  /// Where the next message will be: where a session that is new begins to read.
  Place end() const noexcept { return end_.load(); }

  /// The message at `place`, which then lies behind it. `lost`: it is not there any more, and neither are some of those
  /// that followed it.
  Mail next(Place& place, std::vector<std::byte>& message);

 private:
  using Length = std::uint32_t;

  void append(std::span<const std::byte> message) noexcept;
  void write(Place place, std::span<const std::byte> bytes) noexcept;
  void read(Place place, std::span<std::byte> bytes) const noexcept;
  Length length_at(Place place) const noexcept;

  std::byte* log_;
  std::size_t size_;
  void (*ring_)(Hub&);
  Guard guard_;
  Place begin_ = 0;  // of the oldest message that is whole
  std::atomic<Place> end_{0};
};

}  // namespace bench
