#include "libcommon/tls/tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>

#include "libcommon/log/log.h"

namespace umaya::tls {

using event::Task;
using std::chrono::seconds;

static constexpr size_t kNameSize = 16, kSecretSize = 32;
/// When tlsmgr could not be asked.
static constexpr auto kRetryAfter = seconds(10);

static int ssl_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

Tickets::Tickets(TlsmgrClient& tlsmgr, std::string service, Duration lifetime, const std::string& cipher)
    : tlsmgr_(tlsmgr), service_(std::move(service)), lifetime_(std::chrono::duration_cast<seconds>(lifetime)) {
  if (cipher.empty() || lifetime_.count() <= 0) return;
  const EVP_CIPHER* known = EVP_get_cipherbyname(cipher.c_str());
  // The authentication is a code of its own, so that the cipher must be one that brings none.
  bool fits = known && EVP_CIPHER_get_mode(known) == EVP_CIPH_CBC_MODE &&
              EVP_CIPHER_get_key_length(known) <= static_cast<int>(kSecretSize);
  if (!fits) log::warning("tls_session_ticket_cipher: \"{}\" cannot be used: no tickets; use aes-256-cbc", cipher);
  if (fits) cipher_ = known;
}

Task<void> Tickets::refresh() {
  if (!enabled() || monotonic_now() < fresh_until_) co_return;
  fresh_until_ = monotonic_now() + kRetryAfter;  // others need not ask at the same time
  TicketQuery query;
  query.service = service_;
  query.lifetime = static_cast<uint32_t>(lifetime_.count());
  Result<TicketAnswer> answer = co_await tlsmgr_.tickets(std::move(query));
  if (!answer) co_return;
  auto bad = [](const TicketKey& k) {
    return k.name.size() != kNameSize || k.cipher.size() != kSecretSize || k.mac.size() != kSecretSize;
  };
  if (std::any_of(answer->keys.begin(), answer->keys.end(), bad)) co_return;
  keys_ = std::move(answer->keys);
  fresh_until_ = monotonic_now() + seconds(answer->fresh_for);
}

namespace {

bool set_mac(EVP_MAC_CTX* mac, const std::string& secret) {
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<char*>(secret.data()), secret.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

const unsigned char* octets(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// OpenSSL's question for the key of a ticket: 0 no key, 1 the key, 2 the key and a new ticket, -1 failed.
int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  const auto* tickets = static_cast<const Tickets*>(SSL_get_ex_data(ssl, ssl_index()));
  if (!tickets || tickets->keys().empty()) return 0;
  if (seal) {
    const TicketKey& key = tickets->keys().front();
    std::memcpy(name, key.name.data(), kNameSize);
    bool ready = RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher())) == 1 &&
                 EVP_EncryptInit_ex(cipher, tickets->cipher(), nullptr, octets(key.cipher), iv) == 1 &&
                 set_mac(mac, key.mac);
    return ready ? 1 : -1;
  }
  for (size_t i = 0; i < tickets->keys().size(); ++i) {
    const TicketKey& key = tickets->keys()[i];
    if (std::memcmp(name, key.name.data(), kNameSize) != 0) continue;
    bool ready =
        set_mac(mac, key.mac) && EVP_DecryptInit_ex(cipher, tickets->cipher(), nullptr, octets(key.cipher), iv) == 1;
    if (!ready) return -1;
    // A client of TLS 1.3 uses each ticket once: it gets another one.
    return i > 0 || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
  }
  return 0;
}

}  // namespace

void Tickets::use(SSL* ssl, const Tickets* tickets) {
  SSL_set_ex_data(ssl, ssl_index(), const_cast<Tickets*>(tickets));
}

void Tickets::install(SSL_CTX* context) const {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, octets(service_),
                                 static_cast<unsigned>(std::min<size_t>(service_.size(), SSL_MAX_SID_CTX_LENGTH)));
  if (!enabled()) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_timeout(context, static_cast<long>(lifetime_.count()));
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
}

}  // namespace umaya::tls
