// NAME    rules - what a connection to one server must be like: TLS policy and account
//
// SYNOPSIS
//     auto security = co_await rules.find(destination, peer.host, sender);
//     if (!security) … security.error()           // our configuration is wrong: the mail waits
//     security->tls.level, security->account, security->mark
//
// DESCRIPTION
//     The level and its attributes come from smtp_tls_policy_maps by the destination as it is written: "[host]:port"
//     only as a whole; a mail domain, then ".parent" domains; what a policy leaves open comes from main.cf. Wrapper
//     mode has no clear text to fall back to and counts as encrypt at least.
//
//     Two connections whose marks are equal may stand for one another: they were made under the same policy, with the
//     same names to match, and with the same account.
//
// ERRORS
//     A policy that cannot be read, looked up or fulfilled: 4.7.5; a table of passwords that cannot be asked: 4.3.0.
//     Mail is never sent with less security than a line that we do not understand might have meant.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "libcommon/table/maps.h"
#include "smtp-client/peer.h"
#include "smtp-client/security/accounts.h"

namespace umaya::smtp_client {

struct Security {
  tls::ClientRequest tls;
  std::optional<Account> account;
  bool keep = true;  ///< a connection with TLS may be used again
  std::string mark;
};
using SecurityOrFailure = std::expected<Security, Failure>;

class SecurityRules {
 public:
  /// For tests: without tables.
  explicit SecurityRules(const TlsParams& params) : params_(&params) {}
  SecurityRules(const TlsParams& params, const SaslParams& sasl, const table::Options& tables,
                const std::string& prefix, table::AddressRules addresses);

  /// co_await: host is the server's name, sender the envelope's address.
  event::Task<SecurityOrFailure> find(Destination destination, std::string host, std::string sender);
  /// Whether TLS can come up at all.
  bool may_use_tls() const {
    return params_->level != tls::ClientLevel::none || !policies_.empty() || params_->wrapper_mode;
  }

  Accounts accounts;

 private:
  event::Task<Result<tls::ClientPolicy>> policy_for(std::string nexthop);
  table::Lookup look_up(const std::string& nexthop);
  std::expected<tls::ClientRequest, Failure> request_for(const tls::ClientPolicy& policy,
                                                         const Destination& destination, std::string_view host) const;

  const TlsParams* params_;
  table::Maps policies_;
};

/// 4.7.5 "client TLS configuration problem"; the log has said which.
Failure tls_configuration_problem();

}  // namespace umaya::smtp_client
