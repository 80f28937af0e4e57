// NAME    service - what an smtpd process holds for all its sessions, and how a connection becomes one
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "libcommon/daemon/daemon.h"
#include "smtpd/agent_room.h"
#include "smtpd/route_policy.h"
#include "smtpd/seats.h"
#include "smtpd/session.h"

namespace umaya::smtpd {

/// What the service speaks; with LMTP it puts messages into mailboxes itself.
enum class Protocol : uint8_t { smtp, lmtp };

class Service {
 public:
  /// Reads the parameters and opens the tables, with the privileges of the start.
  static Result<std::unique_ptr<Service>> create(daemon::Process& process, Protocol protocol);
  ~Service();
  /// One connection from accept to close.
  event::Task<void> serve(Fd fd, event::PeerAddress peer);
  /// sendmail -bs: one session on standard input and output; gives the exit code.
  event::Task<int> stand_alone();
  /// Reads what concerns TLS, and gets the certificate before the first client comes; for network service only.
  Result<void> start_tls();
  /// Idle sessions say good-bye.
  void stop();

 private:
  explicit Service(Protocol protocol) : protocol_(protocol) {}
  Result<void> load(daemon::Process& process);
  Result<void> make_shared();
  event::Task<void> converse(event::Stream& stream, Client client);
  event::Task<bool> read_proxy_header(event::Stream& stream, std::optional<net::Endpoint>& from);
  std::string seat_key(const Client& client) const;
  void note_load();
  void hurry_sessions();
  void read_rewrite_clients();
  void read_reply_settings();
  Result<void> read_filter();
  event::Task<void> warm_up();
  Result<void> read_logins();
  Result<void> read_lmtp();
  void look_at_space();
  /// Names, and what they and the address allow; may wait for the name service.
  event::Task<Client> identify(Client client);
  void classify(Client& client);
  bool own_address(const net::IpAddress& address) const;

  Protocol protocol_;
  daemon::Process* process_ = nullptr;
  Params params_;
  table::Options table_options_;
  std::vector<net::IpAddress> own_addresses_;
  std::unique_ptr<dns::StubResolver> resolver_;
  std::unique_ptr<route::Router> router_;
  std::unique_ptr<RoutePolicy> addresses_;
  std::unique_ptr<Policy> policy_;
  std::unique_ptr<ipc::ChannelPool> cleanup_, flush_;
  std::unique_ptr<ClientCounts> counts_;
  std::unique_ptr<fs::FreeSpace> space_;
  std::unique_ptr<Filter> filter_;
  std::unique_ptr<Mailboxes> mailboxes_;
  std::unique_ptr<LoginServer> logins_;
  std::unique_ptr<services::RecentLogins> recent_logins_;
  std::unique_ptr<AgentRoom> room_;
  std::unique_ptr<table::Maps> sender_logins_;
  table::MatchList mynetworks_, limit_exceptions_;
  table::Maps command_filter_, footer_maps_, client_certificates_;
  std::unique_ptr<tls::Server> tls_;
  std::unique_ptr<Shared> shared_;
  std::set<Session*> sessions_;
  std::unique_ptr<Seats> seats_;
  std::optional<event::Timer> hurry_;
};

}  // namespace umaya::smtpd
