#include "libcommon/tls/client_sessions.h"

#include <openssl/ssl.h>

namespace umaya::tls {

struct ClientSessions::Tag {
  ClientSessions* sessions;
  std::string key;
};

void ClientSessions::Free::operator()(SSL_SESSION* session) const {
  SSL_SESSION_free(session);
}

/// The tag goes with its connection: a ticket may come at any time of it.
int ClientSessions::tag_index() {
  const auto free_tag = [](void*, void* tag, CRYPTO_EX_DATA*, int, long, void*) {
    std::unique_ptr<Tag> owner(static_cast<Tag*>(tag));
  };
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_tag);
  return index;
}

void ClientSessions::watch(SSL_CTX* context) {
  if (limit_ <= Duration::zero()) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return;
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
}

/// OpenSSL gives us its reference when 1 is returned.
int ClientSessions::on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* tag = static_cast<const Tag*>(SSL_get_ex_data(ssl, tag_index()));
  if (!tag || !SSL_SESSION_is_resumable(session)) return 0;
  tag->sessions->put(tag->key, SessionPtr(session));
  return 1;
}

void ClientSessions::put(const std::string& key, SessionPtr session) {
  if (auto known = by_key_.find(key); known != by_key_.end()) forget(known->second);
  if (list_.size() >= kMost) forget(list_.begin());
  list_.push_back({key, std::move(session), monotonic_now()});
  by_key_[key] = std::prev(list_.end());
}

void ClientSessions::forget(List::iterator entry) {
  by_key_.erase(entry->key);
  list_.erase(entry);
}

void ClientSessions::begin(SSL* ssl, std::string key) {
  if (limit_ <= Duration::zero()) return;
  if (auto known = by_key_.find(key); known != by_key_.end()) {
    const List::iterator entry = known->second;
    const bool fresh = monotonic_now() - entry->since < limit_;
    if (fresh) SSL_set_session(ssl, entry->session.get());
    if (!fresh || SSL_SESSION_get_protocol_version(entry->session.get()) >= TLS1_3_VERSION) forget(entry);
  }
  auto tag = std::make_unique<Tag>(Tag{this, std::move(key)});
  if (SSL_set_ex_data(ssl, tag_index(), tag.get())) (void)tag.release();
}

}  // namespace umaya::tls
