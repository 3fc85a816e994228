#include "harness/load/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace bench {
namespace {

// "certificate verify failed"
std::string reason_of(unsigned long code) {
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : fmt::format("OpenSSL error {:X}", code);
}

[[noreturn]] void fail(std::string_view what) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  throw std::runtime_error(fmt::format("TLS: {}: {}", what, reason_of(code)));
}

bool is_address(const std::string& host) {
  in6_addr parsed{};  // large enough for either
  return inet_pton(AF_INET, host.c_str(), &parsed) == 1 || inet_pton(AF_INET6, host.c_str(), &parsed) == 1;
}

}  // namespace

void TlsClient::Free::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
void TlsStream::Free::operator()(SSL* stream) const noexcept { SSL_free(stream); }

TlsClient::TlsClient(std::string host, bool verify)
    : context_(SSL_CTX_new(TLS_client_method())), host_(std::move(host)), host_is_address_(is_address(host_)) {
  if (!context_) fail("make a context");
  SSL_CTX* const context = context_.get();
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) fail("ask for TLS 1.2");
  // HTTP has its own way to say where a reply ends, and many servers close without a word.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // a record's head and body by one system call
  // A session that is taken up again would leave out what a new user pays for.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  constexpr auto http = std::to_array<unsigned char>({8, 'h', 't', 't', 'p', '/', '1', '.', '1'});
  if (SSL_CTX_set_alpn_protos(context, http.data(), http.size()) != 0) fail("offer http/1.1");
  if (!verify) return;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_set_default_verify_paths(context) != 1) fail("find the system's certificates");
  X509_VERIFY_PARAM* const wanted = SSL_CTX_get0_param(context);
  const int known = host_is_address_ ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str())
                                     : X509_VERIFY_PARAM_set1_host(wanted, host_.c_str(), host_.size());
  if (known != 1) fail(fmt::format("look for '{}' in certificates", host_));
}

TlsStream::TlsStream(const TlsClient& client, int fd) : stream_(SSL_new(client.context_.get())) {
  if (!stream_ || SSL_set_fd(stream_.get(), fd) != 1) fail("make a connection");
  if (!client.host_is_address_ && SSL_set_tlsext_host_name(stream_.get(), client.host_.c_str()) != 1) {
    fail("name the server");
  }
  SSL_set_connect_state(stream_.get());
}

TlsStream::Progress TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(stream_.get());
  if (result == 1) return Progress::done;
  switch (SSL_get_error(stream_.get(), result)) {
    case SSL_ERROR_WANT_READ: return Progress::wants_read;
    case SSL_ERROR_WANT_WRITE: return Progress::wants_write;
    default: note_error(); return Progress::failed;
  }
}

ssize_t TlsStream::send(std::span<const std::byte> bytes) {
  ERR_clear_error();
  const std::size_t size = std::min<std::size_t>(bytes.size(), INT_MAX);
  return result_of(SSL_write(stream_.get(), bytes.data(), static_cast<int>(size)));
}

ssize_t TlsStream::receive(std::span<std::byte> room) {
  ERR_clear_error();
  const std::size_t size = std::min<std::size_t>(room.size(), INT_MAX);
  return result_of(SSL_read(stream_.get(), room.data(), static_cast<int>(size)));
}

bool TlsStream::holds_received() const { return SSL_has_pending(stream_.get()) == 1; }

// As a system call would have it.
ssize_t TlsStream::result_of(int result) {
  if (result > 0) return result;
  const int system_error = errno;
  switch (SSL_get_error(stream_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: errno = system_error != 0 ? system_error : ECONNRESET; return -1;
    default:
      note_error();
      errno = EPROTO;
      return -1;
  }
}

void TlsStream::note_error() {
  const unsigned long code = ERR_peek_error();
  const long verified = SSL_get_verify_result(stream_.get());
  refused_ = ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (refused_) {
    error_ = fmt::format("TLS: the server's certificate is not accepted: {}; --insecure does without",
                         X509_verify_cert_error_string(verified));
  } else if (code == 0) {
    error_ = fmt::format("TLS: the peer closed in the middle of the handshake");
  } else if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
    error_ = "TLS: the server does not speak it (wrong version number)";
  } else {
    error_ = fmt::format("TLS: {}", reason_of(code));
  }
  ERR_clear_error();
}

}  // namespace bench
