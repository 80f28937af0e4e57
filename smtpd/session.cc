// NAME    session - greeting, reading commands, limits, good-bye
#include "smtpd/session.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "libcommon/base/strings.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"
#include "libcommon/message/header.h"
#include "libcommon/message/received.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/smtp/reply.h"
#include "libcommon/table/settle.h"
#include "smtpd/reject_footer.h"

namespace umaya::smtpd {

using event::Read;
using event::ReadStatus;
using event::Task;
using services::anvil::Event;

/// Octets of a command line without an end that are read before the client is sent away.
static constexpr size_t kLongestLine = 64 * 1024;
/// Replies that gather before they are sent although more commands are there.
static constexpr size_t kReplyGroup = 8 * 1024;
/// Notices to postmaster that one process sends are at least this far apart.
static constexpr Duration kNoticeEvery = std::chrono::seconds(60);

static constexpr std::array<std::string_view, kVerbs> kVerbNames = {
    "helo", "ehlo", "lhlo", "xclient", "xforward", "starttls", "auth", "mail", "rcpt",
    "data", "bdat", "rset", "noop",    "vrfy",     "etrn",     "quit", "help", "unknown"};

const Session::VerbRow* Session::find_verb(std::string_view name) const {
  const Speaks protocol = lmtp() ? Speaks::lmtp : Speaks::smtp;
  static constexpr auto kRows = std::to_array<VerbRow>({
      {"MAIL", Verb::mail, &Session::do_mail, false, false},
      {"RCPT", Verb::rcpt, &Session::do_rcpt, false, false},
      {"DATA", Verb::data, &Session::do_data, false, true},
      {"BDAT", Verb::bdat, &Session::do_bdat, false, false},
      {"EHLO", Verb::ehlo, &Session::do_ehlo, true, true, Speaks::smtp},
      {"HELO", Verb::helo, &Session::do_helo, true, true, Speaks::smtp},
      {"LHLO", Verb::lhlo, &Session::do_lhlo, true, true, Speaks::lmtp},
      {"QUIT", Verb::quit, &Session::do_quit, false, false},
      {"RSET", Verb::rset, &Session::do_rset, true, false},
      {"NOOP", Verb::noop, &Session::do_noop, true, false},
      {"VRFY", Verb::vrfy, &Session::do_vrfy, true, false},
      {"ETRN", Verb::etrn, &Session::do_etrn, true, false, Speaks::smtp},
      {"AUTH", Verb::auth, &Session::do_auth, false, true, Speaks::smtp},
      {"XCLIENT", Verb::xclient, &Session::do_xclient, false, true},
      {"XFORWARD", Verb::xforward, &Session::do_xforward, false, false},
      {"HELP", Verb::help, &Session::do_help, true, false},
      {"STARTTLS", Verb::starttls, &Session::do_starttls, false, true},
  });
  for (const VerbRow& row : kRows) {
    if (iequals(row.name, name) && (row.in == Speaks::both || row.in == protocol)) return &row;
  }
  return nullptr;
}

void Session::reply(int code, std::string_view dsn, std::string_view text) {
  scratch_.clear();
  bool utf8 = transaction_ && transaction_->smtputf8;
  bool foot = code >= 400 && (shared_.footer_maps || !params_.reject_footer.empty());
  std::string whole = foot ? footed(code, dsn, text) : std::string();
  smtp::append_reply(scratch_, code, dsn, foot ? whole : text, utf8 ? smtp::Utf8::yes : smtp::Utf8::no);
  stream_.write(scratch_);
  if (shared_.notify != kNoTrouble) {
    transcript_.add_out(scratch_);
    trouble_ |= trouble_of(code, dsn, text) & shared_.notify;
  }
  if (code == 421 || code == 521) hang_up();
}

/// The text with the footer that is for this reply.
std::string Session::footed(int code, std::string_view dsn, std::string_view text) const {
  FooterFacts facts{client_.address_text, std::to_string(client_.port), syslog_time(wall_seconds()), params_.myhostname,
                    params_.expansion_filter};
  if (shared_.footer_maps) {
    std::string whole = smtp::format_reply(code, dsn, text);
    table::Lookup found = shared_.footer_maps->find(std::string_view(whole).substr(0, whole.size() - 2));
    if (found.is_error()) log::warning("{}: {}", shared_.footer_maps->title(), found.error().what);
    if (found.found()) {
      auto with = with_footer(text, found.value(), facts);
      if (!with) log::warning("{}: \"{}\": {}", shared_.footer_maps->title(), found.value(), with.error().what);
      return with.value_or(std::string(text));
    }
  }
  if (params_.reject_footer.empty()) return std::string(text);
  return with_footer(text, params_.reject_footer, facts).value_or(std::string(text));
}

void Session::reply(const smtp::Refusal& refusal) {
  reply(refusal.code, refusal.dsn, refusal.text);
}

bool Session::fail(int code, std::string_view dsn, std::string_view text) {
  reply(code, dsn, text);
  return false;
}

bool Session::fail(const smtp::Refusal& refusal) {
  reply(refusal);
  return false;
}

/// As the Received header names it (RFC 3848, RFC 6531 4.3): with S when encrypted, with A when somebody has logged in.
std::string Session::protocol() const {
  const bool utf8 = transaction_ && transaction_->smtputf8;
  std::string name = lmtp() ? (utf8 ? "UTF8LMTP" : "LMTP") : utf8 ? "UTF8SMTP" : extended_ ? "ESMTP" : "SMTP";
  if (name == "SMTP") return name;
  if (client_.encrypted) name += 'S';
  if (login_) name += 'A';
  return name;
}

uint64_t Session::next_instance() {
  static uint64_t last = static_cast<uint64_t>(wall_usec()) << 8;
  return ++last;
}

Question Session::question(std::string_view where) const {
  Question q{.client = client_,
             .where = where,
             .protocol = lmtp()      ? "LMTP"
                         : extended_ ? "ESMTP"
                                     : "SMTP",
             .helo = helo_};
  if (transaction_) {
    q.sender = transaction_->sender;
    q.queue_id = transaction_->queue_id;
    q.recipient_count = transaction_->recipients.size();
  }
  if (transaction_) q.size = where == "END-OF-MESSAGE" ? transaction_->size : transaction_->declared_size;
  q.instance = instance_;
  q.tls = tls_.get();
  q.logins_offered = logins_offered();
  if (login_) {
    q.login_method = login_->method;
    q.login_user = login_->user;
  }
  if (transaction_) q.login_sender = transaction_->auth_sender;
  q.stress = shared_.overloaded;
  q.pipelined_early = pipelined_early_;
  return q;
}

Task<void> Session::run() {
  stream_.set_timeout(shared_.patience().timeout);
  if (mode_ == Mode::network) log::info("connect from {}", client_.label);
  bool go_on = co_await greet();
  while (go_on && !hang_up_) {
    if (shared_.stopping) {
      reply(421, "4.3.2", params_.myhostname + " Service shutting down");
      break;
    }
    if (errors_ >= shared_.patience().hard_error_limit) {
      reply(421, "4.7.0", params_.myhostname + " Error: too many errors");
      end_reason_ = "too many errors";
      break;
    }
    go_on = co_await next_command();
  }
  // Last words: wait for a slow client, but not long.
  stream_.set_timeout(std::chrono::seconds(10));
  if (stream_.unsent() > 0) (void)co_await stream_.flush();
  log_end();
  if (trouble_ != kNoTrouble && mode_ == Mode::network) co_await tell_postmaster();
}

/// Mails the transcript, at most once in kNoticeEvery: who makes trouble shall not fill the queue with it.
Task<void> Session::tell_postmaster() {
  TimePoint now = monotonic_now();
  if (now < shared_.next_notice) co_return;
  shared_.next_notice = now + kNoticeEvery;
  ::shutdown(stream_.fd(), SHUT_RDWR);  // the client need not wait for this
  namespace cleanup = services::cleanup;
  cleanup::Submission s;
  auto form = params_.long_queue_ids ? queue::IdForm::long_form : queue::IdForm::short_form;
  s.envelope.queue_id = queue::make_id(form);
  s.envelope.sender = params_.double_bounce_sender;
  s.envelope.arrival_usec = wall_usec();
  s.envelope.attributes.push_back({"rewrite_context", "local"});
  s.options = cleanup::kBounce | cleanup::kMapAddresses | cleanup::kRewriteLocally;
  services::Recipient recipient;
  recipient.address = params_.error_notice_recipient;
  s.recipients.push_back(std::move(recipient));
  Handover handover(shared_.cleanup, std::move(s));
  NoticeFacts facts{params_.mail_name, client_.label, params_.error_notice_recipient, end_reason_};
  message::ReceivedLocal received;
  received.myhostname = params_.myhostname;
  received.mail_name = params_.mail_name;
  received.queue_id = handover.submission().envelope.queue_id;
  received.seconds = wall_seconds();
  handover.content() = message::received_local(received) + notice_text(facts, transcript_);
  cleanup::Outcome outcome = co_await handover.finish();
  if (outcome.verdict == cleanup::Verdict::accepted) co_return;
  log::warning("postmaster notice about {} was not taken: {}", client_.label, outcome.text);
}

void Session::say_goodbye() {
  if (!waiting_) return;
  reply(421, "4.3.2", params_.myhostname + " Service shutting down");
  stream_.flush_now();
  stream_.shutdown_write();
  ::shutdown(stream_.fd(), SHUT_RDWR);
}

void Session::hurry(TimePoint now) {
  if (!waiting_ || mode_ == Mode::stand_alone || now - waiting_since_ < shared_.patience().timeout) return;
  end_reason_ = "timeout";
  reply(421, "4.4.2", params_.myhostname + " Error: timeout exceeded");
  stream_.flush_now();
  stream_.shutdown_write();
  ::shutdown(stream_.fd(), SHUT_RDWR);
}

Task<bool> Session::greet() {
  if (mode_ == Mode::stand_alone) {
    reply(220, "", params_.banner);
    co_return true;
  }
  bool admitted = co_await admit();
  if (!admitted) co_return false;
  if (lmtp() && !may_speak_lmtp()) co_return false;
  if (shared_.tls_wrapped) {
    bool secured = co_await start_tls(tls::Received::use);
    if (!secured) co_return false;
  }
  if (params_.forbid_unauth_pipelining && early_input()) {
    log::info("improper command pipelining after CONNECT from {}: {}", client_.label, shown_early_input("CONNECT"));
    reply(554, "5.5.0", "Error: SMTP protocol synchronization");
    co_return false;
  }
  co_return co_await welcome_client();
}

/// The checks of smtpd_client_restrictions, and the banner; false when the session is over.
Task<bool> Session::welcome_client() {
  if (!params_.delay_reject) {
    Refusal refusal = co_await shared_.policy.check_client(question("CONNECT"), deferrals_, session_actions_);
    if (refusal) {
      denied_ = fmt::format("Error: access denied for {}", client_.label);
      reply(refusal->code == 521 || refusal->code == 421 ? refusal->code : 554, refusal->dsn, refusal->text);
      co_return refusal->code != 521 && refusal->code != 421;
    }
  }
  reply(220, "", params_.banner);
  co_return true;
}

/// Limits on connections of one client.
Task<bool> Session::admit() {
  bool limited = params_.client_connection_count_limit > 0 || params_.client_connection_rate_limit > 0 ||
                 params_.client_message_rate_limit > 0 || params_.client_recipient_rate_limit > 0 ||
                 params_.client_auth_rate_limit > 0;
  if (client_.limits_exempt || !limited) co_return true;
  client_key_ = client_key(client_.address, static_cast<int>(params_.client_ipv4_prefix),
                           static_cast<int>(params_.client_ipv6_prefix));
  services::anvil::Counts counts = co_await shared_.counts.count(Event::connect, client_key_);
  counted_ = true;
  bool too_many = params_.client_connection_count_limit > 0 &&
                  counts.connections > static_cast<uint64_t>(params_.client_connection_count_limit);
  bool too_fast = params_.client_connection_rate_limit > 0 &&
                  counts.rate > static_cast<uint64_t>(params_.client_connection_rate_limit);
  if (!too_many && !too_fast) co_return true;
  std::string_view what = too_many ? "concurrency" : "rate";
  log::warning("Connection {} limit exceeded: {} from {} for service {}", what,
               too_many ? counts.connections : counts.rate, client_.label, "smtp");
  reply(421, "4.7.0", fmt::format("{} Error: too many connections from {}", params_.myhostname, client_.address_text));
  co_return false;
}

/// Input that the client has sent without waiting for us.
bool Session::early_input() {
  if (!stream_.buffered().empty()) return true;
  int waiting = 0;
  return ioctl(stream_.fd(), FIONREAD, &waiting) == 0 && waiting > 0;
}

Task<bool> Session::pause_after_errors() {
  if (errors_ <= params_.soft_error_limit) co_return true;
  co_await event::sleep(params_.error_sleep_time);
  Result<void> sent = co_await stream_.flush();
  if (!sent) end_reason_ = "lost connection";
  co_return sent.has_value();
}

/// Reads one command and does it; false when the session is over.
Task<bool> Session::next_command() {
  if (stream_.unsent() > kReplyGroup || stream_.buffered().find('\n') == std::string_view::npos) {
    Result<void> sent = co_await stream_.flush();
    if (!sent) {
      end_reason_ = "lost connection";
      co_return false;
    }
  }
  waiting_ = true;
  waiting_since_ = event::Loop::current().now();
  stream_.set_timeout(shared_.patience().timeout);
  Read line = co_await stream_.read_line(longest_line());
  waiting_ = false;
  if (line) unread_.clear();  // who says the next command has read the replies before it
  if (line.status == ReadStatus::too_long || (line && too_long_for_verb(line.data))) {
    co_return co_await refuse_long_line(line.data, line.status);
  }
  if (line.status == ReadStatus::timed_out) {
    end_reason_ = "timeout";
    reply(421, "4.4.2", params_.myhostname + " Error: timeout exceeded");
    co_return false;
  }
  if (!line) {
    if (end_reason_.empty() && !shared_.stopping) end_reason_ = "lost connection";
    co_return false;
  }
  if (!accept_line(line.data)) co_return false;
  co_return co_await dispatch();
}

/// Takes the line over; false when bare newlines are refused and this is one.
bool Session::accept_line(std::string_view line) {
  bool crlf = line.size() >= 2 && line[line.size() - 2] == '\r';
  (crlf ? crlf_seen_ : bare_lf_seen_) = true;
  line_.assign(line.substr(0, line.size() - (crlf ? 2 : 1)));
  if (crlf || params_.bare_newline != BareNewline::reject || mode_ == Mode::stand_alone) return true;
  if (shared_.bare_newline_exempt.matches_client(client_.name, client_.address_text) == table::Match::yes) return true;
  log::info("bare <LF> after {} from {}", where_, client_.label);
  reply(static_cast<int>(params_.bare_newline_code), "5.5.2", params_.myhostname + " Error: bare <LF> received");
  return false;
}

/// Drops what is left of a line; false when its end does not come, or not soon: then the reply has been given.
Task<bool> Session::skip_to_line_end(size_t skipped) {
  while (skipped < kLongestLine) {
    Read more = co_await stream_.read_line(4096);
    skipped += more.data.size();
    if (more) co_return true;
    if (more.status != ReadStatus::too_long) {
      end_reason_ = more.status == ReadStatus::timed_out ? "timeout" : "lost connection";
      co_return false;
    }
  }
  reply(421, "4.5.2", params_.myhostname + " Error: line too long");
  end_reason_ = "too long line";
  co_return false;
}

void Session::count_junk(Verb verb) {
  // Clients that keep a connection open send NOOP now and then: two of them count as one junk command.
  junk_halves_ += verb == Verb::noop ? 1 : 2;
  if (junk_halves_ > 2 * (shared_.patience().junk_command_limit + 1) && mode_ == Mode::network) ++errors_;
}

bool Session::check_synchronization(const VerbRow& row) {
  bool allowed = extended_ && !row.last && row.verb != Verb::ehlo && row.verb != Verb::helo;
  // Behind BDAT comes its chunk.
  if (trusts_early_input() || allowed || row.verb == Verb::quit || row.verb == Verb::bdat) return true;
  // Looking at the socket costs a system call: only where the client must wait in any case.
  bool early = row.last ? early_input() : !stream_.buffered().empty();
  if (!early) return true;
  if (!pipelined_early_) {
    log::info("improper command pipelining after {} from {}: {}", row.name, client_.label, shown_early_input(row.name));
  }
  pipelined_early_ = true;
  if (!params_.forbid_unauth_pipelining) return true;
  reply(554, "5.5.0", "Error: SMTP protocol synchronization");
  return false;
}

/// Replaces the command by what smtpd_command_filter has for it; false when that could not be asked.
Task<bool> Session::filter_command() {
  auto look = [this] { return shared_.command_filter->find(trim(line_)); };
  table::Lookup found = co_await table::settle(std::move(look));
  if (found.is_error()) log::warning("{}: {}", shared_.command_filter->title(), found.error().what);
  if (found.found()) line_ = found.value();
  co_return !found.is_error();
}

Task<bool> Session::dispatch() {
  note_input();
  if (shared_.command_filter) {
    bool filtered = co_await filter_command();
    if (!filtered) {
      ++errors_;
      reply(451, "4.3.0", "Error: temporary lookup failure");
      co_return co_await pause_after_errors();
    }
  }
  smtp::Command command = smtp::parse_command(line_);
  if (command.verb.empty() || line_.find('\0') != std::string::npos) {
    ++errors_;
    ++tally_[static_cast<size_t>(Verb::unknown)].total;
    reply(500, "5.5.2", "Error: bad syntax");
    co_return co_await pause_after_errors();
  }
  for (const std::string& name : params_.noop_commands) {
    if (!iequals(name, command.verb)) continue;
    reply_line("250 2.0.0 Ok\r\n");
    count_junk(Verb::noop);
    co_return true;
  }
  const VerbRow* row = find_verb(command.verb);
  if (!row) co_return co_await unknown_command(command.verb);
  Tally& tally = tally_[static_cast<size_t>(row->verb)];
  ++tally.total;
  if (!check_synchronization(*row)) co_return false;
  if (!denied_.empty() && row->verb != Verb::quit) {
    reply(503, "5.7.0", denied_);
    ++errors_;
    co_return co_await pause_after_errors();
  }
  where_ = row->name;
  if (needs_tls(row->verb)) {
    ++errors_;
    reply(530, "5.7.0", "Must issue a STARTTLS command first");
    co_return co_await pause_after_errors();
  }
  bool good = co_await (this->*row->handler)(command.rest);
  if (good) {
    ++tally.good;
  } else {
    ++errors_;
  }
  if (row->junk) count_junk(row->verb);
  if (hang_up_) co_return false;
  co_return co_await pause_after_errors();
}

Task<bool> Session::unknown_command(std::string_view verb) {
  ++errors_;
  ++tally_[static_cast<size_t>(Verb::unknown)].total;
  if (message::header_name(line_) || shared_.forbidden_commands.matches(verb) == table::Match::yes) {
    log::warning("non-SMTP command from {}: {}", client_.label, std::string_view(line_).substr(0, 100));
    reply(221, "2.7.0", "Error: I can break rules, too. Goodbye.");
    where_ = "UNKNOWN";
    co_return false;
  }
  reply(500, "5.5.2", "Error: command not recognized");
  where_ = "UNKNOWN";
  co_return co_await pause_after_errors();
}

std::string Session::tallies() const {
  std::string out;
  Tally sum;
  for (size_t i = 0; i < kVerbs; ++i) {
    const Tally& t = tally_[i];
    sum.good += t.good;
    sum.total += t.total;
    if (t.total == 0) continue;
    fmt::format_to(std::back_inserter(out), " {}={}", kVerbNames[i], t.good);
    if (t.good != t.total) fmt::format_to(std::back_inserter(out), "/{}", t.total);
  }
  fmt::format_to(std::back_inserter(out), " commands={}", sum.good);
  if (sum.good != sum.total || sum.total == 0) fmt::format_to(std::back_inserter(out), "/{}", sum.total);
  return out;
}

void Session::log_end() {
  if (mode_ == Mode::stand_alone) return;
  remember_unread();
  if (counted_) shared_.counts.disconnect(client_key_);
  if (!end_reason_.empty()) {
    std::string octets = data_octets_ > 0 ? fmt::format(" ({} bytes)", data_octets_) : "";
    log::info("{} after {}{} from {}", end_reason_, where_, octets, client_.label);
  }
  log::info("disconnect from {}{}", client_.label, tallies());
}

}  // namespace umaya::smtpd
