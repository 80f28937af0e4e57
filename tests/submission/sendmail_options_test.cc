#include "submission/sendmail_options.h"

#include <catch2/catch.hpp>

#include "submission/sendmail.h"

using namespace umaya;
using namespace umaya::submission;

namespace {
Result<SendmailOptions> parse(std::vector<std::string> words) {
  return parse_sendmail_options(words);
}
}  // namespace

TEST_CASE("sendmail options: the name chooses the mode", "[submission]") {
  CHECK(parse({"/usr/sbin/sendmail"})->mode == Mode::deliver);
  CHECK(parse({"/usr/bin/mailq"})->mode == Mode::list_queue);
  CHECK(parse({"newaliases"})->mode == Mode::aliases);
  CHECK(parse({"smtpd"})->mode == Mode::smtp);
}

TEST_CASE("sendmail options: what scripts use is understood", "[submission]") {
  struct Case {
    std::string name;
    std::vector<std::string> words;
    Mode mode;
    std::vector<std::string> arguments;
  };
  const Case cases[] = {
      {"plain", {"sendmail", "a@b"}, Mode::deliver, {"a@b"}},
      {"cron", {"sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"}, Mode::deliver, {"root"}},
      {"mutt", {"sendmail", "-oem", "-oi", "-f", "me@x", "--", "a@b", "-c@d"}, Mode::deliver, {"a@b", "-c@d"}},
      {"clustered", {"sendmail", "-ti"}, Mode::deliver, {}},
      {"bs", {"sendmail", "-bs"}, Mode::smtp, {}},
      {"bv", {"sendmail", "-bv", "x"}, Mode::verify, {"x"}},
      {"queue run", {"sendmail", "-q"}, Mode::flush, {}},
      {"site", {"sendmail", "-qRexample.org"}, Mode::flush_site, {}},
      {"one", {"sendmail", "-qI4F0A1BC23DE"}, Mode::flush_one, {}},
      {"daemon", {"sendmail", "-bd", "-q30m"}, Mode::daemon, {}},
      {"old options",
       {"sendmail", "-A", "x", "-L", "tag", "-U", "-o", "dq", "-O", "DeliveryMode=b", "-m", "-n", "u"},
       Mode::deliver,
       {"u"}},
  };
  for (const Case& one : cases) {
    INFO(one.name);
    auto options = parse(one.words);
    REQUIRE(options);
    CHECK(options->mode == one.mode);
    CHECK(options->arguments == one.arguments);
  }
  auto o = parse({"sendmail", "-t", "-i", "-f", "", "-F", "Full Name", "-N", "success,delay", "-R", "hdrs", "-V", "id",
                  "-XV+=", "-v", "-C", "/etc/x"});
  REQUIRE(o);
  CHECK(o->recipients_from_headers);
  CHECK(o->dot_is_text);
  CHECK(o->sender_given);
  CHECK(o->sender.empty());
  CHECK(o->full_name == "Full Name");
  CHECK(o->notify == (services::kNotifySuccess | services::kNotifyDelay));
  CHECK(o->ret == services::Return::headers);
  CHECK(o->envid == "id");
  CHECK(o->verp_delimiters == "+=");
  CHECK(o->report_delivery);
  CHECK(o->config_dir == "/etc/x");
}

TEST_CASE("sendmail options: nonsense is refused with a reason", "[submission]") {
  for (std::vector<std::string> words : {std::vector<std::string>{"sendmail", "-bx"},
                                         {"sendmail", "-f"},
                                         {"sendmail", "-Z"},
                                         {"sendmail", "-N", "never,delay"},
                                         {"sendmail", "-N", "sometimes"},
                                         {"sendmail", "-R", "half"},
                                         {"sendmail", "-qSx"},
                                         {"sendmail", "-qR"},
                                         {"sendmail", "-B", "9BIT"},
                                         {"sendmail", "-XV+"}}) {
    INFO(words[1]);
    auto options = parse(words);
    REQUIRE_FALSE(options);
    CHECK(options.error().is_permanent());
    CHECK_FALSE(options.error().what.empty());
  }
}

TEST_CASE("sendmail -t: Resent- headers alone count when there are any", "[submission]") {
  HeaderRecipients plain;
  plain.add_header("To", " a@x, \"B, b\" <b@x>");
  plain.add_header("bcc", " c@x");
  plain.add_header("From", " nobody@x");
  CHECK(plain.take() == std::vector<std::string>{"a@x", "b@x", "c@x"});
  plain.add_header("Resent-From", " r@x");
  plain.add_header("Resent-To", " d@x");
  CHECK(plain.take() == std::vector<std::string>{"d@x"});
}

TEST_CASE("sendmail: addresses in arguments may have names and commas", "[submission]") {
  CHECK(addresses_of({"a@b,c", "Full Name <d@e>", "<>", "(note) f@g"}) ==
        std::vector<std::string>{"a@b", "c", "d@e", "f@g"});
}
