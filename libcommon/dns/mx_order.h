// NAME    mx_order - in which order a domain's mail hosts are tried, and which are left out
//
// SYNOPSIS
//     auto hosts = dns::sort_mx(answer.records, random_below);
//     auto verdict = dns::drop_own(hosts, own);
//     dns::arrange(hosts, order, random_below);
//
// DESCRIPTION
//     RFC 5321 5.1 without I/O: ascending preference, equal ones in random order; a host that finds itself in the list
//     drops itself and all that are not better than itself; an MX of "." means that the domain takes no mail (RFC
//     7505).
//
// SEE ALSO   mail_route.h, which asks the questions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/dns/message.h"
#include "libcommon/net/address.h"

namespace umaya::dns {

/// One name of an MX set.
struct Mx {
  uint16_t preference = 0;
  std::string name;
};

/// An address to try.
struct MailHost {
  std::string name;  ///< as in the MX record, for the log and for TLS
  uint16_t preference = 0;
  net::IpAddress address{};
  bool is_best = false;  ///< of the best preference that the domain has
};

/// Which families may be used (inet_protocols), and which comes first among equals (smtp_address_preference).
enum class Families : unsigned char { both, ipv4, ipv6 };
enum class FamilyOrder : unsigned char { any, ipv4_first, ipv6_first };
enum class Shuffle : unsigned char { no, yes };

/// Uniform in [0, bound).
using RandomBelow = std::function<uint64_t(uint64_t)>;

/// The single MX "0 ." (or any preference with the root as name, when it is alone): RFC 7505.
bool is_null_mx(const std::vector<Record>& records);

/// Usable names by ascending preference, equal ones in random order; duplicates and names that cannot be hosts left
/// out.
std::vector<Mx> sort_mx(const std::vector<Record>& records, const RandomBelow& random);

/// What is known about ourselves.
struct OwnHost {
  std::vector<std::string> names;         ///< canonical: myhostname
  std::vector<net::IpAddress> addresses;  ///< inet_interfaces and proxy_interfaces

  bool has(std::string_view name) const;
  bool has(const net::IpAddress& address) const;
};

/// Removes what must not be tried when we are in the list: every host whose preference is not better than ours.
/// True if we were found.
bool drop_own(std::vector<MailHost>& hosts, const OwnHost& own);

struct Order {
  FamilyOrder family = FamilyOrder::any;
  Shuffle shuffle = Shuffle::yes;  ///< smtp_randomize_addresses
  size_t limit = 0;                ///< smtp_mx_address_limit; 0: none
  bool balance = true;             ///< smtp_balance_inet_protocols: the limit leaves room for both families
};

/// Sorts by preference, within one preference by family and chance, and cuts at the limit.
void arrange(std::vector<MailHost>& hosts, const Order& order, const RandomBelow& random);

}  // namespace umaya::dns
