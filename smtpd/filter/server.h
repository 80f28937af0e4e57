// NAME    server - where a before-queue filter listens (smtpd_proxy_filter)
//
// SYNOPSIS
//     UMAYA_TRY(auto server, FilterServer::parse("127.0.0.1:10025", "/var/spool/umaya"));
//     Result<Fd> fd = co_await server.connect(resolver, 100s);
//
// DESCRIPTION
//     host:port, inet:host:port, unix:path. A path that is not absolute lies beneath the queue directory; without a
//     host it is this machine. A host is a number or a name, of which the addresses are tried in turn; MX records do
//     not count. A port is a number.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/dns/resolver.h"
#include "libcommon/event/task.h"

namespace umaya::smtpd {

struct FilterServer {
  std::string text;       ///< as written, for the log
  std::string unix_path;  ///< empty: host and port are meant
  std::string host;
  uint16_t port = 0;

  static Result<FilterServer> parse(std::string_view text, std::string_view queue_directory);
  /// co_await: a connection, or why there is none; limit is for each address.
  event::Task<Result<Fd>> connect(dns::Resolver& resolver, Duration limit) const;
};

}  // namespace umaya::smtpd
