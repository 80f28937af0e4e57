#include "named-lite/transfer/expire_option.h"

#include <netinet/in.h>

#include "named-lite/server/responder.h"
#include "named-lite/transfer/transfer_question.h"
#include "named-lite/transfer/zone_receiver.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

std::string soa_question() {
  std::string packet = zone_question(name("ex.test."), type::kSoa, 7);
  ask_for_expire(packet);
  return packet;
}

/// A responder for one primary zone.
Responder responder() {
  NamedConf conf;
  ViewConf view;
  view.name = "_default";
  view.match_clients = view.match_destinations = std::make_shared<const Acl>(acl_of_any());
  view.settings = ZoneConf::default_settings();
  conf.views.push_back(view);
  auto snapshot = std::make_shared<Snapshot>(make_snapshot(std::move(conf), 7));
  Checked zone = check("ex.test.", "$TTL 60\n@ SOA ns1 root 1 2 3 4000 5\n@ NS ns1\nns1 A 192.0.2.1\n");
  snapshot->views[0]->catalog.add({std::string(name("ex.test.").wire()), ImagePtr(std::move(zone.image))});
  return Responder(std::move(snapshot));
}

std::string ask(Responder& server, const std::string& packet) {
  sockaddr_in client{};
  client.sin_family = AF_INET;
  std::string out(4096, '\0');
  out.resize(server.respond(packet, reinterpret_cast<sockaddr*>(&client), Transport::udp, out));
  return out;
}

}  // namespace

TEST_CASE("expire option: a question for it is understood, and its answer read", "[named][expire]") {
  Query query;
  std::string packet = soa_question();
  REQUIRE(parse_query(packet, query) == ParsedAs::answer);
  CHECK(query.rcode == 0);
  CHECK(query.wants_expire);
  std::string answer = transfer_head(query, packet);
  answer.resize(600);
  size_t size = add_opt(answer, query.name.size() + 16, expire_option(86400));
  answer.resize(size);
  CHECK(decode(answer).has_edns);
  CHECK(expire_in_answer(answer) == 86400);
  for (size_t cut = 0; cut < size; ++cut) CHECK_FALSE(expire_in_answer(answer.substr(0, cut)));
}

TEST_CASE("expire option: an empty one, or none, tells nothing", "[named][expire]") {
  CHECK_FALSE(expire_in_answer(soa_question()));
  CHECK_FALSE(expire_in_answer(zone_question(name("ex.test."), type::kSoa, 7)));
  std::string small(20, '\0');
  CHECK(add_opt(small, 12, expire_option(1)) == 12);
}

TEST_CASE("expire option: a primary tells its SOA's time, a secondary what is left", "[named][expire]") {
  Responder server = responder();
  CHECK(read_soa_answer(ask(server, soa_question()), name("ex.test."), 7).expire == 4000);
  server.on_expire([](const std::string&, std::string_view) { return std::optional<uint32_t>(12); });
  SoaAnswer answer = read_soa_answer(ask(server, soa_question()), name("ex.test."), 7);
  CHECK(answer.expire == 12);
  CHECK(answer.serial == 1);
  CHECK_FALSE(read_soa_answer(ask(server, zone_question(name("ex.test."), type::kSoa, 7)), name("ex.test."), 7).expire);
  CHECK_FALSE(expire_in_answer(ask(server, question("ns1.ex.test", type::kSoa))));
}

TEST_CASE("expire option: a server that does not know EDNS is recognised", "[named][expire]") {
  std::string answer = zone_question(name("ex.test."), type::kSoa, 7);
  answer[2] = static_cast<char>(0x84);
  answer[3] = 1;
  CHECK(read_soa_answer(answer, name("ex.test."), 7).without_edns);
  answer[3] = 5;
  CHECK_FALSE(read_soa_answer(answer, name("ex.test."), 7).without_edns);
}
