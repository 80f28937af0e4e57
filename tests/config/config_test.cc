#include "libcommon/config/config.h"

#include <arpa/inet.h>

#include <catch2/catch.hpp>

#include "libcommon/config/bind.h"

using namespace umaya;
using namespace umaya::config;

namespace {

HostFacts lab_host(std::string name = "server.c5.exp.info.kochi-tech.ac.jp") {
  HostFacts host;
  host.hostname = std::move(name);
  auto add = [&](int family, const char* text, int prefix, bool loopback) {
    InterfaceAddress address;
    address.family = family;
    address.prefix = prefix;
    address.loopback = loopback;
    inet_pton(family, text, address.address.data());
    host.addresses.push_back(address);
  };
  add(AF_INET, "127.0.0.1", 8, true);
  add(AF_INET, "192.168.0.161", 24, false);
  add(AF_INET6, "::1", 128, true);
  return host;
}

Config lab(std::string_view main_cf, const std::vector<std::string>& overrides = {}) {
  auto config = Config::from_text(main_cf, "/etc/umaya", overrides, lab_host());
  if (!config) FAIL(config.error().what);
  return std::move(*config);
}

std::string error_of(std::string_view main_cf) {
  auto config = Config::from_text(main_cf, "/etc/umaya", {}, lab_host());
  REQUIRE_FALSE(config);
  return config.error().what;
}

struct Params {
  std::string banner;
  Duration timeout{};
  int64_t errors = 0;
  bool helo = true;
  std::vector<std::string> networks;
  bool normalize = false;
};

Result<> set_bare_newline(Params& params, const std::string& value) {
  if (value != "normalize" && value != "no") return permanent("write normalize or no");
  params.normalize = value == "normalize";
  return {};
}

constexpr auto kBindings = bindings<Params>({{"smtpd_banner", &Params::banner},
                                             {"smtpd_timeout", &Params::timeout},
                                             {"smtpd_hard_error_limit", &Params::errors},
                                             {"smtpd_helo_required", &Params::helo},
                                             {"mynetworks", &Params::networks},
                                             {"smtpd_forbid_bare_newline", &set_bare_newline}});

}  // namespace

TEST_CASE("config: an empty main.cf gives Postfix's defaults with our names", "[config]") {
  auto config = lab("");
  CHECK(config.get("smtpd_banner") == "server.c5.exp.info.kochi-tech.ac.jp ESMTP Umaya");
  CHECK(config.get("mydomain") == "c5.exp.info.kochi-tech.ac.jp");
  CHECK(config.get("mydestination") ==
        "server.c5.exp.info.kochi-tech.ac.jp, localhost.c5.exp.info.kochi-tech.ac.jp, localhost");
  CHECK(config.get("queue_directory") == "/var/spool/umaya");
  CHECK(config.get("mynetworks") == "127.0.0.1/32 192.168.0.161/32 [::1]/128");
  CHECK(config.get("append_dot_mydomain") == "no");
  CHECK(config.get("syslog_name") == "postfix");
  CHECK(config.get("config_directory") == "/etc/umaya");
  CHECK(*config.get_time("maximal_queue_lifetime") == std::chrono::days(5));
  CHECK(*config.get_int("smtpd_hard_error_limit") == 20);
  CHECK(config.get("nobody_knows_this").empty());
}

TEST_CASE("config: a value spans lines, the last setting wins, an override wins over both", "[config]") {
  auto config =
      lab("mydestination = a,\n# a comment within\n  b\n\n\tc\nmail_name = X\nmail_name = Y\r\n", {"myorigin=o"});
  CHECK(config.get_list("mydestination") == std::vector<std::string>{"a", "b", "c"});
  CHECK(config.get("mail_name") == "Y");
  CHECK(config.get("myorigin") == "o");
  CHECK(config.where("mail_name") == "/etc/umaya/main.cf, line 7: mail_name = Y");
  CHECK(config.where("myorigin") == "-o option: myorigin = o");
  REQUIRE(config.main_cf().warnings.size() == 1);
  CHECK(config.main_cf().warnings[0] == "/etc/umaya/main.cf, line 7: overriding earlier entry: mail_name=X");
}

TEST_CASE("config: myhostname and mydomain complete each other", "[config]") {
  CHECK(lab("myhostname = mail.example.com").get("mydomain") == "example.com");
  CHECK(lab("mydomain = example.com\nmyhostname = mx.$mydomain").get("myhostname") == "mx.example.com");
  auto bare = Config::from_text("mydomain = example.com", "/x", {}, lab_host("mx"));
  REQUIRE(bare);
  CHECK(bare->get("myhostname") == "mx.example.com");
  auto lonely = Config::from_text("", "/x", {}, lab_host("mx"));
  CHECK(lonely->get("myhostname") == "mx.localdomain");
}

