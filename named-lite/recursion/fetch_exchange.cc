// The part of a fetch that deals with one server: a question, and what becomes of its answer.
#include <algorithm>

#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "named-lite/answer/query.h"
#include "named-lite/dns/wire.h"
#include "named-lite/recursion/fetch.h"

namespace umaya::named {

namespace {

constexpr std::chrono::hours kPlainTime{1};
constexpr std::chrono::milliseconds kForwarderWait{1500};
constexpr std::chrono::seconds kTcpWait{3};
constexpr uint16_t kBadCookie = 23;  // RFC 7873 8
constexpr int kTriesOfServer = 4;    // TCP, without EDNS, with another cookie …

/// Counts while it lives.
class ServerSlot {
 public:
  ServerSlot(ServerBook& book, net::Endpoint server) : book_(book), server_(server) { ++book_.of(server_).under_way; }
  ServerSlot(const ServerSlot&) = delete;
  ServerSlot& operator=(const ServerSlot&) = delete;
  ~ServerSlot() {
    ServerState& state = book_.of(server_);
    if (state.under_way > 0) --state.under_way;  // it may have been forgotten meanwhile
  }

 private:
  ServerBook& book_;
  net::Endpoint server_;
};

std::string with_random_case(std::string_view name) {
  std::string mixed(name);
  uint64_t bits = 0;
  int left = 0;
  for (char& c : mixed) {
    if (!ascii_alpha(c)) continue;
    if (left == 0) {
      bits = random_u64();
      left = 64;
    }
    c = (bits & 1) != 0 ? ascii_upper(c) : ascii_lower(c);
    bits >>= 1;
    --left;
  }
  return mixed;
}

}  // namespace

UpstreamRequest Fetch::make_request(const net::Endpoint& server, const Ask& ask, const Way& way) const {
  const ServerState& state = recursor_.servers_.of(server);
  UpstreamRequest request;
  const ServerPolicy* said = policy(server.address);
  request.server = server;
  request.over_tcp = way.over_tcp;
  request.exact_case = settings().randomise_case && !state.breaks_case && !way.over_tcp;
  request.most_mismatches = settings().limits.mismatches;
  bool refused = state.edns == EdnsState::refused && state.edns_again > recursor_.now().time_since_epoch().count();
  std::string name = settings().randomise_case ? with_random_case(ask.name) : std::string(ask.name);
  std::string cookie;
  UpstreamQuestion question{static_cast<uint16_t>(random_below(65536)), name, ask.type, ask.forwarded};
  question.edns = !way.plain && !refused && (said == nullptr || said->edns);
  question.dnssec_ok = settings().want_dnssec && question.edns;
  question.udp_size = said != nullptr && said->udp_size != 0 ? said->udp_size : settings().udp_size;
  if (settings().cookies && question.edns && (said == nullptr || said->cookies)) {
    cookie = state.cookie();
    question.cookie = cookie;
    request.client_cookie = cookie.substr(0, kClientCookie);
  }
  request.packet = write_question(question);
  if (said != nullptr) request.key = said->key;
  request.limit = way.over_tcp ? Duration(kTcpWait) : state.time_limit();
  if (ask.forwarded) request.limit = std::max(request.limit, Duration(kForwarderWait));
  request.limit = std::min<Duration>(request.limit, work_->until - recursor_.now());
  return request;
}

event::Task<UpstreamReply> Fetch::exchange(net::Endpoint server, const UpstreamRequest& request) {
  --queries_left_;
  --work_->queries_left;
  RecursionCounters& counters = recursor_.counters_;
  ++counters.upstream_queries;
  if (request.over_tcp) ++counters.upstream_tcp;
  ServerSlot slot(recursor_.servers_, server);
  UpstreamReply reply = co_await recursor_.upstream_.exchange(request);
  counters.mismatches += reply.mismatches;
  if (reply.status == UpstreamStatus::answered) recursor_.servers_.answered(server, reply.took);
  bool silent = reply.status == UpstreamStatus::timed_out && reply.mismatches == 0;
  bool useless = reply.status == UpstreamStatus::unreachable || reply.status == UpstreamStatus::broken;
  if (silent || useless) {
    ++counters.upstream_timeouts;
    recursor_.servers_.timed_out(server, recursor_.now());
    error_ = silent ? extended_error::kNoReachableAuthority : extended_error::kNetworkError;
  }
  co_return reply;
}

event::Task<Meaning> Fetch::ask_server(net::Endpoint server, Ask ask) {
  Way way;
  const ServerPolicy* said = policy(server.address);
  way.over_tcp = said != nullptr && said->tcp_only;
  for (int i = 0; i < kTriesOfServer && may_ask(); ++i) {
    UpstreamRequest request = make_request(server, ask, way);
    UpstreamReply reply = co_await exchange(server, request);
    Then then = judge(server, request, reply, way);
    if (then == Then::again) {
      ++recursor_.counters_.retries;
      continue;
    }
    if (then == Then::use) co_return meaning_of(reply.reply, ask);
    bool silent = reply.status == UpstreamStatus::timed_out;
    co_return error_meaning(silent ? Says::silence : Says::error);
  }
  co_return error_meaning(Says::error);
}

Fetch::Then Fetch::judge(const net::Endpoint& server, const UpstreamRequest& request, const UpstreamReply& reply,
                         Way& way) {
  switch (reply.status) {
    case UpstreamStatus::answered:
      return judge_answer(server, request, reply.reply, way);
    case UpstreamStatus::suspicious:
      way.over_tcp = true;
      return Then::again;
    case UpstreamStatus::timed_out:
      // Something came that was not the answer: perhaps the answer of a server that changes the letters' case.
      if (reply.mismatches == 0 || way.over_tcp) return Then::give_up;
      way.over_tcp = true;
      return Then::again;
    case UpstreamStatus::no_resources:
      quota_ = true;
      return Then::give_up;
    default:
      return Then::give_up;
  }
}

/// RFC 7873 5.3: keeps the server's cookie. False: the answer lacks the cookie that it should have.
bool Fetch::note_cookie(const net::Endpoint& server, const UpstreamRequest& request, const Reply& reply, Way& way) {
  if (request.client_cookie.empty()) return true;
  ServerState& state = recursor_.servers_.of(server);
  if (reply.cookie.size() > kClientCookie) {
    state.server_cookie_size = static_cast<uint8_t>(reply.cookie.size() - kClientCookie);
    std::copy(reply.cookie.begin() + kClientCookie, reply.cookie.end(), state.server_cookie.begin());
    return true;
  }
  if (state.server_cookie_size == 0) return true;
  if (way.over_tcp) {
    state.server_cookie_size = 0;  // it has stopped to give them
    return true;
  }
  way.over_tcp = true;
  return false;
}

Fetch::Then Fetch::judge_answer(const net::Endpoint& server, const UpstreamRequest& request, const Reply& reply,
                                Way& way) {
  ServerState& state = recursor_.servers_.of(server);
  bool sent_edns = request.packet[11] != 0;
  bool refuses_edns = reply.rcode == rcode::kBadVers ||
                      ((reply.rcode == rcode::kFormErr || reply.rcode == rcode::kNotImp) && !reply.has_edns);
  if (sent_edns && refuses_edns && state.edns != EdnsState::works) {
    way.plain = true;
    ++recursor_.counters_.plain;
    return Then::again;
  }
  if (!note_cookie(server, request, reply, way)) return Then::again;
  if (reply.rcode == kBadCookie) {
    if (way.over_tcp) return Then::give_up;
    way.over_tcp = way.cookie_tried;
    way.cookie_tried = true;
    return Then::again;
  }
  if (reply.truncated) {
    if (way.over_tcp) return Then::give_up;
    way.over_tcp = true;
    return Then::again;
  }
  if (way.over_tcp && settings().randomise_case && reply.has_question) {
    state.breaks_case = reply.question != request.packet.substr(kMessageHeader, reply.question.size());
  }
  bool of_use = reply.rcode == rcode::kNoError || reply.rcode == rcode::kNxDomain;
  if (sent_edns && reply.has_edns) {
    state.edns = EdnsState::works;
  } else if (way.plain && of_use) {
    state.edns = EdnsState::refused;
    state.edns_again = (recursor_.now() + kPlainTime).time_since_epoch().count();
  }
  return Then::use;
}

Meaning Fetch::meaning_of(const Reply& reply, const Ask& ask) const {
  Asked asked;
  asked.zone = ask.zone;
  asked.name = ask.name;
  asked.type = ask.type;
  asked.of_forwarder = ask.forwarded;
  asked.most_steps = settings().limits.restarts;
  asked.most_servers = settings().limits.name_servers;
  asked.most_addresses = settings().limits.addresses;
  asked.primes = is_priming();
  asked.ttl = {settings().min_ttl, settings().max_ttl};
  asked.negative_ttl = {settings().min_negative_ttl, settings().max_negative_ttl};
  // An alias may lead into a zone for which somebody else is to be asked.
  asked.believed = [this](std::string_view name) {
    uint16_t view = flight_.key.view;
    return &recursor_.routes_[view].find(name) == route_ && recursor_.own_zone(view, name, 0) == nullptr;
  };
  return interpret(reply, asked);
}

}  // namespace umaya::named
