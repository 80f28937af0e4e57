#include "libcommon/route/router.h"

#include <catch2/catch.hpp>

#include "libcommon/log/log.h"

using namespace umaya;
using namespace umaya::route;

namespace {

config::HostFacts test_host() {
  config::HostFacts host;
  host.hostname = "mx.example.com";
  config::InterfaceAddress own;
  own.address = {192, 0, 2, 1};
  own.prefix = 24;
  host.addresses.push_back(own);
  return host;
}

std::unique_ptr<Router> router_with(const std::string& more) {
  auto config = config::Config::from_text(
      "myhostname = mx.example.com\nmydomain = example.com\nmyorigin = example.com\n"
      "mydestination = $myhostname, example.com, localhost.$mydomain\n"
      "local_recipient_maps = inline:{root=x,user=x}\n"
      "append_dot_mydomain = yes\nrecipient_delimiter = +\n" +
          more,
      "/nowhere", {}, test_host());
  REQUIRE(config);
  auto router = Router::open(*config);
  REQUIRE(router);
  return std::move(*router);
}

std::string route_of(Router& router, std::string_view recipient, std::string_view sender = "s@foreign.test") {
  Resolution to = router.resolve(sender, recipient);
  if (to.error) return "error " + to.error->what;
  return to.transport + "|" + to.nexthop + "|" + to.recipient + (to.bad_syntax ? "|bad" : "") +
         (to.routed ? "|routed" : "");
}

struct Quiet {
  Quiet() {
    log::capture([](log::Level, std::string_view) {});
  }
  ~Quiet() { log::capture(nullptr); }
};

}  // namespace

TEST_CASE("rewrite: addresses get their complete form", "[route][rewrite]") {
  auto router = router_with("");
  struct Row {
    std::string_view in, out;
  };
  for (const Row& row :
       {Row{"user", "user@example.com"}, Row{"user@host", "user@host.example.com"}, Row{"user@host.", "user@host"},
        Row{"user@a.b.", "user@a.b"}, Row{"user@a.b..", "user@a.b.."}, Row{"host!user", "user@host.example.com"},
        Row{"a!b!user", "b!user@a.example.com"}, Row{"user%host", "user@host.example.com"},
        Row{"a%b%host.x", "a%b@host.x"}, Row{"host!user@dom.x", "host!user@dom.x"},
        Row{"user%host@dom.x", "user%host@dom.x"}, Row{"user@[192.0.2.9]", "user@[192.0.2.9]"},
        Row{"a b", "a b@example.com"}, Row{"", ""}, Row{"user@", "user@"}}) {
    CAPTURE(row.in);
    CHECK(router->rewrite(row.in) == row.out);
  }
}

TEST_CASE("rewrite: a source route is cut off", "[route][rewrite]") {
  auto tokens = message::scan_tokens("@a,@b:user@host.x");
  rewrite_tokens(tokens, {});
  CHECK(message::internal_form(tokens) == "user@host.x");
}

TEST_CASE("rewrite: headers of remote clients get remote_header_rewrite_domain", "[route][rewrite]") {
  auto router = router_with("remote_header_rewrite_domain = domain.invalid\n");
  CHECK(router->rewrites_remote_headers());
  CHECK(router->rewrite("user", Context::remote) == "user@domain.invalid");
  CHECK(router->rewrite("user@host", Context::remote) == "user@host.domain.invalid");
}

TEST_CASE("resolve: each address class has its transport", "[route][resolve]") {
  Quiet quiet;
  auto router = router_with(
      "relay_domains = relayed.test\nvirtual_alias_domains = alias.test\nvirtual_mailbox_domains = boxes.test\n"
      "virtual_transport = lmtp:unix:private/lmtp\n");
  CHECK(route_of(*router, "user@example.com") == "local|mx.example.com|user@example.com");
  CHECK(route_of(*router, "user@[192.0.2.1]") == "local|mx.example.com|user@[192.0.2.1]");
  CHECK(route_of(*router, "user@[192.0.2.7]") == "smtp|[192.0.2.7]|user@[192.0.2.7]");
  CHECK(route_of(*router, "user@alias.test") == "error|5.1.1 User unknown in virtual alias table|user@alias.test");
  CHECK(route_of(*router, "user@boxes.test") == "lmtp|unix:private/lmtp|user@boxes.test");
  CHECK(route_of(*router, "user@sub.relayed.test") == "relay|sub.relayed.test|user@sub.relayed.test");
  CHECK(route_of(*router, "user@elsewhere.test") == "smtp|elsewhere.test|user@elsewhere.test");
}

