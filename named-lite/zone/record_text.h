// NAME    record_text - records as text, for messages and for writing zone files
#pragma once

#include <string>
#include <string_view>

#include "named-lite/zone/records.h"

namespace umaya::named {

/// "mail", "@" or, outside the zone, "mail.example.org."
std::string relative_text(std::string_view wire, const Name& apex);
/// The data as a zone file has them, names relative to the apex; \# … for types without a layout.
std::string rdata_text(uint16_t type, std::string_view rdata, const Name& apex);
/// "mail IN MX 10 server"
std::string record_text(const RecordList& list, const Record& record);

}  // namespace umaya::named
