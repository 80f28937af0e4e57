#include "libcommon/config/check.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::config;

namespace {

constexpr std::string_view kMasterCf =
    "smtp inet n - n - - smtpd\npickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\n"
    "qmgr unix n - n 300 1 qmgr\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n"
    "trace unix - - n - 0 bounce\nsmtp unix - - n - - smtp\nrelay unix - - n - - smtp\nshowq unix n - n - - showq\n"
    "error unix - - n - - error\nretry unix - - n - - error\nlocal unix - n n - - local\n"
    "virtual unix - n n - - virtual\n";

std::vector<Finding> findings(std::string_view main_cf, std::string_view more_master = "") {
  HostFacts host;
  host.hostname = "mx.example.com";
  auto config = Config::from_text("alias_maps =\n" + std::string(main_cf), "/etc/umaya", {}, host);
  if (!config) FAIL(config.error().what);
  return check(*config, std::string(kMasterCf) + std::string(more_master));
}

/// True when one finding has this text, or starts with it.
bool says(const std::vector<Finding>& all, Severity severity, std::string_view text) {
  return std::any_of(all.begin(), all.end(), [&](const Finding& f) {
    return f.severity == severity && std::string_view(f.text).starts_with(text);
  });
}

/// Findings but for those that only tell how far this version has come.
std::vector<Finding> complaints(std::string_view main_cf) {
  std::vector<Finding> all = findings(main_cf);
  std::erase_if(all, [](const Finding& f) { return f.severity == Severity::note; });
  return all;
}

struct Case {
  const char* line;  ///< line 2 of main.cf
  Severity severity;
  const char* text;  ///< start of the finding, behind "/etc/umaya/main.cf, line 2: "
};

}  // namespace

TEST_CASE("check: a sound configuration has no findings", "[config][check]") {
  auto all = complaints("mynetworks = 192.168.0.0/24 127.0.0.0/8 [::1]/128\nhome_mailbox = Maildir/\n");
  for (const Finding& f : all) UNSCOPED_INFO(f.text);
  CHECK(all.empty());
}

TEST_CASE("check: says what is wrong with a line of main.cf and how to mend it", "[config][check]") {
  const Case cases[] = {
      {"myhostname = server.c5.exp.info.kochi-tech.ac.jp.", Severity::error,
       "myhostname = server.c5.exp.info.kochi-tech.ac.jp.: a host name ends without a dot here"},
      {"smtpd_sasl_type = cyrus", Severity::warning, "smtpd_sasl_type = cyrus: nobody can log in: remove this line"},
      {"smtpd_sasl_auth_enable = yes", Severity::warning,
       "smtpd_sasl_auth_enable = yes: passwords cross the network readable: write smtpd_tls_auth_only = yes"},
      {"myhostname = mx", Severity::warning, "myhostname = mx: \"mx\" is not a full domain name"},
      {"myhostname = mail_host.example.com", Severity::warning, "myhostname = mail_host.example.com: an underscore"},
      {"mydestination = $myhostname, example.com.", Severity::error,
       "mydestination = $myhostname, example.com.: \"example.com.\" matches nothing: remove its final dot"},
      {"mydestination = user@example.com", Severity::error,
       "mydestination = user@example.com: \"user@example.com\" is a mail address: list domains only"},
      {"mynetworks = 192.168.0.5/24", Severity::error,
       "mynetworks = 192.168.0.5/24: \"192.168.0.5/24\" has non-zero host bits: perhaps you meant 192.168.0.0/24"},
      {"mynetworks = 0.0.0.0/0", Severity::error, "mynetworks = 0.0.0.0/0: \"0.0.0.0/0\" is the whole Internet"},
      {"mynetworks = 192.168.0.0/33", Severity::error,
       "mynetworks = 192.168.0.0/33: \"192.168.0.0/33\" is not a network"},
      {"home_mailbox = Maildir", Severity::warning, "home_mailbox = Maildir: without a final / this is one mbox file"},
      {"mail_name = X # our name", Severity::warning,
       "mail_name = X # our name: the text from # on is part of the value"},
      {"mail_name = \"X\"", Severity::warning, "mail_name = \"X\": the quotes are part of the value"},
      {"smtpd_timout = 30s", Severity::warning, "unknown parameter smtpd_timout: did you mean smtpd_timeout?"},
      {"utterly_foreign_thing = 30s", Severity::warning,
       "unknown parameter utterly_foreign_thing: nothing reads it: remove the line"},
      {"nosuch_destination_recipient_limit = 3", Severity::warning,
       "unknown parameter nosuch_destination_recipient_limit: master.cf has no unix service \"nosuch\""},
      {"mail_version = 9", Severity::note, "mail_version is computed"},
      {"smtpd_tls_enable_rpk = yes", Severity::note, "smtpd_tls_enable_rpk has no effect yet in this version of Umaya"},
      {"default_process_limit = many", Severity::error, "default_process_limit = many: \"many\" is not a whole number"},
      {"smtpd_relay_restrictions = permit_mynetworks", Severity::error,
       "smtpd_relay_restrictions = permit_mynetworks: with smtpd_recipient_restrictions this makes an open relay"},
      {"inet_protocols = ipv5", Severity::error, "inet_protocols = ipv5: \"ipv5\": write all, ipv4 or ipv6"},
      {"mailbox_size_limit = 1000000", Severity::error,
       "mailbox_size_limit = 1000000: mailbox_size_limit is smaller than message_size_limit"},
      {"message_size_limit = 0", Severity::error,
       "message_size_limit = 0: virtual_mailbox_limit is smaller than message_size_limit"},
      {"relayhost = smtp.example.net.", Severity::error,
       "relayhost = smtp.example.net.: \"smtp.example.net.\": remove the final dot"},
      {"default_transport = uucp", Severity::error,
       "default_transport = uucp: master.cf has no service \"uucp\" of type unix"},
      {"virtual_mailbox_domains = mx.example.com", Severity::error,
       "virtual_mailbox_domains = mx.example.com: do not list domain mx.example.com in BOTH mydestination and"}};
  for (const Case& c : cases) {
    INFO(c.line);
    auto all = findings(std::string(c.line) + "\n");
    std::string said;
    for (const Finding& f : all) said += f.text + "\n";
    INFO(said);
    CHECK(says(all, c.severity, std::string("/etc/umaya/main.cf, line 2: ") + c.text));
  }
}