TEST_CASE("resolve: a domain in two lists has the first class, and is warned about once", "[route][resolve]") {
  std::vector<std::string> logged;
  log::capture([&](log::Level, std::string_view line) { logged.emplace_back(line); });
  auto router = router_with("virtual_alias_domains = example.com\nlocal_transport = local\n");
  CHECK(route_of(*router, "user@example.com") == "local|example.com|user@example.com");
  router->class_of_domain("example.com").value();
  router->class_of_domain("example.com").value();
  log::capture(nullptr);
  CHECK(logged ==
        std::vector<std::string>{"do not list domain example.com in BOTH mydestination and virtual_alias_domains"});
}

TEST_CASE("resolve: routing signs are no way round relay control", "[route][resolve]") {
  auto router = router_with("");
  CHECK(route_of(*router, "v%foreign.test@example.com") == "smtp|foreign.test|v@foreign.test");
  CHECK(route_of(*router, "v@foreign.test@example.com") == "smtp|foreign.test|v@foreign.test");
  CHECK(route_of(*router, "foreign.test!v@example.com") == "smtp|foreign.test|v@foreign.test");
  CHECK(route_of(*router, "v%foreign.test@[192.0.2.1]") == "smtp|foreign.test|v@foreign.test");
  CHECK(route_of(*router, "v%x.test%foreign.test@mx.example.com") == "smtp|foreign.test|v%x.test@foreign.test|routed");
  CHECK(route_of(*router, "v%x@relay.test") == "smtp|relay.test|v%x@relay.test|routed");
  CHECK(route_of(*router, "user%localhost@example.com") == "local|mx.example.com|user@localhost.example.com");
}

TEST_CASE("resolve: odd addresses", "[route][resolve]") {
  auto router = router_with("");
  CHECK(route_of(*router, "") == "local|mx.example.com|MAILER-DAEMON@mx.example.com");
  CHECK(route_of(*router, "@example.com") == "local|mx.example.com|MAILER-DAEMON@example.com");
  CHECK(route_of(*router, "user") == "local|mx.example.com|user@mx.example.com");
  CHECK(route_of(*router, "user@192.0.2.5").ends_with("|bad"));
  CHECK(route_of(*router, "user@").ends_with("|bad"));
  CHECK(route_of(*router, "user@a..b").ends_with("|bad"));
  CHECK(route_of(*router, "-user@example.com").ends_with("|bad"));
  CHECK(route_of(*router_with("allow_min_user = yes\n"), "-user@example.com") ==
        "local|mx.example.com|-user@example.com");
  CHECK(route_of(*router, "a b@example.com") == "local|mx.example.com|a b@example.com");
}

TEST_CASE("resolve: transport_maps, relayhost and relocated_maps in Postfix's order", "[route][resolve]") {
  auto router = router_with(
      "relayhost = [smart.test]:587\ntransport_maps = inline:{{u@t.test = slow:}, {t.test = smtp:[10.0.0.1]}, "
      "{.t.test = :[10.0.0.2]}, {err.test = error:5.7.1 no mail please}, {keep.test = :}, {ret.test = retry:}}\n"
      "relocated_maps = inline:{moved@example.com=new@else.test}\n");
  CHECK(route_of(*router, "u+e@t.test") == "slow|t.test|u+e@t.test");
  CHECK(route_of(*router, "x@t.test") == "smtp|[10.0.0.1]|x@t.test");
  CHECK(route_of(*router, "x@a.t.test") == "smtp|[10.0.0.2]|x@a.t.test");
  CHECK(route_of(*router, "x@keep.test") == "smtp|[smart.test]:587|x@keep.test");
  CHECK(route_of(*router, "x@other.test") == "smtp|[smart.test]:587|x@other.test");
  CHECK(route_of(*router, "x@err.test") == "error|5.7.1 no mail please|x@err.test");
  CHECK(route_of(*router, "x@ret.test") == "retry|Address is undeliverable|x@ret.test");
  CHECK(route_of(*router, "moved@example.com") == "error|5.1.6 User has moved to new@else.test|moved@example.com");
  auto wild = router_with("transport_maps = inline:{{* = smtp:[wild.test]}, {example.com = :}}\n");
  CHECK(route_of(*wild, "x@other.test") == "smtp|[wild.test]|x@other.test");
  CHECK(route_of(*wild, "x@example.com") == "local|mx.example.com|x@example.com");
}

