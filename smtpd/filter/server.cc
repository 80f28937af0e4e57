#include "smtpd/filter/server.h"

#include <sys/socket.h>

#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"

namespace umaya::smtpd {

using event::Task;

Result<FilterServer> FilterServer::parse(std::string_view text, std::string_view queue_directory) {
  FilterServer server;
  server.text = text;
  constexpr std::string_view kUnix = "unix:", kInet = "inet:", kLocalHost = "127.0.0.1";
  if (text.starts_with(kUnix)) {
    std::string path(text.substr(kUnix.size()));
    if (path.empty()) return permanent("a path is missing after unix:");
    server.unix_path = path.starts_with('/') ? std::move(path) : std::string(queue_directory) + "/" + path;
    return server;
  }
  if (text.starts_with(kInet)) text.remove_prefix(kInet.size());
  size_t colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? std::string_view{} : text.substr(0, colon);
  std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto number = parse_uint(port);
  if (!number || *number == 0 || *number > 65535) {
    return permanent(server.text + ": use host:port with a number as port, or unix:path");
  }
  server.host = host.empty() || iequals(host, "localhost") ? kLocalHost : host;
  server.port = static_cast<uint16_t>(*number);
  return server;
}

Task<Result<Fd>> FilterServer::connect(dns::Resolver& resolver, Duration limit) const {
  if (!unix_path.empty()) co_return event::connect_unix(unix_path, SOCK_STREAM);
  dns::Addresses addresses = co_await dns::native_addresses_of(resolver, host, dns::Families::both);
  Result<Fd> fd = temporary(addresses.error);
  for (const net::IpAddress& address : addresses.list) {
    event::PeerAddress to;
    net::Endpoint endpoint{address, port};
    to.size = endpoint.to_sockaddr(to.storage);
    fd = co_await event::connect_to(to, limit);
    if (fd) break;
  }
  co_return fd;
}

}  // namespace umaya::smtpd
