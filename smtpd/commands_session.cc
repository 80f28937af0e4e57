// NAME    commands_session - HELO EHLO RSET NOOP QUIT HELP VRFY ETRN
#include <fmt/format.h>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/message/domain.h"
#include "libcommon/services/flush.h"
#include "smtpd/client_attributes.h"
#include "smtpd/session.h"

namespace umaya::smtpd {

using event::Task;

/// Forgets what came before and checks the name (RFC 5321 4.1.4: HELO is also a RSET).
Task<Refusal> Session::begin_session(std::string_view name, bool extended) {
  reset_transaction();
  std::string kept = std::exchange(helo_, printable(name.substr(0, 512), params_.smtputf8));
  bool kept_extended = std::exchange(extended_, extended);
  if (!restricted() || params_.delay_reject) co_return std::nullopt;
  Refusal refusal =
      co_await shared_.policy.check_helo(question(extended ? "EHLO" : "HELO"), deferrals_, session_actions_);
  if (refusal) {
    helo_ = std::move(kept);
    extended_ = kept_extended;
  }
  co_return refusal;
}

Task<bool> Session::do_helo(std::string_view arguments) {
  if (arguments.empty()) co_return fail(501, "", "Syntax: HELO hostname");
  Refusal refusal = co_await begin_session(arguments, false);
  if (refusal) co_return fail(*refusal);
  reply(250, "", params_.myhostname);
  co_return true;
}

Task<bool> Session::do_ehlo(std::string_view arguments) {
  if (arguments.empty()) co_return fail(501, "", "Syntax: EHLO hostname");
  Refusal refusal = co_await begin_session(arguments, true);
  if (refusal) co_return fail(*refusal);
  bool starttls = may_start_tls();
  if (starttls) starttls = co_await shared_.tls->ready();
  std::string logins = co_await login_keywords();
  write_extensions(starttls, logins);
  co_return true;
}

bool Session::offers(std::string_view keyword) const {
  for (std::string_view word : split_list(params_.discard_ehlo_keywords)) {
    if (iequals(word, keyword)) return false;
  }
  return true;
}

void Session::write_extensions(bool starttls, std::string_view login_keywords) {
  std::string text = params_.myhostname;
  auto add = [&](std::string_view keyword, std::string_view value = {}) {
    if (!offers(keyword)) return;
    text.append("\n").append(keyword).append(value);
  };
  add("PIPELINING");
  add("SIZE", params_.message_size_limit > 0 ? fmt::format(" {}", params_.message_size_limit) : std::string());
  if (!params_.disable_vrfy) add("VRFY");
  if (!lmtp()) add("ETRN");
  if (starttls) add("STARTTLS");
  if (!login_keywords.empty()) {
    add("AUTH", fmt::format(" {}", login_keywords));
    if (shared_.logins->settings().broken_clients && offers("AUTH")) add("AUTH=", login_keywords);
  }
  add("ENHANCEDSTATUSCODES");
  add("8BITMIME");
  if (!lmtp()) add("DSN");  // with LMTP the client sends the notices
  if (params_.smtputf8) add("SMTPUTF8");
  add("CHUNKING");
  if (may_ask_verp() && !lmtp()) add("XVERP");
  if (is_listed(shared_.xclient_hosts)) add("XCLIENT", kXclient.keyword.substr(kXclient.verb.size()));
  if (is_listed(shared_.xforward_hosts)) add("XFORWARD", kXforward.keyword.substr(kXforward.verb.size()));
  reply(250, "", text);
}

Task<bool> Session::do_rset(std::string_view arguments) {
  if (!arguments.empty()) co_return fail(501, "5.5.4", "Syntax: RSET");
  reset_transaction();
  reply_line("250 2.0.0 Ok\r\n");
  co_return true;
}

Task<bool> Session::do_noop(std::string_view) {
  reply_line("250 2.0.0 Ok\r\n");
  co_return true;
}

Task<bool> Session::do_quit(std::string_view) {
  reply_line("221 2.0.0 Bye\r\n");
  hang_up();
  co_return true;
}

Task<bool> Session::do_help(std::string_view) {
  if (lmtp()) {
    reply(214, "2.0.0", "Commands: LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT HELP");
    co_return true;
  }
  reply(214, "2.0.0",
        "Commands: HELO EHLO AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY ETRN QUIT HELP\n"
        "A message: EHLO your.host.name; MAIL FROM:<you@your.domain>; RCPT TO:<user@domain>; DATA; the text; a line "
        "with a dot alone");
  co_return true;
}

Task<bool> Session::do_vrfy(std::string_view arguments) {
  if (params_.disable_vrfy) co_return fail(502, "5.5.1", "VRFY command is disabled");
  auto words = smtp::split_words(arguments);
  bool utf8 = words.size() == 2 && params_.smtputf8 && iequals(words[1], "SMTPUTF8");
  if (words.empty() || (words.size() > 1 && !utf8)) co_return fail(501, "5.5.4", "Syntax: VRFY address [SMTPUTF8]");
  auto path = message::parse_path(words[0], {.smtputf8 = utf8, .strict = false});
  if (!path || path->address.empty()) {
    if (!path && path.error() == message::PathError::non_ascii) {
      co_return fail(553, "5.6.7", "Must declare SMTPUTF8 to verify unicode address");
    }
    co_return fail(501, "5.1.3", "Bad recipient address syntax");
  }
  if (restricted()) {
    Question q = question("VRFY");
    q.recipient = path->address;
    MessageActions unused;
    Refusal refusal = co_await shared_.policy.check_recipient(q, deferrals_, unused);
    if (refusal) co_return fail(*refusal);
  }
  if (lmtp()) {
    Place place;
    Refusal refusal = co_await find_mailbox(path->address, place);
    if (refusal) co_return fail(*refusal);
  }
  reply(252, "2.0.0", message::to_external(path->address));
  co_return true;
}

/// The refusal of an ETRN for its place or its argument.
static std::optional<smtp::Refusal> etrn_refusal(const std::vector<std::string_view>& words, bool greeted,
                                                 bool in_transaction) {
  if (!greeted) return smtp::Refusal{503, "5.5.1", "Error: send HELO/EHLO first"};
  if (in_transaction) return smtp::Refusal{503, "5.5.1", "Error: MAIL transaction in progress"};
  if (words.size() != 1) return smtp::Refusal{500, "5.5.4", "Syntax: ETRN domain"};
  std::string_view domain = words[0];
  if (domain.front() == '@' || domain.front() == '#') domain.remove_prefix(1);
  if (!message::valid_hostname(domain) && !message::valid_address_literal(domain)) {
    return smtp::Refusal{501, "5.5.4", "Error: invalid parameter syntax"};
  }
  return {};
}

Task<bool> Session::do_etrn(std::string_view arguments) {
  auto words = smtp::split_words(arguments);
  if (auto refused = etrn_refusal(words, !helo_.empty(), transaction_ != nullptr)) co_return fail(*refused);
  std::string domain(words[0]);
  if (domain.front() == '@' || domain.front() == '#') domain.erase(0, 1);
  if (restricted()) {
    Question q = question("ETRN");
    q.etrn_domain = domain;
    MessageActions unused;
    Refusal refusal = co_await shared_.policy.check_etrn(q, deferrals_, unused);
    if (refusal) co_return fail(*refusal);
  }
  namespace flush = services::flush;
  flush::Request request{flush::Verb::send_site, domain, {}};
  auto lease = shared_.flush.lease();
  Result<flush::Done> done = temporary("flush service is not there");
  if (lease) done = co_await (*lease)->call<flush::Done>(std::move(request), {}, std::chrono::seconds(30));
  if (!done) {
    if (lease) lease->drop();
    log::warning("flush: {}", done.error().what);
    co_return fail(458, "", fmt::format("<{}>: unable to queue messages", domain));
  }
  switch (done->status) {
    case flush::Status::ok:
      reply(250, "2.0.0", "Queuing started");
      co_return true;
    case flush::Status::denied:
      co_return fail(459, "", fmt::format("<{}>: service unavailable", domain));
    default:
      co_return fail(458, "", fmt::format("<{}>: unable to queue messages", domain));
  }
}

}  // namespace umaya::smtpd
