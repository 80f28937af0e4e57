// NAME    commands_tls - STARTTLS, and TLS from the first byte
#include <fmt/format.h>

#include "libcommon/log/log.h"
#include "libcommon/message/received.h"
#include "libcommon/tls/server.h"
#include "smtpd/session.h"

namespace umaya::smtpd {

using event::Task;
using services::anvil::Event;

bool Session::may_start_tls() const {
  if (lmtp() && client_.local_socket) return false;  // there is no line that somebody could listen on
  return shared_.tls && !tls_ && mode_ == Mode::network && shared_.tls_level != tls::Level::none && offers("STARTTLS");
}

/// Commands that may come before TLS where the client must use it (RFC 3207 4).
bool Session::needs_tls(Verb verb) const {
  if (!shared_.tls || tls_ || shared_.tls_level != tls::Level::encrypt || mode_ != Mode::network) return false;
  if (lmtp() && client_.local_socket) return false;
  return verb != Verb::helo && verb != Verb::ehlo && verb != Verb::lhlo && verb != Verb::starttls &&
         verb != Verb::noop && verb != Verb::quit;
}

/// What may not be said where STARTTLS stands; nothing when it may.
std::optional<smtp::Refusal> Session::starttls_refusal(std::string_view arguments) const {
  if (!arguments.empty()) return smtp::Refusal{501, "5.5.4", "Syntax: STARTTLS"};
  if (tls_) return smtp::Refusal{554, "5.5.1", "Error: TLS already active"};
  if (!may_start_tls()) return smtp::Refusal{502, "5.5.1", "Error: command not implemented"};
  return {};
}

Task<bool> Session::do_starttls(std::string_view arguments) {
  if (auto refused = starttls_refusal(arguments)) co_return fail(*refused);
  bool available = co_await shared_.tls->ready();
  if (!available) co_return fail(454, "4.7.0", "TLS not available due to local problem");
  reply_line("220 2.0.0 Ready to start TLS\r\n");
  Result<void> sent = co_await stream_.flush();
  if (!sent) {
    end_reason_ = "lost connection";
    hang_up();
    co_return false;
  }
  bool secured = co_await start_tls(tls::Received::drop);
  if (!secured) co_return false;
  // The client has said nothing yet that counts (RFC 3207 4.2).
  reset_transaction();
  helo_.clear();
  extended_ = false;
  log_out();
  session_actions_ = {};
  deferrals_ = {};
  co_return true;
}

/// The handshake; false when the session is over.
Task<bool> Session::start_tls(tls::Received received) {
  Result<tls::SessionInfo> info = co_await shared_.tls->accept(&stream_, shared_.patience().starttls_timeout, received);
  if (!info) {
    tls::log_refusal(info.error(), client_.label);
    where_ = "STARTTLS";
    end_reason_ = "lost connection";
    hang_up();
    co_return false;
  }
  shared_.tls->log_session(*info, client_.label);
  tls_ = std::make_unique<tls::SessionInfo>(std::move(*info));
  client_.encrypted = true;
  client_.channel_binding = tls_->channel_binding;
  if (tls_->peer.trust >= tls::Trust::trusted) client_.certificate_name = tls_->peer.subject_cn;
  if (shared_.tls->settings().require_certificate && tls_->peer.trust < tls::Trust::trusted) {
    std::string_view why = tls_->peer.present ? "Client certificate not trusted" : "No client certificate presented";
    log::info("NOQUEUE: abort: TLS from {}: {}", client_.label, why);
    reply(421, "4.7.1", fmt::format("{} Error: {}", params_.myhostname, why));
    co_return false;
  }
  bool within = tls_->resumed || client_.limits_exempt;
  if (!within) within = co_await within_tls_rate();
  co_return within;
}

/// smtpd_client_new_tls_session_rate_limit: full handshakes cost far more than others.
Task<bool> Session::within_tls_rate() {
  if (params_.client_tls_rate_limit <= 0 || !counted_) co_return true;
  services::anvil::Counts counts = co_await shared_.counts.count(Event::tls_session, client_key_);
  if (counts.rate <= static_cast<uint64_t>(params_.client_tls_rate_limit)) co_return true;
  log::warning("New TLS session rate limit exceeded: {} from {} for service {}", counts.rate, client_.label, "smtp");
  reply(421, "4.7.0",
        fmt::format("{} Error: too many new TLS sessions from {}", params_.myhostname, client_.address_text));
  co_return false;
}

/// The clauses of a Received header that tell of the connection; empty when there is nothing to tell.
std::string Session::tls_clauses() const {
  if (!tls_ || !params_.tls_received_header) return {};
  const tls::SessionInfo& info = *tls_;
  std::string out = fmt::format("(using {} with cipher {} ({}/{} bits)", info.protocol, info.cipher, info.used_bits,
                                info.algorithm_bits);
  auto line = [&out](std::string_view first, const std::string& one, std::string_view second, const std::string& two) {
    if (one.empty()) return;
    out.append("\r\n\t ").append(first).append(one);
    if (!two.empty()) out.append(second).append(two);
  };
  std::string server = info.server_signature.empty() ? "" : " server-signature " + info.server_signature;
  if (!info.server_digest.empty()) server += " server-digest " + info.server_digest;
  line("key-exchange ", info.key_exchange, "", server);
  line("client-signature ", info.client_signature, " client-digest ", info.client_digest);
  out += ")\r\n\t";
  const tls::PeerCertificate& peer = info.peer;
  if (!shared_.tls->settings().ask_certificate) return out + "(No client certificate requested)\r\n\t";
  if (!peer.present) return out + "(Client did not present a certificate)\r\n\t";
  return out + fmt::format("(Client CN \"{}\", Issuer \"{}\" ({}))\r\n\t", message::safe_trace_text(peer.subject_cn),
                           message::safe_trace_text(peer.issuer_cn),
                           peer.trust >= tls::Trust::trusted ? "verified OK" : "not verified");
}

}  // namespace umaya::smtpd
