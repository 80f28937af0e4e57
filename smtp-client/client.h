// NAME    client - what all deliveries of one smtp or lmtp process share
//
// DESCRIPTION
//     The parameters, the resolver, the idle sessions, the tables, and what is known about this host. Made once at
//     start; open_session() brings a connection to the point where a transaction may begin.
//
// OWNERSHIP
//     Outlives every delivery.
#pragma once

#include <expected>
#include <memory>
#include <set>
#include <string>

#include "libcommon/dns/mail_route.h"
#include "libcommon/event/worker_pool.h"
#include "libcommon/services/status_filter.h"
#include "libcommon/table/maps.h"
#include "libcommon/table/match_list.h"
#include "libcommon/table/search.h"
#include "smtp-client/content.h"
#include "smtp-client/content_edit.h"
#include "smtp-client/idle_sessions.h"
#include "smtp-client/params.h"
#include "smtp-client/security/rules.h"
#include "smtp-client/transaction.h"

namespace umaya::smtp_client {

using SessionOrFailure = std::expected<std::unique_ptr<Session>, Failure>;

/// in_the_clear: TLS has failed with this server, and need not be.
enum class Attempt : uint8_t { as_configured, in_the_clear };

class Client {
 public:
  /// For tests: a resolver of their own.
  Client(Protocol protocol, Params params, std::unique_ptr<dns::Resolver> resolver);
  /// As main.cf says.
  static Result<std::unique_ptr<Client>> create(Protocol protocol, const config::Config& config);

  /// Reads authorities, certificates and keys; part of create(). Where that fails, mail that need not be encrypted
  /// still goes.
  void open_tls();
  /// co_await: the hosts of a destination, or why there are none.
  event::Task<dns::MailRoute> find_hosts(Destination destination);
  /// co_await: connects, says hello, starts TLS, logs in. nexthop stands in texts; security outlives the task.
  event::Task<SessionOrFailure> open_session(Peer peer, std::string nexthop, const Security& security,
                                             Attempt attempt = Attempt::as_configured);
  Timeouts timeouts() const;
  /// co_await: an envelope address as the generic maps have it, in internal form. Error: a table could not be asked.
  event::Task<Result<std::string>> outward(std::string address);
  /// The process shall end: closes idle sessions.
  void stop();
  /// Remembers a server that offered BDAT and then did not know it.
  void note_without_bdat(const Peer& peer);
  /// Whether a session that has served may wait for another message.
  bool may_keep(const Session& session, std::string_view nexthop) const;

  const Protocol protocol;
  const Params params;
  const std::unique_ptr<dns::Resolver> resolver;
  std::unique_ptr<tls::Client> tls;  ///< none: TLS is not wanted, or its settings cannot be used
  SecurityRules security;
  IdleSessions idle;
  Scratch scratch;
  services::delivery::StatusFilter status_filter;
  EditRules edit_rules;                ///< tables that change the text
  std::set<std::string> without_bdat;  ///< addresses of servers that offered BDAT and then did not know it

 private:
  event::Task<Result<Fd>> connect_socket(const Peer& peer);
  event::Task<std::optional<Failure>> make_ready(Session& session, Hello hello, const Security& security,
                                                 Attempt attempt);
  Hello hello_for(const Session& session, std::string nexthop);
  dns::RouteOptions route_options(const Destination& destination) const;
  std::vector<std::string> discarded_keywords(const Peer& peer);

  dns::OwnHost own_;
  table::Maps discard_maps_;
  table::Maps reply_filter_;
  table::MatchList mechanism_filter_;
  event::WorkerPool workers_{2};
};

}  // namespace umaya::smtp_client
