// NAME    session - the SMTP dialogue with one client
//
// SYNOPSIS
//     Session session(shared, stream, client, Mode::network);
//     co_await session.run();
//
// DESCRIPTION
//     RFC 5321 with PIPELINING, SIZE, VRFY, ETRN, AUTH, ENHANCEDSTATUSCODES, 8BITMIME, DSN, SMTPUTF8, CHUNKING; with
//     Shared::mailboxes RFC 2033 (LMTP), where a message goes into mailboxes and each recipient has a reply. The
//     verbs stand in one table (verbs.cc); handlers are short and give whether the command succeeded. State is split by
//     lifetime: the connection (stream, client), the session (what HELO began), the transaction (what MAIL began).
//     Replies gather and go out in one write before the session waits for input.
//     After DATA, 250 is only said when cleanup says that the message is durable.
//
// OWNERSHIP
//     Shared and what it refers to, and the stream, outlive the session. The session outlives its run().
//
// LIMITS
//     Those of smtpd(8): time for each command, octets of a command line, errors, junk commands, recipients, size.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"
#include "libcommon/fs/free_space.h"
#include "libcommon/message/address.h"
#include "libcommon/table/match_list.h"
#include "libcommon/tls/server.h"
#include "smtpd/client.h"
#include "smtpd/client_counts.h"
#include "smtpd/lmtp/delivery.h"
#include "smtpd/lmtp/trace.h"
#include "smtpd/login/server.h"
#include "smtpd/notice.h"
#include "smtpd/policy.h"
#include "smtpd/transaction.h"

namespace umaya::smtpd {

/// What all sessions of a process share.
struct Shared {
  const Params& params;
  Policy& policy;
  ipc::ChannelPool& cleanup;
  ipc::ChannelPool& flush;
  ClientCounts& counts;
  table::MatchList forbidden_commands;
  table::MatchList bare_newline_exempt;
  uint32_t submission_options = 0;                 ///< cleanup::Option of every message
  bool rewrite_for_trusted = false;                ///< local_header_rewrite_clients: permit_mynetworks
  bool rewrite_for_interfaces = false;             ///< permit_inet_interfaces
  bool rewrite_for_logins = false;                 ///< permit_sasl_authenticated
  std::shared_ptr<table::Maps> rewrite_clients{};  ///< check_address_map; shared with the policy's list of open maps
  table::MatchList xclient_hosts{}, xforward_hosts{};  ///< smtpd_authorized_…_hosts
  table::MatchList verp_clients{};                     ///< smtpd_authorized_verp_clients
  table::Maps* command_filter = nullptr;               ///< null: commands stay as they are
  table::Maps* footer_maps = nullptr;                  ///< smtpd_reject_footer_maps; null: none
  std::function<void(Client&)> classify{};             ///< sets what name and address of a client allow
  uint8_t notify = kNoTrouble;                         ///< classes of trouble of which postmaster is told
  TimePoint next_notice{};                             ///< not before
  Patience at_ease{}, under_stress{};
  fs::FreeSpace* space = nullptr;           ///< of the queue; null: not looked at
  tls::Server* tls = nullptr;               ///< null: no TLS
  tls::Level tls_level = tls::Level::none;  ///< of STARTTLS
  bool tls_wrapped = false;                 ///< smtpd_tls_wrappermode
  LoginServer* logins = nullptr;            ///< smtpd_sasl_auth_enable; null: nobody can log in
  Filter* filter = nullptr;                 ///< smtpd_proxy_filter; null: messages go to cleanup
  Mailboxes* mailboxes = nullptr;           ///< LMTP: messages go there; null: SMTP
  bool overloaded = false;                  ///< as many sessions as there may be: less patience
  bool stopping = false;                    ///< say 421 instead of waiting for the next command
  const Patience& patience() const { return overloaded ? under_stress : at_ease; }
};

enum class Mode : uint8_t {
  network,
  stand_alone,  ///< sendmail -bs: standard input and output, no restrictions
};

/// Order of the verbs in the disconnect line.
enum class Verb : uint8_t {
  helo,
  ehlo,
  lhlo,
  xclient,
  xforward,
  starttls,
  auth,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  vrfy,
  etrn,
  quit,
  help,
  unknown
};
inline constexpr size_t kVerbs = 18;

/// What XFORWARD said of the client for whom a filter passes a message on.
struct Forwarded {
  std::string name = "unknown", address = "unknown";
  std::string port, protocol, helo, ident;
  bool local = false;  ///< SOURCE=LOCAL
  std::string label() const { return name + "[" + address + "]"; }
};

/// Who has logged in.
struct Login {
  std::string user;    ///< sasl_username, printable
  std::string method;  ///< sasl_method: "PLAIN"; "XCLIENT" when a trusted client said so
};

class Session {
 public:
  Session(Shared& shared, event::Stream& stream, Client client, Mode mode)
      : shared_(shared), params_(shared.params), stream_(stream), client_(std::move(client)), mode_(mode) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  event::Task<void> run();
  /// The process ends: an idle session says 421 and closes, a busy one does so after its command.
  void say_goodbye();
  /// Sends a client away that has waited with its command for longer than the patience of now, which stress shortens.
  void hurry(TimePoint now);

