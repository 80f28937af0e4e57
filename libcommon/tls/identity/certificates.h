// NAME    certificates - private keys with their certificate chains, read from PEM and looked over
//
// SYNOPSIS
//     SourceFile file = read_source("/etc/umaya/tls/mail.pem");
//     UMAYA_TRY(PrivateIdentity identity, load_identity(files, sources));
//     for (const std::string& line : identity.complaints) log::warning("{}", line);
//
// DESCRIPTION
//     For the processes that may read private keys: tlsmgr, and `umaya check`. A file may hold several keys, each
//     before its certificate and the certificates that lead to the authority.
//
// ERRORS
//     load_identity() is a permanent error, with file and cure, when a file cannot be read, a key does not belong to
//     its certificate, is encrypted, or is of a kind that cannot be used (RSA from 2048 bits and ECDSA can). What works
//     but is wrong (expired, the order of the chain, a key that others may read) is a complaint.
//
// LIMITS
//     kLargestSource bytes a file.
#pragma once

#include <sys/types.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/tls/identity/files.h"
#include "libcommon/tls/tlsmgr_protocol.h"

struct evp_pkey_st;
struct x509_st;

namespace umaya::tls {

struct KeyFree {
  void operator()(evp_pkey_st* key) const;
};
using KeyPtr = std::unique_ptr<evp_pkey_st, KeyFree>;
struct CertificateFree {
  void operator()(x509_st* certificate) const;
};
using CertificatePtr = std::unique_ptr<x509_st, CertificateFree>;

inline constexpr size_t kLargestSource = 96 * 1024;

/// The content of a file, or why there is none.
struct SourceFile {
  std::string path;
  std::string text;
  int sys_errno = 0;  ///< EFBIG: above kLargestSource
  uid_t owner = 0;
  mode_t mode = 0;
  std::string mark;  ///< changes with the file
};
SourceFile read_source(const std::string& path);
/// Changes when the file at path does; without reading it.
std::string source_mark(const std::string& path);

struct PrivateChain {
  Chain chain;
  KeyPtr key;
};

struct PrivateIdentity {
  std::vector<PrivateChain> chains;  ///< at most one for each kind of key
  std::vector<std::string> complaints;
};

/// sources: the content of each of files.paths().
Result<PrivateIdentity> load_identity(const IdentityFiles& files, std::span<const SourceFile> sources);
/// The name of a key in tlsmgr_protocol.h: hexadecimal SHA-256 of its public half.
std::string key_name(const evp_pkey_st* key);
/// All certificates of a PEM text, in their order.
std::vector<CertificatePtr> certificates_in(std::string_view pem);

}  // namespace umaya::tls
