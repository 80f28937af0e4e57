// NAME    tickets - session tickets sealed with keys that the workers of one service share
//
// SYNOPSIS
//     Tickets tickets(tlsmgr, "smtp", lifetime, "aes-256-cbc");
//     co_await tickets.refresh();                    // before a handshake; asks only when the keys have aged
//     tickets.install(context);                      // once for each context
//     Tickets::use(ssl, &tickets);                   // for the time of one handshake
//
// DESCRIPTION
//     tlsmgr makes the keys, for each service others: a ticket of another service cannot be opened and the handshake is
//     a full one. Tickets are sealed with the newest key; one sealed with the key before is replaced (RFC 5077, RFC
//     8446 4.6.1).
//
// OWNERSHIP
//     Outlives the handshakes that use it.
//
// ERRORS
//     Without keys there are no tickets, and handshakes go on without.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/event/task.h"
#include "libcommon/tls/tlsmgr_client.h"
#include "libcommon/tls/transport.h"

struct evp_cipher_st;

namespace umaya::tls {

class Tickets {
 public:
  /// cipher: OpenSSL's name; empty, or a lifetime of zero: no tickets.
  Tickets(TlsmgrClient& tlsmgr, std::string service, Duration lifetime, const std::string& cipher);
  bool enabled() const { return cipher_ != nullptr; }
  event::Task<void> refresh();
  void install(ssl_ctx_st* context) const;
  /// nullptr: the handshake is over.
  static void use(ssl_st* ssl, const Tickets* tickets);

  const evp_cipher_st* cipher() const { return cipher_; }
  const std::vector<TicketKey>& keys() const { return keys_; }

 private:
  TlsmgrClient& tlsmgr_;
  std::string service_;
  std::chrono::seconds lifetime_;
  const evp_cipher_st* cipher_ = nullptr;
  std::vector<TicketKey> keys_;
  TimePoint fresh_until_{};
};

}  // namespace umaya::tls
