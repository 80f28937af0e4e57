// NAME    session_info - what is known of an established TLS connection
//
// SYNOPSIS
//     tls::SessionInfo info = tls::inspect(ssl, digest);          // both roles, after the handshake
//     log::info("{} TLS connection established from {}: {}", tls::trust_word(info), client, tls::describe(info));
//
// DESCRIPTION
//     Plain values, so that they outlive the connection. The texts are those of Postfix's log lines and Received
//     headers, because log and spam tools read them. Names out of certificates are printable and bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct ssl_st;
struct evp_md_st;
struct x509_st;

namespace umaya::tls {

/// What became of the peer's certificate, in the order of growing worth (Postfix's words in the log).
enum class Trust : uint8_t { anonymous, untrusted, trusted, verified };

struct PeerCertificate {
  bool present = false;
  Trust trust = Trust::anonymous;
  std::string subject_cn, issuer_cn;                ///< printable, at most 256 octets each
  std::string fingerprint, public_key_fingerprint;  ///< "AB:CD:…" with the configured digest
  std::string trouble;                              ///< why not trusted or verified, empty otherwise
};

struct SessionInfo {
  std::string protocol;  ///< "TLSv1.3"
  std::string cipher;    ///< "TLS_AES_256_GCM_SHA384"
  int used_bits = 0, algorithm_bits = 0;
  std::string key_exchange;                     ///< "X25519", "ECDHE (prime256v1)"; TLS 1.3 only, as Postfix
  std::string server_signature, server_digest;  ///< "ECDSA (prime256v1)", "SHA256"; not when resumed
  std::string client_signature, client_digest;
  std::string server_name;  ///< SNI, empty when none
  std::string alpn;
  bool resumed = false;
  std::string channel_binding;  ///< "tls-exporter" of RFC 9266, 32 octets; TLS 1.3 only
  PeerCertificate peer;
};

/// How much is read out of a connection. brief leaves out key exchange, signatures and channel binding.
enum class Detail : uint8_t { full, brief };

/// Reads everything out of a connection whose handshake is done. digest: for fingerprints. trust is trusted when the
/// chain leads to a known authority; a client that has compared names raises it to verified itself.
SessionInfo inspect(ssl_st* ssl, const evp_md_st* digest, Detail detail = Detail::full);

/// SessionInfo::channel_binding.
std::string channel_binding(ssl_st* ssl);

/// "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature ECDSA (prime256v1)
/// server-digest SHA256": as in Postfix's log line.
std::string describe(const SessionInfo& info);
/// "Anonymous", "Untrusted", "Trusted", "Verified": the first word of the log line.
std::string_view trust_word(const SessionInfo& info);

/// "AB:CD:…" of the certificate, and of its public key (RFC 7469's SPKI).
std::string fingerprint(const x509_st* certificate, const evp_md_st* digest);
std::string public_key_fingerprint(const x509_st* certificate, const evp_md_st* digest);

}  // namespace umaya::tls
