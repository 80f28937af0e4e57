#include "named-lite/answer/reception.h"

#include "libcommon/base/bytes.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

const std::string kAddress("\xC0\0\2\1", 4);

std::string option(uint16_t code, const std::string& value) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code), static_cast<char>(value.size() >> 8),
                     static_cast<char>(value.size())} +
         value;
}

/// The value of an option of an answer; "(none)" without it.
std::string option_of(const Answer& answer, uint16_t code) {
  const std::string& all = answer.options;
  for (umaya::ByteReader in(all); !in.at_end();) {
    uint16_t number = in.be16();
    std::string_view value = in.bytes(in.be16());
    if (number == code) return std::string(value);
  }
  return "(none)";
}

RateLimitConf limits(uint32_t rate, uint32_t slip) {
  RateLimitConf conf;
  conf.responses_per_second = conf.nxdomains_per_second = conf.errors_per_second = conf.nodata_per_second = rate;
  conf.slip = slip;
  return conf;
}

/// A reception in front of one zone.
class Desk {
 public:
  explicit Desk(ReceptionConf conf = {}) : reception_(with_secret(std::move(conf)), 0) {
    zones.add("ex.test", "$TTL 300\n@ SOA a b 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nsub NS ns\nbig TXT \"" +
                             std::string(250, 'x') + "\"\nbig TXT \"" + std::string(250, 'y') + "\"\n");
  }
  std::string raw(std::string_view packet, Transport transport = Transport::udp) {
    std::string out(kMostAnswer, '\0');
    Query query;
    if (parse_query(packet, query) == ParsedAs::drop) return {};
    AnswerContext context;
    context.catalog = &zones.catalog();
    context.transport = transport;
    context.settings = &zones.settings;
    Arrival arrival{kAddress, seconds, limiter.get(), asks_others};
    out.resize(reception_.answer(query, packet, arrival, context, out));
    return out;
  }
  Answer ask(std::string_view packet, Transport transport = Transport::udp) { return decode(raw(packet, transport)); }
  const RateCounters& counters() const { return reception_.counters(); }

  Zones zones;
  uint32_t seconds = 1000000;
  std::unique_ptr<RateLimiter> limiter;
  bool asks_others = false;

 private:
  static ReceptionConf with_secret(ReceptionConf conf) {
    conf.cookie_secrets = {random_cookie_secret()};
    return conf;
  }
  Reception reception_;
};

std::string with_cookie(const std::string& cookie, const std::string& owner = "ns.ex.test", uint16_t type = type::kA) {
  return with_edns(question(owner, type), 1232, 0, option(10, cookie));
}

}  // namespace

TEST_CASE("reception: a client learns a cookie and comes back with it", "[named][reception]") {
  Desk desk;
  std::string learned = option_of(desk.ask(with_cookie("12345678")), 10);
  CHECK(learned.size() == 24);
  CHECK(learned.substr(0, 8) == "12345678");
  CHECK(option_of(desk.ask(with_cookie(learned)), 10) == learned);
  CHECK(option_of(desk.ask(with_edns(question("ns.ex.test", type::kA), 1232)), 10) == "(none)");
}

TEST_CASE("reception: D11 cookies of odd sizes are FORMERR, and nothing has an OPT that was not asked with one",
          "[named][reception]") {
  Desk desk;
  for (size_t size = 0; size < 50; ++size) {
    bool fine = size == 8 || (size >= 16 && size <= 40);
    INFO(size);
    CHECK(desk.ask(with_cookie(std::string(size, 'c'))).rcode == (fine ? rcode::kNoError : rcode::kFormErr));
  }
  CHECK_FALSE(desk.ask(question("ns.ex.test", type::kA)).has_edns);
  CHECK_FALSE(desk.ask(question("elsewhere.example", type::kA)).has_edns);
}

TEST_CASE("reception: D7 a cookie without a question is answered, no question alone is FORMERR", "[named][reception]") {
  Desk desk;
  std::string empty("\x12\x34\0\0\0\0\0\0\0\0\0\0", 12);
  CHECK(desk.ask(empty).rcode == rcode::kFormErr);
  Answer answer = desk.ask(with_edns(empty, 1232, 0, option(10, "12345678")));
  CHECK(answer.rcode == rcode::kNoError);
  CHECK(option_of(answer, 10).size() == 24);
  CHECK(desk.ask(with_edns(empty, 1232)).rcode == rcode::kFormErr);
}

TEST_CASE("reception: require-server-cookie sends clients for a cookie first, over UDP", "[named][reception]") {
  Desk desk;
  desk.zones.settings.require_server_cookie = true;
  Answer first = desk.ask(with_cookie("12345678"));
  CHECK(first.rcode == rcode::kBadCookie);
  CHECK(first.sections[0].empty());
  CHECK(desk.ask(with_cookie(option_of(first, 10))).sections[0].size() == 1);
  CHECK(desk.ask(with_cookie("12345678"), Transport::tcp).rcode == rcode::kNoError);
  CHECK(desk.ask(question("ns.ex.test", type::kA)).rcode == rcode::kNoError);  // who knows no cookies
}

