// The datagrams of an `io-uring` server: one receive that goes on, and a send for each answer.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "measure/clock.h"
#include "models/ring/ring.h"
#include "models/talk/conversation.h"
#include "models/talk/datagram.h"

namespace bench {

class RingDatagrams {
 public:
  /// Throws std::system_error.
  explicit RingDatagrams(ServerRun& server) : server_(server) {
    message_.msg_namelen = sizeof(sockaddr_storage);
    if (has_multishot()) {
      buffers_.emplace(ring_, buffers, head_bytes + largest_datagram);
      return;
    }
    room_.resize(largest_datagram);
    whole_ = {.iov_base = room_.data(), .iov_len = room_.size()};
    message_.msg_name = &peer_;
    message_.msg_iov = &whole_;
    message_.msg_iovlen = 1;
  }

  /// Serves until the server is to stop.
  void run() {
    receive();
    await_hang_up();
    while (!server_.stopping()) {
      ring_.submit_and_wait();
      for (Completion done; !server_.stopping() && ring_.take(done);) on(done);
    }
  }

 private:
  // An answer on its way: its session, its peer and its bytes.
  struct Answer {
    std::optional<Conversation> conversation;
    sockaddr_storage peer{};
    Sending sending;
    __kernel_timespec due{};
  };

  // Tags: these two, and the number of an answer, which has one thing under way at a time.
  static constexpr std::uint64_t received = ~std::uint64_t{0};
  static constexpr std::uint64_t hung_up = received - 1;

  // In front of each datagram the kernel puts its sizes and its sender.
  static constexpr std::size_t head_bytes = sizeof(io_uring_recvmsg_out) + sizeof(sockaddr_storage);
  static constexpr unsigned buffers = 64;

  void receive() {
    io_uring_sqe* submission = ring_.prepare(received);
    if (buffers_) {
      io_uring_prep_recvmsg_multishot(submission, server_.socket(), &message_, 0);
      return BufferRing::select(submission);
    }
    message_.msg_namelen = sizeof peer_;
    io_uring_prep_recvmsg(submission, server_.socket(), &message_, 0);
  }

  // A receive that is under way does not end when the socket is shut down, which is how the server is stopped.
  void await_hang_up() { io_uring_prep_poll_add(ring_.prepare(hung_up), server_.socket(), POLLHUP); }

  void on(const Completion& done) {
    if (done.tag == hung_up) return await_hang_up();
    if (done.tag != received) return on_answer(done);
    if (buffers_) {
      on_packed(done);
      buffers_->give_back(done);
    } else if (done.result >= 0) {
      answer(std::span(room_).first(static_cast<std::size_t>(done.result)), peer_, message_.msg_namelen);
    }
    if (!done.more()) receive();  // after an error too, which is of an earlier send
  }

  void on_packed(const Completion& done) {
    const std::span<std::byte> packed = buffers_->received(done);
    io_uring_recvmsg_out* head = io_uring_recvmsg_validate(packed.data(), static_cast<int>(packed.size()), &message_);
    if (!head) return;
    const auto* payload = static_cast<const std::byte*>(io_uring_recvmsg_payload(head, &message_));
    const auto* peer = static_cast<const sockaddr_storage*>(io_uring_recvmsg_name(head));
    answer({payload, io_uring_recvmsg_payload_length(head, done.result, &message_)}, *peer, head->namelen);
  }

  void answer(std::span<const std::byte> datagram, const sockaddr_storage& peer, socklen_t peer_size) {
    if (free_.empty()) {
      free_.push_back(answers_.size());
      answers_.push_back(std::make_unique<Answer>());
    }
    const std::size_t number = free_.back();
    free_.pop_back();
    Answer& answer = *answers_[number];
    answer.conversation.emplace(server_);
    answer.peer = peer;
    answer.sending.message.msg_name = &answer.peer;
    answer.sending.message.msg_namelen = peer_size;
    act(number, answer.conversation->receive(datagram, answer.sending.out));
  }

  void act(std::size_t number, Wanted wanted) {
    Answer& answer = *answers_[number];
    while (wanted.next == Next::compute) {
      ring_.submit();  // what the others have been answered goes out first
      compute(server_, wanted.amount);
      wanted = answer.conversation->tell(Why::resumed, answer.sending.out);
    }
    if (wanted.next == Next::wait) {
      return ring_.arm(number, now_ns() + static_cast<std::int64_t>(wanted.amount), answer.due);
    }
    if (answer.sending.out.empty()) return end(number);
    // One that the system will not take now is lost, as datagrams are.
    answer.sending.prepare(ring_, number, server_.socket(), MSG_DONTWAIT);
  }

  void on_answer(const Completion& done) {
    Answer& answer = *answers_[done.tag];
    if (!answer.sending.out.empty()) return end(done.tag);
    act(done.tag, answer.conversation->tell(Why::resumed, answer.sending.out));
  }

  // The answer's room serves a later one.
  void end(std::size_t number) {
    answers_[number]->conversation.reset();
    answers_[number]->sending.out.clear();
    free_.push_back(number);
  }

  ServerRun& server_;
  std::vector<std::unique_ptr<Answer>> answers_;
  std::vector<std::size_t> free_;
  std::vector<std::byte> room_;  // of the one receive, without the ring's buffers
  sockaddr_storage peer_{};
  iovec whole_{};
  msghdr message_{};
  Ring ring_;  // destroyed before what it points at
  std::optional<BufferRing> buffers_;
};

}  // namespace bench
