// NAME    files - which files hold a service's certificates and private keys
//
// SYNOPSIS
//     IdentityFiles files = identity_files(config, "smtpd");     // smtpd_tls_chain_files, or smtpd_tls_cert_file …
//     if (files.empty()) …                                       // nothing is configured
//
// DESCRIPTION
//     PREFIX_tls_chain_files names files that hold a key and, behind it, its chain. Where it is empty,
//     PREFIX_tls_cert_file with PREFIX_tls_key_file, and PREFIX_tls_eccert_file with PREFIX_tls_eckey_file, count.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/config/config.h"

namespace umaya::tls {

struct IdentityFiles {
  /// A chain's file and its key's; the same file for both when key is empty.
  struct Pair {
    std::string certificate, key;
  };
  std::vector<Pair> pairs;
  /// Parameters that name them, for messages: "smtpd_tls_cert_file and smtpd_tls_key_file".
  std::string parameters;

  bool empty() const { return pairs.empty(); }
  /// The same for the same files; what tlsmgr is asked for.
  std::string name() const;
  /// Every file, once.
  std::vector<std::string> paths() const;
};

/// prefix: "smtpd", "pop3", "smtp", "lmtp". "none" as a certificate file means that there is none.
IdentityFiles identity_files(const config::Config& config, std::string_view prefix);

}  // namespace umaya::tls
