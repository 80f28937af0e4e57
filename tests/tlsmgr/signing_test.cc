#include "tlsmgr/signing.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <catch2/catch.hpp>

#include "libcommon/tls/identity/certificates.h"

using namespace umaya;
using tls::SignatureForm;

static std::string digest_info() {
  // SHA-256's name (RFC 8017 9.2, note 1) and a digest.
  std::string out("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);
  return out + std::string(32, 'd');
}

TEST_CASE("signing: an ECDSA key signs digests and nothing longer", "[tlsmgr]") {
  tls::KeyPtr key(EVP_EC_gen("prime256v1"));
  std::string digest(32, 'd');
  auto signature = tlsmgr::sign(key.get(), SignatureForm::ecdsa, digest);
  REQUIRE(signature);
  std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> check(EVP_PKEY_CTX_new(key.get(), nullptr),
                                                                    &EVP_PKEY_CTX_free);
  REQUIRE(EVP_PKEY_verify_init(check.get()) == 1);
  CHECK(EVP_PKEY_verify(check.get(), reinterpret_cast<const unsigned char*>(signature->data()), signature->size(),
                        reinterpret_cast<const unsigned char*>(digest.data()), digest.size()) == 1);
  CHECK_FALSE(tlsmgr::sign(key.get(), SignatureForm::ecdsa, std::string(65, 'x')));
  CHECK_FALSE(tlsmgr::sign(key.get(), SignatureForm::ecdsa, ""));
  CHECK_FALSE(tlsmgr::sign(key.get(), SignatureForm::rsa_pkcs1, digest));
}

TEST_CASE("signing: an RSA key makes signatures, and decrypts nothing", "[tlsmgr]") {
  tls::KeyPtr key(EVP_RSA_gen(2048));
  auto signature = tlsmgr::sign(key.get(), SignatureForm::rsa_pkcs1, digest_info());
  REQUIRE(signature);
  CHECK(signature->size() == 256);
  std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> check(EVP_PKEY_CTX_new(key.get(), nullptr),
                                                                    &EVP_PKEY_CTX_free);
  REQUIRE(EVP_PKEY_verify_init(check.get()) == 1);
  REQUIRE(EVP_PKEY_CTX_set_rsa_padding(check.get(), RSA_PKCS1_PADDING) == 1);
  std::string signed_text = digest_info();
  CHECK(EVP_PKEY_verify(check.get(), reinterpret_cast<const unsigned char*>(signature->data()), signature->size(),
                        reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size()) == 1);
  // What somebody has encrypted to the key is no block of PSS.
  std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> seal(EVP_PKEY_CTX_new(key.get(), nullptr),
                                                                   &EVP_PKEY_CTX_free);
  REQUIRE(EVP_PKEY_encrypt_init(seal.get()) == 1);
  REQUIRE(EVP_PKEY_CTX_set_rsa_padding(seal.get(), RSA_PKCS1_PADDING) == 1);
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    std::string sealed(256, '\0');
    size_t size = sealed.size();
    std::string secret = "secret";
    REQUIRE(EVP_PKEY_encrypt(seal.get(), reinterpret_cast<unsigned char*>(sealed.data()), &size,
                             reinterpret_cast<const unsigned char*>(secret.data()), secret.size()) == 1);
    if (!tlsmgr::sign(key.get(), SignatureForm::rsa_block, sealed)) ++refused;
  }
  CHECK(refused >= 18);  // one in 512 has the mark of PSS by chance
  std::string block(256, 'b');
  block.front() = 0x10;
  CHECK_FALSE(tlsmgr::sign(key.get(), SignatureForm::rsa_block, block));
  block.back() = static_cast<char>(0xBC);
  CHECK(tlsmgr::sign(key.get(), SignatureForm::rsa_block, block));
  CHECK_FALSE(tlsmgr::sign(key.get(), SignatureForm::rsa_block, block.substr(1)));
  CHECK_FALSE(tlsmgr::sign(key.get(), SignatureForm::rsa_pkcs1, std::string(200, 'x')));
  CHECK_FALSE(tlsmgr::sign(key.get(), SignatureForm::ecdsa, std::string(32, 'x')));
}
