#include "smtp-client/peer.h"

#include <fmt/core.h>

#include "libcommon/base/strings.h"
#include "libcommon/smtp/dsn.h"

namespace umaya::smtp_client {

std::string Peer::name_and_address() const {
  return host + '[' + address + ']';
}

std::string Peer::relay() const {
  return port == 0 ? name_and_address() : name_and_address() + ':' + std::to_string(port);
}

void Failure::soften() {
  if (is_permanent()) dsn[0] = '4';
}

std::string dsn_of(const smtp::Reply& reply) {
  const int severity = reply.severity();
  if (severity != 2 && severity != 4 && severity != 5) return "4.5.0";
  if (!reply.dsn.empty()) return reply.dsn;
  return std::to_string(severity) + ".0.0";
}

std::string reply_text(const smtp::Reply& reply) {
  const std::string code = std::to_string(reply.code);
  std::string out;
  for (size_t i = 0; i < reply.lines.size(); ++i) {
    if (i > 0) out += ' ';
    out += code + (i + 1 < reply.lines.size() ? '-' : ' ') + reply.lines[i];
  }
  if (out.empty()) out = code;
  return printable(trim(out), true);
}

Failure said(const Peer& peer, const smtp::Reply& reply, std::string_view command) {
  Failure out;
  out.diagnostic = reply_text(reply);
  out.dsn = dsn_of(reply);
  if (out.dsn.starts_with('2')) out.dsn = "4.5.0";  // a yes where only no was left: the peer is out of step
  std::string_view protocol_error = out.dsn == "4.5.0" && reply.severity() < 4 ? "Protocol error: " : "";
  out.text = fmt::format("{}host {} said: {} (in reply to {})", protocol_error, peer.name_and_address(), out.diagnostic,
                         command);
  return out;
}

Failure refused(const Peer& peer, const smtp::Reply& reply) {
  Failure out;
  out.diagnostic = reply_text(reply);
  out.dsn = dsn_of(reply);
  if (out.dsn.starts_with('2')) out.dsn = "4.5.0";
  out.text = fmt::format("host {} refused to talk to me: {}", peer.name_and_address(), out.diagnostic);
  out.is_site = true;
  return out;
}

Failure lost(const Peer& peer, Loss loss, std::string_view doing) {
  Failure out;
  out.is_site = true;
  out.dsn = "4.4.2";
  const std::string who = peer.name_and_address();
  switch (loss) {
    case Loss::closed:
      out.text = fmt::format("lost connection with {} while {}", who, doing);
      break;
    case Loss::timed_out:
      out.text = fmt::format("conversation with {} timed out while {}", who, doing);
      break;
    case Loss::garbage:
      out.dsn = "4.5.0";
      out.text = fmt::format("Protocol error: host {} sent no SMTP reply while {}", who, doing);
      break;
  }
  return out;
}

Failure not_connected(const Peer& peer, std::string_view reason) {
  Failure out;
  out.is_site = true;
  out.dsn = "4.4.1";
  out.text = fmt::format("connect to {}: {}", peer.relay(), reason);
  return out;
}

}  // namespace umaya::smtp_client
