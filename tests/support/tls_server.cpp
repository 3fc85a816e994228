#include "tests/support/tls_server.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "tests/support/conversation.h"
#include "tests/support/test_server.h"

namespace bench {
namespace {

template <auto free>
struct Freed {
  template <typename T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

void check(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

void add_extension(X509& certificate, int kind, const char* value) {
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value));
  check(extension && X509_add_ext(&certificate, extension.get(), -1) == 1, "add an extension");
}

Certificate certificate_for(EVP_PKEY& key) {
  constexpr long hour = 3600;
  Certificate made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -hour);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), hour);
  X509_NAME* const name = X509_get_subject_name(made.get());
  constexpr auto text = std::to_array<unsigned char>({'t', 'e', 's', 't'});
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text.data(), text.size(), -1, 0);
  X509_set_issuer_name(made.get(), name);
  X509_set_pubkey(made.get(), &key);
  add_extension(*made, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  add_extension(*made, NID_basic_constraints, "critical,CA:TRUE");
  check(X509_sign(made.get(), &key, EVP_sha256()) != 0, "sign a certificate");
  return made;
}

}  // namespace

void TlsIdentity::Free::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

TlsIdentity::TlsIdentity() : context_(SSL_CTX_new(TLS_server_method())) {
  const Key key(EVP_EC_gen("P-256"));
  check(context_ && key, "make a key");
  const Certificate certificate = certificate_for(*key);
  check(SSL_CTX_use_certificate(context_.get(), certificate.get()) == 1 &&
            SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1,
        "use a certificate");
  std::string path = "/tmp/bench-certificate-XXXXXX";
  const int fd = mkstemp(path.data());
  check(fd >= 0, "make a file");
  file_ = path;
  std::FILE* const file = fdopen(fd, "w");
  const bool written = file != nullptr && PEM_write_X509(file, certificate.get()) == 1;
  if (file != nullptr) std::fclose(file);
  check(written, "write a certificate");
}

TlsIdentity::~TlsIdentity() {
  if (!file_.empty()) unlink(file_.c_str());
}

void TlsIdentity::serve_echo(int fd) const {
  const std::unique_ptr<SSL, Freed<SSL_free>> stream(SSL_new(context_.get()));
  SSL_set_fd(stream.get(), fd);
  if (SSL_accept(stream.get()) != 1) return;
  ServedConnection echo(service_named("echo"), ServiceContext{});
  std::array<char, 4096> room{};
  for (int size = 0; (size = SSL_read(stream.get(), room.data(), room.size())) > 0;) {
    echo.receive({room.data(), static_cast<std::size_t>(size)});
    const std::string reply = echo.take_sent();
    if (!reply.empty() && SSL_write(stream.get(), reply.data(), static_cast<int>(reply.size())) <= 0) break;
  }
  SSL_shutdown(stream.get());
}

}  // namespace bench
