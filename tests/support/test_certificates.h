// NAME    test_certificates - an authority that issues certificates for a test, and the server's side of a handshake
//
// SYNOPSIS
//     TestAuthority authority;
//     std::string pem = authority.issue({.names = {"mx.example"}});        // key, certificate
//     TestTlsServer server(pem);
//     bool done = co_await server.accept(stream);
#pragma once

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/tls/identity/certificates.h"
#include "libcommon/tls/transport.h"
#include "tests/support/temp_directory.h"

namespace umaya {

struct CertificateWish {
  std::vector<std::string> names{};  ///< DNS names; none: only the common name
  std::string common_name = "test";
  long begins = -3600, ends = 3600;  ///< seconds from now
  bool self_signed = false;
};

class TestAuthority {
 public:
  TestAuthority()
      : key_(EVP_EC_gen("P-256")), certificate_(make({.common_name = "Test Authority"}, key_.get(), true)) {}

  /// Key and certificate in PEM, as a chain file has them.
  std::string issue(const CertificateWish& wish) const {
    tls::KeyPtr key(EVP_EC_gen("P-256"));
    tls::CertificatePtr certificate = make(wish, key.get(), false);
    return pem([&](BIO* out) { PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); }) +
           pem([&](BIO* out) { PEM_write_bio_X509(out, certificate.get()); });
  }
  /// The authority's own certificate.
  std::string certificate() const {
    return pem([&](BIO* out) { PEM_write_bio_X509(out, certificate_.get()); });
  }

 private:
  template <class Write>
  static std::string pem(Write write) {
    BIO* out = BIO_new(BIO_s_mem());
    write(out);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out, &text);
    std::string result(text, static_cast<size_t>(size));
    BIO_free(out);
    return result;
  }
  static void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  tls::CertificatePtr make(const CertificateWish& wish, EVP_PKEY* key, bool authority) const {
    tls::CertificatePtr out(X509_new());
    X509_set_version(out.get(), 2);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(out.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(out.get()), wish.begins);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), wish.ends);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
    const bool own = authority || wish.self_signed;
    X509_set_issuer_name(out.get(), X509_get_subject_name(own ? out.get() : certificate_.get()));
    X509_set_pubkey(out.get(), key);
    add_extension(out.get(), NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    std::string names;
    for (const std::string& name : wish.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
    if (!names.empty()) add_extension(out.get(), NID_subject_alt_name, names);
    X509_sign(out.get(), own ? key : key_.get(), EVP_sha256());
    return out;
  }

  tls::KeyPtr key_;
  tls::CertificatePtr certificate_;
};

class TestTlsServer {
 public:
  explicit TestTlsServer(const std::string& pem) : context_(SSL_CTX_new(TLS_server_method())) {
    const std::string file = directory_ / "chain.pem";
    std::ofstream(file) << pem;
    SSL_CTX_use_PrivateKey_file(context_.get(), file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_certificate_file(context_.get(), file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_session_id_context(context_.get(), reinterpret_cast<const unsigned char*>("test"), 4);
  }
  SSL_CTX* context() { return context_.get(); }

  /// co_await: the server's side of the handshake.
  event::Task<bool> accept(event::Stream* stream) {
    tls::SslPtr ssl(SSL_new(context_.get()));
    SSL_set_accept_state(ssl.get());
    if (!tls::attach(ssl.get(), stream->fd())) co_return false;
    Result<void> done = co_await tls::handshake(stream, ssl.get(), monotonic_now() + std::chrono::seconds(5));
    if (!done) co_return false;
    if (const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name)) server_name = name;
    resumed = SSL_session_reused(ssl.get());
    stream->set_transport(std::make_unique<tls::Transport>(std::move(ssl)));
    co_return true;
  }

  std::string server_name;  ///< of the last handshake
  bool resumed = false;

 private:
  test::TempDirectory directory_;
  tls::ContextPtr context_;
};

}  // namespace umaya
