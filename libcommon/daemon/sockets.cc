#include "libcommon/daemon/sockets.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "libcommon/daemon/privilege.h"
#include "libcommon/event/listener.h"
#include "libcommon/net/address.h"
#include "libcommon/net/service_port.h"

namespace umaya::daemon {

int unix_socket_kind(std::string_view command) {
  static constexpr std::string_view kStreams[] = {"smtpd", "pop3d", "imapd", "authd", "spawn", "lmtpd", "qmqpd"};
  return std::find(std::begin(kStreams), std::end(kStreams), command) != std::end(kStreams) ? SOCK_STREAM
                                                                                            : SOCK_SEQPACKET;
}

std::string socket_path(const config::Config& config, const config::MasterService& service) {
  return config.get("queue_directory") + (service.is_private ? "/private/" : "/public/") + service.name;
}

namespace {

/// Owner, group and mode of a unix service's socket.
struct SocketAccess {
  gid_t group;
  mode_t mode;
};

Result<SocketAccess> access_of(const config::Config& config, const config::MasterService& service) {
  static constexpr std::string_view kForNet[] = {"cleanup", "anvil",  "proxymap", "flush",   "authd",
                                                 "verify",  "tlsmgr", "local",    "virtual", "lmtpd"};
  static constexpr std::string_view kForCommands[] = {"pickup", "showq"};
  UMAYA_TRY(Account owner, find_user(config.get("mail_owner")));
  auto listed = [&](auto& names) {
    return std::find(std::begin(names), std::end(names), service.command) != std::end(names);
  };
  if (service.command == "qmgr") return SocketAccess{owner.gid, 0666};  // commands and agents: it looks who it is
  if (service.command == "lmtpd" && !service.is_private) return SocketAccess{owner.gid, 0666};  // as the line says
  if (listed(kForNet)) {
    UMAYA_TRY(Account net, find_user(config.get("net_user")));
    return SocketAccess{net.gid, 0660};
  }
  if (listed(kForCommands)) {
    UMAYA_TRY(gid_t group, find_group(config.get("setgid_group")));
    return SocketAccess{group, 0660};
  }
  return SocketAccess{owner.gid, 0600};
}

Result<std::vector<Fd>> open_unix(const config::Config& config, const config::MasterService& service) {
  std::string path = socket_path(config, service);
  UMAYA_TRY(Fd fd, event::listen_unix(path, unix_socket_kind(service.command), 0600));
  if (geteuid() == 0) {
    UMAYA_TRY(Account owner, find_user(config.get("mail_owner")));
    UMAYA_TRY(SocketAccess access, access_of(config, service));
    if (::chown(path.c_str(), owner.uid, access.group) != 0) return sys_error("chown " + path);
    if (::chmod(path.c_str(), access.mode) != 0) return sys_error("chmod " + path);
  }
  std::vector<Fd> out;
  out.push_back(std::move(fd));
  return out;
}

Result<uint16_t> port_number(const std::string& port) {
  if (auto known = net::service_port(port)) return *known;
  return permanent("unknown port \"" + port + "\": write a number, or a name of /etc/services");
}

Result<std::vector<net::IpAddress>> addresses_of(const std::string& host) {
  std::vector<net::IpAddress> out;
  if (auto literal = net::IpAddress::parse(host)) return std::vector{*literal};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int error = getaddrinfo(host.c_str(), nullptr, &hints, &found)) {
    return temporary("host \"" + host + "\": " + gai_strerror(error));
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  for (const addrinfo* a = found; a; a = a->ai_next) {
    if (auto address = net::IpAddress::from_sockaddr(a->ai_addr)) out.push_back(*address);
  }
  return out;
}

Result<std::vector<Fd>> open_inet(const config::Config& config, const config::MasterService& service) {
  UMAYA_TRY(auto host_port, config::split_inet_service(service.name));
  UMAYA_TRY(uint16_t port, port_number(host_port.second));
  std::vector<net::IpAddress> addresses;
  if (!host_port.first.empty()) {
    UMAYA_TRY(addresses, addresses_of(host_port.first));
  } else if (config.get("inet_interfaces") == "all") {
    std::string protocols = config.get("inet_protocols");
    if (protocols != "ipv6") addresses.push_back(*net::IpAddress::parse("0.0.0.0"));
    if (protocols != "ipv4") addresses.push_back(*net::IpAddress::parse("::"));
  } else {
    for (const auto& own : config.own_addresses()) {
      if (auto address = net::IpAddress::parse(own.text())) addresses.push_back(*address);
    }
  }
  std::vector<Fd> out;
  for (const net::IpAddress& address : addresses) {
    sockaddr_storage storage;
    socklen_t size = net::Endpoint{address, port}.to_sockaddr(storage);
    Result<Fd> fd = event::listen_on(reinterpret_cast<sockaddr*>(&storage), size);
    if (!fd && fd.error().sys_errno == EAFNOSUPPORT && addresses.size() > 1) continue;  // no IPv6 on this host
    if (!fd)
      return std::unexpected(Error{fd.error().kind,
                                   fd.error().sys_errno,
                                   net::Endpoint{address, port}.to_string() + ": " + fd.error().what,
                                   {}});
    out.push_back(std::move(*fd));
  }
  if (out.empty()) return permanent("service " + service.key() + ": no address to listen on; see inet_interfaces");
  return out;
}

}  // namespace

Result<std::vector<Fd>> open_sockets(const config::Config& config, const config::MasterService& service) {
  return service.type == config::ServiceType::inet ? open_inet(config, service) : open_unix(config, service);
}

}  // namespace umaya::daemon
