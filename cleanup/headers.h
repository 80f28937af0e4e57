// NAME    headers - which header is what: roles, and the headers that a message must have
//
// SYNOPSIS
//     const HeaderType* type = cleanup::header_type("Resent-To");
//     std::string rewritten = cleanup::map_addresses(header, limit, [&](std::string_view a) -> Result<std::string>
//     {…});
//
// DESCRIPTION
//     Plain functions; roles are those of Postfix's header table. Lines end in CRLF.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/message/header.h"

namespace umaya::cleanup {

/// Headers that something depends on.
enum class HeaderId : uint8_t {
  from,
  to,
  cc,
  bcc,
  date,
  message_id,
  received,
  resent_from,
  resent_to,
  resent_cc,
  resent_bcc,
  resent_date,
  resent_message_id,
  other,
};

enum class AddressRole : uint8_t { none, sender, recipient };

struct HeaderType {
  std::string_view name;
  HeaderId id;
  AddressRole role;
  bool names_recipients;  ///< sendmail -t takes its addresses
  bool resent;
};

/// Nothing for headers without addresses or consequences.
const HeaderType* header_type(std::string_view name);

/// Which of the headers were there.
class SeenHeaders {
 public:
  void add(HeaderId id) { bits_ |= bit(id); }
  bool has(HeaderId id) const { return (bits_ & bit(id)) != 0; }

 private:
  static uint32_t bit(HeaderId id) { return uint32_t{1} << static_cast<unsigned>(id); }
  uint32_t bits_ = 0;
};

using AddressMapper = std::function<Result<std::string>(std::string_view address)>;

struct MappedHeader {
  std::string text;                    ///< the header with its addresses exchanged
  std::vector<std::string> addresses;  ///< as they stand there now, internal form
};
/// Puts each address of the header through map; what is around the addresses stays as it is.
Result<MappedHeader> map_addresses(const message::Header& header, size_t max_tokens, const AddressMapper& map);

/// "From: Full Name <user@example.com>", or in the obsolete form "From: user@example.com (Full Name)".
enum class FromFormat : uint8_t { standard, obsolete };
std::string from_header(std::string_view prefix, std::string_view address, std::string_view full_name,
                        FromFormat format, std::string_view charset);

}  // namespace umaya::cleanup
