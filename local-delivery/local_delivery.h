// NAME    local_delivery - one recipient of one message, from its name to its results
//
// SYNOPSIS
//     LocalDelivery delivery(agent, outside, message);
//     RecipientOutcome outcome = co_await delivery.run(target.recipient);
//
// DESCRIPTION
//     Expands (expander.h), then carries the plan out: mailboxes, commands, files, and last the new message for all
//     other addresses. When a part fails for now, the recipient is deferred and nothing is forwarded; what had
//     succeeded by then is remembered in a Ledger, so that the next attempt does not do it again. A message that
//     carries a Delivered-To header with the recipient's own address has been here: 5.4.6 (L7).
//     A question says what would be done; when that is one user's mailbox and nothing else, whether it has room, too
//     (local_room.cc).
//
// OWNERSHIP
//     Borrows everything it is constructed with, for as long as the task runs.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "libcommon/mailbox/quota_limits.h"
#include "libcommon/services/delivery.h"
#include "local-delivery/expander.h"

namespace umaya::local_delivery {

/// Parts of unfinished recipients that are done already. Bounded: the oldest recipients are forgotten first.
class Ledger {
 public:
  using Parts = std::map<std::string, PartResult>;
  /// What was done for this recipient of this message before.
  Parts take(const std::string& key);
  void remember(const std::string& key, Parts parts);

 private:
  static constexpr size_t kRecipients = 10'000;
  std::map<std::string, Parts> recipients_;
  std::deque<std::string> order_;
};

/// What does not change from recipient to recipient.
struct LocalSettings {
  LocalParams params;
  Identity default_identity;          ///< default_privs
  User default_user;                  ///< its passwd entry
  std::optional<uint32_t> spool_gid;  ///< group of mail_spool_directory, when it may write there
  std::string queue_directory;        ///< working directory of commands
};

/// The message being delivered.
struct LocalMessage {
  services::Envelope envelope;
  uint64_t content_offset = 0;
  uint64_t content_size = 0;
  std::vector<std::string> delivered_to;  ///< its Delivered-To headers
  services::become::Purpose purpose = services::become::Purpose::deliver;
};

struct RecipientOutcome {
  PartResult result;              ///< for the queue manager
  std::vector<PartResult> parts;  ///< for the log, in order
};

class LocalDelivery {
 public:
  LocalDelivery(const LocalSettings& settings, LocalOutside& outside, Ledger& ledger, const LocalMessage& message)
      : settings_(settings),
        params_(settings.params),
        outside_(outside),
        ledger_(ledger),
        message_(message),
        expander_(settings.params, outside, settings.default_identity) {}

  event::Task<RecipientOutcome> run(services::Recipient recipient);

 private:
  struct Progress;
  event::Task<void> carry_out(Progress* progress);
  event::Task<void> do_users(Progress* progress);
  event::Task<PartResult> deliver_user(Progress* progress, UserAction action);
  event::Task<PartResult> deliver_mailbox(Progress* progress, UserAction action);
  event::Task<PartResult> deliver_command(Progress* progress, std::string command, From from);
  event::Task<PartResult> deliver_file(Progress* progress, FileAction action);
  event::Task<PartResult> pass(std::string service, std::string recipient);
  event::Task<PartResult> forward(Progress* progress, Forward message);
  services::become::Deliver make_job(const Progress& progress, std::string_view header_kind) const;
  void note_new_mail(const User& user, const services::become::Delivered& done);
  services::become::Mailbox user_mailbox(const User& user, const mailbox::QuotaLimits& limits = {}) const;
  void set_locks(services::become::Mailbox* mailbox) const;
  Result<std::vector<std::string>> forward_files(const Progress& progress, const User& user) const;
  Names names_for(const Progress& progress, const User& user) const;
  std::vector<std::string> environment(const Progress& progress, const User& user) const;
  event::Task<Result<mailbox::QuotaLimits>> limits_of(std::string user);
  bool has_plain_mailboxes() const;
  event::Task<PartResult> verify(Progress* progress);
  event::Task<PartResult> ask_mailbox(Progress* progress, UserAction action);
  PartResult describe(const Progress& progress) const;

  const LocalSettings& settings_;
  const LocalParams& params_;
  LocalOutside& outside_;
  Ledger& ledger_;
  const LocalMessage& message_;
  Expander expander_;
};

/// One result for all parts: any that is deferred wins, then any that failed, then success.
PartResult combine(const std::vector<PartResult>& parts);

}  // namespace umaya::local_delivery