TEST_CASE("reception: NSID and TCP keepalive are answered to who asks", "[named][reception]") {
  ReceptionConf conf;
  conf.edns.identity = "ns7";
  Desk desk(conf);
  std::string both = with_edns(question("ns.ex.test", type::kA), 1232, 0, option(3, "") + option(11, ""));
  CHECK(option_of(desk.ask(both), 3) == "ns7");
  CHECK(option_of(desk.ask(both), 11) == "(none)");  // over UDP (RFC 7828 3.2.2)
  CHECK(option_of(desk.ask(both, Transport::tcp), 11) == std::string("\1\x2C", 2));
  Desk without;
  CHECK(option_of(without.ask(both), 3) == "(none)");
}

TEST_CASE("reception: refusals say why", "[named][reception]") {
  Desk desk;
  std::string elsewhere = with_edns(question("elsewhere.example", type::kA), 1232);
  CHECK(option_of(desk.ask(elsewhere), 15) == std::string("\0\x14", 2));
  std::string mail_agent = with_edns(question("ex.test", type::kMaila), 1232);
  CHECK(option_of(desk.ask(mail_agent), 15) == std::string("\0\x15", 2));
}

TEST_CASE("reception: D47 the version and its kin are told as the administrator chose", "[named][reception]") {
  ReceptionConf conf;
  conf.chaos = {"named-lite", "host7", ""};
  Desk desk(conf);
  auto ask = [&](const std::string& owner, uint16_t type = type::kTxt) {
    return desk.ask(question(owner, type, 0, rr_class::kChaos));
  };
  Answer version = ask("Version.Bind");
  CHECK(version.authoritative);
  CHECK(version.sections[0] == Lines{"version.bind. TXT"});
  CHECK(desk.raw(question("version.bind", type::kTxt, 0, rr_class::kChaos)).ends_with("\x0Anamed-lite"));
  CHECK(ask("version.server").sections[0].size() == 1);
  CHECK(ask("hostname.bind").sections[0].size() == 1);
  CHECK(ask("version.bind", type::kA).sections[0].empty());
  for (const char* hidden : {"id.server", "authors.bind", "version.bind.x", "bind", "ex.test"}) {
    INFO(hidden);
    CHECK(ask(hidden).rcode == rcode::kRefused);
  }
}

TEST_CASE("reception: D18 over 1000 equal questions a second no more than twice their octets go out",
          "[named][reception]") {
  Desk desk;
  desk.limiter = std::make_unique<RateLimiter>(limits(5, 2), 9);
  for (const std::string& packet :
       {with_edns(question("big.ex.test", type::kTxt), 4096), with_edns(question("ex.test", type::kAny), 4096),
        question("nope.ex.test", type::kA), question("version.bind", type::kTxt, 0, rr_class::kChaos),
        question("elsewhere.example", type::kA)}) {
    size_t in = 0, out = 0;
    for (int i = 0; i < 1000; ++i) {
      in += packet.size();
      out += desk.raw(packet).size();
    }
    INFO(in << " octets in, " << out << " out");
    CHECK(out <= 2 * in);
    ++desk.seconds;
  }
  CHECK(desk.counters().slipped > 0);
}

TEST_CASE("reception: D18 without a rate limit small questions get small refusals", "[named][reception]") {
  Desk desk;
  for (const std::string& packet : {question("elsewhere.example", type::kA), question("ex.test", type::kAxfr),
                                    question("version.bind", type::kTxt, 0, rr_class::kChaos)}) {
    CHECK(desk.raw(packet).size() <= packet.size());
  }
}

TEST_CASE("reception: D18 TCP and valid cookies are not limited, and who may learn one is told so",
          "[named][reception]") {
  Desk desk;
  desk.limiter = std::make_unique<RateLimiter>(limits(1, 1), 9);
  std::string learned = option_of(desk.ask(with_cookie("12345678")), 10);
  for (int i = 0; i < 50; ++i) {
    CHECK(desk.ask(with_cookie(learned)).sections[0].size() == 1);
    CHECK(desk.ask(question("ns.ex.test", type::kA), Transport::tcp).sections[0].size() == 1);
  }
  desk.ask(question("ns.ex.test", type::kA));
  Answer slipped = desk.ask(question("ns.ex.test", type::kA));
  CHECK(slipped.truncated);
  CHECK(slipped.sections[0].empty());
  Answer told = desk.ask(with_cookie("12345678"));
  CHECK(told.rcode == rcode::kBadCookie);
  CHECK(option_of(told, 10).size() == 24);
}

TEST_CASE("reception: D18 who may recurse is limited in what is ours, and not in what others are asked",
          "[named][reception]") {
  Desk desk;
  desk.limiter = std::make_unique<RateLimiter>(limits(5, 0), 0);
  desk.asks_others = true;
  auto answered = [&desk](const std::string& name) {
    int count = 0;
    for (int i = 0; i < 100; ++i) count += desk.raw(question(name, type::kA)).empty() ? 0 : 1;
    return count;
  };
  CHECK(answered("ns.ex.test") < 20);
  CHECK(answered("www.sub.ex.test") == 100);
  CHECK(answered("www.far.test") == 100);
}

TEST_CASE("reception: log-only limits nothing", "[named][reception]") {
  Desk desk;
  RateLimitConf conf = limits(1, 2);
  conf.log_only = true;
  desk.limiter = std::make_unique<RateLimiter>(conf, 9);
  for (int i = 0; i < 20; ++i) CHECK(desk.ask(question("ns.ex.test", type::kA)).sections[0].size() == 1);
}
