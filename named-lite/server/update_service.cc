#include "named-lite/server/update_service.h"

#include "named-lite/dns/types.h"
#include "named-lite/logging/category.h"

namespace umaya::named {

namespace {

using log = Logged<Category::update>;
constexpr size_t kRoomForAnswer = 1024;  // question, OPT and signature

uint64_t now() {
  return static_cast<uint64_t>(wall_seconds());
}

/// RFC 2136 3.2: five codes tell of prerequisites.
Count outcome_of(uint16_t code) {
  switch (code) {
    case rcode::kNoError:
      return Count::updates_done;
    case rcode::kNxDomain:
    case rcode::kYxDomain:
    case rcode::kNxRrset:
    case rcode::kYxRrset:
      return Count::updates_bad_prerequisite;
    case rcode::kRefused:
    case rcode::kNotAuth:
      return Count::refused_update;
    default:
      return Count::updates_failed;
  }
}

}  // namespace

/// One packet on its way.
struct UpdateService::Exchange {
  std::string packet;
  Requester client;
  SnapshotPtr snapshot;  // owns the key of the check
  Query query;
  std::optional<TsigCheck> check;
  uint16_t rcode = rcode::kNoError;

  /// Reads header and signature; false when there may be no answer.
  bool read() {
    if (parse_query(packet, query) == ParsedAs::drop) return false;
    rcode = query.rcode;
    if (rcode != rcode::kNoError || !query.is_signed) return true;
    TsigRecord record;
    if (find_tsig(packet, record) != TsigFound::yes) {
      rcode = rcode::kFormErr;
      return true;
    }
    check = verify_request(packet, record, snapshot->conf.keys, now());
    if (check->malformed) rcode = rcode::kFormErr;
    if (!check->malformed && !check->ok()) rcode = rcode::kNotAuth;
    if (check->malformed) check.reset();
    client.key = key();
    return true;
  }

  const Name* key() const { return check && check->ok() ? &check->key->name : nullptr; }

  std::string answer() const {
    std::string out(kRoomForAnswer, '\0');
    AnswerContext context;
    context.rcode = rcode;
    size_t size = acknowledge(query, packet, context, out);
    // RFC 2136 2.2: between the opcode and the response code there is nothing.
    out[2] = static_cast<char>(0x80 | opcode::kUpdate << 3);
    out[3] = static_cast<char>(rcode);
    if (check) size = TsigSigner(*check).sign(out, size, now());
    out.resize(size);
    return out;
  }
};

event::Task<uint16_t> UpdateService::work(const Exchange& exchange, Transport transport) {
  UpdateRequest request;
  request.sender = {exchange.client.address, std::nullopt, transport == Transport::tcp};
  if (exchange.key() != nullptr) request.sender.key = *exchange.key();
  uint16_t wrong = parse_update(exchange.packet, request.message);
  const ServedView* view = exchange.snapshot->view_for(exchange.client);
  if (view != nullptr) view = exchange.snapshot->view_with(*view, request.message.zone);
  const ZoneConf* zone = view != nullptr ? view->zones.exactly(request.message.zone) : nullptr;
  if (zone == nullptr || request.message.cls != rr_class::kIn)
    co_return wrong == rcode::kFormErr ? wrong : rcode::kNotAuth;
  const std::string label = "zone " + zone->name.text() + "/IN: update by " + exchange.client.address.to_string();
  if (zone->type != ZoneType::primary) {
    log::info("{}: not passed on to a primary", label);
    co_return rcode::kNotImp;
  }
  ZoneId id{view->conf.name, request.message.zone};
  if (!keeper_.has(id)) {
    Logged<Category::update_security>::info("{}: refused: neither allow-update nor update-policy", label);
    co_return rcode::kRefused;
  }
  if (wrong != rcode::kNoError) co_return wrong;
  uint16_t code = co_await keeper_.update(id, std::move(request));
  if (code == rcode::kNoError) count_in_zone(*view, id.zone);
  co_return code;
}

/// One that was done.
void UpdateService::count_in_zone(const ServedView& view, std::string_view zone) {
  if (page_ == nullptr) return;
  SuffixHashes hashes(zone, view.catalog.seed());
  const ServedZone* served = view.catalog.find(hashes, hashes.labels());
  if (served == nullptr || served->name != zone || served->number >= kMostZonesCounted) return;
  page_->zones[served->number][static_cast<size_t>(ZoneCount::updates)].add();
}

event::Task<std::string> UpdateService::answer(std::string packet, Requester client, Transport transport) {
  Exchange exchange;
  exchange.packet = std::move(packet);
  exchange.client = client;
  exchange.snapshot = current_();
  if (!exchange.read()) co_return std::string();
  if (running_ >= kMostAtOnce) {
    exchange.rcode = rcode::kServFail;
    co_return finish(exchange, transport);
  }
  if (exchange.rcode == rcode::kNoError) {
    ++running_;
    exchange.rcode = co_await work(exchange, transport);
    --running_;
  }
  co_return finish(exchange, transport);
}

/// The answer, counted.
std::string UpdateService::finish(const Exchange& exchange, Transport transport) {
  std::string answer = exchange.answer();
  if (page_ == nullptr) return answer;
  CountedQuestion question;
  question.tcp = transport == Transport::tcp;
  question.ipv6 = !exchange.client.address.is_v4();
  question.opcode = opcode::kUpdate;
  question.edns = exchange.query.has_edns;
  question.is_signed = exchange.query.is_signed;
  count_question(*page_, question);
  count_answer(*page_, answer, kNoView, kNoZone);
  page_->add(outcome_of(exchange.rcode));
  if (exchange.check && !exchange.check->ok()) page_->add(Count::bad_signature);
  return answer;
}

event::Task<void> UpdateService::answer_later(std::string packet, Requester client, Reply reply) {
  std::string bytes = co_await answer(std::move(packet), client, Transport::udp);
  if (!bytes.empty()) reply(bytes);
}

void UpdateService::take(std::string packet, Requester client, Reply reply) {
  if (running_ >= kMostAtOnce) return;  // the sender comes again
  tasks_.spawn(answer_later(std::move(packet), client, std::move(reply)));
}

}  // namespace umaya::named