TEST_CASE("resolve: the sender may choose relayhost and transport", "[route][resolve]") {
  auto router = router_with(
      "relayhost = [smart.test]\nsender_dependent_relayhost_maps = inline:{{@isp.test = [isp.test]:587}, "
      "{d@isp2.test = DUNNO}, {<> = [null.test]}}\n"
      "sender_dependent_default_transport_maps = inline:{{s@isp.test = out:}}\n");
  CHECK(route_of(*router, "x@y.test", "a@isp.test") == "smtp|[isp.test]:587|x@y.test");
  CHECK(route_of(*router, "x@y.test", "s@isp.test") == "out|[isp.test]:587|x@y.test");
  CHECK(route_of(*router, "x@y.test", "d@isp2.test") == "smtp|y.test|x@y.test");
  CHECK(route_of(*router, "x@y.test", "") == "smtp|[null.test]|x@y.test");
  CHECK(route_of(*router, "x@y.test", "q@q.test") == "smtp|[smart.test]|x@y.test");
}

TEST_CASE("resolve: a table that cannot be asked is a temporary error", "[route][resolve]") {
  Quiet quiet;
  auto router = router_with("transport_maps = fail:x\n");
  CHECK(router->resolve("", "x@y.test").error);
  CHECK(router_with("relay_domains = fail:x\n")->resolve("", "x@y.test").error);
  CHECK(router_with("mydestination = fail:x\n")->resolve("", "x@y.test").error);
}

TEST_CASE("recipients: each class has its table", "[route][recipients]") {
  auto router = router_with(
      "relay_domains = relayed.test\nrelay_recipient_maps = inline:{r@relayed.test=x}\n"
      "virtual_alias_domains = alias.test\nvirtual_alias_maps = inline:{va@alias.test=user}\n"
      "virtual_mailbox_domains = boxes.test\nvirtual_mailbox_maps = inline:{b@boxes.test=b/}\n"
      "relocated_maps = inline:{gone@example.com=there}\n");
  auto answer = [&](std::string_view recipient) {
    Validity v = router->check_recipient("", recipient);
    return v.kind == Validity::Kind::valid ? std::string("valid") : v.dsn + " " + v.text;
  };
  CHECK(answer("user+x@example.com") == "valid");
  CHECK(answer("nobody@example.com") == "5.1.1 User unknown in local recipient table");
  CHECK(answer("postmaster@example.com") == "valid");
  CHECK(answer("double-bounce@example.com") == "valid");
  CHECK(answer("r@relayed.test") == "valid");
  CHECK(answer("q@relayed.test") == "5.1.1 User unknown in relay recipient table");
  CHECK(answer("va@alias.test") == "valid");
  CHECK(answer("vb@alias.test") == "5.1.1 User unknown in virtual alias table");
  CHECK(answer("b@boxes.test") == "valid");
  CHECK(answer("c@boxes.test") == "5.1.1 User unknown in virtual mailbox table");
  CHECK(answer("gone@example.com") == "5.1.6 User has moved to there");
  CHECK(answer("any@elsewhere.test") == "valid");
  CHECK(router->check_sender("nobody@example.com").dsn == "5.1.0");
}

TEST_CASE("canonical and masquerade: place by place, again until nothing changes", "[route][mapping]") {
  Quiet quiet;
  auto router = router_with(
      "canonical_maps = inline:{{a@example.com = b}, {b@example.com = c+x}, {loop1@x.test = loop2@x.test}, "
      "{loop2@x.test = loop1@x.test}, {self@x.test = Self@x.test}, {@old.test = @new.test}}\n"
      "sender_canonical_maps = inline:{s@example.com=Full.Name@example.com}\n"
      "masquerade_domains = !keep.example.com, example.com\nmasquerade_exceptions = root\n");
  auto map = [&](std::string_view address, Place place) {
    auto out = router->map_address(address, place);
    return out ? *out : "error " + out.error().what;
  };
  CHECK(map("a@example.com", kEnvelopeSender) == "c+x@example.com");
  CHECK(map("a+e@example.com", kEnvelopeRecipient) == "c+x+e@example.com");
  CHECK(map("u+e@old.test", kHeaderSender) == "u+e@new.test");
  CHECK(map("self@x.test", kHeaderSender) == "Self@x.test");
  CHECK(map("loop1@x.test", kHeaderSender).starts_with("error canonical_maps map nesting is unreasonable"));
  CHECK(map("s@example.com", kHeaderSender) == "Full.Name@example.com");
  CHECK(map("s@example.com", kHeaderRecipient) == "s@example.com");
  CHECK(map("u@host.example.com", kEnvelopeSender) == "u@example.com");
  CHECK(map("u@host.example.com", kEnvelopeRecipient) == "u@host.example.com");
  CHECK(map("root@host.example.com", kEnvelopeSender) == "root@host.example.com");
  CHECK(map("u@h.keep.example.com", kEnvelopeSender) == "u@h.keep.example.com");
  CHECK(map("", kEnvelopeSender).empty());
}

