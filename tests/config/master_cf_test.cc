#include "libcommon/config/master_cf.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::config;

namespace {

MasterCf parsed(std::string_view text, const MasterDefaults& defaults = {}) {
  auto file = MasterCf::parse(text, "/etc/umaya/master.cf", defaults);
  if (!file) FAIL(file.error().what);
  return std::move(*file);
}

std::string error_of(std::string_view text) {
  auto file = MasterCf::parse(text, "master.cf");
  REQUIRE_FALSE(file);
  CHECK(file.error().is_permanent());
  return file.error().what;
}

std::string printed(std::string_view line, Fold fold) {
  auto entry = parse_master_entry(line);
  if (!entry) FAIL(entry.error().what);
  return print_entry(*entry, fold);
}

}  // namespace

TEST_CASE("master_cf: reads a line into its meaning", "[config][master_cf]") {
  auto file = parsed(
      "# comment\n"
      "smtp inet n - n - - smtpd\n"
      "  -o smtpd_tls_security_level=encrypt\n"
      "# within\n"
      "\n"
      "  -o { smtpd_banner = two words } -v\n"
      "flush  unix  n  -  y  1000?  0  flush\n"
      "local unix - n - 60 5 local\n");
  REQUIRE(file.services.size() == 3);
  const auto& smtp = file.services[0];
  CHECK(smtp.key() == "smtp/inet");
  CHECK(smtp.line == 2);
  CHECK_FALSE(smtp.is_private);
  CHECK(smtp.unprivileged);
  CHECK_FALSE(smtp.chroot);
  CHECK(smtp.process_limit == 100);
  CHECK(smtp.command == "smtpd");
  CHECK(smtp.arguments ==
        std::vector<std::string>{"-o", "smtpd_tls_security_level=encrypt", "-o", "smtpd_banner = two words", "-v"});
  REQUIRE(smtp.overrides.size() == 2);
  CHECK(smtp.overrides[1] == std::pair<std::string, std::string>{"smtpd_banner", "two words"});
  const auto& flush = file.services[1];
  CHECK(flush.wakeup_seconds == 1000);
  CHECK(flush.wakeup_only_when_used);
  CHECK(flush.process_limit == 0);
  CHECK(flush.chroot);
  CHECK(flush.type == ServiceType::unix_stream);
  const auto& local = file.services[2];
  CHECK(local.is_private);
  CHECK_FALSE(local.unprivileged);
  CHECK(local.wakeup_seconds == 60);
  CHECK_FALSE(local.wakeup_only_when_used);
}

TEST_CASE("master_cf: defaults come from the configuration", "[config][master_cf]") {
  auto file = parsed("x unix - - - - - x\n", {.process_limit = 7, .chroot = true});
  CHECK(file.services[0].process_limit == 7);
  CHECK(file.services[0].chroot);
}

TEST_CASE("master_cf: the last of two lines for a service counts", "[config][master_cf]") {
  auto file = parsed("smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\nsmtp inet n - n - 5 postscreen\n");
  REQUIRE(file.services.size() == 2);
  CHECK(file.find("smtp", ServiceType::inet)->command == "postscreen");
  CHECK(file.find("smtp", ServiceType::unix_stream)->command == "smtp");
  REQUIRE(file.warnings.size() == 1);
  CHECK(file.warnings[0].find("line 3: service smtp/inet replaces the one of line 1") != std::string::npos);
}

TEST_CASE("master_cf: braces make one argument", "[config][master_cf]") {
  auto file = parsed("x unix - n n - - pipe flags=R {} { a  b } argv=/bin/x ${recipient} { {nested} x }\n");
  CHECK(file.services[0].arguments ==
        std::vector<std::string>{"flags=R", "", "a  b", "argv=/bin/x", "${recipient}", "{nested} x"});
  auto inside = parsed("x unix - n n - - pipe argv=/bin/x ${user?{a b}:{c}} -f{x y}z }\n");
  CHECK(inside.services[0].arguments == std::vector<std::string>{"argv=/bin/x", "${user?{a b}:{c}}", "-f{x y}z", "}"});
  CHECK(file.services[0].overrides.empty());
}

