#include "cleanup/headers.h"

#include <algorithm>
#include <array>

#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"

namespace umaya::cleanup {
namespace {

using enum AddressRole;
using Id = HeaderId;

constexpr std::array kTypes = {
    HeaderType{"Apparently-To", Id::other, recipient, false, false},
    HeaderType{"Bcc", Id::bcc, recipient, true, false},
    HeaderType{"Cc", Id::cc, recipient, true, false},
    HeaderType{"Date", Id::date, none, false, false},
    HeaderType{"Disposition-Notification-To", Id::other, sender, false, false},
    HeaderType{"Errors-To", Id::other, sender, false, false},
    HeaderType{"From", Id::from, sender, false, false},
    HeaderType{"Mail-Followup-To", Id::other, sender, false, false},
    HeaderType{"Message-Id", Id::message_id, none, false, false},
    HeaderType{"Received", Id::received, none, false, false},
    HeaderType{"Reply-To", Id::other, sender, false, false},
    HeaderType{"Resent-Bcc", Id::resent_bcc, recipient, true, true},
    HeaderType{"Resent-Cc", Id::resent_cc, recipient, true, true},
    HeaderType{"Resent-Date", Id::resent_date, none, false, true},
    HeaderType{"Resent-From", Id::resent_from, sender, false, true},
    HeaderType{"Resent-Message-Id", Id::resent_message_id, none, false, true},
    HeaderType{"Resent-Reply-To", Id::other, recipient, false, true},
    HeaderType{"Resent-Sender", Id::other, sender, false, true},
    HeaderType{"Resent-To", Id::resent_to, recipient, true, true},
    HeaderType{"Return-Path", Id::other, sender, false, false},
    HeaderType{"Return-Receipt-To", Id::other, sender, false, false},
    HeaderType{"Sender", Id::other, sender, false, false},
    HeaderType{"To", Id::to, recipient, true, false},
};

/// A display name as a phrase: in quotes or encoded (RFC 2047) where it must be.
std::string phrase_of(std::string_view name, std::string_view charset) {
  if (!is_ascii(name)) return "=?" + std::string(charset) + "?B?" + base64_encode(name) + "?=";
  constexpr std::string_view kSpecials = "()<>@,;:\\\".[]";
  if (name.find_first_of(kSpecials) == std::string_view::npos) return std::string(name);
  std::string out = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

const HeaderType* header_type(std::string_view name) {
  auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const HeaderType& t) { return iequals(t.name, name); });
  return found == kTypes.end() ? nullptr : &*found;
}

Result<MappedHeader> map_addresses(const message::Header& header, size_t max_tokens, const AddressMapper& map) {
  MappedHeader out;
  auto list = message::parse_address_list(header.value, {.max_tokens = max_tokens});
  std::string value;
  size_t copied = 0;
  for (const message::ListedAddress& listed : list.addresses) {
    if (listed.address.empty()) continue;
    UMAYA_TRY(std::string mapped, map(listed.address));
    if (mapped != listed.address) {
      value += header.value.substr(copied, listed.begin - copied);
      value += message::to_external(mapped);
      copied = listed.end;
    }
    out.addresses.push_back(std::move(mapped));
  }
  if (copied == 0) {
    out.text = header.raw;
    return out;
  }
  value += header.value.substr(copied);
  out.text = header.raw.substr(0, header.raw.size() - header.value.size());
  out.text += value;
  return out;
}

std::string from_header(std::string_view prefix, std::string_view address, std::string_view full_name,
                        FromFormat format, std::string_view charset) {
  std::string out = std::string(prefix) + "From: ";
  std::string external = address.empty() ? "MAILER-DAEMON" : message::to_external(address);
  if (full_name.empty() || address.empty()) return out + external;
  if (format == FromFormat::standard) return out + phrase_of(full_name, charset) + " <" + external + ">";
  return out + external + " (" + std::string(full_name) + ")";
}

}  // namespace umaya::cleanup
