#include "named-lite/dns/types.h"
#include "tests/named-lite/conf_support.h"

using namespace umaya::named;
using namespace umaya::named::testing;
using namespace std::chrono_literals;
namespace net = umaya::net;

TEST_CASE("conf: what of recursion and servers is not acted on is named with file and line", "[named-lite][conf]") {
  Parsed p = parse(R"(options { query-source address 192.0.2.1 port 53; query-source-v6 port 5300; };
server 192.0.2.5 { transfers 3; provide-ixfr no; request-nsid yes; bogus yes; edns no; tcp-only yes; };
server 192.0.2.6 { max-udp-size 600;
  padding 10; };
)");
  for (const char* line : {"c:1:", "c:2:", "c:3:", "c:4:", "a fixed port makes forged answers easy",
                           "\"request-nsid\" of a server", "\"max-udp-size\" of a server", "\"padding\""}) {
    CHECK_THAT(p.all(), Catch::Contains(line));
  }
  for (const char* word :
       {"\"bogus\"", "\"edns\"", "\"tcp-only\"", "\"provide-ixfr\"", "\"server\"", "\"transfers\""}) {
    CHECK_THAT(p.all(), !Catch::Contains(word));
  }
}

TEST_CASE("conf: a server's key is that of the primaries that have none of their own", "[named-lite][conf]") {
  Parsed p = parse(R"(key one { algorithm hmac-sha256; secret "c2VjcmV0"; };
key two { algorithm hmac-sha256; secret "c2VjcmV0"; };
zone "a.test" { type secondary; primaries { 192.0.2.5; 192.0.2.6 key two; 192.0.2.7; }; };
server 192.0.2.0/29 { keys { one; }; };
server 192.0.2.7 { edns no; };
)");
  const auto& primaries = p.view().zones.at(0).primaries;
  CHECK(primaries.at(0).key->text() == "one.");
  CHECK(primaries.at(1).key->text() == "two.");
  CHECK(!primaries.at(2).key);
}

TEST_CASE("named.conf: a zone has what it says, else what its view says, else the options", "[named][conf]") {
  Parsed p = parse(R"(
    options { notify no; allow-transfer { 10.0.0.1; }; max-retry-time 1h; recursion no; };
    view "a" {
      zone "z" { type primary; file "f"; };
      zone "own" { type primary; file "f"; notify explicit; allow-transfer { none; }; };
      allow-transfer { 10.0.0.2; };
      recursion yes; allow-recursion { 10.0.0.9; };
    };
    view "b" { zone "z" { type primary; file "f"; }; };
  )");
  CHECK(p.errors() == "");
  CHECK(p.zone("z").settings->transfer.notify.mode == NotifyMode::no);
  CHECK(p.zone("z").settings->transfer.max_retry == 3600s);
  CHECK(admitted(p.zone("z").settings->transfer.allow_transfer, "10.0.0.2"));
  CHECK_FALSE(admitted(p.zone("z").settings->transfer.allow_transfer, "10.0.0.1"));
  CHECK(p.zone("own").settings->transfer.notify.mode == NotifyMode::explicit_only);
  CHECK_FALSE(admitted(p.zone("own").settings->transfer.allow_transfer, "10.0.0.2"));
  CHECK(admitted(p.zone("z", 1).settings->transfer.allow_transfer, "10.0.0.1"));
  CHECK(p.view(0).recursion.recursion);
  CHECK_FALSE(p.view(1).recursion.recursion);
  CHECK_FALSE(admitted(p.view(1).recursion.allow_recursion, "127.0.0.1"));
  // Zones that say nothing share what the view says.
  CHECK(p.zone("z").settings == p.view(0).settings);
}

TEST_CASE("named.conf: who may recurse follows from the other lists as in BIND", "[named][conf]") {
  Parsed p = options("");
  CHECK(admitted(p.view().recursion.allow_recursion, "127.0.0.1"));
  CHECK_FALSE(admitted(p.view().recursion.allow_recursion, "240.0.0.77"));
  CHECK(admitted(p.view().settings->allow_query, "192.0.2.77"));
  p = options("allow-query { 192.0.2.0/24; };");
  CHECK(admitted(p.view().recursion.allow_recursion, "192.0.2.77"));
  CHECK(admitted(p.view().recursion.allow_query_cache, "192.0.2.77"));
  p = options("allow-query { 192.0.2.0/24; }; allow-recursion { 192.0.2.1; };");
  CHECK_FALSE(admitted(p.view().recursion.allow_query_cache, "192.0.2.77"));
  CHECK(admitted(p.view().recursion.allow_query_cache, "192.0.2.1"));
  p = options("allow-query-cache { 192.0.2.2; };");
  CHECK(admitted(p.view().recursion.allow_recursion, "192.0.2.2"));
  p = options("allow-recursion { any; }; recursion no;");
  CHECK_FALSE(admitted(p.view().recursion.allow_recursion, "127.0.0.1"));
}