 private:
  enum class Speaks : uint8_t { both, smtp, lmtp };
  struct VerbRow {
    std::string_view name;
    Verb verb;
    event::Task<bool> (Session::*handler)(std::string_view arguments);
    bool junk;  ///< counts as junk when repeated
    bool last;  ///< the client must wait for the reply (RFC 2920 3.1)
    Speaks in = Speaks::both;
  };
  struct Tally {
    uint32_t good = 0;
    uint32_t total = 0;
  };
  /// Of those that this service speaks.
  const VerbRow* find_verb(std::string_view name) const;

  // session.cc: the loop
  event::Task<bool> greet();
  event::Task<bool> welcome_client();
  event::Task<bool> admit();
  event::Task<bool> next_command();
  event::Task<bool> skip_to_line_end(size_t skipped);
  event::Task<bool> filter_command();
  event::Task<bool> dispatch();
  event::Task<bool> unknown_command(std::string_view verb);
  event::Task<bool> pause_after_errors();
  bool accept_line(std::string_view line);
  bool check_synchronization(const VerbRow& row);
  bool early_input();
  void count_junk(Verb verb);
  void log_end();
  std::string tallies() const;
  event::Task<void> tell_postmaster();

  // replies
  std::string footed(int code, std::string_view dsn, std::string_view text) const;
  void reply(int code, std::string_view dsn, std::string_view text);
  void reply(const smtp::Refusal& refusal);
  /// Sends a constant reply that is complete with CRLF.
  void reply_line(std::string_view line) {
    if (shared_.notify != kNoTrouble) transcript_.add_out(line);
    stream_.write(line);
  }
  /// Replies, and gives the false of a failed command.
  bool fail(int code, std::string_view dsn, std::string_view text);
  bool fail(const smtp::Refusal& refusal);
  void hang_up() { hang_up_ = true; }

  // commands_session.cc
  event::Task<bool> do_helo(std::string_view arguments);
  event::Task<bool> do_ehlo(std::string_view arguments);
  event::Task<bool> do_rset(std::string_view arguments);
  event::Task<bool> do_noop(std::string_view arguments);
  event::Task<bool> do_quit(std::string_view arguments);
  event::Task<bool> do_help(std::string_view arguments);
  event::Task<bool> do_vrfy(std::string_view arguments);
  event::Task<bool> do_etrn(std::string_view arguments);
  event::Task<Refusal> begin_session(std::string_view name, bool extended);
  void write_extensions(bool starttls, std::string_view login_keywords);
  bool offers(std::string_view keyword) const;

  // commands_tls.cc
  event::Task<bool> do_starttls(std::string_view arguments);
  event::Task<bool> start_tls(tls::Received received);
  event::Task<bool> within_tls_rate();
  std::optional<smtp::Refusal> starttls_refusal(std::string_view arguments) const;
  bool may_start_tls() const;
  bool needs_tls(Verb verb) const;
  std::string tls_clauses() const;

  // commands_auth.cc
  event::Task<bool> do_auth(std::string_view arguments);
  bool logins_offered() const {
    return mode_ == Mode::network && shared_.logins && shared_.logins->offered_to(client_);
  }
  size_t longest_line() const;
  bool too_long_for_verb(std::string_view line) const;
  event::Task<bool> refuse_long_line(std::string_view start, event::ReadStatus status);
  void note_input();
  std::string shown_early_input(std::string_view verb);
  event::Task<std::string> login_keywords();
  std::optional<smtp::Refusal> login_refusal() const;
  event::Task<bool> log_in(std::string method, std::optional<std::string> initial);
  event::Task<std::optional<std::string>> read_response(const std::string& method);
  event::Task<bool> finish_login(const std::string& method, const auth::AuthReply& reply);
  event::Task<bool> login_failed(const smtp::Refusal& refusal, const std::string& method, std::string_view why,
                                 std::string_view user);
  std::string login_for_log() const;
  void log_out() { login_.reset(); }

  // commands_proxied.cc
  event::Task<bool> do_xclient(std::string_view arguments);
  event::Task<bool> do_xforward(std::string_view arguments);
  bool is_listed(table::MatchList& hosts) const;
  std::optional<smtp::Refusal> proxied_refusal(table::MatchList& hosts) const;
  std::string client_for_log() const;
  void add_client_attributes(services::Envelope& envelope) const;

