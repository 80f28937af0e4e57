#include "libcommon/tls/session_info.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

#include "libcommon/base/strings.h"

namespace umaya::tls {

static constexpr size_t kLongestName = 256;

namespace {

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

std::string colon_hex(const unsigned char* bytes, unsigned size) {
  std::string out;
  for (unsigned i = 0; i < size; ++i) fmt::format_to(std::back_inserter(out), "{}{:02X}", i ? ":" : "", bytes[i]);
  return out;
}

/// The last value of an attribute, as UTF-8; empty when it is not there, or holds a NUL to deceive with.
std::string attribute_of(const X509_NAME* name, int nid) {
  int at = -1;
  for (int next = -1; (next = X509_NAME_get_index_by_NID(name, nid, next)) >= 0;) at = next;
  if (at < 0) return {};
  unsigned char* text = nullptr;
  int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<char*>(text), std::min<size_t>(static_cast<size_t>(size), kLongestName));
  OPENSSL_free(text);
  if (out.find('\0') != std::string::npos) return {};
  return printable(out, true);
}

std::string key_exchange_of(const EVP_PKEY* key) {
  int kind = EVP_PKEY_get_base_id(key);
  if (kind == EVP_PKEY_DH || kind == EVP_PKEY_DHX) return fmt::format("DHE ({} bits)", EVP_PKEY_get_bits(key));
  if (kind != EVP_PKEY_EC) {
    const char* name = EVP_PKEY_get0_type_name(key);
    return name ? name : "";
  }
  char group[64] = "";
  EVP_PKEY_get_group_name(key, group, sizeof group, nullptr);
  return fmt::format("ECDHE ({})", group);
}

std::string signature_of(const EVP_PKEY* key) {
  int kind = EVP_PKEY_get_base_id(key);
  // TLS 1.3 has no other form for RSA (RFC 8446 4.2.3).
  if (kind == EVP_PKEY_RSA) return fmt::format("RSA-PSS ({} bits)", EVP_PKEY_get_bits(key));
  if (kind != EVP_PKEY_EC) {
    const char* name = OBJ_nid2sn(kind);
    return name ? name : "";
  }
  char group[64] = "";
  EVP_PKEY_get_group_name(key, group, sizeof group, nullptr);
  return fmt::format("ECDSA ({})", group);
}

void inspect_key_exchange(SSL* ssl, SessionInfo& info) {
  if (SSL_version(ssl) < TLS1_3_VERSION) return;
  EVP_PKEY* temporary = nullptr;
  if (SSL_get_peer_tmp_key(ssl, &temporary)) info.key_exchange = key_exchange_of(KeyPtr(temporary).get());
  if (info.resumed) return;  // nobody has signed anything
  bool server = SSL_is_server(ssl);
  int nid = NID_undef;
  if (const X509* own = SSL_get_certificate(ssl); own && SSL_get_signature_nid(ssl, &nid) && nid != NID_undef) {
    (server ? info.server_signature : info.client_signature) = signature_of(X509_get0_pubkey(own));
    (server ? info.server_digest : info.client_digest) = OBJ_nid2sn(nid);
  }
  const X509* peer = SSL_get0_peer_certificate(ssl);
  if (peer && SSL_get_peer_signature_nid(ssl, &nid) && nid != NID_undef) {
    (server ? info.client_signature : info.server_signature) = signature_of(X509_get0_pubkey(peer));
    (server ? info.client_digest : info.server_digest) = OBJ_nid2sn(nid);
  }
}

PeerCertificate inspect_peer(SSL* ssl, const EVP_MD* digest) {
  PeerCertificate out;
  const X509* peer = SSL_get0_peer_certificate(ssl);
  if (!peer) return out;
  out.present = true;
  long verdict = SSL_get_verify_result(ssl);
  out.trust = verdict == X509_V_OK ? Trust::trusted : Trust::untrusted;
  if (verdict != X509_V_OK) out.trouble = X509_verify_cert_error_string(verdict);
  out.subject_cn = attribute_of(X509_get_subject_name(peer), NID_commonName);
  out.issuer_cn = attribute_of(X509_get_issuer_name(peer), NID_commonName);
  if (out.issuer_cn.empty()) out.issuer_cn = attribute_of(X509_get_issuer_name(peer), NID_organizationName);
  out.fingerprint = fingerprint(peer, digest);
  out.public_key_fingerprint = public_key_fingerprint(peer, digest);
  return out;
}

}  // namespace

std::string fingerprint(const X509* certificate, const EVP_MD* digest) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!X509_digest(certificate, digest, bytes, &size)) return {};
  return colon_hex(bytes, size);
}

std::string public_key_fingerprint(const X509* certificate, const EVP_MD* digest) {
  unsigned char* der = nullptr;
  int der_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (der_size <= 0) return {};
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  bool done = EVP_Digest(der, static_cast<size_t>(der_size), bytes, &size, digest, nullptr);
  OPENSSL_free(der);
  return done ? colon_hex(bytes, size) : std::string();
}

/// What ties a log-in to this connection and to no other (RFC 9266).
std::string channel_binding(SSL* ssl) {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  unsigned char bytes[32];
  if (SSL_version(ssl) != TLS1_3_VERSION) return {};
  int done = SSL_export_keying_material(ssl, bytes, sizeof bytes, kLabel.data(), kLabel.size(), nullptr, 0, 0);
  return done == 1 ? std::string(reinterpret_cast<const char*>(bytes), sizeof bytes) : std::string();
}

SessionInfo inspect(SSL* ssl, const EVP_MD* digest, Detail detail) {
  SessionInfo info;
  info.protocol = SSL_get_version(ssl);
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl)) {
    info.cipher = SSL_CIPHER_get_name(cipher);
    info.used_bits = SSL_CIPHER_get_bits(cipher, &info.algorithm_bits);
  }
  info.resumed = SSL_session_reused(ssl);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    info.server_name = printable(std::string_view(name).substr(0, kLongestName));
  }
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  if (alpn) info.alpn = printable({reinterpret_cast<const char*>(alpn), alpn_size});
  info.peer = inspect_peer(ssl, digest);
  if (detail == Detail::brief) return info;
  info.channel_binding = channel_binding(ssl);
  inspect_key_exchange(ssl, info);
  return info;
}

std::string describe(const SessionInfo& info) {
  std::string out =
      fmt::format("{} with cipher {} ({}/{} bits)", info.protocol, info.cipher, info.used_bits, info.algorithm_bits);
  auto add = [&](std::string_view title, const std::string& value) {
    if (!value.empty()) out.append(" ").append(title).append(" ").append(value);
  };
  add("key-exchange", info.key_exchange);
  add("server-signature", info.server_signature);
  add("server-digest", info.server_digest);
  add("client-signature", info.client_signature);
  add("client-digest", info.client_digest);
  return out;
}

std::string_view trust_word(const SessionInfo& info) {
  if (!info.peer.present) return "Anonymous";
  if (info.peer.trust == Trust::verified) return "Verified";
  return info.peer.trust == Trust::trusted ? "Trusted" : "Untrusted";
}

}  // namespace umaya::tls
