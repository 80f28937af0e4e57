#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/message/domain.h"
#include "libcommon/route/router.h"

namespace umaya::route {

using message::Token;
using message::TokenKind;
using message::Tokens;
using table::Match;

/// The address while local domains are taken off it.
struct Router::Progress {
  Tokens tokens;
  Tokens saved_domain;         ///< the last local "@domain" that was taken off
  bool is_local = false;       ///< no foreign domain is left
  std::optional<Error> error;  ///< mydestination could not be asked
};

namespace {

constexpr size_t kNone = std::string::npos;

size_t last_sign(const Tokens& tokens, char sign) {
  for (size_t i = tokens.size(); i-- > 0;) {
    if (tokens[i].is(sign)) return i;
  }
  return kNone;
}

void strip_final_dot(Tokens& tokens) {
  if (tokens.size() < 2 || !tokens.back().is('.')) return;
  const Token& before = tokens[tokens.size() - 2];
  if (!before.is('.') && !before.is('@')) tokens.pop_back();
}

bool usable_domain(std::string_view domain) {
  if (domain.starts_with('[')) return message::valid_address_literal(domain);
  return message::valid_hostname(domain) && !net::IpAddress::parse(domain);
}

/// "transport:nexthop" in its parts; nexthop may be empty.
std::pair<std::string_view, std::string_view> split_transport(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == kNone) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

/// Takes "@domain" off while it is ours. False: a foreign domain is there, resolving ends.
bool Router::strip_local(Progress& p, Steps* steps) {
  strip_final_dot(p.tokens);
  if (params_.resolve_null_domain && !p.tokens.empty() && p.tokens.back().is('@')) p.tokens.pop_back();
  size_t at = last_sign(p.tokens, '@');
  if (at == kNone) return true;
  auto domain_begin = p.tokens.cbegin() + static_cast<std::ptrdiff_t>(at) + 1;
  if (domain_begin != p.tokens.cend()) {
    Match match = is_local_domain(message::internal_form(domain_begin, p.tokens.cend()), steps);
    if (match == Match::error) p.error = mydestination_.error();
    if (match != Match::yes) return false;
  }
  p.saved_domain.assign(p.tokens.cbegin() + static_cast<std::ptrdiff_t>(at), p.tokens.cend());
  p.tokens.resize(at);
  return true;
}

/// With our own domain off, looks for routing signs in what is left, and for a name to put into an empty local part.
void Router::follow_routes(Progress& p, Steps* steps) {
  RewriteRules local = rules(Context::local);
  bool is_one_string = p.tokens.size() == 1 && p.tokens[0].kind == TokenKind::quoted;
  if (is_one_string && params_.resolve_dequoted_address && !p.tokens[0].text.empty()) {
    std::string& text = p.tokens[0].text;
    size_t sign = text.rfind('@');
    if (sign == kNone && params_.allow_percent_hack) sign = text.rfind('%');
    if (sign == kNone && params_.swap_bangpath) sign = text.rfind('!');
    if (sign != kNone) {
      if (text[sign] == '%') text[sign] = '@';
      std::string inner = text[sign] == '@' ? message::to_external(text) : text;
      note(steps, "resolve_dequoted_address", inner);
      p.tokens = message::scan_tokens(inner);
      return rewrite_tokens(p.tokens, local, steps);
    }
  }
  if (last_sign(p.tokens, '@') != kNone || (params_.swap_bangpath && last_sign(p.tokens, '!') != kNone) ||
      (params_.allow_percent_hack && last_sign(p.tokens, '%') != kNone)) {
    return rewrite_tokens(p.tokens, local, steps);
  }
  if (is_one_string && p.tokens[0].text.empty()) p.tokens.clear();
  if (p.tokens.empty()) {
    note(steps, "empty_address_recipient", params_.empty_address_recipient);
    p.tokens.push_back({TokenKind::atom, 0, params_.empty_address_recipient});
    return;
  }
  p.is_local = true;
}

Resolution Router::resolve(std::string_view sender, std::string_view recipient, Steps* steps) {
  Resolution out;
  Progress p;
  p.tokens =
      message::scan_tokens(params_.resolve_dequoted_address ? std::string(recipient) : message::to_external(recipient));
  size_t rounds = recipient.size() + 100;
  while (rounds-- > 0 && strip_local(p, steps) && !p.is_local) follow_routes(p, steps);
  if (p.error) {
    out.error = p.error;
    return out;
  }
  finish_recipient(p, out);
  if (out.bad_syntax) {
    note(steps, "syntax", "bad address syntax: " + out.recipient);
    return out;
  }
  std::string domain{message::split_address(out.recipient).domain};
  choose_class(sender, p.is_local, domain, out, steps);
  if (!out.error) apply_transport_map(domain, out, steps);
  if (!out.error) apply_relocated(out, steps);
  if (!params_.allow_min_user && out.recipient.starts_with('-')) {
    note(steps, "allow_min_user", "an address may not begin with '-'");
    out.bad_syntax = true;
  }
  return out;
}

void Router::finish_recipient(Progress& p, Resolution& out) {
  if (p.is_local && p.saved_domain.empty()) {
    p.tokens.push_back({TokenKind::sign, '@', {}});
    for (Token& token : message::scan_tokens(params_.myhostname)) p.tokens.push_back(std::move(token));
  } else if (p.is_local) {
    p.tokens.insert(p.tokens.end(), p.saved_domain.begin(), p.saved_domain.end());
  }
  out.recipient = message::internal_form(p.tokens);
  size_t at = out.recipient.rfind('@');
  if (at == kNone) {
    out.bad_syntax = true;
    return;
  }
  std::string domain = out.recipient.substr(at + 1);
  if (params_.resolve_numeric_domain && net::IpAddress::parse(domain)) {
    domain = net::IpAddress::parse(domain)->is_v6() ? "[IPv6:" + domain + "]" : "[" + domain + "]";
    out.recipient.replace(at + 1, kNone, domain);
  }
  out.bad_syntax = !usable_domain(domain);
  size_t sign = out.recipient.find_first_of("@%!");
  out.routed = sign != at;
}

void Router::choose_class(std::string_view sender, bool local, std::string_view domain, Resolution& out, Steps* steps) {
  Result<AddressClass> address_class = local ? AddressClass::local : class_of_domain(domain, steps);
  if (!address_class) {
    out.error = address_class.error();
    return;
  }
  out.address_class = *address_class;
  out.nexthop = domain;
  switch (out.address_class) {
    case AddressClass::local:
      out.transport = params_.local_transport;
      note(steps, "local_transport", out.transport);
      break;
    case AddressClass::virtual_alias:
      out.transport = "error";
      out.nexthop = "5.1.1 User unknown";
      if (params_.show_user_unknown_table_name) out.nexthop += " in virtual alias table";
      return;
    case AddressClass::virtual_mailbox:
      out.transport = params_.virtual_transport;
      note(steps, "virtual_transport", out.transport);
      break;
    case AddressClass::relay:
      out.transport = params_.relay_transport;
      note(steps, "relay_transport", out.transport);
      choose_relayhost(sender, domain, out, steps);
      break;
    case AddressClass::other:
      choose_default(sender, out, steps);
      if (!out.error) choose_relayhost(sender, domain, out, steps);
      break;
  }
  std::string whole = out.transport;
  auto [transport, nexthop] = split_transport(whole);
  out.transport = transport;
  if (!nexthop.empty()) out.nexthop = nexthop;
  if (!out.error && (out.transport.empty() || out.nexthop.empty())) {
    std::string what = out.transport.empty() ? "null transport" : "null nexthop";
    out.error = Error{ErrorKind::temporary, 0, what + " for " + out.recipient + " is not allowed", {}};
  }
}

Result<AddressClass> Router::class_of_domain(std::string_view domain, Steps* steps) {
  struct Row {
    table::MatchList& list;
    AddressClass address_class;
    std::string_view parameter;
  };
  Match local = is_local_domain(domain, steps);
  if (local == Match::error) return std::unexpected(mydestination_.error());
  if (local == Match::yes) {
    warn_if_also_in(
        domain, "mydestination",
        {{"virtual_alias_domains", &virtual_alias_domains_}, {"virtual_mailbox_domains", &virtual_mailbox_domains_}});
    return AddressClass::local;
  }
  for (const Row& row : {Row{virtual_alias_domains_, AddressClass::virtual_alias, "virtual_alias_domains"},
                         Row{virtual_mailbox_domains_, AddressClass::virtual_mailbox, "virtual_mailbox_domains"},
                         Row{relay_domains_, AddressClass::relay, "relay_domains"}}) {
    Match match = row.list.matches(domain);
    if (match == Match::error) return std::unexpected(row.list.error());
    if (match == Match::no) continue;
    if (row.address_class == AddressClass::virtual_alias) {
      warn_if_also_in(domain, row.parameter, {{"virtual_mailbox_domains", &virtual_mailbox_domains_}});
    }
    if (row.address_class != AddressClass::relay)
      warn_if_also_in(domain, row.parameter, {{"relay_domains", &relay_domains_}});
    note(steps, row.parameter, std::string(domain) + " is a " + std::string(class_name(row.address_class)) + " domain");
    return row.address_class;
  }
  note(steps, "address class", std::string(domain) + " is not ours: default");
  return AddressClass::other;
}

/// A domain that stands in two lists has the class of the first: mostly a mistake, and said once for each domain.
void Router::warn_if_also_in(std::string_view domain, std::string_view first,
                             std::initializer_list<std::pair<std::string_view, table::MatchList*>> others) {
  constexpr size_t kMaxWarned = 1000;
  if (!params_.helpful_warnings || warned_domains_.size() >= kMaxWarned) return;
  for (const auto& [parameter, list] : others) {
    std::string key = std::string(domain) + " " + std::string(parameter);
    if (warned_domains_.contains(key) || list->matches(domain) != Match::yes) continue;
    log::warning("do not list domain {} in BOTH {} and {}", domain, first, parameter);
    warned_domains_.insert(std::move(key));
  }
}

table::Found Router::find_sender(table::Maps& maps, std::string_view sender, const std::string& null_key) {
  auto found = table::find_address(maps, sender.empty() ? std::string_view(null_key) : sender, address_rules_);
  if (found && iequals(found.lookup.value(), "DUNNO")) return {};
  return found;
}

void Router::choose_default(std::string_view sender, Resolution& out, Steps* steps) {
  auto found = find_sender(sender_transport_, sender, params_.null_default_transport_key);
  if (found.lookup.is_error()) out.error = found.lookup.error();
  if (!found) {
    out.transport = params_.default_transport;
    note(steps, "default_transport", out.transport);
    return;
  }
  out.transport = found.lookup.value();
  note(steps, "sender_dependent_default_transport_maps", found.key + ": " + out.transport);
}

void Router::choose_relayhost(std::string_view sender, std::string_view domain, Resolution& out, Steps* steps) {
  auto found = table::find_address(
      sender_relayhost_, sender.empty() ? std::string_view(params_.null_relayhost_key) : sender, address_rules_);
  if (found.lookup.is_error()) {
    out.error = found.lookup.error();
  } else if (found) {
    bool dunno = iequals(found.lookup.value(), "DUNNO");
    out.nexthop = dunno ? std::string(domain) : found.lookup.value();
    note(steps, "sender_dependent_relayhost_maps", found.key + ": " + found.lookup.value());
  } else if (!params_.relayhost.empty()) {
    out.nexthop = params_.relayhost;
    note(steps, "relayhost", out.nexthop);
  }
}

table::Found Router::find_transport(const Resolution& to, std::string_view domain) {
  auto found = table::find_address(transport_, to.recipient, address_rules_, table::kFullAddress | table::kNoExtension);
  if (!found.lookup.missing()) return found;
  found = table::find_domain(transport_, domain, parent_style("transport_maps"), table::KeyForm::partial);
  if (!found.lookup.missing()) return found;
  return {transport_.find("*"), "*", {}};
}

void Router::apply_transport_map(std::string_view domain, Resolution& out, Steps* steps) {
  if (transport_.empty() || out.address_class == AddressClass::virtual_alias) return;
  auto found = find_transport(out, domain);
  if (found.lookup.is_error()) out.error = found.lookup.error();
  if (!found) return;
  note(steps, "transport_maps", found.key + ": " + found.lookup.value());
  auto [transport, nexthop] = split_transport(found.lookup.value());
  if (!transport.empty()) {
    out.transport = transport;
    bool is_text = transport == "error" || transport == "retry";
    out.nexthop = is_text ? "Address is undeliverable" : std::string(domain);
  }
  if (!nexthop.empty()) out.nexthop = nexthop;
}

void Router::apply_relocated(Resolution& out, Steps* steps) {
  if (relocated_.empty()) return;
  auto found = table::find_address(relocated_, out.recipient, address_rules_);
  if (found.lookup.is_error()) out.error = found.lookup.error();
  if (!found) return;
  note(steps, "relocated_maps", found.key + ": " + found.lookup.value());
  out.transport = "error";
  out.nexthop = "5.1.6 User has moved to " + found.lookup.value();
}

}  // namespace umaya::route
