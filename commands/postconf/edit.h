// NAME    edit - change main.cf and master.cf as text
//
// DESCRIPTION
//     Pure functions from the old text to the new one. What is not edited stays byte for byte: comments, order, blank
//     lines. A changed setting or service is written on the place of the old one, in the form that postconf prints; a
//     new one goes to the end.
//
// ERRORS
//     Permanent: an argument that is no setting, service or field; the old text cannot be parsed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::postconf {

enum class Change : unsigned char { set, remove, comment_out };

/// New text, and what deserves a word on standard error.
struct Edited {
  std::string text;
  std::vector<std::string> warnings;
};

/// Sets "name=value" (-e), or removes (-X) or comments out (-#) each name, every time it appears.
Result<Edited> edit_main_cf(std::string_view text, Change change, const std::vector<std::string>& arguments);

/// -M: "service/type=entry" replaces or adds; "service/type" removes or comments out. file is for the messages.
Result<Edited> edit_entries(std::string_view text, const std::string& file, Change change,
                            const std::vector<std::string>& arguments);
/// -F: "service/type/field=value".
Result<Edited> edit_fields(std::string_view text, const std::string& file, const std::vector<std::string>& arguments);
/// -P: "service/type/parameter=value" sets, "service/type/parameter" removes the -o option.
Result<Edited> edit_options(std::string_view text, const std::string& file, Change change,
                            const std::vector<std::string>& arguments);

}  // namespace umaya::postconf
