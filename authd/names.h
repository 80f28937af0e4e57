// NAME    names - what a client calls itself, and the one name that it has here
//
// DESCRIPTION
//     A name is made canonical once, before anything is looked up: auth_default_realm is put behind a name without a
//     domain, and letters are made small (auth_fold_user_names; those of a domain always). What is not a name by
//     auth::valid_user_name() is nobody's. Nothing in a name is ever expanded; only the administrator's templates are,
//     and a name stands in them as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace umaya::authd {

struct NameRules {
  std::string default_realm;
  bool fold = true;
};

/// The canonical name; nothing when it is none.
std::optional<std::string> canonical_name(std::string_view name, const NameRules& rules);

/// "user" of user@domain, and "domain", empty when there is none.
std::string_view local_part(std::string_view name);
std::string_view domain_part(std::string_view name);

/// A template with %u (the whole name), %n (without its domain), %d (the domain), %% ; other letters stay as they are.
std::string fill_template(std::string_view text, std::string_view name);

}  // namespace umaya::authd
