// TLS on the client's side of a load, by OpenSSL: a handshake on a connected socket, then bytes in both directions, as
// send(2) and recv(2) have them.
#pragma once

#include <openssl/types.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace bench {

/// What all connections of a load share. Made before its processes are forked; any thread.
class TlsClient {
 public:
  /// `host` is who the server has to be: its certificate has to name it, and be signed by an authority that this system
  /// trusts (SSL_CERT_FILE and SSL_CERT_DIR name others), unless `verify` is false; a name is also sent (SNI).
  /// Offers TLS 1.2 and newer and http/1.1 (ALPN). Throws std::runtime_error where OpenSSL cannot do that.
  TlsClient(std::string host, bool verify);

 private:
  friend class TlsStream;

  struct Free {
    void operator()(SSL_CTX* context) const noexcept;
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  std::string host_;
  bool host_is_address_ = false;
};

/// One connection. One thread uses it. The process must ignore SIGPIPE.
class TlsStream {
 public:
  enum class Progress { done, wants_read, wants_write, failed };

  /// `fd` is connected and non-blocking, belongs to the caller, and outlives the stream.
  TlsStream(const TlsClient& client, int fd);

  /// Goes on with the handshake.
  Progress handshake();

  /// As send(2) and recv(2) on a non-blocking socket: EAGAIN where they would block, EPROTO where what the peer sent is
  /// no TLS. What could not be sent must come again, with whatever follows it.
  ssize_t send(std::span<const std::byte> bytes);
  ssize_t receive(std::span<std::byte> room);

  /// Whether something has come that receive() has not given away, and that epoll says nothing of.
  bool holds_received() const;

  /// Why the handshake or the last call failed, for people.
  std::string error() const { return error_; }

  /// Whether it would fail so again: the server is not who it has to be.
  bool is_refused() const { return refused_; }

 private:
  struct Free {
    void operator()(SSL* stream) const noexcept;
  };
  void note_error();
  ssize_t result_of(int result);

  std::unique_ptr<SSL, Free> stream_;
  std::string error_;
  bool refused_ = false;
};

}  // namespace bench
