// NAME    tlsmgr_protocol - what other processes ask of tlsmgr(8), who alone has private keys
//
// DESCRIPTION
//     A connection to tlsmgr takes one question after the other, each with one answer. A key is named by the SHA-256 of
//     its public half, so that a name stays good when tlsmgr starts again, and a replaced key has another one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::tls {

enum class KeyKind : uint8_t { rsa, ec };

/// A certificate with those that lead to its authority, and the name of its private key.
struct Chain {
  std::string certificates;  ///< PEM, the own one first
  std::string key;
  KeyKind kind = KeyKind::ec;
  static constexpr std::string_view kName = "tlsmgr.chain";
  static void visit(auto& self, auto&& v) {
    v("certificates", self.certificates);
    v("key", self.key);
    v("kind", self.kind);
  }
};

enum class IdentityKind : uint8_t {
  files,        ///< name: IdentityFiles::name()
  server_name,  ///< name: valid_server_name(), looked up in tls_server_sni_maps
};

struct IdentityQuery {
  IdentityKind kind = IdentityKind::files;
  std::string name;
  std::string known;  ///< mark of the identity that the asker has; empty: none
  static constexpr std::string_view kName = "tlsmgr.identity";
  static void visit(auto& self, auto&& v) {
    v("kind", self.kind);
    v("name", self.name);
    v("known", self.known);
  }
};

enum class IdentityFound : uint8_t {
  yes,
  unchanged,  ///< what the asker knows is still right
  none,       ///< no table has the name
  failed,     ///< trouble says why
};

struct IdentityAnswer {
  IdentityFound found = IdentityFound::failed;
  std::string mark;
  std::vector<Chain> chains;  ///< one for each kind of key
  std::string trouble;
  static constexpr std::string_view kName = "tlsmgr.identity_answer";
  static void visit(auto& self, auto&& v) {
    v("found", self.found);
    v("mark", self.mark);
    v("chains", self.chains);
    v("trouble", self.trouble);
  }
};

enum class SignatureForm : uint8_t {
  rsa_pkcs1,  ///< input: a DigestInfo (RFC 8017 9.2)
  rsa_block,  ///< input: a whole block that PSS has made (RFC 8017 9.1)
  ecdsa,      ///< input: a digest
};

struct SignQuery {
  std::string key;
  SignatureForm form = SignatureForm::ecdsa;
  std::string input;
  static constexpr std::string_view kName = "tlsmgr.sign";
  static void visit(auto& self, auto&& v) {
    v("key", self.key);
    v("form", self.form);
    v("input", self.input);
  }
};

struct SignAnswer {
  std::string signature;  ///< empty: trouble says why
  std::string trouble;
  static constexpr std::string_view kName = "tlsmgr.signature";
  static void visit(auto& self, auto&& v) {
    v("signature", self.signature);
    v("trouble", self.trouble);
  }
};

/// Asks for the keys that session tickets of one service are sealed with (RFC 5077 4).
struct TicketQuery {
  std::string service;
  uint32_t lifetime =
      3600;  ///< seconds after which there is a new key; tickets of the last one are taken as long again
  static constexpr std::string_view kName = "tlsmgr.tickets";
  static void visit(auto& self, auto&& v) {
    v("service", self.service);
    v("lifetime", self.lifetime);
  }
};

struct TicketKey {
  std::string name;    ///< 16 octets
  std::string cipher;  ///< 32 octets
  std::string mac;     ///< 32 octets
  static constexpr std::string_view kName = "tlsmgr.ticket_key";
  static void visit(auto& self, auto&& v) {
    v("name", self.name);
    v("cipher", self.cipher);
    v("mac", self.mac);
  }
};

struct TicketAnswer {
  std::vector<TicketKey> keys;  ///< the one for new tickets, then the last one
  uint32_t fresh_for = 0;       ///< seconds until there is a new one
  static constexpr std::string_view kName = "tlsmgr.ticket_answer";
  static void visit(auto& self, auto&& v) {
    v("keys", self.keys);
    v("fresh_for", self.fresh_for);
  }
};

}  // namespace umaya::tls
