// NAME    delivery - one request of the queue manager: find servers, try them in turn, answer for every recipient
//
// SYNOPSIS
//     Delivery delivery(client, job.request, job.message.get());
//     services::delivery::Reply reply = co_await delivery.run();
//
// DESCRIPTION
//     Destinations of the nexthop, then the fallback relays; for each an idle connection first, then the hosts of the
//     destination in order. A recipient that a server refuses for now is tried with the next server; one that is
//     refused for good is done. What is left at the end has the last reason that concerned it. Every recipient's status
//     line is logged here.
//
//     Where TLS fails although it was offered, and need not be, a message that has waited for minimal_backoff_time goes
//     over a new connection in the clear; one that needs a log-in never does.
//
//     A connection that had served before and turns out to be closed when it is used again costs nothing: the message
//     goes over a new one. A relayhost or fallback relay that is refused or unknown for good is taken for a mistake in
//     the configuration, and keeps the mail.
//
// OWNERSHIP
//     Borrows client, request and file descriptor.
//
// LIMITS
//     smtp_mx_session_limit sessions and smtp_mx_address_limit addresses for each destination.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/services/delivery.h"
#include "libcommon/services/delivery_log.h"
#include "smtp-client/client.h"

namespace umaya::smtp_client {

class Delivery {
 public:
  Delivery(Client& client, const services::delivery::Request& request, int file);
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  event::Task<services::delivery::Reply> run();

 private:
  /// What is known of one recipient.
  struct Progress {
    const services::delivery::Target* target = nullptr;
    bool done = false;
    std::string address;             ///< external form, generic maps applied
    std::optional<Failure> failure;  ///< the last one
    Peer peer;                       ///< that said so
    unsigned conn_use = 0;
  };
  enum class Next : uint8_t {
    stop,
    go_on,
    stale,  ///< an idle connection turned out to be closed: as if it had not been there
  };

  event::Task<bool> prepare();
  event::Task<void> try_all();
  event::Task<Next> try_destination(Destination destination);
  event::Task<void> try_idle(Destination destination);
  event::Task<Next> try_host(Peer peer, Destination destination);
  event::Task<SessionOrFailure> connect(Peer peer, const Security& security);
  bool may_go_in_the_clear(const Security& security) const;
  bool has_answered(const net::Endpoint& server) const;
  event::Task<Next> try_hosts(std::vector<Peer> peers, Destination destination);
  event::Task<Next> try_session(std::unique_ptr<Session> session, bool was_idle, Destination destination);
  std::vector<Peer> peers_of(const Destination& destination, std::vector<dns::MailHost> hosts) const;
  bool passes_to_best_mx();
  std::optional<Failure> unfit(const Session& session) const;
  void absorb(const Transaction& transaction, const std::vector<Progress*>& asked, const Session& session);
  void fail_pending(const Failure& failure, const Peer& peer, unsigned conn_use);
  void destination_failed(Failure failure, bool is_fallback);
  std::vector<Progress*> pending();
  bool needs_utf8();
  Content& content_for(const Session& session);
  void finish_sent(Progress& progress, const Outcome& outcome, const Session& session);
  void finish_failed(Progress& progress);
  void log_status(const Progress& progress, const services::delivery::RecipientResult& result, std::string_view status);
  void announce_reuse(const Session& session, const Security& security) const;
  void announce_skipped();

  Client& client_;
  const services::delivery::Request& request_;
  FileContent file_;
  std::unique_ptr<EditedContent> edited_;
  std::string sender_;
  std::vector<Progress> recipients_;
  services::delivery::Reply reply_;
  std::vector<net::Endpoint> tried_;  // servers that have had their say about this destination
  std::vector<std::string> skipped_;  // reasons not to stay with the last server, for the log
  std::optional<Failure> site_trouble_;
  int64_t handed_usec_;
  int64_t connected_usec_ = 0;
  unsigned sessions_ = 0;
  std::vector<net::Endpoint> answered_;  ///< servers of this destination that have given their answer
  std::optional<bool> needs_utf8_;
};

}  // namespace umaya::smtp_client
