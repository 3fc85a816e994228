// The client's side of one request to a helper server of a job, as a series of transfers, whoever does them. A script
// cannot wait for another coroutine, so this is none:
//
//   HttpFetch fetch(task.batch.helper_port, "/1024", room);
//   Transfer transfer;
//   while (fetch.next(transfer)) {       // until the reply's header has come
//     const std::int64_t result = co_yield transfer;
//     fetch.done(result);
//   }
//   fetch.take_body(place);              // or leave()
//   while (fetch.next(transfer)) { … }   // until the body has come and the connection is closed
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "workloads/http_range.h"
#include "workloads/script.h"

namespace bench {

/// One GET over a connection of its own. What goes wrong is thrown as a std::exception that says what was attempted and
/// what came. Its owner is a script, whose unit alone uses it.
class HttpFetch {
 public:
  /// Asks for `path`, or for `range` of it. The reply's header, which must fit there, and what of the body comes with
  /// it are received in `room`, which outlives this.
  HttpFetch(std::uint16_t port, std::string_view path, std::span<std::byte> room,
            std::optional<ByteRange> range = std::nullopt);

  /// The transfer that comes next. False when the header has come, and again when the connection is closed.
  bool next(Transfer& transfer);

  /// What has come of it.
  void done(std::int64_t result);

  /// Of the reply, once its header has come.
  int status() const noexcept { return status_; }
  std::uint64_t body_bytes() const noexcept { return body_bytes_; }

  /// Where in `room` the body begins.
  std::size_t header_bytes() const noexcept { return header_bytes_; }

  /// Fails unless the reply is a 206 with the bytes of `range` of a page of so many bytes.
  void expect_part(const ByteRange& range, std::uint64_t page_bytes) const;

  /// Has the body received into `place`, and fails unless it is as large. What has come of it is copied there, unless
  /// it lies there already.
  void take_body(std::span<std::byte> place);

  /// Closes the connection without the body.
  void leave() noexcept { step_ = Step::close; }

  /// Throws std::runtime_error: what was asked for, and `came`.
  [[noreturn]] void fail(std::string_view came) const;

 private:
  enum class Step : std::uint8_t { connect, send, receive_header, decide, receive_body, close, over };

  void look_for_header();
  void read_header(std::string_view header);
  [[noreturn]] void fail_to(const char* what, std::int64_t result) const;

  std::uint16_t port_;
  std::string request_;
  std::span<std::byte> room_;
  std::span<std::byte> place_;  // of the body
  std::size_t moved_ = 0;       // in this step
  std::size_t header_bytes_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::optional<ContentRange> part_;
  int status_ = 0;
  int socket_ = -1;
  Step step_ = Step::connect;
};

}  // namespace bench
