// The ring under `io-uring`: submissions go in, completions come out, and one system call moves both.
#pragma once

#include <liburing.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "models/talk/sockets.h"
#include "workloads/output.h"

namespace bench {

/// What has come of a submission.
struct Completion {
  std::uint64_t tag = 0;  ///< Of the submission.
  int result = 0;         ///< What the system call would have returned, or a negative errno.
  std::uint32_t flags = 0;

  /// A multishot submission goes on; without it, it has ended.
  bool more() const noexcept { return (flags & IORING_CQE_F_MORE) != 0; }
};

/// An io_uring instance. The thread that made it uses it.
class Ring {
 public:
  /// Throws std::system_error where the kernel has or allows no io_uring, or where descriptors have run out.
  Ring();
  /// What is under way is cancelled.
  ~Ring() { io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// A submission to be filled in by an io_uring_prep_… function at once. What such a function points at stays where it
  /// is until the next submit; bytes to send or to receive into stay until the completion. Where the queue is full,
  /// what is in it is submitted. Throws std::system_error.
  io_uring_sqe* prepare(std::uint64_t tag);

  /// Cancels the submission under way that has this tag; its completion says whether that came too late.
  void cancel(std::uint64_t tag) { io_uring_prep_cancel64(prepare(0), tag, 0); }

  /// A completion under `tag` once CLOCK_MONOTONIC reads `deadline_ns`, with -ETIME as its result.
  void arm(std::uint64_t tag, std::int64_t deadline_ns, __kernel_timespec& room);

  /// Hands everything prepared to the kernel. Throws std::system_error.
  void submit();

  /// The same, and sleeps until something has completed; one io_uring_enter(2). May return early with nothing.
  void submit_and_wait();

  /// The same without sleeping: has the kernel hand over what has completed.
  void submit_and_look();

  /// The next of the completions that were there when either returned; false after the last one. Those that
  /// find no room in the queue are kept by the kernel (IORING_FEAT_NODROP, Linux 5.5) and come with a later wait.
  bool take(Completion& completion) noexcept;

 private:
  friend class BufferRing;
  io_uring ring_{};
  unsigned left_ = 0;
};

/// Buffers that the kernel takes one of when bytes have come (Linux 5.19), so that a connection that waits for bytes
/// holds none.
class BufferRing {
 public:
  /// `count` is a power of two. Throws std::system_error: EINVAL where the kernel has no such thing.
  BufferRing(Ring& ring, unsigned count, std::size_t size);
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  /// Has a submission that receives take its buffers from here.
  static void select(io_uring_sqe* submission) noexcept;

  /// Where the received bytes of a completion are, until it is given back; empty when it took no buffer.
  std::span<std::byte> received(const Completion& completion) noexcept;

  /// The kernel may use the completion's buffer again.
  void give_back(const Completion& completion) noexcept;

 private:
  struct Free {
    void operator()(io_uring_buf_ring* ring) const noexcept { std::free(ring); }
  };
  std::byte* at(unsigned number) const noexcept { return bytes_.get() + number * size_; }
  void add(unsigned number) noexcept;

  Ring& ring_;
  unsigned count_;
  std::size_t size_;
  std::unique_ptr<std::byte[]> bytes_;  // not cleared: a page that is not used costs no memory
  std::unique_ptr<io_uring_buf_ring, Free> entries_;
};

/// Bytes on their way out. They stay in place until the kernel has completed the send.
struct Sending {
  Output out;
  msghdr message{};  ///< With the name of the receiver, for a datagram.
  std::array<iovec, pieces_at_once> vectors{};

  /// Prepares to send the front of `out`.
  void prepare(Ring& ring, std::uint64_t tag, int socket, int flags);
};

/// Whether the kernel has multishot accept and receive with provided buffers (Linux 6.0): one submission for all that
/// comes, where there would be one for each. Throws std::system_error where descriptors have run out.
bool has_multishot();

/// Why io_uring cannot be used here, with the remedy; empty when it can.
std::string why_no_io_uring();

/// What a server does without on this kernel; empty when nothing.
std::string io_uring_note();

}  // namespace bench
