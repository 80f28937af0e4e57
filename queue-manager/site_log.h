// NAME    site_log - which messages wait for a site (fast flush, ETRN)
//
// DESCRIPTION
//     One file for each site in flush/, named by the site with everything but letters, digits and "-" as "_"; a queue
//     id on each line. It is a hint: a message that is not listed goes with the next queue run, one that is listed and
//     gone is passed over. So it is not synced.
//
// LIMITS
//     kMostIds ids for a site.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::qmgr {

inline constexpr size_t kMostIds = 10000;

/// "mail.example.com" is "mail_example_com"; empty for what is no domain name.
std::string site_file_name(std::string_view site);

/// Valid ids in the text of a log, each once, in order.
std::vector<std::string> parse_site_log(std::string_view text);

/// Notes that the message waits for the site.
Result<> add_to_site_log(const std::string& directory, std::string_view site, std::string_view queue_id);
/// Gives the ids and empties the log.
Result<std::vector<std::string>> take_site_log(const std::string& directory, std::string_view site);

}  // namespace umaya::qmgr
