#include "submission/address_test.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "libcommon/base/strings.h"
#include "libcommon/base/users.h"
#include "libcommon/dns/mail_route.h"
#include "libcommon/event/loop.h"
#include "libcommon/message/address.h"
#include "submission/sendmail.h"

namespace umaya::submission {
namespace {

constexpr std::string_view kHelp =
    "ADDRESS or /parse ADDRESS   how the address is rewritten, mapped and resolved\n"
    "/mx DOMAIN                  the hosts that mail for the domain would be brought to, in order\n"
    "/quit                       end\n";

std::string print_steps(const route::Steps& steps) {
  std::string out;
  for (const route::Step& step : steps) out += fmt::format("  {}: {}\n", step.rule, step.result);
  return out;
}

/// One address after aliases were expanded: class, transport, next hop.
std::string explain_target(route::Router& router, const std::string& address) {
  route::Steps steps;
  route::Resolution to = router.resolve("", address, &steps);
  std::string out = fmt::format("resolve {}\n{}", message::to_external(address), print_steps(steps));
  if (to.error) return out + fmt::format("  cannot be decided now: {}\n", to.error->what);
  if (to.bad_syntax) return out + "  nobody can deliver this address\n";
  out += fmt::format("  class {}, transport {}, nexthop {}, recipient {}\n", route::class_name(to.address_class),
                     to.transport, to.nexthop, message::to_external(to.recipient));
  route::Validity known = router.check_recipient("", address);
  if (known.kind == route::Validity::Kind::unknown) out += fmt::format("  refused: {} {}\n", known.dsn, known.text);
  if (known.kind == route::Validity::Kind::error) out += fmt::format("  cannot be decided now: {}\n", known.text);
  return out;
}

dns::Families families_of(const config::Config& config) {
  const auto protocols = config.get_list("inet_protocols");
  auto has = [&](std::string_view name) {
    for (const std::string& one : protocols) {
      if (iequals(one, name) || iequals(one, "all")) return true;
    }
    return false;
  };
  if (has("ipv4") && !has("ipv6")) return dns::Families::ipv4;
  if (has("ipv6") && !has("ipv4")) return dns::Families::ipv6;
  return dns::Families::both;
}

std::string answer(const config::Config& config, route::Router& router, std::string_view line) {
  if (line == "?" || line == "/help") return std::string(kHelp);
  if (line.starts_with("/mx")) {
    std::string_view domain = trim(line.substr(3));
    return domain.empty() ? "/mx needs a domain\n" : explain_mx(config, domain);
  }
  if (line.starts_with("/parse")) line = trim(line.substr(6));
  if (line.starts_with('/')) return fmt::format("unknown command {}; \"?\" lists them\n", line);
  return line.empty() ? "an address is missing\n" : explain_address(router, line);
}

}  // namespace

std::string explain_address(route::Router& router, std::string_view text) {
  std::string out;
  for (const message::ListedAddress& listed : message::parse_address_list(text).addresses) {
    route::Steps steps;
    std::string full = router.rewrite(listed.address, route::Context::local, &steps);
    out += fmt::format("rewrite {} -> {}\n{}", message::to_external(listed.address), message::to_external(full),
                       print_steps(steps));
    steps.clear();
    auto mapped = router.map_address(full, route::kEnvelopeRecipient, &steps);
    if (!mapped) return out + fmt::format("  cannot be decided now: {}\n", mapped.error().what);
    auto targets = router.expand_virtual(*mapped, &steps);
    if (!targets) return out + fmt::format("  cannot be decided now: {}\n", targets.error().what);
    if (!steps.empty()) out += "map\n" + print_steps(steps);
    for (const std::string& target : *targets) out += explain_target(router, target);
  }
  return out.empty() ? "no address can be read in that\n" : out;
}

std::string explain_mx(const config::Config& config, std::string_view name) {
  auto domain = message::canonical_domain(name);
  if (!domain) return fmt::format("{} is no domain name\n", name);
  dns::StubResolver::Options where;
  where.resolv_conf = config.get("resolv_conf_file");
  auto resolver = dns::StubResolver::open(where);
  if (!resolver) return resolver.error().what + "\n";
  dns::RouteOptions options;
  options.families = families_of(config);
  auto route = event::run_until_done(dns::mail_route(**resolver, *domain, std::move(options)));
  if (!route) {
    return fmt::format("{} ({}): {}\n", route.error().is_permanent() ? "undeliverable" : "not known now",
                       route.error().dsn, route.error().what);
  }
  std::string out;
  for (const dns::MailHost& host : route->hosts) {
    out += fmt::format("  {:>5} {} [{}]\n", host.preference, host.name, host.address.to_string());
  }
  for (const dns::RouteName& host : route->names) {
    if (host.status != dns::Status::found)
      out += fmt::format("  {:>5} {}: {}\n", host.preference, host.name, host.error);
  }
  if (route->ttl != dns::kForeverTtl) out += fmt::format("  good for {} seconds\n", route->ttl);
  return out;
}

int address_test(const config::Config& config) {
  use_passwd_file(config.get("passwd_file"));
  auto router = route::Router::open(config);
  if (!router) return fail(EX_CONFIG, router.error().what);
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  if (terminal) std::printf("address test mode; \"?\" lists the commands\n");
  std::string line;
  for (;;) {
    if (terminal) std::printf("> ");
    std::fflush(stdout);
    if (!std::getline(std::cin, line)) break;
    std::string_view command = trim(line);
    if (command == "/quit") break;
    if (!command.empty()) std::fputs(answer(config, **router, command).c_str(), stdout);
  }
  return EX_OK;
}

}  // namespace umaya::submission
