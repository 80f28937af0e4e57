#include "tlsmgr/signing.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>

namespace umaya::tlsmgr {

using tls::SignatureForm;

static constexpr size_t kLargestDigest = 64;
/// A DigestInfo is a digest and its name.
static constexpr size_t kLargestDigestInfo = 128;

/// Whether a block may come from PSS: its last octet, and the bits above the modulus (RFC 8017 9.1.1).
static bool is_pss_block(std::string_view block, size_t key_size) {
  return block.size() == key_size && static_cast<unsigned char>(block.back()) == 0xBC && !(block.front() & 0x80);
}

static bool fits(const EVP_PKEY* key, SignatureForm form, std::string_view input) {
  int kind = EVP_PKEY_get_base_id(key);
  if (input.empty()) return false;
  switch (form) {
    case SignatureForm::ecdsa:
      return kind == EVP_PKEY_EC && input.size() <= kLargestDigest;
    case SignatureForm::rsa_pkcs1:
      return kind == EVP_PKEY_RSA && input.size() <= kLargestDigestInfo;
    case SignatureForm::rsa_block:
      return kind == EVP_PKEY_RSA && is_pss_block(input, static_cast<size_t>(EVP_PKEY_get_size(key)));
  }
  return false;
}

Result<std::string> sign(EVP_PKEY* key, SignatureForm form, std::string_view input) {
  if (!fits(key, form, input)) return permanent("that is nothing a handshake signs with this key");
  std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(key, nullptr),
                                                                      &EVP_PKEY_CTX_free);
  EVP_PKEY_CTX* c = context.get();
  bool ready = c && EVP_PKEY_sign_init(c) == 1;
  if (ready && form != SignatureForm::ecdsa) {
    int padding = form == SignatureForm::rsa_pkcs1 ? RSA_PKCS1_PADDING : RSA_NO_PADDING;
    ready = EVP_PKEY_CTX_set_rsa_padding(c, padding) == 1;
  }
  const auto* octets = reinterpret_cast<const unsigned char*>(input.data());
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(key));
  std::string out(size, '\0');
  if (!ready || EVP_PKEY_sign(c, reinterpret_cast<unsigned char*>(out.data()), &size, octets, input.size()) != 1) {
    ERR_clear_error();
    return temporary("the signature failed");
  }
  out.resize(size);
  return out;
}

}  // namespace umaya::tlsmgr
