// NAME    resolver - asks the name servers of resolv.conf
//
// SYNOPSIS
//     auto resolver = dns::StubResolver::open({.resolv_conf = "/etc/resolv.conf"});     // Result<unique_ptr>
//     dns::Answer a = co_await (*resolver)->query("example.org", dns::Type::mx);
//     if (a.status == dns::Status::no_name) …      // definite;  fail, refused, timed_out: try again later
//     auto hosts = co_await dns::addresses_of(**resolver, "mx.example.org", dns::Families::both);
//     auto peer = co_await dns::peer_name(**resolver, address);                        // smtpd: verified client name
//
// DESCRIPTION
//     Resolver is an interface, so that tests put a table in its place. StubResolver sends one question by UDP from a
//     socket of its own (random port and id, the question in the answer is checked; RFC 5452), goes over to TCP when
//     the answer is cut, asks the next server when one is silent or fails, follows aliases that leave an answer, and
//     remembers answers for their TTL. Equal questions that are under way at the same time are asked once. A changed
//     resolv.conf is noticed within five seconds.
//
// OWNERSHIP
//     The resolver outlives the tasks that wait on it.
//
// ERRORS
//     None but Answer::status. The time for one question is bounded by servers x attempts x timeout of resolv.conf.
//
// LIMITS
//     4096 answers remembered, 256 questions under way; more wait for their turn.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/dns/cache.h"
#include "libcommon/dns/message.h"
#include "libcommon/dns/mx_order.h"
#include "libcommon/dns/resolv_conf.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/net/address.h"

namespace umaya::dns {

class Resolver {
 public:
  virtual ~Resolver() = default;
  /// co_await: what the name service says about exactly this name (no search list).
  virtual event::Task<Answer> query(std::string name, Type type) = 0;
  /// What resolv.conf says now.
  virtual const ResolvConf& conf() const = 0;
  /// What /etc/hosts says.
  virtual const HostsFile& hosts() const = 0;
};

class StubResolver : public Resolver {
 public:
  struct Options {
    std::string resolv_conf = "/etc/resolv.conf";
    std::string hosts = "/etc/hosts";
    size_t cache_limit = 4096;
    size_t concurrency = 256;
  };
  /// Reads both files; warnings about resolv.conf go to the log. Error: resolv.conf exists and cannot be read.
  static Result<std::unique_ptr<StubResolver>> open(Options options);

  event::Task<Answer> query(std::string name, Type type) override;
  const ResolvConf& conf() const override { return conf_; }
  const HostsFile& hosts() const override { return hosts_; }
  /// Forgets all answers and reads both files again.
  void reload();
  /// Questions that went out to a server (for tests and statistics).
  size_t sent() const { return sent_; }

 private:
  struct Flight;
  // The net result of asking one server once.
  struct Reply {
    Status status = Status::timed_out;
    Message message{};
  };
  explicit StubResolver(Options options);
  void refresh();
  event::Task<void> fly(std::shared_ptr<Flight> flight);
  event::Task<Answer> resolve(std::string name, Type type);
  event::Task<Answer> ask_servers(Query query);
  event::Task<Reply> ask(net::Endpoint server, Query query);
  event::Task<Reply> ask_udp(net::Endpoint server, std::string wire, Query query, TimePoint until);
  event::Task<Reply> ask_tcp(net::Endpoint server, std::string wire, Query query, TimePoint until);

  Options options_;
  ResolvConf conf_;
  HostsFile hosts_;
  AnswerCache cache_;
  // A question under way. Shared by the task that asks and every task that waits for it: any of them may end first.
  StringMap<std::shared_ptr<Flight>> flights_;
  event::Semaphore slots_;
  TimePoint checked_{};
  int64_t file_time_ = 0;
  size_t rotation_ = 0;
  size_t sent_ = 0;
  event::TaskScope scope_;  // last: its tasks use all of the above
};

/// The TTL of what no name server told: /etc/hosts, a numeric address.
inline constexpr uint32_t kForeverTtl = UINT32_MAX;

/// Addresses of a host.
struct Addresses {
  Status status = Status::timed_out;  ///< found when there is at least one
  std::vector<net::IpAddress> list;
  std::string error;           ///< for the log and the sender, empty when found
  uint32_t ttl = kForeverTtl;  ///< seconds: the least of the answers that gave an address
  bool authenticated = false;  ///< each of those answers was (AD)
};

/// co_await: the A and AAAA records of a host, IPv4 first; exactly this name. When only one of the two questions fails,
/// what the other one gave is used.
event::Task<Addresses> addresses_of(Resolver& resolver, std::string name, Families families);

/// co_await: as getaddrinfo(3) would: numeric form, /etc/hosts, then DNS with the search list.
event::Task<Addresses> native_addresses_of(Resolver& resolver, std::string name, Families families);

/// co_await: query() for each name of the search list until one is found; a server that cannot answer ends the search.
event::Task<Answer> search(Resolver& resolver, std::string name, Type type);

/// What the name service says about a client.
struct PeerName {
  std::string name = "unknown";          ///< PTR name that leads back to the address
  std::string reverse_name = "unknown";  ///< PTR name, whether or not it leads back
  Status name_status = Status::no_name;  ///< of name: found, definite no, or not known
  Status reverse_status = Status::no_name;
  std::string warning{};  ///< for the log: "hostname X does not resolve to address A", empty when all is well
};

/// co_await: PTR look-up and forward check (Postfix: smtpd_peername_lookup).
event::Task<PeerName> peer_name(Resolver& resolver, net::IpAddress address);

}  // namespace umaya::dns
