#include "libcommon/tls/identity/certificates.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/strings.h"

namespace umaya::tls {

static constexpr int kLeastRsaBits = 2048;
static constexpr int64_t kSoon = 14 * 24 * 3600;

void KeyFree::operator()(EVP_PKEY* key) const {
  EVP_PKEY_free(key);
}

void CertificateFree::operator()(X509* certificate) const {
  X509_free(certificate);
}

namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

BioPtr reader_of(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string mark_of(const struct stat& info) {
  return fmt::format("{:x}.{:x}.{:x}.{:x}.{:x}.{:x}", info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec, info.st_ctim.tv_nsec);
}

/// Gives no password: a daemon has nobody to ask.
int no_password(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

/// One "-----BEGIN …" block.
struct Block {
  std::string title, pem;
};

std::vector<Block> blocks_in(std::string_view text) {
  static constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
  std::vector<Block> out;
  for (size_t at = 0; (at = text.find(kBegin, at)) != std::string_view::npos;) {
    size_t title = at + kBegin.size();
    size_t title_end = text.find(kDashes, title);
    if (title_end == std::string_view::npos) break;
    std::string name(text.substr(title, title_end - title));
    std::string last = std::string(kEnd) + name + std::string(kDashes);
    size_t end = text.find(last, title_end);
    if (end == std::string_view::npos) break;
    end += last.size();
    out.push_back({name, std::string(text.substr(at, end - at)) + "\n"});
    at = end;
  }
  return out;
}

bool is_certificate(std::string_view title) {
  return title == "CERTIFICATE" || title == "X509 CERTIFICATE" || title == "TRUSTED CERTIFICATE";
}

Result<KeyPtr> read_key(const Block& block, const std::string& path) {
  ERR_clear_error();
  bool asked = false;
  KeyPtr key(PEM_read_bio_PrivateKey(reader_of(block.pem).get(), nullptr, no_password, &asked));
  ERR_clear_error();
  if (asked) {
    return permanent(path +
                     ": the private key is encrypted: write it without a password (openssl pkey -in OLD -out NEW)");
  }
  if (!key) return permanent(path + ": the private key cannot be read: it must be PEM");
  int kind = EVP_PKEY_get_base_id(key.get());
  if (kind == EVP_PKEY_RSA && EVP_PKEY_get_bits(key.get()) < kLeastRsaBits) {
    return permanent(fmt::format("{}: an RSA key of {} bits is too weak: make one of 2048 bits, or an ECDSA key", path,
                                 EVP_PKEY_get_bits(key.get())));
  }
  if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC) {
    const char* name = EVP_PKEY_get0_type_name(key.get());
    return permanent(fmt::format("{}: keys of the kind {} cannot be used: use RSA or ECDSA", path, name ? name : "?"));
  }
  return key;
}

/// A key, the certificates behind it, and where they stand.
struct Group {
  KeyPtr key;
  std::vector<CertificatePtr> certificates;
  std::string pem;
  std::string certificate_path, key_path;
};

const SourceFile* find_source(std::span<const SourceFile> sources, const std::string& path) {
  auto it = std::find_if(sources.begin(), sources.end(), [&](const SourceFile& s) { return s.path == path; });
  return it == sources.end() ? nullptr : &*it;
}

Result<const SourceFile*> readable_source(std::span<const SourceFile> sources, const std::string& path,
                                          const std::string& parameters) {
  const SourceFile* source = find_source(sources, path);
  if (source && source->sys_errno == 0) return source;
  int error = source ? source->sys_errno : ENOENT;
  std::string cure = error == ENOENT   ? "make it, or correct " + parameters
                     : error == EACCES ? "let its owner and directories admit the user that starts Umaya"
                                       : "correct " + parameters;
  return permanent(fmt::format("{}: {}: {}", path, strerror(error), cure));
}

/// The groups of a file that holds keys and chains.
Result<std::vector<Group>> groups_of_chain_file(const SourceFile& source) {
  std::vector<Group> out;
  for (const Block& block : blocks_in(source.text)) {
    if (block.title.ends_with("PRIVATE KEY")) {
      UMAYA_TRY(KeyPtr key, read_key(block, source.path));
      out.push_back({std::move(key), {}, {}, source.path, source.path});
    } else if (is_certificate(block.title)) {
      if (out.empty()) {
        return permanent(source.path +
                         ": a certificate stands before any private key: put the key first, then its "
                         "certificate, then those of the authorities");
      }
      out.back().pem += block.pem;
    }
  }
  if (out.empty())
    return permanent(source.path + ": there is no private key in it: put the key before its certificate");
  return out;
}

Result<Group> group_of_pair(const SourceFile& certificates, const SourceFile& key_file) {
  Group group;
  group.certificate_path = certificates.path;
  group.key_path = key_file.path;
  for (const Block& block : blocks_in(key_file.text)) {
    if (!block.title.ends_with("PRIVATE KEY")) continue;
    UMAYA_TRY(group.key, read_key(block, key_file.path));
    break;
  }
  if (!group.key) return permanent(key_file.path + ": there is no private key in it");
  for (const Block& block : blocks_in(certificates.text)) {
    if (is_certificate(block.title)) group.pem += block.pem;
  }
  return group;
}

int64_t seconds_until(const ASN1_TIME* time) {
  int days = 0, seconds = 0;
  if (!ASN1_TIME_diff(&days, &seconds, nullptr, time)) return 0;
  return static_cast<int64_t>(days) * 86400 + seconds;
}

std::string date_of(const ASN1_TIME* time) {
  tm parts{};
  if (!ASN1_TIME_to_tm(time, &parts)) return "?";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

/// What is wrong with a chain although it can be used.
void complain_of_chain(const Group& group, std::vector<std::string>& out) {
  const std::string& path = group.certificate_path;
  const X509* own = group.certificates.front().get();
  int64_t left = seconds_until(X509_get0_notAfter(own));
  std::string end = date_of(X509_get0_notAfter(own));
  if (left < 0) {
    out.push_back(fmt::format("{}: the certificate has expired on {}: renew it", path, end));
  } else if (left < kSoon) {
    out.push_back(fmt::format("{}: the certificate expires on {}: renew it", path, end));
  }
  if (seconds_until(X509_get0_notBefore(own)) > 0) {
    out.push_back(fmt::format("{}: the certificate is not valid before {}: look at this host's clock, or wait", path,
                              date_of(X509_get0_notBefore(own))));
  }
  for (size_t i = 1; i < group.certificates.size(); ++i) {
    if (X509_check_issued(group.certificates[i].get(), group.certificates[i - 1].get()) == X509_V_OK) continue;
    out.push_back(
        fmt::format("{}: certificate {} is not that of the authority which issued certificate {}: put the "
                    "server's own first, then each one's issuer",
                    path, i + 1, i));
    break;
  }
}

void complain_of_key(const SourceFile& file, std::vector<std::string>& out) {
  if (file.mode & S_IROTH) {
    out.push_back(
        fmt::format("{}: every user of this host can read the private key: chmod 600 {}", file.path, file.path));
  } else if (file.mode & (S_IWGRP | S_IWOTH)) {
    out.push_back(
        fmt::format("{}: others than its owner may change the private key: chmod 600 {}", file.path, file.path));
  }
  if (geteuid() == 0 && file.owner != 0) {
    out.push_back(fmt::format("{}: the private key belongs to user id {}, not to root: chown root {}", file.path,
                              file.owner, file.path));
  }
}

/// Reads the certificates and compares the first with the key.
Result<void> complete(Group& group) {
  group.certificates = certificates_in(group.pem);
  if (group.certificates.empty()) {
    return permanent(group.certificate_path + ": there is no certificate in it, or it is damaged");
  }
  bool own = X509_check_private_key(group.certificates.front().get(), group.key.get()) == 1;
  if (own) return {};
  ERR_clear_error();
  for (const CertificatePtr& other : group.certificates) {
    if (X509_check_private_key(other.get(), group.key.get()) == 1) {
      return permanent(group.certificate_path + ": the certificate of the key in " + group.key_path +
                       " is not the first one: put it first, then each one's issuer");
    }
    ERR_clear_error();
  }
  return permanent(
      fmt::format("{}: the private key in {} does not belong to the certificate: put the files together "
                  "that were made together",
                  group.certificate_path, group.key_path));
}

Result<std::vector<Group>> groups_of(const IdentityFiles& files, std::span<const SourceFile> sources) {
  std::vector<Group> out;
  for (const IdentityFiles::Pair& pair : files.pairs) {
    UMAYA_TRY(const SourceFile* certificates, readable_source(sources, pair.certificate, files.parameters));
    if (!pair.key.empty()) {
      UMAYA_TRY(const SourceFile* key, readable_source(sources, pair.key, files.parameters));
      UMAYA_TRY(Group group, group_of_pair(*certificates, *key));
      out.push_back(std::move(group));
    } else if (files.parameters.ends_with("_tls_chain_files")) {
      UMAYA_TRY(std::vector<Group> groups, groups_of_chain_file(*certificates));
      std::move(groups.begin(), groups.end(), std::back_inserter(out));
    } else {
      UMAYA_TRY(Group group, group_of_pair(*certificates, *certificates));
      out.push_back(std::move(group));
    }
  }
  return out;
}

}  // namespace

std::string source_mark(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return fmt::format("errno {}", errno);
  return mark_of(info);
}

SourceFile read_source(const std::string& path) {
  SourceFile out;
  out.path = path;
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info;
  if (!fd || fstat(fd.get(), &info) != 0) {
    out.sys_errno = errno;
    out.mark = fmt::format("errno {}", out.sys_errno);
    return out;
  }
  out.mark = mark_of(info);
  out.owner = info.st_uid;
  out.mode = info.st_mode & 07777;
  if (!S_ISREG(info.st_mode)) out.sys_errno = EINVAL;
  if (static_cast<size_t>(info.st_size) > kLargestSource) out.sys_errno = EFBIG;
  if (out.sys_errno != 0) return out;
  out.text.resize(static_cast<size_t>(info.st_size));
  size_t size = 0;
  while (size < out.text.size()) {
    ssize_t n = ::read(fd.get(), out.text.data() + size, out.text.size() - size);
    if (n < 0) out.sys_errno = errno;
    if (n <= 0) break;
    size += static_cast<size_t>(n);
  }
  out.text.resize(size);
  return out;
}

std::vector<CertificatePtr> certificates_in(std::string_view pem) {
  std::vector<CertificatePtr> out;
  ERR_clear_error();
  BioPtr in = reader_of(pem);
  while (X509* one = PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr)) out.emplace_back(one);
  ERR_clear_error();
  return out;
}

std::string key_name(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int der_size = i2d_PUBKEY(key, &der);
  if (der_size <= 0) return {};
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(der, static_cast<size_t>(der_size), bytes, &size, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  return hex_encode({reinterpret_cast<char*>(bytes), size});
}

Result<PrivateIdentity> load_identity(const IdentityFiles& files, std::span<const SourceFile> sources) {
  UMAYA_TRY(std::vector<Group> groups, groups_of(files, sources));
  PrivateIdentity out;
  for (Group& group : groups) {
    UMAYA_CHECK(complete(group));
    KeyKind kind = EVP_PKEY_get_base_id(group.key.get()) == EVP_PKEY_RSA ? KeyKind::rsa : KeyKind::ec;
    bool second = std::any_of(out.chains.begin(), out.chains.end(), [&](auto& c) { return c.chain.kind == kind; });
    if (second) {
      out.complaints.push_back(fmt::format("{}: there is a {} key already, this one is not used: name one of each kind",
                                           group.key_path, kind == KeyKind::rsa ? "RSA" : "ECDSA"));
      continue;
    }
    complain_of_chain(group, out.complaints);
    if (const SourceFile* file = find_source(sources, group.key_path)) complain_of_key(*file, out.complaints);
    Chain chain{group.pem, key_name(group.key.get()), kind};
    out.chains.push_back({std::move(chain), std::move(group.key)});
  }
  if (out.chains.empty()) return permanent("no certificate is configured");
  return out;
}

}  // namespace umaya::tls