TEST_CASE("virtual aliases: expand recursively within limits", "[route][mapping]") {
  auto router = router_with(
      "virtual_alias_maps = inline:{{list@example.com = a, b@other.test, list2}, {list2@example.com = c "
      "list@example.com}, "
      "{self@example.com = self, copy@x.test}, {@dom.test = @other.test}, {big@x.test = big@x.test1}}\n");
  auto expand = [&](std::string_view address) {
    auto out = router->expand_virtual(address);
    if (!out) return "error " + out.error().what;
    std::string joined;
    for (const std::string& one : *out) joined += one + " ";
    return joined;
  };
  CHECK(expand("self+e@example.com") == "self+e@example.com copy+e@x.test ");
  CHECK(expand("u+x@dom.test") == "u+x@other.test ");
  CHECK(expand("nobody@example.com") == "nobody@example.com ");
  CHECK(expand("list@example.com").starts_with("error unreasonable virtual_alias_maps"));
  auto finite =
      router_with("virtual_alias_maps = inline:{{list@example.com = a, b@other.test, list2}, {list2 = c d}}\n");
  auto out = finite->expand_virtual("list@example.com");
  REQUIRE(out);
  CHECK(*out == std::vector<std::string>{"a@example.com", "b@other.test", "c@example.com", "d@example.com"});
}

TEST_CASE("L6 virtual aliases: exponential expansion ends at the limit with a temporary error", "[route][mapping]") {
  std::string entries;
  for (int i = 0; i < 30; ++i) {
    std::string next = "n" + std::to_string(i + 1) + "@x.test";
    entries += "{n" + std::to_string(i) + "@x.test = " + next + ", " + next + "}, ";
  }
  auto router = router_with("virtual_alias_maps = inline:{" + entries + "{z=z}}\n");
  auto out = router->expand_virtual("n0@x.test");
  REQUIRE_FALSE(out);
  CHECK_FALSE(out.error().is_permanent());
}

TEST_CASE("generic and bcc: one address each", "[route][mapping]") {
  Quiet quiet;
  auto router = router_with(
      "smtp_generic_maps = inline:{{user@mx.example.com = me@isp.test}, {@mx.example.com = me+all@isp.test}}\n"
      "sender_bcc_maps = inline:{s@example.com=archive}\nrecipient_bcc_maps = inline:{@example.com=arch2@x.test}\n"
      "always_bcc = all\n");
  CHECK(*router->map_generic("user@mx.example.com") == "me@isp.test");
  CHECK(*router->map_generic("root@mx.example.com") == "me+all@isp.test");
  CHECK(*router->map_generic("q@q.test") == "q@q.test");
  CHECK(*router->sender_bcc("s@example.com") == std::vector<std::string>{"archive@example.com"});
  CHECK(*router->recipient_bcc("any@example.com") == std::vector<std::string>{"arch2@x.test"});
  CHECK(router->sender_bcc("x@y.test")->empty());
  CHECK(router->always_bcc() == "all@example.com");
}

TEST_CASE("router: the trail says which rule did what", "[route][explain]") {
  auto router = router_with("virtual_alias_maps = inline:{info@example.com=user}\n");
  Steps steps;
  CHECK(router->rewrite("info", Context::local, &steps) == "info@example.com");
  REQUIRE(router->expand_virtual("info@example.com", &steps));
  router->resolve("", "user@example.com", &steps);
  std::string trail;
  for (const Step& step : steps) trail += step.rule + ": " + step.result + "\n";
  CHECK(trail ==
        "append_at_myorigin: info@example.com\n"
        "virtual_alias_maps: info@example.com to user@example.com\n"
        "mydestination: example.com is local\n"
        "local_transport: local:mx.example.com\n");
}

TEST_CASE("route bindings: every name is a parameter, fits its member and is marked as used", "[route]") {
  CHECK(config::check_bindings(kBindings).empty());
}
