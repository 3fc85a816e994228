// Bytes on their way out of a session or an exchange.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace bench {

/// A queue of bytes to send: copied ones, and borrowed ones that are sent from where they lie. Capacity is kept when
/// it empties, so that a loop's scratch Output allocates nothing after its first requests. One unit uses it.
class Output {
 public:
  /// Adds a copy of `bytes`.
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(std::as_bytes(std::span(text))); }

  /// Adds room for `size` bytes and returns it; valid until the next call.
  std::span<std::byte> extend(std::size_t size);

  /// Adds `bytes` without copying them; they outlive the server.
  void borrow(std::span<const std::byte> bytes);

  /// How many bytes are not sent yet.
  std::size_t pending() const noexcept { return pending_; }
  bool empty() const noexcept { return pending_ == 0; }

  /// Fills `vectors` with the first pending bytes, for sendmsg(2), and returns those filled; valid until the next
  /// call that changes the Output.
  std::span<const iovec> gather(std::span<iovec> vectors) const noexcept;

  /// The first `size` bytes have been sent.
  void consume(std::size_t size) noexcept;

  /// Forgets everything; the capacity stays.
  void clear() noexcept;

  /// Forgets everything and frees the memory.
  void release() noexcept { *this = Output(); }

 private:
  struct Piece {
    const std::byte* borrowed;  // null: in buffer_, at `offset`
    std::size_t offset;
    std::size_t size;
  };

  void forget_sent();

  std::vector<std::byte> buffer_;
  std::vector<Piece> pieces_;
  std::size_t first_ = 0;  // pieces before it have been sent
  std::size_t pending_ = 0;
};

}  // namespace bench