TEST_CASE("named.conf: transfer statements are read", "[named][conf]") {
  Parsed p = parse(R"(
    options {
      transfers-in 3; transfers-out 4; transfers-per-ns 5; serial-query-rate 50; transfer-message-size 9000;
      max-transfer-time-in 60; max-transfer-idle-out 2; min-refresh-time 1m; max-refresh-time PT1H;
      notify-source 192.0.2.9 port 5353; transfer-source-v6 2001:db8::1; notify-delay 7; transfer-format one-answer;
      multi-master yes; also-notify port 54 { 192.0.2.3; 192.0.2.4 port 55; };
    };
  )");
  CHECK(p.errors() == "");
  CHECK(p.conf.transfers.transfers_in == 3);
  CHECK(p.conf.transfers.transfers_out == 4);
  CHECK(p.conf.transfers.transfers_per_server == 5);
  CHECK(p.conf.transfers.serial_query_rate == 50);
  CHECK(p.conf.transfers.message_size == 9000);
  const TransferConf& transfer = p.view().settings->transfer;
  CHECK(transfer.max_time_in == 3600s);
  CHECK(transfer.max_idle_out == 120s);
  CHECK(transfer.min_refresh == 60s);
  CHECK(transfer.max_refresh == 3600s);
  CHECK(transfer.notify.source.ipv4.port == 5353);
  CHECK(transfer.source.ipv6.address.to_string() == "2001:db8::1");
  CHECK(transfer.notify.delay == 7s);
  CHECK(transfer.format == TransferFormat::one_answer);
  CHECK(transfer.multi_master);
  REQUIRE(transfer.notify.also.size() == 2);
  CHECK(transfer.notify.also[0].at.port == 54);
  CHECK(transfer.notify.also[1].at.port == 55);
}

TEST_CASE("named.conf: update statements are read", "[named][conf]") {
  Parsed p = parse(R"(
    key "k.example" { algorithm hmac-sha256; secret "c2VjcmV0"; };
    zone "u" {
      type primary; file "f"; journal "u.jnl"; max-journal-size 2m; ixfr-from-differences yes; provide-ixfr no;
      serial-update-method unixtime; max-ixfr-ratio 80%; max-records 9;
      update-policy {
        grant K.example zonesub ANY;
        deny * name www.u A AAAA;
        grant k.example subdomain dyn.u. PTR(1) TXT;
        grant k.example selfsub . ;
      };
    };
    zone "l" { type primary; file "f"; update-policy local; };
    zone "s" { type secondary; primaries { 192.0.2.1; }; request-ixfr no; };
    zone "a" { type primary; file "f"; allow-update { key k.example; }; ixfr-from-differences secondary; };
  )");
  CHECK(p.errors() == "");
  const ZoneConf& zone = p.zone("u");
  CHECK(zone.journal == "u.jnl");
  const UpdateConf& update = zone.settings->update;
  CHECK(update.max_journal_size == 2 << 20);
  CHECK(update.from_differences == Differences::yes);
  CHECK_FALSE(update.provide_ixfr);
  CHECK(update.serial_method == SerialMethod::unix_time);
  CHECK(update.max_ixfr_ratio == 80);
  CHECK(update.max_records == 9);
  REQUIRE(zone.update_policy.size() == 4);
  const UpdatePolicy& rules = zone.update_policy;
  CHECK(rules[0].grant);
  CHECK(rules[0].identity.text() == "k.example.");
  CHECK(rules[0].type == RuleType::zonesub);
  REQUIRE(rules[0].types.size() == 1);
  CHECK(rules[0].types[0].type == type::kAny);
  CHECK_FALSE(rules[1].grant);
  CHECK(rules[1].name.text() == "www.u.");
  CHECK(rules[1].types.size() == 2);
  CHECK(rules[2].types[0].most == 1);
  CHECK(rules[3].type == RuleType::selfsub);
  CHECK(rules[3].types.empty());
  REQUIRE(p.zone("l").update_policy.size() == 1);
  CHECK_FALSE(p.zone("s").settings->update.request_ixfr);
  Name key = *Name::from_text("k.example.");
  CHECK(admits(*p.zone("a").settings->update.allow_update, {*net::IpAddress::parse("192.0.2.1"), &key}));
  CHECK_FALSE(admitted(p.zone("u").settings->update.allow_update, "127.0.0.1"));
}

