#include "named-lite/answer/edns.h"

#include <cstring>

namespace umaya::named {

void EdnsOptions::add(uint16_t code, std::string_view value) {
  if (octets_.size() - size_ < 4 + value.size()) return;
  char head[4] = {static_cast<char>(code >> 8), static_cast<char>(code), static_cast<char>(value.size() >> 8),
                  static_cast<char>(value.size())};
  std::memcpy(octets_.data() + size_, head, sizeof head);
  std::memcpy(octets_.data() + size_ + sizeof head, value.data(), value.size());
  size_ += sizeof head + value.size();
}

CookieCheck EdnsOptions::compose(const Query& query, const EdnsSettings& settings, const Cookies& cookies,
                                 std::string_view address, Transport transport, uint32_t now) {
  size_ = 0;
  CookieCheck cookie;
  if (!query.has_edns) return cookie;
  if (!query.cookie.empty() && settings.answer_cookie) {
    cookie = cookies.check(query.cookie, address, now);
    add(edns_option::kCookie, {cookie.answer.data(), cookie.answer.size()});
  }
  if (query.wants_nsid && !settings.identity.empty()) {
    add(edns_option::kNsid, std::string_view(settings.identity).substr(0, kMostIdentity));
  }
  if (query.wants_keepalive && transport == Transport::tcp) {
    char timeout[2] = {static_cast<char>(settings.keepalive >> 8), static_cast<char>(settings.keepalive)};
    add(edns_option::kKeepalive, {timeout, 2});
  }
  return cookie;
}

}  // namespace umaya::named
