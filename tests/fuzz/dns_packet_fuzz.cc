// LINK named-lite_core
// NAME    dns_packet_fuzz - any packet gets no answer or a well-formed one
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "named-lite/answer/reception.h"
#include "named-lite/zone/zone_text.h"

using namespace umaya::named;

namespace {

constexpr std::string_view kZone =
    "$TTL 60\n@ SOA ns1 root 1 2 3 4 5\n@ NS ns1\n@ MX 10 mail\nns1 A 192.0.2.1\nmail AAAA ::1\nwww CNAME mail\n"
    "*.w MX 5 x.w\nsub NS ns.sub\nns.sub A 192.0.2.2\nd DNAME t\nh.t A 192.0.2.3\nl CNAME l2\nl2 CNAME l\n";

const Catalog& catalog() {
  static const Catalog& made = [] -> const Catalog& {
    static Catalog zones(1);
    for (const char* apex : {"a.", "b.a."}) {
      Problems problems;
      Name name = *Name::from_text(apex);
      RecordList records = parse_zone_text(kZone, "z", {name, {}}, problems);
      zones.add({std::string(name.wire()), std::make_shared<const ZoneImage>(compile_zone(records, 1))});
    }
    return zones;
  }();
  return made;
}

/// Every record lies inside the message, every name leads backwards and ends. How many OPT records there are.
size_t well_formed(std::string_view message) {
  auto be16 = [&](size_t at) {
    return static_cast<size_t>(static_cast<unsigned char>(message[at])) << 8 |
           static_cast<unsigned char>(message[at + 1]);
  };
  auto skip_name = [&](size_t at) {
    size_t end = 0;
    size_t size = 0;
    while (true) {
      if (at >= message.size()) abort();
      auto length = static_cast<unsigned char>(message[at]);
      if (length >= 0xC0) {
        if (end == 0) end = at + 2;
        size_t target = be16(at) & 0x3FFF;
        if (target >= at) abort();
        at = target;
        continue;
      }
      size += 1 + static_cast<size_t>(length);
      at += 1 + static_cast<size_t>(length);
      if (size > kMaxName) abort();
      if (length == 0) return end == 0 ? at : end;
    }
  };
  size_t at = 12;
  for (size_t i = be16(4); i > 0; --i) at = skip_name(at) + 4;
  size_t options = 0;
  for (size_t i = be16(6) + be16(8) + be16(10); i > 0; --i) {
    at = skip_name(at);
    if (at + 10 > message.size()) abort();
    options += be16(at) == 41 ? 1 : 0;
    at += 10 + be16(at + 8);
  }
  if (at != message.size()) abort();
  return options;
}

Reception& reception() {
  static Reception& made = [] -> Reception& {
    ReceptionConf conf;
    conf.edns.identity = "ns7";
    conf.chaos = {"version", std::string(300, 'h'), ""};
    conf.cookie_secrets = {CookieSecret{}};
    static Reception desk(conf, 1);
    return desk;
  }();
  return made;
}

/// Of two views: one leaves everything out, the other nothing.
const AnswerConf& settings(bool minimal) {
  static const AnswerConf& least = [] -> const AnswerConf& {
    static AnswerConf conf;
    conf.minimal = MinimalResponses::yes;
    return conf;
  }();
  static const AnswerConf& most = [] -> const AnswerConf& {
    static AnswerConf conf;
    conf.minimal = MinimalResponses::no;
    conf.minimal_any = false;
    return conf;
  }();
  return minimal ? least : most;
}

RateLimiter& limiter() {
  static RateLimiter& made = [] -> RateLimiter& {
    RateLimitConf conf;
    conf.responses_per_second = conf.errors_per_second = 3;
    static RateLimiter limits(conf, 1);
    return limits;
  }();
  return made;
}

void ask(std::string_view packet, Transport transport, bool minimal) {
  static char out[kMostAnswer];
  static uint32_t clock = 0;
  Query query;
  if (parse_query(packet, query) == ParsedAs::drop) return;
  AnswerContext context;
  context.catalog = &catalog();
  context.transport = transport;
  context.settings = &settings(minimal);
  Arrival arrival{std::string_view("\xC0\0\2\1", 4), ++clock / 16, minimal ? &limiter() : nullptr};
  size_t size = reception().answer(query, packet, arrival, context, out);
  if (size == 0) return;
  if (size > (transport == Transport::udp ? 1232u : kMostAnswer)) abort();
  if (transport == Transport::udp && !query.has_edns && size > 512) abort();
  if (well_formed({out, size}) != (query.has_edns ? 1u : 0u)) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view packet(reinterpret_cast<const char*>(data), size);
  for (Transport transport : {Transport::udp, Transport::tcp}) {
    for (bool minimal : {true, false}) ask(packet, transport, minimal);
  }
  return 0;
}