TEST_CASE("check: one mistake is said once, where it was made", "[config][check]") {
  auto all = complaints("myhostname = server.c5.exp.info.kochi-tech.ac.jp.\nmydestination = $myhostname, localhost\n");
  REQUIRE(all.size() == 1);
  CHECK(all[0].text.starts_with("/etc/umaya/main.cf, line 2: myhostname"));
}

TEST_CASE("check: mailboxes as large as a message, or without a limit, are fine", "[config][check]") {
  CHECK(complaints("mailbox_size_limit = 10240000\nvirtual_mailbox_limit = 0\n").empty());
  CHECK(complaints("message_size_limit = 0\nmailbox_size_limit = 0\nvirtual_mailbox_limit = 0\n").empty());
}

TEST_CASE("check: names that something mentions are the administrator's own", "[config][check]") {
  CHECK(complaints("my_domain_list = a.example\nmydestination = $my_domain_list\n").empty());
  CHECK(complaints("smtpd_restriction_classes = insiders_only\ninsiders_only = reject\n").empty());
  CHECK(complaints("local_destination_concurrency_limit = 3\nrelay_destination_rate_delay = 1s\n").empty());
}

TEST_CASE("check: says what a service of master.cf will do", "[config][check]") {
  auto at = [](std::string_view text) { return "/etc/umaya/master.cf, line 15: " + std::string(text); };
  CHECK(says(findings("", "rewrite unix - - n - - trivial-rewrite\n"), Severity::note,
             at("rewrite/unix: trivial-rewrite is built in")));
  CHECK(says(findings("", "smtp unix - - n - - smtp\n"), Severity::warning,
             at("smtp/unix: replaces the service of line 8: remove one of them")));
  CHECK(says(findings("", "x unix - - n - - postscreen\n"), Severity::note, at("x/unix: postscreen is not part")));
  CHECK(says(findings("", "x unix - - n - - smptd\n"), Severity::error, at("x/unix: there is no program smptd")));
  CHECK(says(findings("", "q2 unix n - n 300 2 qmgr\n"), Severity::warning,
             at("q2/unix: the process limit of qmgr must be 1")));
  CHECK(says(findings("", "587 inet n - n - - smtpd -o smtpd_timeout=never\n"), Severity::error,
             at("587/inet: -o smtpd_timeout=never: \"never\" is not a time")));
  CHECK(says(findings("", "587 inet n - n - - smtpd -o smtpd_timout=5s\n"), Severity::warning,
             at("587/inet: -o smtpd_timout: unknown parameter: did you mean smtpd_timeout?")));
  constexpr std::string_view kLogIn = "587 inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes\n";
  constexpr std::string_view kNoAuth = "/etc/umaya/master.cf: nobody can log in: service auth is missing: add the line";
  CHECK(says(findings("", kLogIn), Severity::warning, kNoAuth));
  constexpr std::string_view kLogInAndAuth =
      "587 inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes\nauth unix - - n - 0 authd\n";
  CHECK_FALSE(says(findings("", kLogInAndAuth), Severity::warning, kNoAuth));
  CHECK_FALSE(says(findings("smtpd_sasl_path = /run/dovecot/auth\n", kLogIn), Severity::warning, kNoAuth));
  HostFacts host;
  host.hostname = "mx.example.com";
  auto config = Config::from_text("", "/etc/umaya", {}, host);
  REQUIRE(config);
  CHECK(says(check(*config, "smtp unix - - n - - smtp\n"), Severity::error,
             "/etc/umaya/master.cf: service qmgr is missing: add the line \"qmgr unix n - n 300 1 qmgr\""));
}
