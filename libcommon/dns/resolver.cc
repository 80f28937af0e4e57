#include "libcommon/dns/resolver.h"

#include <sys/stat.h>

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "libcommon/base/random.h"
#include "libcommon/dns/name.h"
#include "libcommon/event/datagram.h"
#include "libcommon/event/stream.h"
#include "libcommon/log/log.h"

namespace umaya::dns {

using event::Task;

namespace {

constexpr Duration kCheckFileEvery = std::chrono::seconds(5);
constexpr size_t kMaxTcpAnswer = 65535;

event::PeerAddress peer_of(const net::Endpoint& server) {
  event::PeerAddress peer;
  peer.size = server.to_sockaddr(peer.storage);
  return peer;
}

int64_t modification_time(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return 0;
  return st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
}

Answer failed_answer(std::string name, Type type, Status status) {
  Answer answer;
  answer.status = status;
  answer.name = std::move(name);
  answer.type = type;
  return answer;
}

// The server is worth another try with a plain query when it does not understand EDNS (RFC 6891 7).
bool dislikes_edns(const Message& message) {
  return message.rcode == Rcode::format || message.rcode == Rcode::not_implemented;
}

}  // namespace

struct StubResolver::Flight {
  std::string key;
  std::string name;
  Type type;
  Answer answer;
  event::Event done;
};

StubResolver::StubResolver(Options options)
    : options_(std::move(options)), cache_(options_.cache_limit), slots_(options_.concurrency) {}

Result<std::unique_ptr<StubResolver>> StubResolver::open(Options options) {
  std::unique_ptr<StubResolver> resolver(new StubResolver(std::move(options)));
  UMAYA_TRY(resolver->conf_, load_resolv_conf(resolver->options_.resolv_conf));
  for (const std::string& warning : resolver->conf_.warnings) log::warning("{}", warning);
  resolver->hosts_ = HostsFile::load(resolver->options_.hosts);
  resolver->file_time_ = modification_time(resolver->options_.resolv_conf);
  resolver->checked_ = monotonic_now();
  return resolver;
}

void StubResolver::reload() {
  auto conf = load_resolv_conf(options_.resolv_conf);
  if (!conf) return log::warning("{}: the old settings stay in force", conf.error().what);
  for (const std::string& warning : conf->warnings) log::warning("{}", warning);
  conf_ = std::move(*conf);
  hosts_ = HostsFile::load(options_.hosts);
  cache_.clear();
}

void StubResolver::refresh() {
  TimePoint now = monotonic_now();
  if (now - checked_ < kCheckFileEvery) return;
  checked_ = now;
  int64_t time = modification_time(options_.resolv_conf);
  if (time == 0 || time == file_time_) return;
  file_time_ = time;
  reload();
}

Task<Answer> StubResolver::query(std::string name, Type type) {
  refresh();
  name = canonical_name(name);
  if (const Answer* known = cache_.find(name, type, monotonic_now())) co_return *known;
  std::string key = std::to_string(static_cast<unsigned>(type)) + ' ' + name;
  std::shared_ptr<Flight> flight;
  if (auto under_way = flights_.find(key); under_way != flights_.end()) {
    flight = under_way->second;
  } else {
    flight = std::make_shared<Flight>();
    flight->key = key;
    flight->name = std::move(name);
    flight->type = type;
    flights_.emplace(std::move(key), flight);
    scope_.spawn(fly(flight));
  }
  co_await flight->done.wait();
  co_return flight->answer;
}

Task<void> StubResolver::fly(std::shared_ptr<Flight> flight) {
  co_await slots_.acquire();
  flight->answer = co_await resolve(flight->name, flight->type);
  slots_.release();
  cache_.put(flight->name, flight->type, flight->answer, monotonic_now());
  flights_.erase(flight->key);
  flight->done.set();
}

/// Follows aliases that lead out of one server's answer.
Task<Answer> StubResolver::resolve(std::string name, Type type) {
  Answer answer;
  std::string next = name;
  uint32_t ttl = UINT32_MAX;
  bool alias = false;
  for (int hops = 0; hops <= kMaxAliases; ++hops) {
    Query query{.id = 0, .name = next, .type = type, .recursion = true, .edns = true, .dnssec = conf_.trust_ad};
    answer = co_await ask_servers(std::move(query));
    ttl = answer.ttl = std::min(ttl, answer.ttl);
    alias = answer.is_alias = alias || answer.is_alias;
    if (answer.alias.empty() || answer.alias == next) co_return answer;
    next = answer.alias;
  }
  co_return failed_answer(std::move(name), type, Status::malformed);
}

/// Asks one server after the other until one gives a definite answer.
Task<Answer> StubResolver::ask_servers(Query query) {
  if (!build_query(query)) co_return failed_answer(query.name, query.type, Status::invalid);
  const std::vector<net::Endpoint> servers = conf_.servers;  // a reload may change the list while we wait
  const size_t first = conf_.rotate ? rotation_++ : 0;
  const int attempts = conf_.attempts;
  Answer worst = failed_answer(query.name, query.type, Status::timed_out);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    for (size_t i = 0; i < servers.size(); ++i) {
      query.id = static_cast<uint16_t>(random_u64());
      Reply reply = co_await ask(servers[(first + i) % servers.size()], query);
      if (reply.status != Status::found) {
        if (worst.status == Status::timed_out) worst.status = reply.status;
        continue;
      }
      Answer answer = interpret(reply.message, query);
      if (is_definite(answer.status)) co_return answer;
      worst.status = answer.status;
    }
    // A second round helps against lost packets, not against servers that did answer.
    if (worst.status != Status::timed_out) break;
  }
  co_return worst;
}

