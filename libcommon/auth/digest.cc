#include "libcommon/auth/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

namespace umaya::auth {

namespace {

const EVP_MD* algorithm_of(Hash hash) {
  switch (hash) {
    case Hash::md5:
      return EVP_md5();
    case Hash::sha1:
      return EVP_sha1();
    case Hash::sha256:
      return EVP_sha256();
    case Hash::sha512:
      break;
  }
  return EVP_sha512();
}

}  // namespace

size_t digest_size(Hash hash) {
  return static_cast<size_t>(EVP_MD_get_size(algorithm_of(hash)));
}

std::string digest(Hash hash, std::string_view first, std::string_view second) {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestInit_ex(context.get(), algorithm_of(hash), nullptr);
  EVP_DigestUpdate(context.get(), first.data(), first.size());
  EVP_DigestUpdate(context.get(), second.data(), second.size());
  EVP_DigestFinal_ex(context.get(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

std::string hmac(Hash hash, std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(algorithm_of(hash), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt, uint32_t rounds) {
  std::string out(digest_size(hash), '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                    static_cast<int>(rounds), algorithm_of(hash), static_cast<int>(out.size()),
                    reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

}  // namespace umaya::auth