TEST_CASE("master_cf: an error names line and cure", "[config][master_cf]") {
  CHECK(error_of("\nx unix\n").find("master.cf, line 2: too few fields") == 0);
  const std::pair<const char*, const char*> cases[] = {
      {"x foo n - - - - x", "not a service type: write inet"},
      {"x unix q - - - - x", "field \"private\" is \"q\": write y, n or -"},
      {"25 inet y - - - - x", "an inet service cannot be private"},
      {"x unix n - - ab - x", "field \"wakeup\" is \"ab\""},
      {"x unix n - - - -1 x", "field \"process_limit\" is \"-1\""},
      {"x unix n - - - - x { a", "the closing } is missing"},
      {"x unix n - - - - x a{b}}", "an opening { is missing"},
      {"x unix n - - - - x {a}b", "a blank is missing behind the }"},
      {"x unix n - - - - x -o foo", "write -o name=value"},
      {"x unix n - - - - x -o", "-o is the last argument"},
      {"x unix n - - - - /bin/x", "without /"},
      {"  x unix n - - - - x", "must not start with white space"},
      {"x unix-dgram n - - 5 - x", "cannot be woken up"},
      {"::1:25 inet n - - - - x", "write an IPv6 address in brackets"},
      {"localhost: inet n - - - - x", "the port is missing"}};
  for (auto [text, what] : cases) {
    INFO(text);
    CHECK(error_of(text).find(what) != std::string::npos);
  }
}

TEST_CASE("master_cf: a table written for Postfix gets become when something needs it", "[config][master_cf]") {
  auto file = parsed("local unix - n n - - local\n");
  add_own_services(file);
  const MasterService* become = file.find("become", ServiceType::unix_stream);
  REQUIRE(become);
  CHECK_FALSE(become->unprivileged);
  CHECK(become->is_private);
  CHECK(become->process_limit == 0);
  add_own_services(file);
  CHECK(file.services.size() == 2);
  auto null_client = parsed("smtp unix - - n - - smtp\n");
  add_own_services(null_client);
  CHECK(null_client.services.size() == 1);
}

TEST_CASE("master_cf: inet services split into host and port", "[config][master_cf]") {
  using Pair = std::pair<std::string, std::string>;
  CHECK(*split_inet_service("smtp") == Pair{"", "smtp"});
  CHECK(*split_inet_service("127.0.0.1:2525") == Pair{"127.0.0.1", "2525"});
  CHECK(*split_inet_service("[::1]:25") == Pair{"::1", "25"});
}

TEST_CASE("master_cf: master_service_disable takes types, services and exceptions", "[config][master_cf]") {
  auto file = parsed("smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n");
  CHECK(service_disabled(file.services[0], {"inet"}));
  CHECK_FALSE(service_disabled(file.services[1], {"inet"}));
  CHECK(service_disabled(file.services[0], {"smtp/inet"}));
  CHECK_FALSE(service_disabled(file.services[0], {"!smtp/inet", "inet"}));
  CHECK(service_disabled(file.services[1], {"static:all"}));
}

TEST_CASE("master_cf: a folded line never begins with #, which would make it a comment", "[config][master_cf]") {
  std::string line = "x unix - n n - - pipe argv=/a/rather/long/name/of/a/program #not-a-comment";
  CHECK(printed(line, Fold::folded) ==
        "x          unix  -       n       n       -       -       pipe\n"
        "    argv=/a/rather/long/name/of/a/program #not-a-comment");
  CHECK(printed("x unix - n n - - pipe -o a=b #c", Fold::folded).ends_with("\n    -o a=b #c"));
}

TEST_CASE("master_cf: prints Postfix's columns", "[config][master_cf]") {
  CHECK(printed("smtp inet n - y - - smtpd", Fold::one_line) ==
        "smtp       inet  n       -       y       -       -       smtpd");
  CHECK(printed("postlog unix-dgram n - n - 1 postlogd", Fold::one_line) ==
        "postlog    unix-dgram n  -       n       -       1       postlogd");
  CHECK(printed("scalemail-backend unix - n n - 2 pipe flags=R", Fold::one_line) ==
        "scalemail-backend unix - n       n       -       2       pipe flags=R");
  CHECK(printed("a-very-long-name unix-dgram n - y - 7 smtpd -v -o x=y -oz=w -o { long = with blanks } { a  b } argv "
                "-o q=r",
                Fold::folded) ==
        "a-very-long-name unix-dgram n -  y       -       7       smtpd -v\n    -o x=y\n    -o z=w\n"
        "    -o {long=with blanks}\n    {a  b} argv -o q=r");
  CHECK(printed("uucp unix - n n - - pipe flags=Fqhu user=uucp argv=uux -r -n -z -a$sender - $nexthop!rmail "
                "($recipient)",
                Fold::folded) ==
        "uucp       unix  -       n       n       -       -       pipe flags=Fqhu\n"
        "    user=uucp argv=uux -r -n -z -a$sender - $nexthop!rmail ($recipient)");
  CHECK(printed("relay unix - - y - - smtp -o syslog_name=postfix/$service_name", Fold::one_line) ==
        "relay      unix  -       -       y       -       -       smtp -o syslog_name=postfix/$service_name");
}
