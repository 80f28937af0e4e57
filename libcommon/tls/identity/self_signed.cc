#include "libcommon/tls/identity/self_signed.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "libcommon/base/fd.h"
#include "libcommon/log/log.h"
#include "libcommon/tls/identity/certificates.h"

namespace umaya::tls {

static constexpr long kValidSeconds = 10L * 365 * 24 * 3600;
/// Clocks of clients may be behind.
static constexpr long kEarlier = 24 * 3600;
/// Longest common name (X.520).
static constexpr size_t kLongestName = 64;

static std::string file_of(const config::Config& config) {
  return config.get("data_directory") + "/self-signed.pem";
}

IdentityFiles self_signed_files(const config::Config& config) {
  return {{{file_of(config), ""}}, "smtpd_tls_chain_files"};
}

namespace {

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) return false;
  bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

CertificatePtr make_certificate(EVP_PKEY* key, const std::string& host) {
  CertificatePtr out(X509_new());
  X509* c = out.get();
  unsigned char serial[16];
  if (!c || RAND_bytes(serial, sizeof serial) != 1) return nullptr;
  serial[0] &= 0x7F;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(c));
  BN_free(number);
  X509_set_version(c, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(c), -kEarlier);
  X509_gmtime_adj(X509_getm_notAfter(c), kValidSeconds);
  X509_set_pubkey(c, key);
  std::string common = host.substr(0, kLongestName);
  X509_NAME* name = X509_get_subject_name(c);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.data()),
                             static_cast<int>(common.size()), -1, 0);
  X509_set_issuer_name(c, name);
  bool made = add_extension(c, NID_basic_constraints, "critical,CA:FALSE") &&
              add_extension(c, NID_key_usage, "critical,digitalSignature") &&
              add_extension(c, NID_ext_key_usage, "serverAuth") &&
              add_extension(c, NID_subject_key_identifier, "hash") &&
              add_extension(c, NID_subject_alt_name, "DNS:" + host) && X509_sign(c, key, EVP_sha256()) > 0;
  return made ? std::move(out) : nullptr;
}

Result<std::string> make_pem(const std::string& host) {
  KeyPtr key(EVP_EC_gen("prime256v1"));
  CertificatePtr certificate = key ? make_certificate(key.get(), host) : nullptr;
  std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  bool written = certificate && out &&
                 PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) &&
                 PEM_write_bio_X509(out.get(), certificate.get());
  if (!written) return temporary("cannot make a self-signed certificate for " + host);
  char* text = nullptr;
  long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

}  // namespace

void log_self_signed(const config::Config& config) {
  log::warning(
      "{}: made a self-signed certificate for {}, since none is configured: other hosts encrypt with it but "
      "cannot tell who we are; when you have a certificate, name it in smtpd_tls_chain_files",
      file_of(config), config.get("myhostname"));
}

bool has_self_signed(const config::Config& config) {
  return ::faccessat(AT_FDCWD, file_of(config).c_str(), F_OK, AT_EACCESS) == 0;
}

Result<bool> ensure_self_signed(const config::Config& config) {
  std::string path = file_of(config);
  if (has_self_signed(config)) return false;
  UMAYA_TRY(std::string pem, make_pem(config.get("myhostname")));
  std::string fresh = fmt::format("{}.{}", path, getpid());
  // The directory belongs to mail_owner: whatever that user puts there is not followed.
  Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return sys_error("create " + fresh);
  bool written =
      ::write(fd.get(), pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()) && ::fsync(fd.get()) == 0;
  if (!written || ::link(fresh.c_str(), path.c_str()) != 0) {
    int error = errno;
    ::unlink(fresh.c_str());
    if (written && error == EEXIST) return false;  // somebody else was faster
    return sys_error("write " + path, error);
  }
  ::unlink(fresh.c_str());
  return true;
}

}  // namespace umaya::tls
