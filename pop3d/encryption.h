// NAME    encryption - what a session needs of TLS
//
// SYNOPSIS
//     UMAYA_TRY(auto encryption, open_encryption(config, params, socket, service));     // nullptr where TLS is off
//     bool offered = co_await encryption->ready();
//     auto info = co_await encryption->accept(&client);
//
// DESCRIPTION
//     tls::Server with the parameters pop3_tls_*; an interface, so that a test can put something else in its place.
//
// ERRORS
//     open_encryption(): permanent, what is wrong with the parameters. accept(): told in the log already.
#pragma once

#include <memory>
#include <string>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"
#include "libcommon/tls/session_info.h"
#include "pop3d/params.h"

namespace umaya::pop3d {

class Encryption {
 public:
  virtual ~Encryption() = default;
  /// Whether there is a certificate, so that TLS can be offered.
  virtual event::Task<bool> ready() = 0;
  /// Handshake as server after STLS: what came in the clear is dropped.
  virtual event::Task<Result<tls::SessionInfo>> accept(event::Stream* client, std::string peer) = 0;
  /// The same for a client that speaks TLS from its first byte.
  virtual event::Task<Result<tls::SessionInfo>> accept_at_once(event::Stream* client, std::string peer) = 0;
  /// What ties an exchange to the client's connection, over which TLS stands (RFC 9266); empty before TLS 1.3.
  virtual std::string channel_binding(const event::Stream& client) = 0;
};

Result<TlsLevel> tls_level(const config::Config& config);
/// socket: of tlsmgr. service: of master.cf, whose ticket keys are used.
Result<std::unique_ptr<Encryption>> open_encryption(const config::Config& config, const Params& params,
                                                    const std::string& socket, const std::string& service);

}  // namespace umaya::pop3d
