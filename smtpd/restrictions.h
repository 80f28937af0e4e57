// NAME    restrictions - smtpd_*_restrictions compiled to rules
//
// SYNOPSIS
//     RestrictionCompiler compiler({.open_maps = …, .class_list = …});
//     RuleList rules = compiler.compile("smtpd_client_restrictions", "permit_mynetworks, check_client_access cidr:/x");
//
// DESCRIPTION
//     A list is compiled once, at start-up. Names of restriction classes become lists within the list. A bare
//     "type:table" is the list's own check_*_access. A name that nobody knows, a missing argument and a class that
//     contains itself become a rule that answers 451 4.3.5, and are logged with the parameter's name: a mistake in the
//     configuration never lets mail through and never bounces it.
//     Restrictions that Umaya knows but does not act on yet are logged by name, and skipped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/table/maps.h"

namespace umaya::smtpd {

/// Up to reject_plaintext_session they answer at once, from restriction_class on they may have to wait.
enum class Check : uint8_t {
  permit,
  reject,
  defer,
  defer_if_permit,
  defer_if_reject,
  warn_if_reject,
  not_yet,
  broken,  ///< answers 451 4.3.5
  reject_unauth_pipelining,
  reject_multi_recipient_bounce,
  permit_mynetworks,
  permit_inet_interfaces,
  reject_unknown_client_hostname,
  reject_unknown_reverse_client_hostname,
  reject_invalid_helo_hostname,
  reject_non_fqdn_helo_hostname,
  reject_non_fqdn_sender,
  reject_non_fqdn_recipient,
  permit_sasl_authenticated,
  permit_tls_all_clientcerts,
  reject_plaintext_session,
  restriction_class,
  sleep,
  reject_unknown_helo_hostname,
  reject_unknown_sender_domain,
  reject_unlisted_sender,
  reject_unauth_destination,
  defer_unauth_destination,
  permit_auth_destination,
  reject_unknown_recipient_domain,
  reject_unlisted_recipient,
  permit_tls_clientcerts,
  check_ccert_access,
  check_client_access,
  check_reverse_client_hostname_access,
  check_helo_access,
  check_sender_access,
  check_recipient_access,
  check_etrn_access,
  check_sasl_access,
  check_policy_service,
  reject_sender_login_mismatch,
  reject_authenticated_sender_login_mismatch,
  reject_known_sender_login_mismatch,
  reject_unauthenticated_sender_login_mismatch,
  permit_pop_before_smtp,
  reject_over_quota,
};

class PolicyService;
struct Rule;
using RuleList = std::vector<Rule>;

struct Rule {
  Check check = Check::broken;
  std::string name;                       ///< as written
  int seconds = 0;                        ///< sleep
  std::shared_ptr<table::Maps> maps;      ///< check_*_access; shared: one open table serves every list that names it
  std::shared_ptr<PolicyService> policy;  ///< check_policy_service; shared: one server's connections serve every list
  std::shared_ptr<const RuleList> rules;  ///< restriction_class; shared between the lists that name the class
};

struct CompilerOptions {
  /// Opens the table of a check_*_access.
  std::function<std::shared_ptr<table::Maps>(const std::string& type_and_name)> open_maps;
  /// The server of a check_policy_service, or what is wrong with it.
  std::function<Result<std::shared_ptr<PolicyService>>(std::string_view argument)> open_policy{};
  /// The list of a restriction class, nothing when the name is none.
  std::function<std::optional<std::string>(std::string_view name)> class_list;
};

class RestrictionCompiler {
 public:
  explicit RestrictionCompiler(CompilerOptions options) : options_(std::move(options)) {}
  /// bare_table: what a bare "type:table" means in this list (broken: it is an error there).
  RuleList compile(std::string_view title, std::string_view list, Check bare_table = Check::broken);
  /// What was found wrong or without effect so far, a line each; cleared by the call.
  std::vector<std::string> take_complaints() { return std::exchange(complaints_, {}); }

 private:
  Rule compile_word(std::string_view title, const std::vector<std::string_view>& words, size_t& i, Check bare_table);
  Rule compile_class(std::string_view title, std::string name, std::string_view list, Check bare_table);
  Rule broken(std::string_view title, std::string_view name, std::string_view why);
  std::shared_ptr<table::Maps> open(const std::string& name);
  Result<std::shared_ptr<PolicyService>> open_policy(std::string_view argument);

  CompilerOptions options_;
  std::vector<std::string> complaints_;
  std::vector<std::pair<std::string, std::shared_ptr<table::Maps>>> opened_;
  std::vector<std::pair<std::string, std::shared_ptr<PolicyService>>> servers_;
  /// Classes met so far, with what a bare table means in them; null while one is being compiled.
  std::map<std::pair<std::string, Check>, std::shared_ptr<const RuleList>> classes_;
  int depth_ = 0;
};

}  // namespace umaya::smtpd
