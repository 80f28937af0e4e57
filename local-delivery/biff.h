// NAME    biff - tells comsat of new mail in a mailbox, as mail programs with "biff y" want it
//
// SYNOPSIS
//     Biff biff = Biff::open();
//     biff.notify("kim", offset);                 // kim's mailbox has a new message that begins there
//
// DESCRIPTION
//     One datagram "user@offset" to the service biff/udp of this host (services(5); 512 when that file does not say).
//     Nobody answers, and nobody need be there.
//
// ERRORS
//     A datagram that cannot be sent is logged; mail does not depend on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libcommon/event/datagram.h"

namespace umaya::local_delivery {

class Biff {
 public:
  /// Finds the port; to be called before the sandbox closes services(5). port: for tests.
  static Biff open(std::optional<uint16_t> port = {});
  void notify(std::string_view user, uint64_t offset);

 private:
  std::optional<event::DatagramSocket> socket_;
  event::PeerAddress comsat_;
};

}  // namespace umaya::local_delivery
