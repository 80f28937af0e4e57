// NAME    login_checks - the restrictions that ask who has logged in
#include <fmt/format.h>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/table/settle.h"
#include "smtpd/evaluation.h"

namespace umaya::smtpd {

using event::Task;

/// Somebody has logged in; an anonymous log-in (RFC 4505) says of nobody who it is.
bool Evaluation::may_go_by_login() const {
  return !question_.login_user.empty() && !iequals(question_.login_method, "ANONYMOUS");
}

static bool is_listed(std::string_view owners, std::string_view user) {
  for (std::string_view owner : split_list(owners)) {
    if (table::fold_case(owner) == table::fold_case(user)) return true;
  }
  return false;
}

/// smtpd_sender_login_maps against who has logged in. The empty sender belongs to nobody and is not looked at.
Task<Step> Evaluation::sender_owner(Check check) {
  table::Maps* maps = policy_.parts().sender_logins;
  bool logged_in = !question_.login_user.empty();
  if (!maps || !question_.logins_offered || !question_.sender || question_.sender->empty()) co_return Step::dunno;
  if (check == Check::reject_authenticated_sender_login_mismatch && !logged_in) co_return Step::dunno;
  if (check == Check::reject_unauthenticated_sender_login_mismatch && logged_in) co_return Step::dunno;
  std::string_view sender = *question_.sender;
  Target target = co_await target_of(sender);
  if (target.failure) co_return lookup_error(sender);
  const table::AddressRules& rules = policy_.parts().address_rules;
  auto look = [maps, &target, &rules] { return table::find_address(*maps, target.address, rules); };
  table::Found owners = co_await table::settle(look);
  if (owners.lookup.is_error()) {
    log::warning("{}: {}", maps->title(), owners.lookup.error().what);
    co_return lookup_error(sender);
  }
  constexpr Reply kMismatch{553, "5.7.1"};
  if (!logged_in) {
    if (!owners) co_return Step::dunno;
    co_return refuse(kMismatch, fmt::format("<{}>: Sender address rejected: not logged in", sender));
  }
  bool known_only = check == Check::reject_known_sender_login_mismatch;
  if (owners ? is_listed(owners.lookup.value(), question_.login_user) : known_only) co_return Step::dunno;
  co_return refuse(kMismatch,
                   fmt::format("<{}>: Sender address rejected: not owned by user {}", sender, question_.login_user));
}

/// POP-before-SMTP. When the table cannot be asked a refusal that follows is a temporary one.
Task<Step> Evaluation::recent_login(Subject subject) {
  services::RecentLogins* logins = policy_.parts().recent_logins;
  if (!logins || question_.client.address_text == "unknown") co_return Step::dunno;
  Result<bool> recent = co_await logins->has(question_.client.address_text);
  if (recent) co_return *recent ? Step::permit : Step::dunno;
  log::warning("permit_pop_before_smtp: {}", recent.error().what);
  co_return postpone(defer_if_reject_, {450, "4.3.0"},
                     fmt::format("<{}>: {} rejected: Temporary lookup failure", subject.name, subject.kind));
}

}  // namespace umaya::smtpd
