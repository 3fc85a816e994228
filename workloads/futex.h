// Sleeping on a word of memory and waking who sleeps there (futex(2)), within a process or across processes.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>
#include <ctime>

namespace bench {

/// Who may sleep on a word.
enum class Sharing : std::uint8_t { threads, processes };

using FutexWord = std::atomic<std::uint32_t>;
static_assert(sizeof(FutexWord) == sizeof(std::uint32_t) && FutexWord::is_always_lock_free);

inline long futex(FutexWord& word, int operation, std::uint32_t value, Sharing sharing,
                  const timespec* deadline = nullptr) noexcept {
  const int scope = sharing == Sharing::threads ? FUTEX_PRIVATE_FLAG : 0;
  return syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation | scope, value, deadline, nullptr,
                 FUTEX_BITSET_MATCH_ANY);
}

/// Sleeps unless the word has another value than `value`; may return early. One system call.
inline void futex_wait(FutexWord& word, std::uint32_t value, Sharing sharing) noexcept {
  futex(word, FUTEX_WAIT, value, sharing);
}

/// The same, until CLOCK_MONOTONIC reads `deadline` at the latest.
inline void futex_wait_until(FutexWord& word, std::uint32_t value, Sharing sharing, const timespec& deadline) noexcept {
  futex(word, FUTEX_WAIT_BITSET, value, sharing, &deadline);
}

/// Wakes one sleeper. One system call.
inline void futex_wake_one(FutexWord& word, Sharing sharing) noexcept { futex(word, FUTEX_WAKE, 1, sharing); }

/// Wakes all sleepers and says how many there were. One system call.
inline std::uint32_t futex_wake_all(FutexWord& word, Sharing sharing) noexcept {
  return static_cast<std::uint32_t>(futex(word, FUTEX_WAKE, INT_MAX, sharing));
}

}  // namespace bench