TEST_CASE("named.conf: recursion statements are read", "[named][conf]") {
  Parsed p = parse(R"(
    options {
      forwarders port 5300 { 192.0.2.1; 192.0.2.2 port 53; }; forward only;
      max-cache-size 10m; max-cache-ttl 1d; max-ncache-ttl 60; min-cache-ttl 5; prefetch 3; servfail-ttl 2;
      qname-minimization strict; query-source address 192.0.2.7 port *; recursive-clients 99;
      deny-answer-addresses { 10/8; } except-from { "Inside.test"; };
      deny-answer-aliases { "a.test"; "b.test"; };
      fetches-per-zone 20 fail; fetches-per-server 7; max-recursion-depth 5; max-recursion-queries 33;
      resolver-query-timeout 5; use-v4-udp-ports { range 2000 3000; };
      stale-answer-client-timeout 1800; dnssec-validation no; edns-udp-size 1400; use-caps-for-id yes;
    };
    zone "." { type hint; file "root.hints"; };
    zone "f" { type forward; forwarders { 192.0.2.3; }; };
    zone "stop" { type forward; forwarders { }; };
    zone "s" { type static-stub; server-addresses { 192.0.2.9; }; server-names { "ns.x"; }; };
  )");
  CHECK(p.errors() == "");
  const RecursionConf& r = p.view().recursion;
  CHECK(r.forward.policy == ForwardPolicy::only);
  REQUIRE(r.forward.servers.size() == 2);
  CHECK(r.forward.servers[0].port == 5300);
  CHECK(r.max_cache_size == 10 << 20);
  CHECK(r.max_cache_ttl == 86400s);
  CHECK(r.max_ncache_ttl == 60s);
  CHECK(r.prefetch_trigger == 3);
  CHECK(r.prefetch_eligibility == 9);
  CHECK(r.minimization == Minimization::strict);
  CHECK(r.use_caps_for_id);
  CHECK(r.query_source.ipv4.address.to_string() == "192.0.2.7");
  CHECK(p.conf.recursion.recursive_clients == 99);
  CHECK(p.conf.recursion.ipv4_ports.least == 2000);
  CHECK(admitted(r.denied.addresses, "10.1.2.3"));
  REQUIRE(r.denied.except_addresses.size() == 1);
  CHECK(r.denied.except_addresses[0].text() == "inside.test.");
  CHECK(r.denied.aliases.size() == 2);
  CHECK(r.fetches_per_zone == 20);
  CHECK(r.zone_quota_action == QuotaAction::fail);
  CHECK(r.fetches_per_server == 7);
  CHECK(r.max_recursion_depth == 5);
  CHECK(r.query_timeout_ms == 5000);
  CHECK(r.stale.client_timeout_ms == 1800);
  CHECK(r.validation == Validation::no);
  CHECK(p.zone(".").type == ZoneType::hint);
  CHECK(p.zone("f").forward.servers.size() == 1);
  CHECK(p.zone("stop").forward.said);
  CHECK(p.zone("stop").forward.servers.empty());
  CHECK(p.zone("s").server_addresses.size() == 1);
}

TEST_CASE("named.conf: statements about answers are read", "[named][conf]") {
  Parsed p = options(R"(
    minimal-any yes; minimal-responses no-auth; max-udp-size 1400; version none; hostname "me"; server-id "id";
    rate-limit { responses-per-second 10; nxdomains-per-second 5; slip 3; exempt-clients { 127.0.0.1; }; log-only yes; };
    rrset-order { type MX name "*.ex.test" order fixed; order cyclic; };
    empty-zones-enable no; disable-empty-zone "10.in-addr.arpa"; disable-empty-zone "16.172.in-addr.arpa";
    answer-cookie no; cookie-secret "000102030405060708090a0b0c0d0e0f"; require-server-cookie yes;
    tcp-clients 20; tcp-idle-timeout 50; querylog yes; blackhole { 192.0.2.66; };
  )");
  CHECK(p.errors() == "");
  const AnswerConf& a = p.view().answer;
  CHECK(a.minimal_any);
  CHECK(a.minimal == MinimalResponses::no_auth);
  CHECK(a.max_udp_size == 1400);
  CHECK(a.rate_limit.enabled);
  CHECK(a.rate_limit.responses_per_second == 10);
  CHECK(a.rate_limit.errors_per_second == 10);
  CHECK(a.rate_limit.nxdomains_per_second == 5);
  CHECK(a.rate_limit.all_per_second == 0);
  CHECK(a.rate_limit.slip == 3);
  CHECK(a.rate_limit.log_only);
  CHECK(admitted(a.rate_limit.exempt_clients, "127.0.0.1"));
  REQUIRE(a.rrset_order.size() == 2);
  CHECK(a.rrset_order[0].type == type::kMx);
  CHECK(a.rrset_order[0].wildcard);
  CHECK(a.rrset_order[0].name->text() == "ex.test.");
  CHECK(a.rrset_order[1].order == RrsetOrder::cyclic);
  CHECK_FALSE(a.empty_zones);
  CHECK(a.disabled_empty_zones.size() == 2);
  CHECK(a.require_server_cookie);
  const ServerAnswerConf& s = p.conf.answer;
  CHECK(s.version == "");
  CHECK(s.hostname == "me");
  CHECK(s.server_id == "id");
  CHECK_FALSE(s.answer_cookie);
  REQUIRE(s.cookie_secrets.size() == 1);
  CHECK(s.cookie_secrets[0].size() == 16);
  CHECK(s.tcp_clients == 20);
  CHECK(s.tcp_idle_timeout == 5s);
  CHECK(s.querylog);
  CHECK(admitted(s.blackhole, "192.0.2.66"));
  // Statements of a view go over those of the options.
  p = parse("options { minimal-any yes; }; view v { minimal-any no; zone z { type primary; file f; }; };");
  CHECK_FALSE(p.view().answer.minimal_any);
}

