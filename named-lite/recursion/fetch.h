// NAME    fetch - finds out one set of records from those who serve it
//
// DESCRIPTION
//     Goes down the tree from the nearest delegation that is known (RFC 1034 5.3.3), showing each zone one label more
//     of the name than it needs to tell where to go on (RFC 9156, relaxed: an error or "no such name" for a part of
//     the name is not believed, the whole name is asked for). Of the servers of a zone the fastest one that is in order
//     is asked; addresses that are missing are looked up as fetches of their own. What comes is taken apart by
//     interpret() and only then goes into the caches. Of strict minimisation the error for a part of a name is the
//     answer.
//
// OWNERSHIP
//     Lives in the frame of the task that runs it; recursor and flight outlive it.
//
// LIMITS
//     WorkLimits: questions of this fetch and of all that one client's question causes, time, depth.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "named-lite/recursion/recursor.h"

namespace umaya::named {

class Fetch {
 public:
  Fetch(Recursor& recursor, Flight& flight, WorkPtr work, int depth);
  event::Task<FetchResult> run();

 private:
  /// A question to one server.
  struct Ask {
    std::string_view zone;
    std::string_view name;
    uint16_t type = 0;
    bool forwarded = false;
  };
  /// How it is sent; errors make it simpler.
  struct Way {
    bool over_tcp = false;
    bool plain = false;  ///< without EDNS
    bool cookie_tried = false;
  };
  struct Candidate {
    net::Endpoint at;
    uint8_t tries = 0;
    bool dead = false;
  };
  struct ZoneServers {
    std::vector<Candidate> candidates{};
    std::vector<std::string> missing{};  ///< names of servers without address
    uint8_t lookups_left = 0;
  };
  enum class Then : unsigned char { use, again, give_up };

  std::optional<FetchResult> from_own_zone(const ServedZone& zone, Delegation& cut);
  event::Task<FetchResult> below(Delegation base);
  event::Task<Delegation> root();
  event::Task<Delegation> stub();
  event::Task<Delegation> primed(std::string_view zone, const Delegation& from);
  event::Task<FetchResult> iterate(Delegation at);
  event::Task<Meaning> ask_zone(const Delegation& at, Ask ask);
  event::Task<Meaning> ask_server(net::Endpoint server, Ask ask);
  event::Task<UpstreamReply> exchange(net::Endpoint server, const UpstreamRequest& request);
  event::Task<void> add_missing(ZoneServers& servers);

  UpstreamRequest make_request(const net::Endpoint& server, const Ask& ask, const Way& way) const;
  Then judge(const net::Endpoint& server, const UpstreamRequest& request, const UpstreamReply& reply, Way& way);
  Then judge_answer(const net::Endpoint& server, const UpstreamRequest& request, const Reply& reply, Way& way);
  bool note_cookie(const net::Endpoint& server, const UpstreamRequest& request, const Reply& reply, Way& way);
  Meaning meaning_of(const Reply& reply, const Ask& ask) const;
  bool is_final(const Meaning& meaning, const Ask& ask, Candidate& candidate);

  ZoneServers gather(const Delegation& at) const;
  Candidate* choose(ZoneServers& servers, const Ask& ask);
  bool acceptable(const net::IpAddress& address, bool configured) const;
  void add_addresses(const Entry& entry, ZoneServers& servers) const;

  /// The next name to show to the zone; true: it is the whole name.
  bool show_more(std::string_view zone, std::string& name);
  bool may_ask();
  Delegation bounded(const Meaning& meaning, const Delegation& parent) const;
  bool keep_hinted_addresses(Delegation& learned) const;
  FetchResult finish(Meaning meaning);
  FetchResult failed(uint16_t rcode) const;
  bool is_priming() const;
  Delegation stub_servers() const;
  FetchResult nothing_below(Meaning meaning);
  /// What the configuration says of a server; nullptr: nothing.
  const ServerPolicy* policy(const net::IpAddress& address) const;
  bool over_quota(OverQuota action);
  const RecursionSettings& settings() const { return recursor_.settings_; }

  Recursor& recursor_;
  Flight& flight_;
  WorkPtr work_;
  int depth_;
  const Route* route_;
  uint16_t queries_left_;
  uint16_t error_ = extended_error::kNone;
  bool quota_ = false;
  bool drop_ = false;     // the client gets no answer
  size_t shown_ = 0;      // labels that the zone has seen
  size_t minimised_ = 0;  // questions that showed a part
  bool show_all_ = false;
};

}  // namespace umaya::named