TEST_CASE("config: mynetworks follows mynetworks_style, inet_interfaces and inet_protocols", "[config]") {
  CHECK(lab("mynetworks_style = subnet").get("mynetworks") == "127.0.0.0/8 192.168.0.0/24 [::1]/128");
  CHECK(lab("mynetworks_style = class").get("mynetworks") == "127.0.0.0/8 192.168.0.0/24 [::1]/128");
  CHECK(lab("inet_interfaces = loopback-only").get("mynetworks") == "127.0.0.1/32 [::1]/128");
  CHECK(lab("inet_interfaces = 192.168.0.161\ninet_protocols = ipv4\nmynetworks_style=subnet").get("mynetworks") ==
        "192.168.0.0/24");
  CHECK(lab("mynetworks = 10.0.0.0/8").get("mynetworks") == "10.0.0.0/8");
}

TEST_CASE("config: limits of a transport fall back to the common ones", "[config]") {
  auto config = lab("default_destination_recipient_limit = 7\nuucp_destination_concurrency_limit = 3\n");
  CHECK(*config.get_int("uucp_destination_recipient_limit") == 7);
  CHECK(*config.get_int("uucp_destination_concurrency_limit") == 3);
  CHECK(*config.get_int("local_destination_concurrency_limit") == 2);
  CHECK(*config.get_time("uucp_time_limit") == std::chrono::seconds(1000));
  CHECK(config.get("smtp_connect_timeout") == "30s");
}

TEST_CASE("config: stress changes the limits that ask for it", "[config]") {
  CHECK(*lab("", {"stress=yes"}).get_int("smtpd_hard_error_limit") == 1);
  CHECK(*lab("", {"stress="}).get_int("smtpd_hard_error_limit") == 20);
}

TEST_CASE("config: an error names file, line, parameter and cure", "[config]") {
  CHECK(error_of("mail_name = x\njunk here\n") ==
        "/etc/umaya/main.cf, line 2: missing '=' after attribute name: \"junk here\"; write name = value, or start the "
        "line with a blank to continue the one before it");
  CHECK(error_of("\nmyorigin = ${x\n") == "/etc/umaya/main.cf, line 2: myorigin = ${x: \"{x\" lacks its closing }");
  CHECK(error_of("myorigin = $mydestination\nmydestination = $myorigin\n").find("contain itself") != std::string::npos);
  auto config = lab("smtpd_timeout = 5x\nsmtpd_hard_error_limit = 0\nsmtpd_helo_required = maybe\n");
  CHECK(config.get_time("smtpd_timeout").error().what ==
        "/etc/umaya/main.cf, line 1: smtpd_timeout = 5x: \"5x\" is not a time: write a number and s, m, h, d or w, for "
        "example 30s");
  CHECK(config.get_int("smtpd_hard_error_limit").error().what ==
        "/etc/umaya/main.cf, line 2: smtpd_hard_error_limit = 0: 0 is too small: the least is 1");
  CHECK(config.get_bool("smtpd_helo_required").error().what ==
        "/etc/umaya/main.cf, line 3: smtpd_helo_required = maybe: \"maybe\" is neither yes nor no");
}

TEST_CASE("config: parameters that are expanded at delivery stay as written", "[config]") {
  auto config = lab("mailbox_command = procmail -a \"$EXTENSION\"\nluser_relay = $user@other.host\n");
  CHECK(config.get("mailbox_command") == "procmail -a \"$EXTENSION\"");
  CHECK(config.get("luser_relay") == "$user@other.host");
}

TEST_CASE("config: bind fills every kind of member and names the setting that is wrong", "[config][bind]") {
  Params params;
  REQUIRE(config::bind(lab("smtpd_timeout = 2m\nmynetworks = 10.0.0.0/8 192.168.0.0/24\n"), kBindings, params));
  CHECK(params.banner == "server.c5.exp.info.kochi-tech.ac.jp ESMTP Umaya");
  CHECK(params.timeout == std::chrono::minutes(2));
  CHECK(params.errors == 20);
  CHECK_FALSE(params.helo);
  CHECK(params.networks == std::vector<std::string>{"10.0.0.0/8", "192.168.0.0/24"});
  CHECK(params.normalize);
  auto bad = config::bind(lab("smtpd_forbid_bare_newline = perhaps\n"), kBindings, params);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().what == "/etc/umaya/main.cf, line 1: smtpd_forbid_bare_newline = perhaps: write normalize or no");
  CHECK_FALSE(config::bind(lab("smtpd_banner =\n"), kBindings, params));
}

TEST_CASE("config: check_bindings finds wrong names, kinds and unlisted names", "[config][bind]") {
  constexpr auto rows = bindings<Params>(
      {{"mynetworks", &Params::networks}, {"no_such_name", &Params::banner}, {"mydomain", &Params::timeout}});
  CHECK(check_bindings(rows) == std::vector<std::string>{"no_such_name: not in the parameter table",
                                                         "mydomain: the member's type does not fit text"});
}
