#include "smtp-client/destination.h"

#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"
#include "libcommon/net/address.h"
#include "libcommon/net/service_port.h"

namespace umaya::smtp_client {

namespace {

struct HostPort {
  std::string_view host;
  std::string_view port;  // empty: default
  bool brackets = false;
};

std::optional<HostPort> split_host_port(std::string_view text) {
  HostPort out;
  if (text.starts_with('[')) {
    size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    out.brackets = true;
    out.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (text.empty()) return out;
    if (text[0] != ':' || text.size() == 1) return std::nullopt;
    out.port = text.substr(1);
    return out;
  }
  size_t colon = text.find(':');
  out.host = text.substr(0, colon);
  if (colon == std::string_view::npos) return out;
  out.port = text.substr(colon + 1);
  if (out.port.empty() || out.port.find(':') != std::string_view::npos) return std::nullopt;
  return out;
}

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return temporary("bad destination \"" + std::string(text) + "\": " + std::string(why), "4.3.5");
}

Result<Destination> parse_one(std::string_view text, Protocol protocol, std::string_view default_port) {
  Destination out;
  out.text = text;
  if (protocol == Protocol::lmtp) {
    if (text.starts_with("unix:")) {
      out.kind = Destination::Kind::socket;
      out.name = text.substr(5);
      if (out.name.empty()) return bad(text, "unix: needs the path of a socket");
      return out;
    }
    if (text.starts_with("inet:")) text.remove_prefix(5);
  }
  auto parts = split_host_port(text);
  if (!parts || parts->host.empty()) return bad(out.text, "write host, host:port, [host] or [host]:port");
  UMAYA_TRY(out.port, parse_port(parts->port.empty() ? default_port : parts->port));
  const bool plain_host = parts->brackets || protocol == Protocol::lmtp;
  out.kind = plain_host ? Destination::Kind::host : Destination::Kind::domain;
  if (net::IpAddress::parse_literal(parts->host)) {
    out.name = parts->host;
    return out;
  }
  auto ascii = message::canonical_domain(parts->host);
  if (!ascii) return bad(out.text, "the name has no ASCII form");
  out.name = std::move(*ascii);
  return out;
}

}  // namespace

Result<uint16_t> parse_port(std::string_view text) {
  // What every message asks for is not looked up.
  if (text == "smtp") return 25;
  if (text == "lmtp") return 24;
  if (auto known = net::service_port(text)) return *known;
  return temporary("unknown port \"" + std::string(text) + "\": write a number, or a name of /etc/services", "4.3.5");
}

Result<std::vector<Destination>> parse_destinations(std::string_view nexthop, Protocol protocol,
                                                    std::string_view default_port) {
  std::vector<Destination> list;
  for (std::string_view piece : split(nexthop, ", \t\r\n")) {
    UMAYA_TRY(Destination one, parse_one(piece, protocol, default_port));
    list.push_back(std::move(one));
  }
  if (list.empty()) return temporary("empty destination", "4.3.5");
  return list;
}

}  // namespace umaya::smtp_client
