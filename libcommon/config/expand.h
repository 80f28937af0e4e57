// NAME    expand - $name and ${…} in parameter values
//
// SYNOPSIS
//     auto text = config::expand("$myhostname ESMTP ${stress?{busy}:{ready}}", lookup);
//
// DESCRIPTION
//     Postfix's macro language:
//         $name  ${name}  $(name)           the value of name, expanded in its turn; empty when there is none
//         ${name?text}  ${name?{text}}      text, when name has a value that is not empty
//         ${name:text}  ${name:{text}}      text, when it has none
//         ${name?{text1}:{text2}}           one or the other
//         ${{left} op {right} ? {t1} : {t2}}  op: == != < <= >= > (numbers when both sides are, else text), or with
//                                           "level" appended (3.10 comes after 3.9); without ? and :, "true" or empty
//         ${domain_to_ascii{text}}  ${domain_to_utf8{text}}   text: domains that are not ASCII are not converted
//         $$                                one $
//     A name is letters, digits and underscores. Whether name "has a value" looks at its text before expansion.
//
// ERRORS
//     Permanent: a missing brace, an empty name, an unknown operator, a value that contains itself.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::config {

/// Gives the unexpanded text of a name, or nothing.
using NameLookup = std::function<std::optional<std::string>(std::string_view name)>;

/// Expands text. Values that contain themselves are refused.
Result<std::string> expand(std::string_view text, const NameLookup& lookup);

/// The names that text mentions, in order of appearance, both branches of conditions included. Stops at the first
/// syntax error.
std::vector<std::string> names_in(std::string_view text);

/// Compares two version levels such as "3.10" and "3.9": negative, 0 or positive. "3" equals "3.0".
Result<int> compare_levels(std::string_view left, std::string_view right);

}  // namespace umaya::config
