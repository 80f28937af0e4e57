// NAME    edns - the options that an answer carries in its OPT record
//
// SYNOPSIS
//     EdnsOptions options;
//     CookieCheck cookie = options.compose(query, settings, cookies, address, Transport::udp, now);
//     context.options = options.wire();
//
// DESCRIPTION
//     COOKIE (RFC 7873) for who sent one, NSID (RFC 5001) for who asks and when the administrator gave the server an
//     identity, TCP keepalive (RFC 7828) over TCP. Extended errors (RFC 8914) are added by the writer, which knows what
//     happened.
//
// OWNERSHIP  wire() is valid as long as the object.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/answer/cookies.h"

namespace umaya::named {

struct EdnsSettings {
  std::string identity;       ///< server-id; empty: NSID is not answered
  bool answer_cookie = true;  ///< answer-cookie
  uint16_t keepalive = 300;   ///< tcp-advertised-timeout, in tenths of a second
};

class EdnsOptions {
 public:
  static constexpr size_t kMostIdentity = 128;

  /// address: 4 or 16 octets; now: seconds since 1970.
  CookieCheck compose(const Query& query, const EdnsSettings& settings, const Cookies& cookies,
                      std::string_view address, Transport transport, uint32_t now);
  /// Adds an option that only its owner can know, such as EXPIRE (RFC 7314); nothing when there is no room.
  void add(uint16_t code, std::string_view value);
  std::string_view wire() const { return {octets_.data(), size_}; }

 private:
  size_t size_ = 0;
  std::array<char, 4 + 24 + 4 + kMostIdentity + 4 + 2 + 4 + 4> octets_;
};

}  // namespace umaya::named
