// Whether an address has a place to go: the tables of its class.
#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"
#include "libcommon/route/router.h"

namespace umaya::route {
namespace {

/// "5.1.1 text" in its parts; dsn stays as given when there is none.
void split_dsn(std::string_view text, std::string& dsn, std::string& rest) {
  size_t space = text.find(' ');
  std::string_view word = text.substr(0, space);
  bool is_code = word.size() >= 5 && (word[0] == '5' || word[0] == '4') && word[1] == '.' && space != text.npos;
  if (is_code) dsn = word;
  rest = is_code ? trim(text.substr(space)) : text;
}

}  // namespace

bool Router::is_listed(std::string_view recipient, Validity& out, Steps* steps) {
  for (table::Maps* maps : {&recipient_canonical_, &sender_canonical_, &canonical_, &virtual_alias_}) {
    auto found = table::find_address(*maps, recipient, address_rules_);
    if (found.lookup.missing()) continue;
    if (found.lookup.is_error()) {
      out.kind = Validity::Kind::error;
      out.text = found.lookup.error().what;
    }
    note(steps, maps->title(), found.key + " is listed");
    return true;
  }
  return false;
}

Validity Router::check(std::string_view sender, std::string_view address, std::string_view dsn, Steps* steps) {
  Validity out;
  Resolution to = resolve(sender, address, steps);
  out.address_class = to.address_class;
  if (to.error) {
    out.kind = Validity::Kind::error;
    out.text = to.error->what;
    return out;
  }
  if (to.bad_syntax || is_listed(to.recipient, out, steps)) return out;
  out.dsn = dsn;
  if (to.transport == "error" || to.transport == "retry") {
    out.kind = to.transport == "error" ? Validity::Kind::unknown : Validity::Kind::unavailable;
    split_dsn(to.nexthop, out.dsn, out.text);
    return out;
  }
  std::string_view local = message::split_address(to.recipient).local;
  bool always_there =
      iequals(local, "postmaster") || iequals(local, "mailer-daemon") || iequals(local, params_.double_bounce_sender);
  table::Maps* maps = nullptr;
  std::string_view where;
  if (to.address_class == AddressClass::local && !always_there) maps = &local_recipients_, where = "local recipient";
  if (to.address_class == AddressClass::relay) maps = &relay_recipients_, where = "relay recipient";
  if (to.address_class == AddressClass::virtual_mailbox) maps = &virtual_mailboxes_, where = "virtual mailbox";
  if (maps == nullptr || maps->empty()) return out;
  auto found = table::find_address(*maps, to.recipient, address_rules_);
  if (found) {
    note(steps, maps->title(), found.key + " is listed");
    return out;
  }
  out.kind = found.lookup.is_error() ? Validity::Kind::error : Validity::Kind::unknown;
  out.text = found.lookup.is_error() ? found.lookup.error().what : "User unknown";
  if (!found.lookup.is_error() && params_.show_user_unknown_table_name) {
    out.text += " in " + std::string(where) + " table";
  }
  note(steps, maps->title(), out.text);
  return out;
}

Validity Router::check_recipient(std::string_view sender, std::string_view recipient, Steps* steps) {
  return check(sender, recipient, "5.1.1", steps);
}

}  // namespace umaya::route
