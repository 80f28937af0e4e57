// NAME    accounts - who we are for which server (smtp_sasl_password_maps), and which log-ins were refused lately
//
// SYNOPSIS
//     auto account = co_await accounts.find({.sender = "a@b.example", .host = "mx.isp.example", .nexthop =
//     "[mx…]:587"}); if (*account) … (*account)->user, (*account)->password if (auto refusal = accounts.refused(host,
//     **account)) …
//
// DESCRIPTION
//     The sender's address is asked for first, when smtp_sender_dependent_authentication is on, then the server's name,
//     then the destination as it is written in the transport table or relayhost. A result is "user:password".
//
//     With smtp_sasl_auth_cache_name set, a log-in that a server has refused (535) is not tried again for
//     smtp_sasl_auth_cache_time, or until the password is another. It is remembered in the memory of the process,
//     whichever table the parameter names.
//
// ERRORS
//     find(): a table could not be asked. Passwords stand in no text.
//
// LIMITS
//     kMostRefusals refused log-ins.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "libcommon/event/task.h"
#include "libcommon/smtp/reply.h"
#include "libcommon/table/maps.h"
#include "libcommon/table/search.h"
#include "smtp-client/security/params.h"

namespace umaya::smtp_client {

using Account = auth::SaslCredentials;

class Accounts {
 public:
  static constexpr size_t kMostRefusals = 1000;
  struct Key {
    std::string sender, host, nexthop;
  };

  Accounts() = default;
  static Accounts open(const table::Options& tables, const std::string& prefix, const SaslParams& params,
                       table::AddressRules rules);

  /// co_await: the account, if there is one.
  event::Task<Result<std::optional<Account>>> find(Key key);
  /// What the server had said to this account.
  std::optional<smtp::Reply> refused(const std::string& host, const Account& account);
  void note_refusal(const std::string& host, const Account& account, const smtp::Reply& reply);
  bool enabled() const { return enabled_; }

 private:
  struct Refusal {
    smtp::Reply reply;
    TimePoint until;
  };
  table::Lookup look_up(const Key& key);

  bool enabled_ = false, by_sender_ = false, remembers_ = false;
  std::string delimiter_;
  Duration cache_time_{};
  table::Maps passwords_;
  table::AddressRules rules_;
  std::map<std::string, Refusal> refusals_;
};

/// The same for the same user and password, and tells neither.
std::string account_mark(const Account& account);

}  // namespace umaya::smtp_client
