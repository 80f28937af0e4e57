// NAME    access_checks - check_*_access: looking up access(5) tables and doing what they say
#include <fmt/format.h>

#include <algorithm>

#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/table/settle.h"
#include "smtpd/evaluation.h"
#include "smtpd/policy_service.h"

namespace umaya::smtpd {

using event::Task;

Evaluation::Subject Evaluation::access_subject(Check check) const {
  switch (check) {
    case Check::check_client_access:
      return {question_.client.label, "Client host"};
    case Check::check_reverse_client_hostname_access:
      return {question_.client.reverse_name, "Unverified Client host"};
    case Check::check_helo_access:
      return {question_.helo, "Helo command"};
    case Check::check_sender_access:
      return {question_.sender.value_or(""), "Sender address"};
    case Check::check_etrn_access:
      return {question_.etrn_domain, "Etrn command"};
    case Check::check_sasl_access:
      return {question_.login_user, "SASL login name"};
    default:
      return {question_.recipient.value_or(""), "Recipient address"};
  }
}

table::Found Evaluation::find_access(const Rule& rule, Subject subject) const {
  const Policy::Parts& parts = policy_.parts();
  const Client& client = question_.client;
  switch (rule.check) {
    case Check::check_client_access:
      return table::find_client_access(*rule.maps, client.name, client.address_text, parts.access_style);
    case Check::check_reverse_client_hostname_access:
      return table::find_client_access(*rule.maps, client.reverse_name, client.address_text, parts.access_style);
    case Check::check_helo_access:
    case Check::check_etrn_access:
      return table::find_domain(*rule.maps, subject.name, parts.access_style);
    case Check::check_sasl_access:
      return {rule.maps->find(subject.name), {}, {}};
    default:
      if (subject.name.empty()) return {rule.maps->find(params_.null_access_key), {}, {}};
      return table::find_mail_access(*rule.maps, subject.name, parts.access_style, parts.address_rules);
  }
}

Task<Step> Evaluation::access(const Rule& rule) {
  Subject subject = access_subject(rule.check);
  bool has_subject = rule.check == Check::check_sender_access      ? question_.sender.has_value()
                     : rule.check == Check::check_recipient_access ? question_.recipient.has_value()
                                                                   : !subject.name.empty();
  if (!has_subject) co_return Step::dunno;
  auto look = [this, &rule, subject] { return find_access(rule, subject); };
  table::Found found = co_await table::settle(look);
  if (found.lookup.is_error()) {
    log::warning("{}: {}", rule.maps->title(), found.lookup.error().what);
    co_return lookup_error(subject.name);
  }
  if (!found) co_return Step::dunno;
  co_return co_await apply(rule, found.lookup.value(), subject);
}

/// Looks the client's certificate up by its fingerprint, then by that of its key. Whether anybody vouches for the
/// certificate does not matter: the table does.
Task<table::Lookup> Evaluation::find_certificate(table::Maps* maps) {
  table::Lookup found;
  if (!question_.tls || !question_.tls->peer.present) co_return found;
  const tls::PeerCertificate& peer = question_.tls->peer;
  for (const std::string* key : {&peer.fingerprint, &peer.public_key_fingerprint}) {
    if (key->empty()) continue;
    auto look = [maps, key] { return maps->find(*key); };
    found = co_await table::settle(look);
    if (found.is_error()) log::warning("{}: {}", maps->title(), found.error().what);
    if (!found.missing()) break;
  }
  co_return found;
}

Task<Step> Evaluation::known_certificate() {
  if (!policy_.parts().client_certificates) co_return Step::dunno;
  table::Lookup found = co_await find_certificate(policy_.parts().client_certificates);
  if (found.is_error()) co_return lookup_error(question_.tls->peer.fingerprint);
  co_return found.found() ? Step::permit : Step::dunno;
}

Task<Step> Evaluation::certificate_access(const Rule& rule) {
  table::Lookup found = co_await find_certificate(rule.maps.get());
  if (found.is_error()) co_return lookup_error(question_.tls->peer.fingerprint);
  if (!found.found()) co_return Step::dunno;
  Subject subject{question_.client.label, "Client certificate"};
  co_return co_await apply(rule, found.value(), subject);
}

Task<Step> Evaluation::policy_service(const Rule& rule, Subject subject) {
  std::string request = policy_request(question_, rule.policy->settings().context);
  std::string action = co_await rule.policy->ask(std::move(request));
  co_return co_await apply(rule, std::move(action), subject);
}

Task<Step> Evaluation::apply(const Rule& rule, std::string value, Subject subject) {
  AccessAction action = parse_access_action(value);
  switch (action.kind) {
    case ActionKind::permit:
      if (rule.check == Check::check_reverse_client_hostname_access) {
        log::warning("{}: OK is not a safe answer for a name that anybody can claim", rule.name);
        co_return server_error(subject);
      }
      if (rule.check == Check::check_recipient_access && !params_.allow_untrusted_routing) {
        const Target* target = co_await recipient_target();
        if (target->routed) co_return Step::dunno;
      }
      co_return Step::permit;
    case ActionKind::invalid:
      log::warning("{}: \"{}\": {}", rule.policy ? rule.policy->server() : rule.maps->title(), value, action.text);
      co_return server_error(subject);
    case ActionKind::restrictions: {
      std::shared_ptr<const RuleList> rules = policy_.compile_result(action.text);
      co_return co_await run_rules(*rules, subject);
    }
    case ActionKind::reject:
    case ActionKind::defer:
    case ActionKind::defer_if_permit:
    case ActionKind::defer_if_reject:
    case ActionKind::reply:
      co_return apply_reply(action, subject);
    default:
      co_return apply_to_message(action, subject);
  }
}

/// Postfix's repair of enhanced codes that speak of a sender where a recipient is meant, and the reverse.
static std::string fitting_dsn(std::string dsn, std::string_view kind) {
  if (dsn.size() != 5 || dsn.substr(1, 3) != ".1.") return dsn;
  char& detail = dsn[4];
  if (kind == "Sender address") {
    detail = detail == '1' ? '0' : detail == '2' ? '8' : detail == '3' ? '7' : detail;
  } else if (kind == "Recipient address") {
    detail = detail == '0' ? '1' : detail == '8' ? '2' : detail == '7' ? '3' : detail;
  }
  return dsn;
}

Step Evaluation::apply_reply(const AccessAction& action, Subject subject) {
  auto text = [&](std::string_view fallback) {
    return fmt::format("<{}>: {} rejected: {}", subject.name, subject.kind,
                       action.text.empty() ? fallback : std::string_view(action.text));
  };
  std::string dsn = fitting_dsn(action.dsn, subject.kind);
  auto dsn_or = [&](std::string_view fallback) { return dsn.empty() ? fallback : std::string_view(dsn); };
  int reject_code = static_cast<int>(params_.access_map_reject_code);
  int defer_code = static_cast<int>(params_.access_map_defer_code);
  switch (action.kind) {
    case ActionKind::reject:
      return refuse({reject_code, dsn_or("5.7.1")}, text("Access denied"));
    case ActionKind::defer:
      return refuse({defer_code, dsn_or("4.7.1")}, text("Access denied"));
    case ActionKind::defer_if_permit:
      return postpone(defer_if_permit_, {defer_code, dsn_or("4.7.1")}, text("Service unavailable"));
    case ActionKind::defer_if_reject:
      return postpone(defer_if_reject_, {defer_code, dsn_or("4.7.1")}, text("Service unavailable"));
    default:
      return refuse({action.code, dsn_or(action.code >= 500 ? "5.7.1" : "4.7.1")}, text("Access denied"));
  }
}

static void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

/// Actions that only cleanup can do: there is none behind a before-queue filter.
static bool needs_cleanup(ActionKind kind) {
  return kind == ActionKind::hold || kind == ActionKind::discard || kind == ActionKind::filter ||
         kind == ActionKind::redirect || kind == ActionKind::bcc;
}

Step Evaluation::apply_to_message(const AccessAction& action, Subject subject) {
  if (needs_cleanup(action.kind) && !params_.proxy_filter.empty()) {
    log_event("warning", fmt::format("<{}>: {}: with smtpd_proxy_filter, HOLD, DISCARD, FILTER, REDIRECT and BCC have "
                                     "no effect",
                                     subject.name, subject.kind));
    return Step::dunno;
  }
  auto log_with = [&](std::string_view what, std::string_view separator, std::string_view fallback) {
    log_event(what, fmt::format("<{}>: {}{}{}", subject.name, subject.kind, separator,
                                action.text.empty() ? fallback : std::string_view(action.text)));
  };
  switch (action.kind) {
    case ActionKind::hold:
      actions_.hold = true;
      log_with("hold", " ", "triggers HOLD action");
      break;
    case ActionKind::discard:
      actions_.discard = true;
      log_with("discard", " ", "triggers DISCARD action");
      break;
    case ActionKind::filter:
      actions_.filter = action.text;
      log_with("filter", " triggers FILTER ", "");
      break;
    case ActionKind::redirect:
      actions_.redirect = action.text;
      log_with("redirect", " triggers REDIRECT ", "");
      break;
    case ActionKind::bcc:
      add_once(actions_.bcc, action.text);
      log_with("bcc", " triggers BCC ", "");
      break;
    case ActionKind::prepend:
      add_once(actions_.prepend, action.text);
      break;
    case ActionKind::info:
      log_with("info", ": ", "INFO action");
      break;
    case ActionKind::warn:
      log_with("warn", ": ", "WARN action");
      break;
    default:
      break;
  }
  return Step::dunno;
}

}  // namespace umaya::smtpd
