// NAME    ticket_keys - the keys of session tickets, for each service its own
//
// DESCRIPTION
//     Random, in memory only. A new key replaces the newest after a lifetime; the one before it still opens tickets
//     for as long again.
//
// LIMITS
//     kServices services; the one that was asked for longest ago is forgotten.
#pragma once

#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/tls/tlsmgr_protocol.h"

namespace umaya::tlsmgr {

class TicketKeys {
 public:
  static constexpr size_t kServices = 64;
  tls::TicketAnswer keys_for(const tls::TicketQuery& query, TimePoint now);

 private:
  struct Service {
    tls::TicketKey newest, last;  // last: without a name when there is none
    TimePoint made{}, asked{};
  };
  StringMap<Service> services_;
};

}  // namespace umaya::tlsmgr
