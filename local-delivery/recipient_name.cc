#include "local-delivery/recipient_name.h"

#include "libcommon/base/strings.h"
#include "libcommon/config/expand.h"

namespace umaya::local_delivery {

namespace {

bool kept_whole(std::string_view local, std::string_view delimiters, OwnerRule owner) {
  if (iequals(local, "mailer-daemon") || iequals(local, "double-bounce")) return true;
  if (owner == OwnerRule::plain || delimiters.find('-') == delimiters.npos) return false;
  return istarts_with(local, "owner-") || iends_with(local, "-request");
}

// A value that is looked at by expand() once more must come out as it is.
std::string literal(std::string_view value) {
  std::string out;
  for (char c : value) {
    out += c;
    if (c == '$') out += '$';
  }
  return out;
}

}  // namespace

RecipientName split_recipient(std::string_view address, std::string_view delimiters, OwnerRule owner) {
  RecipientName name;
  name.address = address;
  size_t at = address.rfind('@');
  name.local = to_lower(address.substr(0, at));
  if (at != address.npos) name.domain = address.substr(at + 1);
  name.user = name.local;
  if (delimiters.empty() || kept_whole(name.local, delimiters, owner)) return name;
  size_t found = name.local.find_first_of(delimiters);
  if (found == 0 || found == name.local.npos) return name;
  name.delimiter = name.local[found];
  name.user = name.local.substr(0, found);
  name.extension = name.local.substr(found + 1);
  return name;
}

std::string filtered(std::string_view text, std::string_view filter) {
  std::string out(text);
  for (char& c : out) {
    if (filter.find(c) == filter.npos) c = '_';
  }
  return out;
}

Result<std::string> expand_names(std::string_view text, const Names& names, std::string_view filter) {
  std::string unknown;
  auto value_of = [&](std::string_view name) -> std::optional<std::string> {
    auto known = names.find(name);
    if (known == names.end()) {
      unknown = name;
      return std::nullopt;
    }
    if (known->second.empty()) return std::nullopt;
    return literal(filtered(known->second, filter));
  };
  auto expanded = config::expand(text, value_of);
  if (expanded && !unknown.empty()) return permanent("unknown name $" + unknown + " in \"" + std::string(text) + "\"");
  return expanded;
}

}  // namespace umaya::local_delivery
