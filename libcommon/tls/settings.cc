#include "libcommon/tls/settings.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <iterator>

#include "libcommon/base/strings.h"

namespace umaya::tls {

namespace {

struct Version {
  std::string_view name;
  int number;
  uint64_t option;
};
constexpr Version kVersions[] = {
    {"SSLv2", 0x0002, 0},
    {"SSLv3", SSL3_VERSION, SSL_OP_NO_SSLv3},
    {"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
    {"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
    {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
    {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3},
};

Result<Version> find_version(std::string_view word) {
  for (const Version& version : kVersions) {
    if (iequals(word, version.name)) return version;
  }
  if (istarts_with(word, "0x")) {
    auto bytes = hex_decode(word.substr(2));
    if (bytes && bytes->size() == 2) {
      int number = static_cast<unsigned char>((*bytes)[0]) << 8 | static_cast<unsigned char>((*bytes)[1]);
      for (const Version& version : kVersions) {
        if (version.number == number) return version;
      }
    }
  }
  return permanent(fmt::format("\"{}\": use SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3", word));
}

struct Option {
  std::string_view name;
  uint64_t bit;
};
/// tls_ssl_options may turn these on.
constexpr Option kOptions[] = {
    {"ENABLE_MIDDLEBOX_COMPAT", SSL_OP_ENABLE_MIDDLEBOX_COMPAT},
    {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    {"NO_TICKET", SSL_OP_NO_TICKET},
    {"NO_COMPRESSION", SSL_OP_NO_COMPRESSION},
    {"NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION},
    {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
    {"PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA},
    {"NO_ENCRYPT_THEN_MAC", SSL_OP_NO_ENCRYPT_THEN_MAC},
};
/// tls_disable_workarounds may turn these off.
constexpr Option kWorkarounds[] = {
    {"CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG},
    {"DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
    {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    {"TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING},
    {"SAFARI_ECDHE_ECDSA_BUG", SSL_OP_SAFARI_ECDHE_ECDSA_BUG},
    // Names for bugs that OpenSSL has no more workaround for.
    {"MICROSOFT_SESS_ID_BUG", 0},
    {"NETSCAPE_CHALLENGE_BUG", 0},
    {"NETSCAPE_REUSE_CIPHER_CHANGE_BUG", 0},
    {"SSLREF2_REUSE_CERT_TYPE_BUG", 0},
    {"MICROSOFT_BIG_SSLV3_BUFFER", 0},
    {"MSIE_SSLV2_RSA_PADDING", 0},
    {"SSLEAY_080_CLIENT_DH_BUG", 0},
    {"TLS_D5_BUG", 0},
    {"TLS_BLOCK_PADDING_BUG", 0},
};

/// The bits of the named options; a word may be a number in hexadecimal.
template <size_t N>
Result<uint64_t> option_bits(std::string_view parameter, std::string_view list, const Option (&known)[N]) {
  uint64_t bits = 0;
  for (std::string_view word : split(list, " \t\r\n,")) {
    auto row = std::find_if(std::begin(known), std::end(known), [&](const Option& o) { return iequals(o.name, word); });
    if (row != std::end(known)) {
      bits |= row->bit;
      continue;
    }
    std::string digits(word.substr(istarts_with(word, "0x") ? 2 : word.size()));
    if (digits.size() % 2 == 1) digits.insert(0, "0");
    auto bytes = hex_decode(digits);
    if (digits.empty() || !bytes || bytes->size() > 8) {
      return permanent(fmt::format("{}: unknown option \"{}\"", parameter, word));
    }
    uint64_t number = 0;
    for (char byte : *bytes) number = number << 8 | static_cast<unsigned char>(byte);
    bits |= number;
  }
  return bits;
}

}  // namespace

Result<Protocols> parse_protocols(std::string_view list) {
  Protocols out;
  uint64_t included = 0;
  for (std::string_view word : split(list, " \t\r\n,:")) {
    bool least = word.starts_with(">="), most = word.starts_with("<=");
    bool without = word.starts_with('!');
    word.remove_prefix(least || most ? 2 : without ? 1 : 0);
    UMAYA_TRY(Version version, find_version(word));
    if (least) {
      out.least = std::max(version.number, static_cast<int>(SSL3_VERSION));
    } else if (most) {
      out.most = version.number;
    } else if (without) {
      out.excluded |= version.option;
    } else {
      included |= version.option;
    }
  }
  if (included != 0) {
    for (const Version& version : kVersions) out.excluded |= version.option & ~included;
  }
  if (out.most != 0 && out.most < std::max(out.least, static_cast<int>(SSL3_VERSION))) {
    return permanent(fmt::format("\"{}\" leaves no version", list));
  }
  return out;
}

void set_protocols(SSL_CTX* context, const Protocols& protocols) {
  SSL_CTX_set_min_proto_version(context, protocols.least);
  SSL_CTX_set_max_proto_version(context, protocols.most);
  SSL_CTX_set_options(context, protocols.excluded);
}

void set_protocols(SSL* ssl, const Protocols& protocols) {
  SSL_set_min_proto_version(ssl, protocols.least);
  SSL_set_max_proto_version(ssl, protocols.most);
  SSL_set_options(ssl, protocols.excluded);
}

Result<std::string> cipher_list(const CommonSettings& common, std::string_view grade, std::string_view exclude) {
  std::string out;
  if (iequals(grade, "high")) {
    out = common.high_cipherlist;
  } else if (iequals(grade, "medium") || iequals(grade, "low") || iequals(grade, "export")) {
    out = common.medium_cipherlist;
  } else if (iequals(grade, "null")) {
    out = common.null_cipherlist;
  } else {
    return permanent(fmt::format("\"{}\" is no cipher grade: use high, medium or null", grade));
  }
  for (std::string_view word : split(exclude, " \t\r\n,:")) out.append(":!").append(word);
  return out;
}

Result<void> set_ciphers(SSL_CTX* context, const std::string& list) {
  ERR_clear_error();
  if (!SSL_CTX_set_cipher_list(context, list.c_str())) {
    return permanent("cipher list \"" + list + "\" leaves none: " + openssl_errors());
  }
  return {};
}

/// TLS 1.3's ciphers, all of one worth to whoever reads the wire; SHA-256 makes the shorter handshake.
static constexpr const char* kServerSuites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

Result<ContextPtr> make_context(const CommonSettings& common, Role role) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(role == Role::server ? TLS_server_method() : TLS_client_method()));
  if (!context) return temporary("TLS: " + openssl_errors());
  UMAYA_TRY(uint64_t options, option_bits("tls_ssl_options", common.ssl_options, kOptions));
  UMAYA_TRY(uint64_t off, option_bits("tls_disable_workarounds", common.disable_workarounds, kWorkarounds));
  options |= SSL_OP_ALL & ~off;
  options |= SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF;
  if (role == Role::server && common.preempt_cipherlist) {
    // Except that a client which likes ChaCha best has no hardware for AES.
    options |= SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;
  }
  if (role == Role::server && common.preempt_cipherlist) SSL_CTX_set_ciphersuites(context.get(), kServerSuites);
  SSL_CTX_clear_options(context.get(), SSL_OP_ALL);
  SSL_CTX_set_options(context.get(), options);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  UMAYA_CHECK(set_groups(context.get(), common.auto_curves + " " + common.ffdhe_groups));
  return context;
}

Result<std::string> groups_of(const CommonSettings& common, std::string_view grade) {
  if (iequals(grade, "auto")) return common.auto_curves + " " + common.ffdhe_groups;
  if (iequals(grade, "strong")) return common.strong_curve;
  if (iequals(grade, "ultra")) return common.ultra_curve;
  return permanent(fmt::format("\"{}\" is no grade of elliptic curves: use auto, strong or ultra", grade));
}

Result<void> set_groups(SSL_CTX* context, std::string_view names) {
  std::string known;
  for (std::string_view word : split(names, " \t\r\n,:")) {
    std::string name(word);
    if (!SSL_CTX_set1_groups_list(context, name.c_str())) continue;
    if (!known.empty()) known += ':';
    known += name;
  }
  ERR_clear_error();
  if (known.empty() || !SSL_CTX_set1_groups_list(context, known.c_str())) {
    return permanent(fmt::format("no known group in \"{}\": use names such as X25519, prime256v1", names));
  }
  return {};
}

Result<void> load_trust(SSL_CTX* context, const std::string& ca_file, const std::string& ca_path, bool append_default) {
  ERR_clear_error();
  if (!ca_file.empty() && !SSL_CTX_load_verify_file(context, ca_file.c_str())) {
    return permanent("cannot load certificates of authorities from " + ca_file + ": " + openssl_errors());
  }
  if (!ca_path.empty() && !SSL_CTX_load_verify_dir(context, ca_path.c_str())) {
    return permanent("cannot use certificates of authorities in " + ca_path + ": " + openssl_errors());
  }
  if (append_default && !SSL_CTX_set_default_verify_paths(context)) {
    return permanent("cannot use the system's authorities: " + openssl_errors());
  }
  return {};
}

Result<const EVP_MD*> find_digest(const std::string& name) {
  const EVP_MD* digest = EVP_get_digestbyname(name.c_str());
  if (!digest) return permanent("\"" + name + "\" is no digest: use sha256");
  return digest;
}

}  // namespace umaya::tls
