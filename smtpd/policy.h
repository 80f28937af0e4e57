// NAME    policy - who may send what to whom: the restriction lists and their verdicts
//
// SYNOPSIS
//     auto refusal = co_await policy.check_recipient(question, deferrals, actions);
//     if (refusal) reply(*refusal);
//
// DESCRIPTION
//     Each check_… evaluates its list (and, with smtpd_delay_reject, check_recipient the client, HELO and sender lists
//     before it) and logs a refusal. A check that could not be made is a temporary refusal, or is remembered until the
//     mail would otherwise be accepted (defer_if_permit) or refused (defer_if_reject).
//     What access tables ask for beyond yes and no (HOLD, FILTER, PREPEND …) gathers in MessageActions.
//
// OWNERSHIP
//     The policy, what its Parts refer to, and everything that a Question refers to outlive the evaluation.
//
// LIMITS
//     Restriction lists nest 100 deep; access tables that lead to lists count.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/dns/resolver.h"
#include "libcommon/event/task.h"
#include "libcommon/services/recent_logins.h"
#include "libcommon/smtp/command.h"
#include "libcommon/table/search.h"
#include "libcommon/tls/session_info.h"
#include "smtpd/access_action.h"
#include "smtpd/address_policy.h"
#include "smtpd/client.h"
#include "smtpd/params.h"
#include "smtpd/restrictions.h"
#include "smtpd/room_policy.h"

namespace umaya::smtpd {

enum class Stage : uint8_t { client, helo, sender, relay, recipient, data, end_of_data, etrn };
inline constexpr size_t kStages = 8;

/// What access tables asked for, for one message.
struct MessageActions {
  bool hold = false;
  bool discard = false;
  std::string filter;
  std::string redirect;
  std::vector<std::string> bcc;
  std::vector<std::string> prepend;
};

/// What is asked about. Views must stay valid for the whole evaluation.
struct Question {
  const Client& client;
  std::string_view where;  ///< for the log: CONNECT, EHLO, MAIL, RCPT, DATA …
  std::string_view protocol = "SMTP";
  std::string_view helo{};  ///< empty: none was given
  std::optional<std::string_view> sender{};
  std::optional<std::string_view> recipient{};
  std::string_view etrn_domain{};
  std::string_view queue_id{};  ///< empty: NOQUEUE
  size_t recipient_count = 0;
  uint64_t size = 0;                      ///< declared, and at END-OF-MESSAGE the true one
  uint64_t instance = 0;                  ///< the same for all questions about one message
  const tls::SessionInfo* tls = nullptr;  ///< null: in the clear
  std::string_view login_method{};        ///< sasl_method, empty: nobody has logged in
  std::string_view login_user{};          ///< sasl_username
  std::string_view login_sender{};        ///< sasl_sender: AUTH= at MAIL
  bool logins_offered = false;            ///< log-ins are switched on, for this client, too
  bool stress = false;
  bool pipelined_early = false;  ///< the client sent commands ahead without permission
};

/// Deferrals that wait for the mail to be permitted, from lists that were evaluated earlier (smtpd_delay_reject = no).
struct Deferrals {
  std::optional<smtp::Refusal> client, helo, sender;
};

using Refusal = std::optional<smtp::Refusal>;

class Policy {
 public:
  struct Parts {
    const Params& params;
    AddressPolicy& addresses;
    dns::Resolver& resolver;
    table::ParentStyle access_style = table::ParentStyle::bare;  ///< parent_domain_matches_subdomains
    table::AddressRules address_rules{};
    table::Maps* client_certificates = nullptr;  ///< relay_clientcerts; null: none
    CompilerOptions compiler{};
    table::Maps* sender_logins = nullptr;             ///< smtpd_sender_login_maps; null: none
    services::RecentLogins* recent_logins = nullptr;  ///< pop_before_smtp_enable; null: off
    RoomPolicy* room = nullptr;                       ///< for reject_over_quota; null: nobody can be asked
  };
  explicit Policy(Parts parts);
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  /// At CONNECT, HELO and MAIL when smtpd_delay_reject is off; nothing to do otherwise. MAIL also checks unlisted
  /// senders.
  event::Task<Refusal> check_client(Question question, Deferrals& deferrals, MessageActions& actions);
  event::Task<Refusal> check_helo(Question question, Deferrals& deferrals, MessageActions& actions);
  event::Task<Refusal> check_sender(Question question, Deferrals& deferrals, MessageActions& actions);
  event::Task<Refusal> check_recipient(Question question, const Deferrals& deferrals, MessageActions& actions);
  event::Task<Refusal> check_data(Question question, MessageActions& actions);
  event::Task<Refusal> check_end_of_data(Question question, MessageActions& actions);
  event::Task<Refusal> check_etrn(Question question, const Deferrals& deferrals, MessageActions& actions);

  const RuleList& rules(Stage stage) const { return lists_[static_cast<size_t>(stage)]; }
  const Parts& parts() const { return parts_; }
  /// A list that stands in an access table.
  std::shared_ptr<const RuleList> compile_result(std::string_view list);
  /// Opens changed tables again; called for each session.
  void refresh();
  /// The restrictions that were found wrong or without effect at start-up.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  Parts parts_;
  RestrictionCompiler compiler_;
  std::vector<std::shared_ptr<table::Maps>> maps_;
  RuleList lists_[kStages];
  StringMap<std::shared_ptr<const RuleList>> from_tables_;
  std::vector<std::string> complaints_;
};

/// "ID: reject: RCPT from name[addr]: 550 5.1.1 text; from=<s> to=<r> proto=ESMTP helo=<h>"
std::string describe_event(const Question& question, std::string_view what, std::string_view text);
/// " from=<s> to=<r> proto=ESMTP helo=<h>"
std::string describe_parties(const Question& question);

}  // namespace umaya::smtpd
