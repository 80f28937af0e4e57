#include "named-lite/query/recursive_client.h"

#include <algorithm>

#include "libcommon/log/log.h"
#include "named-lite/answer/writer.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr Duration kTick = 1s;
constexpr uint8_t kAuthenticBit = 0x20;  // of the fourth octet of a header

size_t limit_for(const Query& query, const RecursivePlace& place) {
  return place.transport == Transport::tcp ? kMostAnswer : std::min(query.udp_size, place.udp_limit);
}

uint32_t seconds_now() {
  auto since = monotonic_now().time_since_epoch();
  return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

/// AD goes to those who show that they understand it (RFC 6840 5.8).
bool understands_authentic(const Query& query, std::string_view packet) {
  return query.dnssec_ok || (static_cast<uint8_t>(packet[3]) & kAuthenticBit) != 0;
}

}  // namespace

RecursiveClient::RecursiveClient()
    : answer_(std::make_unique_for_overwrite<char[]>(kMostAnswer)), clock_([this] { end_of_time(); }) {}

void RecursiveClient::connect(Fd fd) {
  pending_.drain([this](const Waiter& waiter) { fail(waiter); });
  auto ended = [this] {
    link_.reset();
    cache_.reset();
    pending_.drain([this](const Waiter& waiter) { fail(waiter); });
  };
  link_ = std::make_unique<Link>(
      std::move(fd), [this](ipc::Packet packet) { received(std::move(packet)); }, ended);
}

void RecursiveClient::configure(uint64_t config_mark, size_t most) {
  config_mark_ = config_mark;
  most_ = std::min(most, kMostPending);
}

void RecursiveClient::received(ipc::Packet packet) {
  if (packet.is<CacheHandles>()) {
    auto handles = ipc::decode<CacheHandles>(packet.bytes);
    if (handles && packet.fds.size() == 2) take_cache(*handles, packet.fds);
    return;
  }
  auto reply = ipc::decode<RecursionReply>(packet.bytes);
  if (!reply) return;
  if (auto waiter = pending_.take(reply->ticket)) answer(*waiter, *reply);
}

void RecursiveClient::take_cache(const CacheHandles& handles, const std::vector<Fd>& fds) {
  auto cache = AnswerCache::map(fds[0], fds[1]);
  if (!cache) return log::error("answer cache: {}", cache.error().what);
  cache_.emplace(std::move(*cache));
  cache_mark_ = handles.config_mark;
}

RecursionRequest RecursiveClient::request_for(const Query& query, const RecursivePlace& place) const {
  RecursionRequest request;
  request.config_mark = config_mark_;
  request.view = place.view;
  request.type = query.type;
  request.name = query.name;
  request.dnssec_ok = query.dnssec_ok;
  request.checking_disabled = query.checking_disabled;
  return request;
}

size_t RecursiveClient::from_cache(const Query& query, std::string_view packet, const RecursivePlace& place,
                                   std::span<char> out) {
  if (!cache_ || cache_mark_ != config_mark_) return 0;
  AnswerKey key{query.lower_name(), query.type, place.view, query.dnssec_ok, query.checking_disabled};
  Writer writer(query, packet, out, limit_for(query, place));
  AnswerCache::Hit hit;
  if (cache_->find(key, seconds_now(), writer.room(), hit)) {
    writer.take_body(hit.counts, hit.size);
  } else if (hit.size != 0) {
    writer.truncate();
  } else {
    return 0;
  }
  writer.set_rcode(hit.rcode);
  writer.set_recursion_available(true);
  writer.set_authentic(hit.authentic && understands_authentic(query, packet));
  if (hit.refresh && link_) {
    RecursionRequest request = request_for(query, place);
    request.refresh = true;
    link_->post(ipc::encode(request));
  }
  return writer.finish();
}

void RecursiveClient::ask(std::string_view packet, const RecursivePlace& place, const net::IpAddress& client,
                          Answered answered) {
  Waiter waiter{std::string(packet), place, std::move(answered)};
  Query query;
  if (parse_query(waiter.packet, query) == ParsedAs::drop) return;
  if (!link_ || pending_.size() >= most_) return fail(waiter);
  RecursionRequest request = request_for(query, place);
  request.client = client.bytes();
  auto ticket = pending_.add(std::move(waiter));
  if (!ticket) return;
  request.ticket = *ticket;
  if (!clock_.armed()) clock_.arm(kTick);
  if (link_->post(ipc::encode(request))) return;
  if (auto refused = pending_.take(*ticket)) fail(*refused);
}

void RecursiveClient::answer(const Waiter& waiter, const RecursionReply& reply) {
  Query query;
  if (parse_query(waiter.packet, query) == ParsedAs::drop) return;
  Writer writer(query, waiter.packet, {answer_.get(), kMostAnswer}, limit_for(query, waiter.place));
  std::span<char> room = writer.room();
  if (reply.body.size() <= room.size()) {
    const uint16_t counts[3] = {reply.answers, reply.authorities, reply.additionals};
    reply.body.copy(room.data(), reply.body.size());
    writer.take_body(counts, reply.body.size());
  } else {
    writer.truncate();
  }
  writer.set_rcode(reply.rcode);
  writer.set_recursion_available(true);
  writer.set_authentic(reply.authentic && understands_authentic(query, waiter.packet));
  waiter.answered({answer_.get(), writer.finish()});
}

void RecursiveClient::fail(const Waiter& waiter) {
  RecursionReply reply;
  reply.rcode = rcode::kServFail;
  answer(waiter, reply);
}

void RecursiveClient::end_of_time() {
  pending_.expire([this](const Waiter& waiter) { fail(waiter); });
  if (pending_.size() > 0) clock_.arm(kTick);
}

}  // namespace umaya::named
