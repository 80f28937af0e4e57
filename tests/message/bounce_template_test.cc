#include "libcommon/message/bounce_template.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::message;

namespace {
std::optional<std::string> lookup(std::string_view name) {
  if (name == "myhostname") return "mail.example.org";
  if (name == "delay_warning_time") return "90m";
  if (name == "maximal_queue_lifetime") return "5";
  return std::nullopt;
}
}  // namespace

TEST_CASE("bounce template: what postconf -t prints is read back the same", "[message]") {
  const std::string text = print_bounce_templates(default_bounce_templates());
  auto again = parse_bounce_templates(text, "x");
  REQUIRE(again);
  CHECK(print_bounce_templates(*again) == text);
}

TEST_CASE("bounce template: parameters are expanded in all their forms", "[message]") {
  BounceTemplate one;
  one.text = "$myhostname ${myhostname} $(myhostname) $$ $ ${open $nothing.\n";
  CHECK(expand_bounce_text(one, lookup) == "mail.example.org mail.example.org mail.example.org $ $ ${open .\n");
  one.text =
      "$delay_warning_time_minutes $delay_warning_time_hours $maximal_queue_lifetime_days "
      "$maximal_queue_lifetime_hours";
  CHECK(expand_bounce_text(one, lookup) == "90 1 5 120");
}

TEST_CASE("bounce template: From gets a domain when it has none", "[message]") {
  CHECK(qualify_bounce_from("Mail Delivery System <MAILER-DAEMON>", "x.org") ==
        "Mail Delivery System <MAILER-DAEMON@x.org>");
  CHECK(qualify_bounce_from("MAILER-DAEMON (Mail Delivery System)", "x.org") ==
        "MAILER-DAEMON@x.org (Mail Delivery System)");
  CHECK(qualify_bounce_from("a@b", "x.org") == "a@b");
}

TEST_CASE("bounce template: mistakes are told with file, line and cure", "[message]") {
  struct Case {
    std::string text;
    std::string line;
  };
  const Case cases[] = {
      {"failure_template = EOF\n", "line 1"},
      {"\n# x\nfailure = <<EOF\nx\nEOF\n", "line 3"},
      {"failure_template = <<EOF\nSubject: x\n\ntext\n", "line 1"},
      {"failure_template = <<'EOF'\n\ntext\nEOF\n", "line 1"},
      {"failure_template = <<EOF\nColour: x\n\ntext\nEOF\n", "line 2"},
      {"success_template = <<EOF\nPostmaster-Subject: x\n\ntext\nEOF\n", "line 2"},
      {"failure_template = <<EOF\nSubject: x\nEOF\n", "line 3"},
      {"failure_template = <<EOF\n\n\xc3\xa4\nEOF\n", "line 4"},
  };
  for (const Case& one : cases) {
    INFO(one.text);
    auto result = parse_bounce_templates(one.text, "/etc/umaya/bounce.cf");
    REQUIRE_FALSE(result);
    CHECK(result.error().is_permanent());
    CHECK(result.error().what.find("/etc/umaya/bounce.cf, " + one.line + ":") == 0);
  }
}
