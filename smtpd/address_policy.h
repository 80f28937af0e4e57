// NAME    address_policy - what smtpd asks about addresses: their class, and whether they are known here
//
// DESCRIPTION
//     An interface over libcommon/route, so that the policy can be tested without tables. Its functions are plain code
//     that may look into tables; they are run inside table::settle and may be run again for the same question.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::smtpd {

/// To which class of domains an address belongs (address classes of Postfix).
enum class DomainClass : uint8_t { local, virtual_alias, virtual_mailbox, relay, other };

/// Where an address would go.
struct Target {
  DomainClass domain_class = DomainClass::other;
  std::string address;      ///< rewritten: complete, internal form
  std::string domain;       ///< canonical domain of that address; empty for a literal of another host
  bool routed = false;      ///< its local part asks for routing onwards ('%', '!', '@')
  bool malformed = false;   ///< no address that mail could be sent to
  std::string transport{};  ///< service of master.cf
  std::string nexthop{};
  std::optional<Error> failure{};  ///< a table could not be asked
};

/// Whether somebody here has that address.
enum class Listed : uint8_t { yes, no, failed };

struct Listing {
  Listed listed = Listed::yes;
  std::string text{};  ///< no: "User unknown in local recipient table"; failed: what could not be asked
  std::string dsn{};   ///< no: "5.1.1"
};

class AddressPolicy {
 public:
  virtual ~AddressPolicy() = default;
  /// sender matters where routes depend on it.
  virtual Target resolve(std::string_view sender, std::string_view address) = 0;
  /// Of an address as a recipient of our own domains; addresses elsewhere are listed.
  virtual Listing recipient_listed(std::string_view sender, std::string_view address) = 0;
  /// Opens changed tables again; called for each session.
  virtual void refresh() = 0;
};

}  // namespace umaya::smtpd
