#include "named-lite/query/recursive_client.h"

#include <algorithm>
#include <array>

#include "libcommon/log/log.h"
#include "named-lite/answer/writer.h"
#include "named-lite/dns/types.h"
#include "named-lite/query/question_key.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr Duration kTick = 1s;

uint32_t seconds_now() {
  auto since = monotonic_now().time_since_epoch();
  return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

}  // namespace

RecursiveClient::RecursiveClient() : clock_([this] { end_of_time(); }) {}

void RecursiveClient::connect(Fd fd) {
  auto ended = [this] {
    connect(Post());
    link_.reset();
  };
  link_ = std::make_unique<Link>(
      std::move(fd), [this](ipc::Packet packet) { take(std::move(packet)); }, ended);
  connect([this](std::string message) { return link_->post(std::move(message)); });
}

void RecursiveClient::connect(Post post) {
  post_ = std::move(post);
  if (!post_) cache_.reset();
  fail_all();
}

void RecursiveClient::fail_all() {
  pending_.drain([this](const Waiter& waiter) { fail(waiter); });
}

void RecursiveClient::configure(uint64_t config_mark, size_t most) {
  config_mark_ = config_mark;
  most_ = std::min(most, kMostPending);
}

void RecursiveClient::take(ipc::Packet packet) {
  if (packet.is<CacheHandles>()) {
    auto handles = ipc::decode<CacheHandles>(packet.bytes);
    if (handles && packet.fds.size() == 2) take_cache(*handles, packet.fds);
    return;
  }
  auto reply = ipc::decode<RecursionReply>(packet.bytes);
  if (!reply) return;
  if (auto waiter = pending_.take(reply->ticket)) finish(*waiter, *reply);
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
                                   std::string_view options, AnswerReport& report, std::span<char> out) {
  if (!cache_ || cache_mark_ != config_mark_) return 0;
  AnswerKey key{query.lower_name(), query.type, place.view, query.dnssec_ok, query.checking_disabled};
  Writer writer(query, packet, out, place.limit(query), options);
  AnswerCache::Hit hit;
  std::span<char> room = writer.room();
  bool whole = cache_->find(key, seconds_now(), room, hit);
  if (!whole && hit.size == 0) return 0;
  FoundAnswer found{hit.rcode, {hit.counts[0], hit.counts[1], hit.counts[2]}, hit.authentic, hit.extended_error};
  if (whole) {
    found.body = {room.data(), hit.size};
    writer.take_body(hit.counts, hit.size);
  } else {
    writer.truncate();
  }
  report = report_on(query, found);
  write_flags(query, packet, found, writer);
  if (hit.refresh && post_) {
    RecursionRequest request = request_for(query, place);
    request.refresh = true;
    post_(ipc::encode(request));
  }
  return writer.finish();
}

void RecursiveClient::prefetch(std::span<const std::string_view> packets, uint16_t view) const {
  if (!cache_ || cache_mark_ != config_mark_) return;
  std::array<AnswerKey, AnswerCache::kMostAhead> keys;
  std::array<std::array<char, kMaxName>, AnswerCache::kMostAhead> names;
  size_t count = 0;
  for (std::string_view packet : packets) {
    if (count == keys.size()) break;
    keys[count].view = view;
    if (read_key(packet, names[count], keys[count])) ++count;
  }
  cache_->prefetch(std::span(keys).first(count));
}

void RecursiveClient::ask(std::string_view packet, const RecursivePlace& place, const net::IpAddress& client,
                          Answered answered) {
  Waiter waiter{std::string(packet), place, std::move(answered), client, monotonic_now()};
  Query query;
  if (parse_query(waiter.packet, query) == ParsedAs::drop) return;
  if (!post_ || pending_.size() >= most_) return fail(waiter);
  waiter.counted = !place.client_known && !client.is_loopback();
  if (waiter.counted && !limits_.enter(client)) {
    FoundAnswer found;
    found.cut = true;
    return answer(waiter, found);
  }
  RecursionRequest request = request_for(query, place);
  request.client = client.bytes();
  auto ticket = pending_.add(std::move(waiter));  // never full: most_ is at most its size
  if (!ticket) return;
  request.ticket = *ticket;
  if (!clock_.armed()) clock_.arm(kTick);
  if (post_(ipc::encode(request))) return;
  if (auto refused = pending_.take(*ticket)) fail(*refused);
}

void RecursiveClient::answer(const Waiter& waiter, const FoundAnswer& found) {
  Query query;
  if (parse_query(waiter.packet, query) == ParsedAs::drop) return;
  waiter.answered(query, waiter.packet, found);
}

void RecursiveClient::finish(const Waiter& waiter, const RecursionReply& reply) {
  FoundAnswer found;
  found.rcode = reply.rcode;
  found.counts[0] = reply.answers;
  found.counts[1] = reply.authorities;
  found.counts[2] = reply.additionals;
  found.authentic = reply.authentic;
  found.extended_error = reply.extended_error;
  found.body = reply.body;
  found.dropped = reply.dropped;
  TimePoint now = monotonic_now();
  if (waiter.counted && !limits_.leave(waiter.client, now - waiter.since, now)) found.dropped = true;
  answer(waiter, found);
}

void RecursiveClient::fail(const Waiter& waiter) {
  RecursionReply reply;
  reply.rcode = rcode::kServFail;
  finish(waiter, reply);
}

void RecursiveClient::end_of_time() {
  pending_.expire([this](const Waiter& waiter) { fail(waiter); });
  if (pending_.size() > 0) clock_.arm(kTick);
}

}  // namespace umaya::named
