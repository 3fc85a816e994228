// Who is who in a chat: what all sessions of a server have to agree on, in whatever thread or process they are.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "workloads/sync.h"

namespace bench {

/// Names and rooms have at most so many bytes.
inline constexpr std::size_t max_chat_name_bytes = 32;

/// The names that members have chosen, each of one member. Lies in memory that all sessions share; all-zero bytes are
/// one without members. Any unit.
class ChatMembers {
 public:
  /// What a new member is called by: 1, 2, ...
  std::uint64_t add() noexcept { return added_.fetch_add(1, std::memory_order_relaxed) + 1; }

  /// Gives a name of 1 to max_chat_name_bytes to whoever asks; false where somebody has it, or where there are too
  /// many.
  bool take(std::string_view name) noexcept;

  /// It may be taken again.
  void give_back(std::string_view name) noexcept;

 private:
  // A table of names by their hash: a name lies in one bucket and nowhere else.
  static constexpr std::size_t buckets = 4096;
  static constexpr std::size_t names_in_bucket = 16;

  struct Name {
    std::uint8_t size;  // 0: free
    std::array<char, max_chat_name_bytes> bytes;

    std::string_view text() const noexcept { return {bytes.data(), size}; }
  };
  using Bucket = std::array<Name, names_in_bucket>;

  Bucket& bucket_of(std::string_view name) noexcept;

  std::atomic<std::uint64_t> added_;
  Guard guard_;
  std::array<Bucket, buckets> names_;
};

}  // namespace bench
