#include "pop3d/encryption.h"

#include "libcommon/tls/server.h"
#include "libcommon/tls/transport.h"

namespace umaya::pop3d {

namespace {

class ServerEncryption : public Encryption {
 public:
  ServerEncryption(std::unique_ptr<tls::Server> server, Duration limit) : server_(std::move(server)), limit_(limit) {}
  event::Task<bool> ready() override { return server_->ready(); }
  event::Task<Result<tls::SessionInfo>> accept(event::Stream* client, std::string peer) override {
    return handshake(this, client, std::move(peer), tls::Received::drop);
  }
  event::Task<Result<tls::SessionInfo>> accept_at_once(event::Stream* client, std::string peer) override {
    return handshake(this, client, std::move(peer), tls::Received::use);
  }
  std::string channel_binding(const event::Stream& client) override {
    auto* transport = dynamic_cast<tls::Transport*>(client.transport());
    return transport == nullptr ? std::string() : tls::channel_binding(transport->ssl());
  }

 private:
  static event::Task<Result<tls::SessionInfo>> handshake(ServerEncryption* self, event::Stream* client,
                                                         std::string peer, tls::Received received) {
    auto info = co_await self->server_->accept(client, self->limit_, received);
    if (info) {
      self->server_->log_session(*info, peer);
    } else {
      tls::log_refusal(info.error(), peer);
    }
    bool proved = info && info->peer.present && info->peer.trust >= tls::Trust::trusted;
    if (info && self->server_->settings().require_certificate && !proved) {
      co_return permanent("the client has no trusted certificate (pop3_tls_req_ccert)");
    }
    co_return info;
  }

  std::unique_ptr<tls::Server> server_;
  Duration limit_;
};

}  // namespace

Result<TlsLevel> tls_level(const config::Config& config) {
  UMAYA_TRY(tls::Level level, tls::server_level(config, "pop3"));
  return level == tls::Level::none ? TlsLevel::none : level == tls::Level::may ? TlsLevel::may : TlsLevel::encrypt;
}

Result<std::unique_ptr<Encryption>> open_encryption(const config::Config& config, const Params& params,
                                                    const std::string& socket, const std::string& service) {
  if (params.tls_level == TlsLevel::none && !params.tls_wrappermode) return std::unique_ptr<Encryption>();
  const bool enforced = params.tls_level == TlsLevel::encrypt || params.tls_wrappermode;
  UMAYA_TRY(tls::ServerSettings settings, tls::server_settings(config, "pop3", enforced));
  if (settings.log_level < 1) settings.detail = tls::Detail::brief;
  UMAYA_TRY(auto server, tls::Server::open(settings, socket, service, {"pop3"}));
  return std::unique_ptr<Encryption>(std::make_unique<ServerEncryption>(std::move(server), params.starttls_timeout));
}

}  // namespace umaya::pop3d
