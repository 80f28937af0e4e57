// NAME    meaning - what an answer says about a question, and what of it may be believed
//
// SYNOPSIS
//     Meaning meaning = interpret(reply, {.zone = zone, .name = name, .type = type});
//
// DESCRIPTION
//     The server that answered is believed about names at or below the zone that it was asked as a server of, and only
//     what answers the question (the records of the name, the aliases that lead on from it), says that there is
//     nothing, or refers to servers further down on the way to the name. Everything else in a message is left where
//     it is: authority and additional records of positive answers, records of other names, referrals upwards or
//     sidewards, addresses of servers that the referral does not name.
//
// ERRORS
//     malformed: contradicts itself or goes beyond the limits. Another server may do better.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "named-lite/recursion/delegations.h"
#include "named-lite/recursion/message.h"
#include "named-lite/recursion/rrset_cache.h"

namespace umaya::named {

enum class Says : unsigned char {
  answer,  ///< steps end with the set that was asked for
  alias,   ///< steps lead to `next`, about which this message says nothing that counts
  no_data,
  no_name,
  referral,
  lame,  ///< the server does not serve this zone
  refused,
  error,    ///< SERVFAIL and others: `rcode`
  silence,  ///< no answer came
  malformed,
  overflow,  ///< a DNAME leads to a name that is too long: YXDOMAIN (RFC 6672 2.2)
};

/// A name on the way, and what is to be remembered under it.
struct Step {
  std::string name;
  uint16_t type = 0;  ///< under which the entry is kept
  Entry entry{};
};

struct Meaning {
  Says says = Says::malformed;
  uint16_t rcode = 0;
  std::vector<Step> steps{};  ///< aliases, the answer, or what is known of the name that does not have it
  std::string next{};         ///< alias: the name to ask for
  Delegation referral{};      ///< addresses without port; also of an answer that primes
  uint32_t referral_ttl = 0;
};

struct TtlBounds {
  uint32_t least = 0;
  uint32_t most = 86400;
};

struct Asked {
  std::string_view zone;  ///< wire form, lower case
  std::string_view name;  ///< the same
  uint16_t type = 0;
  bool of_forwarder = false;  ///< answers without authority are what is expected
  uint8_t most_steps = 11;
  uint8_t most_servers = 13;
  uint8_t most_addresses = 6;
  TtlBounds ttl{};
  TtlBounds negative_ttl{0, 10800};
  bool primes = false;  ///< the servers that the answer names are those of the zone from now on
  /// May the server be believed about this name, which an alias led to? Empty: all names at or below the zone.
  std::function<bool(std::string_view name)> believed{};
};

Meaning interpret(const Reply& reply, const Asked& asked);
/// What there is to say when there is no reply of use.
Meaning error_meaning(Says says);

}  // namespace umaya::named