TEST_CASE("named.conf: controls, statistics and logging are read", "[named][conf]") {
  Parsed p = parse(R"(
    controls { unix "/run/ndc" perm 0660 owner 0 group 53; };
    statistics-channels { inet 127.0.0.1 port 8053 allow { 127.0.0.0/8; }; inet ::1; };
    logging {
      category queries { log; default_syslog; };
      channel log { file "n.log" versions 3 size 5m; severity debug 3; print-time yes; print-category yes; };
      channel sys { syslog local3; severity warning; };
      category default { sys; };
    };
  )");
  CHECK(p.errors() == "");
  REQUIRE(p.conf.control.channels.size() == 1);
  CHECK(p.conf.control.channels[0].path == "/run/ndc");
  CHECK(p.conf.control.channels[0].mode == 0660);
  CHECK(p.conf.control.channels[0].group == 53);
  REQUIRE(p.conf.statistics.size() == 2);
  CHECK(p.conf.statistics[0].at.port == 8053);
  CHECK(admitted(p.conf.statistics[0].allow, "127.1.2.3"));
  CHECK_FALSE(admitted(p.conf.statistics[1].allow, "192.0.2.1"));
  const LogChannel* log = p.conf.logging.channel("log");
  REQUIRE(log != nullptr);
  CHECK(log->versions == 3);
  CHECK(log->size == 5 << 20);
  CHECK(log->severity == LogSeverity::debug);
  CHECK(log->debug_level == 3);
  CHECK(log->print_time);
  CHECK(p.conf.logging.channel("sys")->facility == "local3");
  REQUIRE(p.conf.logging.categories.size() == 2);
  CHECK(p.conf.logging.categories[0].channels.size() == 2);
}

TEST_CASE("named.conf: a view may also choose by the address that is asked, and hold zones of another",
          "[named][conf]") {
  Parsed p = parse(R"(
    server 192.0.2.0/24 { bogus yes; };
    view a { match-destinations { 192.0.2.1; }; match-recursive-only yes; zone z { type primary; file f; };
             server 192.0.2.5 { transfers 3; edns no; }; };
    view b { zone z { in-view a; }; };
  )");
  CHECK(p.errors() == "");
  CHECK(admitted(p.view().match_destinations, "192.0.2.1"));
  CHECK_FALSE(admitted(p.view().match_destinations, "192.0.2.2"));
  CHECK(p.view().match_recursive_only);
  CHECK(admitted(p.view(1).match_destinations, "192.0.2.2"));
  CHECK(p.zone("z", 1).type == ZoneType::in_view);
  CHECK(p.zone("z", 1).in_view == "a");
  const PeerConf* peer = find_peer(p.view().peers, *net::IpAddress::parse("192.0.2.5"));
  REQUIRE(peer != nullptr);
  CHECK(peer->transfers == 3);
  CHECK(peer->edns == false);
  CHECK(find_peer(p.view().peers, *net::IpAddress::parse("192.0.2.6"))->bogus);
  CHECK(find_peer(p.view(1).peers, *net::IpAddress::parse("192.0.2.5"))->bogus);
  CHECK(find_peer(p.view().peers, *net::IpAddress::parse("198.51.100.1")) == nullptr);
}