/// One server, one question. Status::found means that there is a message to look at.
Task<StubResolver::Reply> StubResolver::ask(net::Endpoint server, Query query) {
  const TimePoint until = monotonic_now() + conf_.timeout;
  const bool tcp = conf_.use_tcp;
  for (;;) {
    std::string wire = build_query(query).value_or("");
    ++sent_;
    Reply reply;
    if (!tcp) reply = co_await ask_udp(server, wire, query, until);
    if (tcp || (reply.status == Status::found && reply.message.truncated)) {
      reply = co_await ask_tcp(server, std::move(wire), query, until);
    }
    if (reply.status == Status::found && query.edns && dislikes_edns(reply.message)) {
      query.edns = false;
      continue;
    }
    co_return reply;
  }
}

Task<StubResolver::Reply> StubResolver::ask_udp(net::Endpoint server, std::string wire, Query query, TimePoint until) {
  Reply reply;
  auto socket = event::DatagramSocket::create(server.address.is_v4() ? AF_INET : AF_INET6);
  if (!socket || !socket->connect(peer_of(server)) || !socket->send(wire)) co_return reply;
  for (;;) {
    const Duration left = until - monotonic_now();
    if (left <= Duration::zero()) co_return reply;
    auto packet = co_await socket->receive(left, 4096);
    if (!packet) co_return reply;
    auto message = parse_message(packet->bytes);
    if (!message || !message->answers_query(query)) continue;  // a late answer or a forged one: wait on
    reply.status = Status::found;
    reply.message = std::move(*message);
    co_return reply;
  }
}

Task<StubResolver::Reply> StubResolver::ask_tcp(net::Endpoint server, std::string wire, Query query, TimePoint until) {
  Reply reply;
  auto fd = co_await event::connect_to(peer_of(server), std::max(until - monotonic_now(), Duration::zero()));
  if (!fd) co_return reply;
  event::Stream stream(std::move(*fd));
  stream.set_deadline(std::max(until, monotonic_now() + conf_.timeout / 2));
  std::string length;
  ByteWriter(length).be16(static_cast<uint16_t>(wire.size()));
  stream.write(length);
  auto sent = co_await stream.flush(wire);
  if (!sent) co_return reply;
  event::Read head = co_await stream.read_exactly(2);
  if (!head) co_return reply;
  const size_t size = ByteReader(head.data).be16();
  if (size == 0 || size > kMaxTcpAnswer) co_return reply;
  event::Read body = co_await stream.read_exactly(size);
  if (!body) co_return reply;
  auto message = parse_message(body.data);
  reply.status = message && message->answers_query(query) && !message->truncated ? Status::found : Status::malformed;
  if (message) reply.message = std::move(*message);
  co_return reply;
}

}  // namespace umaya::dns
