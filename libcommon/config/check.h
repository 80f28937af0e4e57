// NAME    check - find what is wrong or without effect in main.cf and master.cf
//
// SYNOPSIS
//     for (const auto& finding : config::check(config)) log::write(level(finding.severity), finding.text);
//
// DESCRIPTION
//     Looks for unknown names (with the nearest known one), values that cannot be read, settings that nothing acts on
//     yet, services that are built in or unknown, and for the mistakes that administrators make again and again: a
//     host name with a final dot, a comment behind a value, a domain listed twice, a table that was never built.
//     Every text names file and line where there is one, and the cure.
#pragma once

#include <string>
#include <vector>

#include "libcommon/config/config.h"
#include "libcommon/config/master_cf.h"

namespace umaya::config {

enum class Severity : unsigned char {
  error,    ///< does not start, or mail goes wrong
  warning,  ///< probably not what was meant
  note,     ///< accepted, without effect
};

struct Finding {
  Severity severity = Severity::warning;
  std::string text;

  bool operator==(const Finding&) const = default;
};

/// Checks main.cf and the master.cf beside it; files named in tables are looked for on this host.
std::vector<Finding> check(const Config& config);
/// The same with the text of master.cf given.
std::vector<Finding> check(const Config& config, std::string_view master_cf);

/// The known parameter whose name is nearest to a mistyped one; empty when none is near.
std::string nearest_parameter(std::string_view name);

/// The table types that this version reads, sorted.
const std::vector<std::string>& table_types();

namespace detail {

/// Settings that are unknown, unreadable or without effect.
void check_settings(const Config& config, const std::vector<MasterEntry>& services, std::vector<Finding>& out);
/// Classic mistakes in the values of known parameters.
void check_mistakes(const Config& config, std::vector<Finding>& out);
/// Types and files of tables.
void check_tables(const Config& config, std::vector<Finding>& out);
/// Services and their options.
void check_services(const Config& config, const std::string& file, const std::vector<MasterEntry>& services,
                    std::vector<Finding>& out);

}  // namespace detail
}  // namespace umaya::config
