// NAME    remote_key - certificates in a context whose private keys are in tlsmgr(8)
//
// SYNOPSIS
//     UMAYA_CHECK(tls::install_chains(context, answer.chains));
//     RemoteSigner signer(tlsmgr);
//     Result<void> done = co_await tls::handshake(stream, ssl, deadline, &signer);
//
// DESCRIPTION
//     The handshake runs as a job of OpenSSL's (ASYNC_start_job) that stops where it needs the signature, and goes on
//     when tlsmgr has answered; the loop serves others meanwhile. Only signatures are possible: a private key is never
//     used to decrypt, so that servers offer no cipher with RSA key exchange.
//
//     A client that authenticates itself with a certificate uses this the same way.
//
// OWNERSHIP
//     One RemoteSigner a handshake; tlsmgr outlives it. Keys keep what they need of the chains.
//
// ERRORS
//     No signature fails the handshake; trouble() then has the reason, which is ours and not the peer's.
#pragma once

#include <span>
#include <string>

#include "libcommon/base/result.h"
#include "libcommon/tls/tlsmgr_client.h"
#include "libcommon/tls/transport.h"

namespace umaya::tls {

/// Puts each chain into the context, with a key that asks tlsmgr.
Result<void> install_chains(ssl_ctx_st* context, std::span<const Chain> chains);

class RemoteSigner : public HandshakeHelper {
 public:
  explicit RemoteSigner(TlsmgrClient& tlsmgr) : tlsmgr_(tlsmgr) {}
  void before_step() override { active_ = this; }
  event::Task<Result<void>> help(int ssl_error) override;
  void abandon() override;
  /// Why there was no signature; empty when there was.
  const std::string& trouble() const { return trouble_; }

  /// For the keys: the signature of query, or nothing. Runs inside the handshake's job and leaves it until the answer
  /// is there.
  static std::string signature_for(SignQuery query);

 private:
  static RemoteSigner* active_;  // whose step runs now
  TlsmgrClient& tlsmgr_;
  SignQuery query_;
  std::string signature_, trouble_;
};

}  // namespace umaya::tls
