// NAME    cookies - DNS cookies, as all servers of one name understand them (RFC 7873, 9018)
//
// SYNOPSIS
//     Cookies cookies({secret});
//     CookieCheck check = cookies.check(query.cookie, address_octets, now);
//     if (check.state == CookieState::valid) …                        // the client is where it says
//
// DESCRIPTION
//     A server cookie is version 1, three zero octets, the time, and SipHash-2-4 over the client's cookie, these and
//     the client's address. It is believed for an hour, and five minutes ahead of our clock; times are compared as they
//     wrap (RFC 1982). The first secret makes cookies, the others are only believed, so that secrets can be exchanged.
//
// LIMITS  kMostSecrets; further ones are left out.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace umaya::named {

using CookieSecret = std::array<char, 16>;

enum class CookieState : unsigned char {
  none,         ///< the question has no cookie
  client_only,  ///< a client that has none of ours yet
  bad,          ///< not ours, or too old
  valid,
};

struct CookieCheck {
  CookieState state = CookieState::none;
  std::array<char, 24> answer;  ///< the client's cookie and ours for it; undefined without a cookie
};

class Cookies {
 public:
  static constexpr size_t kMostSecrets = 4;

  /// At least one secret.
  explicit Cookies(std::vector<CookieSecret> secrets);
  /// cookie: what the option holds (Query::cookie). address: 4 or 16 octets. now: seconds since 1970.
  CookieCheck check(std::string_view cookie, std::string_view address, uint32_t now) const;

 private:
  std::vector<CookieSecret> secrets_;
};

CookieSecret random_cookie_secret();

/// SipHash-2-4 with a key of 16 octets, as a number whose lowest octet comes first on the wire.
uint64_t siphash(const CookieSecret& key, std::string_view data);

}  // namespace umaya::named
