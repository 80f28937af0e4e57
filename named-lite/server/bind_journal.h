// NAME    bind_journal - changes that BIND made to a zone and did not write into its file
//
// SYNOPSIS
//     if (auto serial = unwritten_by_bind(conf, zone, image->header().serial)) … warn …
//
// DESCRIPTION
//     BIND keeps the changes of a dynamic zone in FILE.jnl, or where the zone's `journal` statement says, and writes
//     them into the file later. Who comes from there without having BIND write them (`rndc sync -clean`, or a proper
//     stop) would lose them without a word. They are not read here: the administrator is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "named-lite/config/named_conf.h"

namespace umaya::named {

/// The serial to which a journal of BIND leads, from its first octets; nothing when it is no such journal.
std::optional<uint32_t> end_of_bind_journal(std::string_view head);
/// Where BIND has the journal of a zone.
std::string bind_journal_path(const NamedConf& conf, const ZoneConf& zone);
/// The serial to which BIND's journal of the zone leads, when the file that was read ends before it.
std::optional<uint32_t> unwritten_by_bind(const NamedConf& conf, const ZoneConf& zone, uint32_t serial_of_file);

}  // namespace umaya::named