  // commands_mail.cc
  event::Task<bool> do_mail(std::string_view arguments);
  event::Task<bool> do_rcpt(std::string_view arguments);
  std::optional<smtp::Refusal> space_refusal(std::string_view sender, uint64_t declared_size) const;
  bool may_ask_verp() const;
  std::expected<std::string, smtp::Refusal> verp_delimiters(const smtp::MailCommand& command,
                                                            std::string_view sender) const;
  std::optional<smtp::Refusal> path_refusal(message::PathError error, bool sender) const;
  event::Task<bool> within_rate(services::anvil::Event event, int64_t limit, std::string_view what);
  event::Task<Refusal> recipient_refusal(const std::string& address);
  void add_recipient(std::string address, const smtp::RcptCommand& command);
  void make_queue_id();
  event::Task<Refusal> pass_recipient();
  smtp::Offered offered() const;

  // commands_lmtp.cc
  event::Task<bool> do_lhlo(std::string_view arguments);
  bool may_speak_lmtp();
  event::Task<Refusal> lmtp_recipient(const std::string& address);
  event::Task<Refusal> find_mailbox(const std::string& address, Place& place);
  Refusal lmtp_content_refusal(const Trace& trace) const;
  services::delivery::Request lmtp_request(const Trace& trace, std::string_view start) const;
  event::Task<bool> finish_deliveries();
  event::Task<size_t> reply_to_each(Delivery& delivery);
  bool fail_each(const smtp::Refusal& refusal);
  void remember_unread();

  // content.cc
  event::Task<bool> do_data(std::string_view arguments);
  event::Task<bool> do_bdat(std::string_view arguments);
  event::Task<bool> receive_dotted();
  event::Task<bool> receive_chunk(uint64_t size);
  event::Task<bool> skip_chunk(uint64_t size);
  event::Task<bool> finish_message(std::string_view ok_text);
  event::Task<bool> finish_filtered();
  event::Task<void> push();
  std::optional<smtp::Refusal> content_refusal() const;
  std::optional<smtp::Refusal> order_refusal(bool bdat) const;
  event::Task<Refusal> begin_content();
  void add_content(std::string_view piece);
  void settle_first_line(bool all_there);
  std::string trace_headers() const;
  services::Envelope make_envelope() const;
  services::cleanup::Submission make_submission() const;
  void set_data_deadline(uint64_t octets);

  Question question(std::string_view where) const;
  bool trusts_early_input() const { return mode_ == Mode::stand_alone; }
  /// A number for a message that is still to come, for policy servers.
  static uint64_t next_instance();
  std::string protocol() const;
  void reset_transaction() {
    if (transaction_) forwarded_.reset();  // XFORWARD holds for one message
    instance_ = next_instance();
    transaction_.reset();
    if (trouble_ == kNoTrouble) transcript_.clear();
  }
  bool restricted() const { return mode_ == Mode::network && !lmtp(); }
  /// The message goes to smtpd_proxy_filter.
  bool filtered() const { return shared_.filter && mode_ == Mode::network; }
  bool lmtp() const { return shared_.mailboxes != nullptr; }

  Shared& shared_;
  const Params& params_;
  event::Stream& stream_;
  Client client_;
  Mode mode_;

  std::unique_ptr<tls::SessionInfo> tls_;  ///< null: in the clear
  std::string helo_;
  bool extended_ = false;  ///< EHLO
  bool hang_up_ = false;
  bool waiting_ = false;  ///< for a command
  TimePoint waiting_since_{};
  bool counted_ = false;  ///< anvil knows of this connection
  bool pipelined_early_ = false;
  bool crlf_seen_ = false;  ///< the client ends lines properly
  bool bare_lf_seen_ = false;
  bool auth_seen_ = false;  ///< what is no command may be a password from here on
  int failed_logins_ = 0;
  std::optional<Login> login_;
  std::string denied_;  ///< refused at connect: every command but QUIT gets 503
  std::string client_key_;
  std::string line_;     ///< the command line
  std::string scratch_;  ///< a reply while it is composed
  std::string_view where_ = "CONNECT";
  std::string_view end_reason_;  ///< "lost connection", "timeout", "too many errors"
  uint64_t data_octets_ = 0;     ///< for the log when the connection is lost in content
  TimePoint data_start_{};
  int64_t errors_ = 0;
  int64_t junk_halves_ = 0;
  std::array<Tally, kVerbs> tally_{};
  Deferrals deferrals_;
  MessageActions session_actions_;
  std::optional<Forwarded> forwarded_;
  uint64_t instance_ = next_instance();
  Transcript transcript_;
  uint8_t trouble_ = kNoTrouble;  ///< classes seen, of those that postmaster hears of
  /// LMTP: deliveries whose replies the client may not have read, by key, with what was said of them.
  std::vector<std::pair<std::string, std::string>> unread_;
  std::unique_ptr<Transaction> transaction_;
};

}  // namespace umaya::smtpd
