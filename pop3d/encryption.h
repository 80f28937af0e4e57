// NAME    encryption - what a session needs of TLS
//
// DESCRIPTION
//     The service puts tls::Server behind it, a test whatever it likes.
#pragma once

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"
#include "libcommon/tls/session_info.h"

namespace umaya::pop3d {

class Encryption {
 public:
  virtual ~Encryption() = default;
  /// Whether there is a certificate, so that TLS can be offered.
  virtual event::Task<bool> ready() = 0;
  /// Handshake as server after STLS: what came in the clear is dropped.
  virtual event::Task<Result<tls::SessionInfo>> accept(event::Stream* client, Duration limit) = 0;
  /// The same for a client that speaks TLS from its first byte.
  virtual event::Task<Result<tls::SessionInfo>> accept_at_once(event::Stream* client, Duration limit) = 0;
};

}  // namespace umaya::pop3d
