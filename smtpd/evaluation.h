// NAME    evaluation - one walk through restriction lists (used by policy.cc only)
//
// DESCRIPTION
//     An Evaluation lives for one check_… call. It carries what later items may change: deferrals that wait, whether
//     the next refusal only warns, and the resolved recipient, which several checks ask for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "smtpd/policy.h"

namespace umaya::smtpd {

/// What one item of a list says.
enum class Step : uint8_t { dunno, permit, reject };

class Evaluation {
 public:
  Evaluation(Policy& policy, const Question& question, MessageActions& actions)
      : policy_(policy), params_(policy.parts().params), question_(question), actions_(actions) {}
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  /// Evaluates a whole list from the start.
  event::Task<Step> run(Stage stage);
  event::Task<Step> unlisted_recipient();
  event::Task<Step> unlisted_sender();
  /// Whether the recipient's mailbox has room for the message; asked once.
  event::Task<Step> over_quota();
  /// Gives the refusal after Step::reject.
  smtp::Refusal take_refusal() { return std::move(refusal_); }
  std::optional<smtp::Refusal>& waiting_deferral() { return defer_if_permit_; }
  /// Turns a waiting deferral into the refusal.
  Step enforce_deferral();

 private:
  /// The name and kind of the thing that a list is about: "<x>: Sender address rejected: …".
  struct Subject {
    std::string_view name;
    std::string_view kind;
  };
  struct Reply {
    int code;
    std::string_view dsn;
  };

  event::Task<Step> run_rules(const RuleList& rules, Subject subject);
  event::Task<Step> run_rule(const Rule& rule, Subject subject);
  event::Task<Step> waiting_rule(const Rule& rule, Subject subject);
  Step simple_rule(const Rule& rule, Subject subject);

  /// detail: for the log only.
  Step refuse(Reply reply, std::string text, std::string_view detail = {});
  Step server_error(Subject subject);
  Step lookup_error(std::string_view name);
  Step postpone(std::optional<smtp::Refusal>& slot, Reply reply, std::string text);
  Step temporary_failure(std::string_view action, Reply reply, std::string text);

  Step client_name(bool forward);
  Step helo_syntax();
  Step helo_fqdn();
  Step address_fqdn(std::string_view address, Subject subject);
  Step sender_fqdn();
  Step recipient_fqdn();
  event::Task<Step> helo_known();
  event::Task<Step> sender_domain_known();
  event::Task<Step> recipient_domain_known();
  event::Task<Step> domain_known(std::string domain, Subject subject, bool sender);
  event::Task<Step> destination(Check check);
  event::Task<Step> unlisted(std::string_view address, Subject subject, bool sender);
  bool may_go_by_login() const;
  event::Task<Step> sender_owner(Check check);
  event::Task<Step> recent_login(Subject subject);
  event::Task<const Target*> recipient_target();
  event::Task<Target> target_of(std::string_view address);

  event::Task<Step> access(const Rule& rule);
  event::Task<Step> known_certificate();
  event::Task<Step> certificate_access(const Rule& rule);
  event::Task<table::Lookup> find_certificate(table::Maps* maps);
  event::Task<Step> policy_service(const Rule& rule, Subject subject);
  event::Task<Step> apply(const Rule& rule, std::string value, Subject subject);
  Step apply_reply(const AccessAction& action, Subject subject);
  Step apply_to_message(const AccessAction& action, Subject subject);
  table::Found find_access(const Rule& rule, Subject subject) const;
  Subject access_subject(Check check) const;
  void log_event(std::string_view what, std::string_view text) const;

  Policy& policy_;
  const Params& params_;
  const Question& question_;
  MessageActions& actions_;
  std::optional<smtp::Refusal> defer_if_permit_;
  std::optional<smtp::Refusal> defer_if_reject_;
  std::optional<Target> recipient_target_;
  bool asked_for_room_ = false;
  smtp::Refusal refusal_;
  int depth_ = 0;
  int warn_depth_ = 0;  ///< warn_if_reject applies to the next item at this depth; 0: it does not
};

}  // namespace umaya::smtpd
