// NAME    host_list - the hosts of a database: their names, which of them to ask, which are down
//
// SYNOPSIS
//     auto hosts = parse_hosts(parameters.words("hosts", "localhost"), HostStyle::pgsql);
//     HostChooser chooser(hosts, HostOrder::random, 60s);
//     if (auto index = chooser.choose(tried, now)) …
//     chooser.mark_down(*index, now);
//
// DESCRIPTION
//     "unix:/path", "inet:host:port", "host:port"; for pgsql also a connection URI. Hosts that are reached by a socket
//     of this machine come first, those by TCP next, URIs last, each group in random order; or all in the order in
//     which they are listed. A host that is down is passed over until its retry interval is over.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"

namespace umaya::databases {

struct Host {
  enum class Kind : unsigned char { local, network, uri };
  Kind kind = Kind::network;
  std::string name;  ///< host or path; the whole for an URI, which may hold a password
  std::string port;
  std::string shown;  ///< for messages, without secrets
};

enum class HostStyle : unsigned char { pgsql, mysql };
enum class HostOrder : unsigned char { random, listed };

std::vector<Host> parse_hosts(const std::vector<std::string>& words, HostStyle style);

class HostChooser {
 public:
  HostChooser(const std::vector<Host>& hosts, HostOrder order, Duration retry);
  /// A host that is neither tried nor down.
  std::optional<size_t> choose(const std::vector<bool>& tried, TimePoint now) const;
  void mark_down(size_t index, TimePoint now) { down_until_[index] = now + retry_; }
  void mark_up(size_t index) { down_until_[index] = {}; }
  bool is_down(size_t index, TimePoint now) const { return now < down_until_[index]; }
  Host::Kind kind(size_t index) const { return kinds_[index]; }
  size_t size() const { return kinds_.size(); }

 private:
  std::vector<Host::Kind> kinds_;
  std::vector<TimePoint> down_until_;
  HostOrder order_;
  Duration retry_;
};

}  // namespace umaya::databases
