// NAME    evaluation - walking the lists, and refusing
#include "smtpd/evaluation.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"
#include "libcommon/smtp/dsn.h"

namespace umaya::smtpd {

using event::Task;

void Evaluation::log_event(std::string_view what, std::string_view text) const {
  log::info("{}", describe_event(question_, what, text));
}

Step Evaluation::refuse(Reply reply, std::string text, std::string_view detail) {
  smtp::Refusal refusal{reply.code, smtp::dsn_with_class(reply.dsn, static_cast<char>('0' + reply.code / 100)),
                        std::move(text)};
  bool warn = warn_depth_ != 0 && reply.code != 451;  // our own trouble is never let through
  if (defer_if_reject_ && refusal.code >= 500) refusal = *defer_if_reject_;
  if (params_.soft_bounce && refusal.code >= 500) {
    refusal.code -= 100;
    refusal.dsn = smtp::dsn_with_class(refusal.dsn, '4');
  }
  std::string said = fmt::format("{} {} {}", refusal.code, refusal.dsn, refusal.text);
  if (!detail.empty()) said += fmt::format(" ({})", detail);
  log_event(warn ? "reject_warning" : "reject", said);
  if (warn) return Step::dunno;
  refusal_ = std::move(refusal);
  return Step::reject;
}

Step Evaluation::server_error(Subject subject) {
  return refuse({451, "4.3.5"},
                fmt::format("<{}>: {} rejected: Server configuration error", subject.name, subject.kind));
}

Step Evaluation::lookup_error(std::string_view name) {
  return refuse({451, "4.3.0"}, fmt::format("<{}>: Temporary lookup failure", name));
}

Step Evaluation::postpone(std::optional<smtp::Refusal>& slot, Reply reply, std::string text) {
  if (warn_depth_ != 0) {
    log_event("reject_warning", fmt::format("{} {} {}", reply.code, reply.dsn, text));
  } else if (!slot) {
    slot = smtp::Refusal{reply.code, std::string(reply.dsn), std::move(text)};
  }
  return Step::dunno;
}

Step Evaluation::temporary_failure(std::string_view action, Reply reply, std::string text) {
  if (iequals(action, "defer")) return refuse(reply, std::move(text));
  return postpone(defer_if_permit_, reply, std::move(text));
}

Step Evaluation::enforce_deferral() {
  if (!defer_if_permit_ || actions_.discard) return Step::dunno;
  smtp::Refusal waiting = *defer_if_permit_;
  return refuse({waiting.code, waiting.dsn}, waiting.text);
}

Task<Step> Evaluation::run(Stage stage) {
  const RuleList& rules = policy_.rules(stage);
  if (rules.empty() || actions_.discard) co_return Step::dunno;
  defer_if_reject_.reset();
  warn_depth_ = 0;
  Subject subject{};
  switch (stage) {
    case Stage::client:
      subject = {question_.client.label, "Client host"};
      break;
    case Stage::helo:
      if (question_.helo.empty()) co_return Step::dunno;
      subject = {question_.helo, "Helo command"};
      break;
    case Stage::sender:
      if (!question_.sender) co_return Step::dunno;
      subject = {*question_.sender, "Sender address"};
      break;
    case Stage::relay:
    case Stage::recipient:
      subject = {question_.recipient.value_or(""), "Recipient address"};
      break;
    case Stage::data:
      subject = {"DATA", "Data command"};
      break;
    case Stage::end_of_data:
      subject = {"END-OF-MESSAGE", "End-of-data"};
      break;
    case Stage::etrn:
      subject = {question_.etrn_domain, "Etrn command"};
      break;
  }
  co_return co_await run_rules(rules, subject);
}

Task<Step> Evaluation::run_rules(const RuleList& rules, Subject subject) {
  constexpr int kMaxDepth = 100;
  if (depth_ >= kMaxDepth) {
    log::warning("restrictions are nested deeper than {}", kMaxDepth);
    co_return server_error(subject);
  }
  ++depth_;
  Step step = Step::dunno;
  for (const Rule& rule : rules) {
    if (actions_.discard) break;
    if (rule.check == Check::warn_if_reject) {
      if (warn_depth_ == 0) warn_depth_ = depth_;
      continue;
    }
    // Most items answer without waiting; only the others cost a coroutine.
    if (rule.check < Check::restriction_class) {
      step = simple_rule(rule, subject);
    } else {
      step = co_await run_rule(rule, subject);
    }
    if (warn_depth_ >= depth_) warn_depth_ = 0;
    if (step != Step::dunno || (defer_if_permit_ && defer_if_reject_)) break;
  }
  --depth_;
  co_return step;
}

Step Evaluation::simple_rule(const Rule& rule, Subject subject) {
  switch (rule.check) {
    case Check::permit:
      return Step::permit;
    case Check::reject:
      return refuse({static_cast<int>(params_.reject_code), "5.7.1"},
                    fmt::format("<{}>: {} rejected: Access denied", subject.name, subject.kind));
    case Check::defer:
      return refuse({static_cast<int>(params_.defer_code), "4.3.2"},
                    fmt::format("<{}>: {} rejected: Try again later", subject.name, subject.kind));
    case Check::defer_if_permit:
      return postpone(defer_if_permit_, {450, "4.7.0"},
                      fmt::format("<{}>: {} rejected: defer_if_permit requested", subject.name, subject.kind));
    case Check::defer_if_reject:
      return postpone(defer_if_reject_, {450, "4.7.0"},
                      fmt::format("<{}>: {} rejected: defer_if_reject requested", subject.name, subject.kind));
    case Check::reject_unauth_pipelining:
      if (!question_.pipelined_early) return Step::dunno;
      return refuse({503, "5.5.0"}, fmt::format("<{}>: {} rejected: Improper use of SMTP command pipelining",
                                                subject.name, subject.kind));
    case Check::reject_multi_recipient_bounce:
      if (!question_.sender || !question_.sender->empty() || question_.recipient_count <= 1) return Step::dunno;
      return refuse({static_cast<int>(params_.multi_recipient_bounce_reject_code), "5.5.3"},
                    fmt::format("<{}>: {} rejected: Multi-recipient bounce", subject.name, subject.kind));
    case Check::permit_mynetworks:
      return question_.client.trusted ? Step::permit : Step::dunno;
    case Check::permit_inet_interfaces:
      return question_.client.own_interface ? Step::permit : Step::dunno;
    case Check::reject_unknown_client_hostname:
      return client_name(true);
    case Check::reject_unknown_reverse_client_hostname:
      return client_name(false);
    case Check::reject_invalid_helo_hostname:
      return helo_syntax();
    case Check::reject_non_fqdn_helo_hostname:
      return helo_fqdn();
    case Check::reject_non_fqdn_sender:
      return sender_fqdn();
    case Check::reject_non_fqdn_recipient:
      return recipient_fqdn();
    case Check::permit_tls_all_clientcerts:
      return question_.tls && question_.tls->peer.trust >= tls::Trust::trusted ? Step::permit : Step::dunno;
    case Check::reject_plaintext_session:
      if (question_.tls) return Step::dunno;
      return refuse({static_cast<int>(params_.plaintext_reject_code), "4.7.1"},
                    fmt::format("<{}>: {} rejected: Session encryption is required", subject.name, subject.kind));
    case Check::permit_sasl_authenticated:
      return may_go_by_login() ? Step::permit : Step::dunno;
    case Check::broken:
      return server_error(subject);
    default:  // not_yet: said at start-up
      return Step::dunno;
  }
}

Task<Step> Evaluation::run_rule(const Rule& rule, Subject subject) {
  switch (rule.check) {
    case Check::restriction_class:
      co_return co_await run_rules(*rule.rules, subject);
    case Check::sleep:
      co_await event::sleep(std::chrono::seconds(rule.seconds));
      co_return Step::dunno;
    case Check::reject_unknown_helo_hostname:
      co_return co_await helo_known();
    case Check::reject_unknown_sender_domain:
      co_return co_await sender_domain_known();
    case Check::reject_unknown_recipient_domain:
      co_return co_await recipient_domain_known();
    case Check::reject_unlisted_sender:
      co_return co_await unlisted_sender();
    case Check::reject_unlisted_recipient:
      co_return co_await unlisted_recipient();
    case Check::reject_unauth_destination:
    case Check::defer_unauth_destination:
    case Check::permit_auth_destination:
      co_return co_await destination(rule.check);
    case Check::permit_tls_clientcerts:
      co_return co_await known_certificate();
    case Check::check_ccert_access:
      co_return co_await certificate_access(rule);
    case Check::check_policy_service:
      co_return co_await policy_service(rule, subject);
    case Check::reject_sender_login_mismatch:
    case Check::reject_authenticated_sender_login_mismatch:
    case Check::reject_known_sender_login_mismatch:
    case Check::reject_unauthenticated_sender_login_mismatch:
      co_return co_await sender_owner(rule.check);
    case Check::permit_pop_before_smtp:
      co_return co_await recent_login(subject);
    case Check::reject_over_quota:
      co_return co_await over_quota();
    default:
      co_return co_await access(rule);
  }
}

}  // namespace umaya::smtpd
