#include "libcommon/route/router.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/message/domain.h"

namespace umaya::route {
namespace {

using table::MatchKind;

unsigned places_of(const std::vector<std::string>& classes) {
  unsigned out = 0;
  for (const std::string& name : classes) {
    if (name == "envelope_sender") out |= kEnvelopeSender;
    if (name == "envelope_recipient") out |= kEnvelopeRecipient;
    if (name == "header_sender") out |= kHeaderSender;
    if (name == "header_recipient") out |= kHeaderRecipient;
  }
  return out;
}

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

Result<std::unique_ptr<Router>> Router::open(const config::Config& config) {
  auto out = std::unique_ptr<Router>(new Router);
  UMAYA_CHECK(out->load(config));
  return out;
}

Result<> Router::load(const config::Config& config) {
  UMAYA_CHECK(config::bind(config, kBindings, params_));
  auto add_own = [this](std::string_view text) {
    if (auto address = net::IpAddress::parse(text)) own_addresses_.push_back(*address);
  };
  for (const auto& own : config.own_addresses()) add_own(own.text());
  for (const std::string& own : params_.proxy_interfaces) add_own(own);
  address_rules_.delimiters = params_.recipient_delimiter;
  address_rules_.double_bounce_sender = params_.double_bounce_sender;
  address_rules_.owner_request_special = params_.owner_request_special;
  address_rules_.is_local_domain = [this](std::string_view domain) {
    return iequals(domain, params_.myorigin) || is_local_domain(domain) == table::Match::yes;
  };
  canonical_places_ = places_of(params_.canonical_classes);
  sender_canonical_places_ = places_of(params_.sender_canonical_classes);
  recipient_canonical_places_ = places_of(params_.recipient_canonical_classes);
  masquerade_places_ = places_of(params_.masquerade_classes);
  propagate_canonical_ = has(params_.propagate_unmatched_extensions, "canonical");
  propagate_virtual_ = has(params_.propagate_unmatched_extensions, "virtual");
  propagate_generic_ = has(params_.propagate_unmatched_extensions, "generic");
  always_bcc_ = rewrite(params_.always_bcc);
  open_tables(config);
  return {};
}

void Router::open_tables(const config::Config& config) {
  table::Options options = table::options_from(config);
  table::Options careful = options;
  careful.substitution = table::Substitution::refused;
  auto maps = [&](std::string title, const std::string& list) {
    return table::Maps::open(options, std::move(title), list);
  };
  auto list = [&](std::string title, const std::string& text, MatchKind kind) {
    auto style = parent_style(title);
    return table::MatchList::parse(options, std::move(title), text, kind, style);
  };
  mydestination_ = list("mydestination", params_.mydestination, MatchKind::exact);
  virtual_alias_domains_ = list("virtual_alias_domains", params_.virtual_alias_domains, MatchKind::exact);
  virtual_mailbox_domains_ = list("virtual_mailbox_domains", params_.virtual_mailbox_domains, MatchKind::exact);
  relay_domains_ = list("relay_domains", params_.relay_domains, MatchKind::domain);
  transport_ = table::Maps::open(careful, "transport_maps", params_.transport_maps);
  relocated_ = maps("relocated_maps", params_.relocated_maps);
  sender_relayhost_ = maps("sender_dependent_relayhost_maps", params_.sender_dependent_relayhost_maps);
  sender_transport_ = maps("sender_dependent_default_transport_maps", params_.sender_dependent_default_transport_maps);
  canonical_ = maps("canonical_maps", params_.canonical_maps);
  sender_canonical_ = maps("sender_canonical_maps", params_.sender_canonical_maps);
  recipient_canonical_ = maps("recipient_canonical_maps", params_.recipient_canonical_maps);
  virtual_alias_ = maps("virtual_alias_maps", params_.virtual_alias_maps);
  generic_ = maps("smtp_generic_maps", params_.smtp_generic_maps);
  sender_bcc_ = maps("sender_bcc_maps", params_.sender_bcc_maps);
  recipient_bcc_ = maps("recipient_bcc_maps", params_.recipient_bcc_maps);
  local_recipients_ = maps("local_recipient_maps", params_.local_recipient_maps);
  relay_recipients_ = maps("relay_recipient_maps", params_.relay_recipient_maps);
  virtual_mailboxes_ = maps("virtual_mailbox_maps", params_.virtual_mailbox_maps);
}

void Router::refresh() {
  for (table::Maps* maps : {&transport_, &relocated_, &sender_relayhost_, &sender_transport_, &canonical_,
                            &sender_canonical_, &recipient_canonical_, &virtual_alias_, &generic_, &sender_bcc_,
                            &recipient_bcc_, &local_recipients_, &relay_recipients_, &virtual_mailboxes_}) {
    maps->refresh();
  }
  for (table::MatchList* list :
       {&mydestination_, &relay_domains_, &virtual_alias_domains_, &virtual_mailbox_domains_}) {
    list->refresh();
  }
}

table::ParentStyle Router::parent_style(std::string_view feature) const {
  return has(params_.parent_domain_matches_subdomains, feature) ? table::ParentStyle::bare : table::ParentStyle::dotted;
}

RewriteRules Router::rules(Context context) const {
  RewriteRules out;
  out.swap_bangpath = params_.swap_bangpath;
  out.percent_hack = params_.allow_percent_hack;
  if (context == Context::remote) {
    out.origin = out.domain = params_.remote_header_rewrite_domain;
    return out;
  }
  if (params_.append_at_myorigin) out.origin = params_.myorigin;
  if (params_.append_dot_mydomain) out.domain = params_.mydomain;
  return out;
}

std::string Router::rewrite(std::string_view address, Context context, Steps* steps) const {
  return route::rewrite(address, rules(context), steps);
}

table::Match Router::is_local_domain(std::string_view domain, Steps* steps) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty() || domain.ends_with('.')) return table::Match::no;
  table::Match match = mydestination_.matches(domain);
  if (match == table::Match::yes) note(steps, "mydestination", std::string(domain) + " is local");
  if (match != table::Match::no) return match;
  auto literal = domain.front() == '[' ? message::parse_address_literal(domain) : std::nullopt;
  auto address = literal ? net::IpAddress::parse(*literal) : std::nullopt;
  if (!address || std::find(own_addresses_.begin(), own_addresses_.end(), *address) == own_addresses_.end()) {
    return table::Match::no;
  }
  note(steps, "inet_interfaces", std::string(domain) + " is an address of this host");
  return table::Match::yes;
}

std::string_view class_name(AddressClass address_class) {
  switch (address_class) {
    case AddressClass::local:
      return "local";
    case AddressClass::virtual_alias:
      return "virtual alias";
    case AddressClass::virtual_mailbox:
      return "virtual mailbox";
    case AddressClass::relay:
      return "relay";
    case AddressClass::other:
      break;
  }
  return "default";
}

}  // namespace umaya::route
