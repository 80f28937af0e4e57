// NAME    address_checks - the restrictions that look at names and addresses
#include <fmt/format.h>

#include <utility>

#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"
#include "libcommon/message/domain.h"
#include "libcommon/table/settle.h"
#include "smtpd/evaluation.h"

namespace umaya::smtpd {

using event::Task;

Step Evaluation::client_name(bool forward) {
  const Client& c = question_.client;
  NameStatus status = forward ? c.name_status : c.reverse_status;
  if (status == NameStatus::ok) return Step::dunno;
  int code = status == NameStatus::temporary ? 450 : static_cast<int>(params_.unknown_client_reject_code);
  if (forward) {
    return refuse({code, "4.7.25"},
                  fmt::format("Client host rejected: cannot find your hostname, [{}]", c.address_text));
  }
  return refuse({code, "4.7.1"},
                fmt::format("Client host rejected: cannot find your reverse hostname, [{}]", c.address_text));
}

static bool looks_like_literal(std::string_view name) {
  return !name.empty() && name.front() == '[';
}

Step Evaluation::helo_syntax() {
  std::string_view helo = question_.helo;
  if (helo.empty()) return Step::dunno;
  bool valid = looks_like_literal(helo) ? message::valid_address_literal(helo) : message::valid_hostname(helo);
  if (valid) return Step::dunno;
  return refuse({static_cast<int>(params_.invalid_hostname_reject_code), "5.5.2"},
                fmt::format("<{}>: Helo command rejected: {}", helo,
                            looks_like_literal(helo) ? "invalid ip address" : "Invalid name"));
}

Step Evaluation::helo_fqdn() {
  std::string_view helo = question_.helo;
  if (helo.empty()) return Step::dunno;
  if (looks_like_literal(helo)) return helo_syntax();
  if (message::valid_hostname(helo) && helo.find('.') != std::string_view::npos) return Step::dunno;
  return refuse({static_cast<int>(params_.non_fqdn_reject_code), "5.5.2"},
                fmt::format("<{}>: Helo command rejected: need fully-qualified hostname", helo));
}

Step Evaluation::address_fqdn(std::string_view address, Subject subject) {
  if (iequals(address, "postmaster")) return Step::dunno;
  auto [local, domain, qualified] = message::split_address(address);
  if (qualified) {
    bool good = looks_like_literal(domain) ? message::valid_address_literal(domain)
                                           : domain.find('.') != std::string_view::npos &&
                                                 domain.find("..") == std::string_view::npos && domain.front() != '.';
    if (good) return Step::dunno;
  }
  return refuse({static_cast<int>(params_.non_fqdn_reject_code), "5.5.2"},
                fmt::format("<{}>: {} rejected: need fully-qualified address", subject.name, subject.kind));
}

Step Evaluation::sender_fqdn() {
  if (!question_.sender || question_.sender->empty()) return Step::dunno;
  return address_fqdn(*question_.sender, {*question_.sender, "Sender address"});
}

Step Evaluation::recipient_fqdn() {
  if (!question_.recipient || question_.recipient->empty()) return Step::dunno;
  return address_fqdn(*question_.recipient, {*question_.recipient, "Recipient address"});
}

Task<Step> Evaluation::helo_known() {
  std::string helo(question_.helo);
  if (helo.empty()) co_return Step::dunno;
  Step syntax = helo_syntax();
  if (syntax != Step::dunno || looks_like_literal(helo)) co_return syntax;
  dns::Resolver& resolver = policy_.parts().resolver;
  bool definite = true;
  for (dns::Type type : {dns::Type::a, dns::Type::aaaa, dns::Type::mx}) {
    dns::Answer answer = co_await resolver.query(helo, type);
    if (answer.found()) co_return Step::dunno;
    if (!dns::is_definite(answer.status)) definite = false;
  }
  std::string text = fmt::format("<{}>: Helo command rejected: Host not found", helo);
  if (definite) {
    co_return refuse({static_cast<int>(params_.unknown_hostname_reject_code), "4.7.1"}, std::move(text));
  }
  co_return temporary_failure(params_.unknown_helo_tempfail_action, {450, "4.7.1"}, std::move(text));
}

Task<Step> Evaluation::domain_known(std::string domain, Subject subject, bool sender) {
  auto ascii = message::canonical_domain(domain);
  std::string_view dsn = sender ? "4.1.8" : "4.1.2";
  int code = static_cast<int>(params_.unknown_address_reject_code);
  std::string text = fmt::format("<{}>: {} rejected: Domain not found", subject.name, subject.kind);
  if (!ascii || !message::valid_hostname(*ascii)) co_return refuse({code, dsn}, std::move(text));
  dns::Resolver& resolver = policy_.parts().resolver;
  bool definite = true;
  for (dns::Type type : {dns::Type::mx, dns::Type::a, dns::Type::aaaa}) {
    dns::Answer answer = co_await resolver.query(*ascii, type);
    if (answer.found()) {
      bool null_mx = type == dns::Type::mx && answer.records.size() == 1 &&
                     (answer.records[0].target.empty() || answer.records[0].target == ".");
      if (!null_mx) co_return Step::dunno;
      Reply reply = sender ? Reply{550, "5.7.27"} : Reply{556, "5.1.10"};
      co_return refuse(reply, fmt::format("<{}>: {} rejected: Domain {} does not accept mail (nullMX)", subject.name,
                                          subject.kind, domain));
    }
    if (answer.status == dns::Status::no_name) break;
    if (!dns::is_definite(answer.status)) definite = false;
  }
  if (definite) co_return refuse({code, dsn}, std::move(text));
  co_return temporary_failure(params_.unknown_address_tempfail_action, {450, dsn}, std::move(text));
}

Task<Step> Evaluation::sender_domain_known() {
  if (!question_.sender || question_.sender->empty()) co_return Step::dunno;
  std::string_view sender = *question_.sender;
  auto [local, domain, qualified] = message::split_address(sender);
  if (!qualified || looks_like_literal(domain)) co_return Step::dunno;
  Target target = co_await target_of(sender);
  if (target.failure) co_return lookup_error(sender);
  if (target.domain_class != DomainClass::other && target.domain_class != DomainClass::relay) co_return Step::dunno;
  const Subject subject{sender, "Sender address"};
  co_return co_await domain_known(std::string(domain), subject, true);
}

Task<Step> Evaluation::recipient_domain_known() {
  if (!question_.recipient) co_return Step::dunno;
  std::string_view recipient = *question_.recipient;
  auto [local, domain, qualified] = message::split_address(recipient);
  if (!qualified || looks_like_literal(domain)) co_return Step::dunno;
  const Target* target = co_await recipient_target();
  if (target->failure) co_return lookup_error(recipient);
  if (target->domain_class != DomainClass::other && target->domain_class != DomainClass::relay) co_return Step::dunno;
  const Subject subject{recipient, "Recipient address"};
  co_return co_await domain_known(std::string(domain), subject, false);
}

Task<Target> Evaluation::target_of(std::string_view address) {
  AddressPolicy& addresses = policy_.parts().addresses;
  std::string_view sender = question_.sender.value_or("");
  auto ask = [&addresses, sender, address] { return addresses.resolve(sender, address); };
  co_return co_await table::settle(ask);
}

Task<const Target*> Evaluation::recipient_target() {
  if (!recipient_target_) recipient_target_ = co_await target_of(question_.recipient.value_or(""));
  co_return &*recipient_target_;
}

Task<Step> Evaluation::destination(Check check) {
  if (!question_.recipient) co_return Step::dunno;
  std::string_view recipient = *question_.recipient;
  const Target* target = co_await recipient_target();
  if (target->failure) co_return lookup_error(recipient);
  bool ours = target->domain_class != DomainClass::other && !target->malformed &&
              (params_.allow_untrusted_routing || !target->routed);
  if (check == Check::permit_auth_destination) co_return ours ? Step::permit : Step::dunno;
  if (ours) co_return Step::dunno;
  int code = static_cast<int>(params_.relay_domains_reject_code);
  if (check == Check::defer_unauth_destination && code >= 500) code -= 100;
  co_return refuse({code, "5.7.1"}, fmt::format("<{}>: Relay access denied", recipient));
}

Task<Step> Evaluation::unlisted_recipient() {
  if (!question_.recipient || question_.recipient->empty()) co_return Step::dunno;
  const Subject subject{*question_.recipient, "Recipient address"};
  co_return co_await unlisted(subject.name, subject, false);
}

Task<Step> Evaluation::unlisted_sender() {
  if (!question_.sender || question_.sender->empty()) co_return Step::dunno;
  const Subject subject{*question_.sender, "Sender address"};
  co_return co_await unlisted(subject.name, subject, true);
}

Task<Step> Evaluation::over_quota() {
  RoomPolicy* room = policy_.parts().room;
  std::string_view recipient = question_.recipient.value_or("");
  if (!room || recipient.empty() || std::exchange(asked_for_room_, true)) co_return Step::dunno;
  AddressPolicy& addresses = policy_.parts().addresses;
  std::string_view sender = question_.sender.value_or("");
  auto find = [&addresses, sender, recipient] { return addresses.final_target(sender, recipient); };
  Target target = co_await table::settle(find);
  if (target.failure || target.malformed || target.transport.empty()) co_return Step::dunno;
  RoomQuestion question{std::move(target.transport), std::move(target.nexthop), std::string(sender),
                        std::move(target.address), question_.size};
  RoomAnswer answer = co_await room->ask(std::move(question));
  if (answer.room != Room::full && answer.room != Room::full_for_now) co_return Step::dunno;
  Reply reply = answer.room == Room::full ? Reply{552, "5.2.2"} : Reply{452, "4.2.2"};
  co_return refuse(
      reply,
      fmt::format("<{}>: Recipient address rejected: Quota exceeded, the mailbox has no room for the message",
                  recipient),
      answer.text);
}

Task<Step> Evaluation::unlisted(std::string_view address, Subject subject, bool sender) {
  Target own;
  const Target* target = &own;
  if (sender) {
    own = co_await target_of(address);
  } else {
    target = co_await recipient_target();
  }
  if (target->failure) co_return lookup_error(address);
  if (target->malformed) {
    if (sender) co_return refuse({501, "5.1.7"}, "Bad sender address syntax");
    co_return refuse({501, "5.1.3"}, "Bad recipient address syntax");
  }
  if (target->domain_class == DomainClass::other) co_return Step::dunno;
  AddressPolicy& addresses = policy_.parts().addresses;
  std::string_view from = sender ? std::string_view{} : question_.sender.value_or("");
  auto ask = [&addresses, from, address] { return addresses.recipient_listed(from, address); };
  Listing listing = co_await table::settle(ask);
  if (listing.listed == Listed::yes) co_return Step::dunno;
  if (listing.listed == Listed::failed) co_return lookup_error(address);
  int64_t code = params_.unknown_local_code;
  if (target->domain_class == DomainClass::virtual_alias) code = params_.unknown_alias_code;
  if (target->domain_class == DomainClass::virtual_mailbox) code = params_.unknown_mailbox_code;
  if (target->domain_class == DomainClass::relay) code = params_.unknown_relay_code;
  std::string_view dsn = sender && listing.dsn == "5.1.1" ? "5.1.0" : std::string_view(listing.dsn);
  co_return refuse({static_cast<int>(code), dsn},
                   fmt::format("<{}>: {} rejected: {}", subject.name, subject.kind, listing.text));
}

}  // namespace umaya::smtpd
