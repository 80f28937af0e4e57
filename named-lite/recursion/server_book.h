// NAME    server_book - what is known of other name servers
//
// DESCRIPTION
//     For each address: how long its answers take, whether it understands EDNS, keeps the case of letters, has given
//     us a cookie, and whether it answers at all. A server that is silent several times in a row rests, longer each
//     time, so that a dead zone costs nothing (RFC 9520 3.2). That a server does not serve a zone which was delegated
//     to it (lame) is remembered for the two together.
//
// OWNERSHIP
//     A reference that of() gives is valid until the next call that takes a non-const book.
//
// LIMITS  Bounded in octets; what was used least is forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/clock.h"
#include "libcommon/net/address.h"
#include "named-lite/recursion/message.h"
#include "named-lite/recursion/sieve_map.h"

namespace umaya::named {

enum class EdnsState : unsigned char { unknown, works, refused };

/// Plain octets: it is kept as they stand.
struct ServerState {
  int64_t srtt_usec = 0;  ///< smoothed; a small random number before the first answer
  int64_t variance_usec = 0;
  int64_t rests_until = 0;  ///< nanoseconds of the clock
  int64_t edns_again = 0;   ///< when a refusal of EDNS is forgotten
  uint16_t timeouts = 0;    ///< in a row
  uint16_t under_way = 0;   ///< questions that wait for it now
  bool measured = false;
  bool breaks_case = false;  ///< seen over TCP
  EdnsState edns = EdnsState::unknown;
  uint8_t server_cookie_size = 0;
  std::array<char, kClientCookie> client_cookie{};  ///< secret between it and us
  std::array<char, kMostServerCookie> server_cookie{};

  /// Client and server cookie as they are sent.
  std::string cookie() const;
  /// How long to wait for an answer.
  Duration time_limit() const;
};

class ServerBook {
 public:
  explicit ServerBook(size_t most_bytes) : servers_(most_bytes / 2), lame_(most_bytes / 2) {}

  ServerState& of(const net::Endpoint& server);
  void answered(const net::Endpoint& server, Duration took);
  void timed_out(const net::Endpoint& server, TimePoint now);
  bool rests(const net::Endpoint& server, TimePoint now);
  /// Others get a little nearer to being tried again each time that a server is preferred to them.
  void passed_over(const net::Endpoint& server);

  void mark_lame(std::string_view zone, const net::Endpoint& server, TimePoint until);
  bool is_lame(std::string_view zone, const net::Endpoint& server, TimePoint now);
  void clear();
  size_t bytes() const { return servers_.bytes() + lame_.bytes(); }
  size_t size() const { return servers_.size(); }

 private:
  SieveMap servers_;
  SieveMap lame_;
  ServerState spare_;  // when there is no memory for another
};

}  // namespace umaya::named
