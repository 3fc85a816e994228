// The server's side of TLS, for tests of the load generator: a certificate that it makes for itself, and echo over it.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

namespace bench {

/// A key and a certificate for "localhost" and 127.0.0.1, signed with that key; new each time.
class TlsIdentity {
 public:
  /// Throws std::runtime_error where OpenSSL cannot.
  TlsIdentity();
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  /// The certificate as a PEM file, which is gone with this object: whoever trusts it trusts this server.
  const std::string& file() const { return file_; }

  /// The server's side of a connection on `fd`: the handshake, then echo messages until the peer closes.
  void serve_echo(int fd) const;

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept;
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  std::string file_;
};

}  // namespace bench
