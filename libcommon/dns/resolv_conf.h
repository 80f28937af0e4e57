// NAME    resolv_conf - what /etc/resolv.conf and /etc/hosts say
//
// SYNOPSIS
//     auto conf = dns::load_resolv_conf("/etc/resolv.conf");
//     for (auto& name : dns::search_names(*conf, "pc5")) …       // pc5.s5.example.org, …, pc5
//     auto hosts = dns::HostsFile::parse(text);  hosts.addresses("localhost");
//
// DESCRIPTION
//     resolv.conf(5): nameserver, search, domain, options (ndots timeout attempts rotate use-vc edns0 no-aaaa
//     trust-ad). A server may carry a port, which resolv.conf(5) does not know: "nameserver [127.0.0.1]:5353";
//     instances under test have name servers on high ports. Without a nameserver line the server is 127.0.0.1. Unknown
//     words are ignored as the manual says, and listed in warnings as "path:line: …".
//
// LIMITS
//     8 servers, 16 search domains, ndots 15, timeout 30 s, attempts 5; hosts: 64 Ki lines.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/base/strings.h"
#include "libcommon/net/address.h"

namespace umaya::dns {

struct ResolvConf {
  std::vector<net::Endpoint> servers;  ///< never empty after parsing
  std::vector<std::string> search;     ///< without trailing dots
  int ndots = 1;
  Duration timeout = std::chrono::seconds(5);  ///< for one server, one attempt
  int attempts = 2;
  bool rotate = false;
  bool use_tcp = false;
  bool trust_ad = false;  ///< the AD bit of these servers is believed
  bool no_aaaa = false;
  std::vector<std::string> warnings{};
};

/// Reads the text of a resolv.conf; path is for the warnings. host_name gives the domain when neither search nor
/// domain stands there (what follows its first dot).
ResolvConf parse_resolv_conf(std::string_view text, std::string_view path, std::string_view host_name = {});

/// Reads the file; one that does not exist counts as empty (resolv.conf(5)).
Result<ResolvConf> load_resolv_conf(const std::string& path);

/// The names to try for a name that a person wrote, in order (search list and ndots).
std::vector<std::string> search_names(const ResolvConf& conf, std::string_view name);

/// hosts(5).
class HostsFile {
 public:
  static HostsFile parse(std::string_view text);
  /// A file that cannot be read counts as empty.
  static HostsFile load(const std::string& path);

  /// Every address of a name, in the order of the file.
  std::vector<net::IpAddress> addresses(std::string_view name) const;
  /// The first name of an address; empty when it is not there.
  std::string name_of(const net::IpAddress& address) const;

 private:
  struct Line {
    net::IpAddress address;
    std::vector<std::string> names;
  };
  std::vector<Line> lines_;
};

}  // namespace umaya::dns
