// RSA_METHOD and EC_KEY_METHOD are how OpenSSL 3 lets a program make the signatures itself without being a provider.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "libcommon/tls/remote_key.h"

#include <openssl/async.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include <cstring>
#include <memory>

#include "libcommon/tls/identity/certificates.h"

namespace umaya::tls {

using event::Task;

RemoteSigner* RemoteSigner::active_ = nullptr;

// What waits on the stack of a job is no business of AddressSanitizer's, which knows the thread's own stack only.
#define UMAYA_ON_JOB_STACK [[gnu::no_sanitize_address]]

UMAYA_ON_JOB_STACK std::string RemoteSigner::signature_for(SignQuery query) {
  RemoteSigner* self = active_;
  if (!self || !ASYNC_get_current_job()) return {};
  self->query_ = std::move(query);
  self->signature_.clear();
  ASYNC_pause_job();
  return std::move(self->signature_);
}

Task<Result<void>> RemoteSigner::help(int ssl_error) {
  if (ssl_error != SSL_ERROR_WANT_ASYNC) co_return temporary("TLS: the handshake waits for something unknown");
  Result<SignAnswer> answer = co_await tlsmgr_.sign(std::move(query_));
  if (answer) {
    signature_ = std::move(answer->signature);
    trouble_ = std::move(answer->trouble);
  } else {
    trouble_ = answer.error().what;
  }
  co_return Result<void>{};  // without a signature the next step fails, and tells the peer
}

void RemoteSigner::abandon() {
  signature_.clear();
}

namespace {

/// Frees the name that a key carries.
void free_name(void*, void* name, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<std::string*>(name);
}

int rsa_index() {
  static const int index = RSA_get_ex_new_index(0, nullptr, nullptr, nullptr, free_name);
  return index;
}

int ec_index() {
  static const int index = EC_KEY_get_ex_new_index(0, nullptr, nullptr, nullptr, free_name);
  return index;
}

UMAYA_ON_JOB_STACK int sign_rsa(int size, const unsigned char* input, unsigned char* output, RSA* rsa, int padding) {
  const auto* name = static_cast<const std::string*>(RSA_get_ex_data(rsa, rsa_index()));
  bool known = padding == RSA_PKCS1_PADDING || padding == RSA_NO_PADDING;
  if (!name || !known || size < 0) return -1;
  SignQuery query;
  query.key = *name;
  query.form = padding == RSA_PKCS1_PADDING ? SignatureForm::rsa_pkcs1 : SignatureForm::rsa_block;
  query.input.assign(reinterpret_cast<const char*>(input), static_cast<size_t>(size));
  std::string signature = RemoteSigner::signature_for(std::move(query));
  if (signature.empty() || signature.size() != static_cast<size_t>(RSA_size(rsa))) return -1;
  std::memcpy(output, signature.data(), signature.size());
  return static_cast<int>(signature.size());
}

int refuse_rsa(int, const unsigned char*, unsigned char*, RSA*, int) {
  return -1;
}

UMAYA_ON_JOB_STACK int sign_ec(int, const unsigned char* digest, int size, unsigned char* output, unsigned* output_size,
                               const BIGNUM*, const BIGNUM*, EC_KEY* key) {
  const auto* name = static_cast<const std::string*>(EC_KEY_get_ex_data(key, ec_index()));
  if (!name || size < 0) return 0;
  SignQuery query;
  query.key = *name;
  query.form = SignatureForm::ecdsa;
  query.input.assign(reinterpret_cast<const char*>(digest), static_cast<size_t>(size));
  std::string signature = RemoteSigner::signature_for(std::move(query));
  if (signature.empty() || signature.size() > static_cast<size_t>(ECDSA_size(key))) return 0;
  std::memcpy(output, signature.data(), signature.size());
  *output_size = static_cast<unsigned>(signature.size());
  return 1;
}

// The methods live as long as the process: keys of connections refer to them to the last.
const RSA_METHOD* rsa_method() {
  static RSA_METHOD* method = [] {
    RSA_METHOD* made = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    RSA_meth_set1_name(made, "umaya tlsmgr");
    RSA_meth_set_flags(made, RSA_METHOD_FLAG_NO_CHECK | RSA_FLAG_EXT_PKEY);
    RSA_meth_set_priv_enc(made, sign_rsa);
    RSA_meth_set_priv_dec(made, refuse_rsa);
    return made;
  }();
  return method;
}

const EC_KEY_METHOD* ec_method() {
  static EC_KEY_METHOD* method = [] {
    EC_KEY_METHOD* made = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    EC_KEY_METHOD_set_sign(made, sign_ec, nullptr, nullptr);
    return made;
  }();
  return method;
}

/// The public key of the certificate, as a private one whose signatures come from tlsmgr.
KeyPtr remote_rsa(const EVP_PKEY* of_certificate, const std::string& name) {
  const RSA* known = EVP_PKEY_get0_RSA(of_certificate);
  KeyPtr out(EVP_PKEY_new());
  RSA* rsa = known ? RSAPublicKey_dup(known) : nullptr;
  if (!out || !rsa) return nullptr;
  RSA_set_method(rsa, rsa_method());
  RSA_set_ex_data(rsa, rsa_index(), std::make_unique<std::string>(name).release());
  bool taken = EVP_PKEY_assign_RSA(out.get(), rsa) == 1;
  if (!taken) RSA_free(rsa);
  return taken ? std::move(out) : nullptr;
}

KeyPtr remote_ec(const EVP_PKEY* of_certificate, const std::string& name) {
  const EC_KEY* known = EVP_PKEY_get0_EC_KEY(of_certificate);
  KeyPtr out(EVP_PKEY_new());
  EC_KEY* key = known ? EC_KEY_dup(known) : nullptr;
  if (!out || !key) return nullptr;
  EC_KEY_set_method(key, ec_method());
  EC_KEY_set_ex_data(key, ec_index(), std::make_unique<std::string>(name).release());
  bool taken = EVP_PKEY_assign_EC_KEY(out.get(), key) == 1;
  if (!taken) EC_KEY_free(key);
  return taken ? std::move(out) : nullptr;
}

Result<void> install_chain(SSL_CTX* context, const Chain& chain) {
  ERR_clear_error();
  std::vector<CertificatePtr> certificates = certificates_in(chain.certificates);
  if (certificates.empty()) return temporary("tlsmgr gave no certificate");
  const EVP_PKEY* of_certificate = X509_get0_pubkey(certificates.front().get());
  KeyPtr key =
      chain.kind == KeyKind::rsa ? remote_rsa(of_certificate, chain.key) : remote_ec(of_certificate, chain.key);
  if (!key) return temporary("the public key of a certificate is not of its kind");
  bool installed =
      SSL_CTX_use_certificate(context, certificates.front().get()) == 1 && SSL_CTX_clear_chain_certs(context) == 1;
  for (size_t i = 1; installed && i < certificates.size(); ++i) {
    installed = SSL_CTX_add1_chain_cert(context, certificates[i].get()) == 1;
  }
  installed = installed && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  if (!installed) return temporary("certificate: " + openssl_errors());
  return {};
}

}  // namespace

Result<void> install_chains(SSL_CTX* context, std::span<const Chain> chains) {
  if (chains.empty()) return temporary("no certificate");
  for (const Chain& chain : chains) UMAYA_CHECK(install_chain(context, chain));
  return {};
}

}  // namespace umaya::tls
