#include "local-delivery/local_delivery.h"

#include <catch2/catch.hpp>

#include "libcommon/config/bind.h"
#include "local-delivery/agent.h"
#include "local-delivery/pipe_params.h"
#include "local-delivery/virtual_params.h"
#include "tests/local-delivery/agent_fixture.h"
#include "tests/local-delivery/fake_outside.h"

using namespace umaya;
using namespace umaya::local_delivery;
using fixture::Desk;
using services::delivery::Status;

TEST_CASE("local delivery: every bound parameter exists, fits and is marked as used", "[local][params]") {
  REQUIRE(config::check_bindings(kLocalBindings) == std::vector<std::string>{});
  REQUIRE(config::check_bindings(kVirtualBindings) == std::vector<std::string>{});
  REQUIRE(config::check_bindings(kPipeBindings) == std::vector<std::string>{});
}

TEST_CASE("local delivery: users, mailboxes and unknown names", "[local]") {
  Desk desk;
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | mailbox /var/mail/kim uid 1001");
  REQUIRE(desk.result("KIM+list@example.com") == "2.0.0 | mailbox /var/mail/kim uid 1001");
  REQUIRE(desk.result("nobody-here@example.com") == "5.1.1");
  desk.settings.params.home_mailbox = "Maildir/";
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | mailbox /home/kim/Maildir/ uid 1001");
  REQUIRE(desk.outside.deliveries.back().head ==
          "Return-Path: <sender@example.org>\nX-Original-To: kim@example.com\nDelivered-To: kim@example.com\n");
}

TEST_CASE("local delivery: biff hears of mail in a mailbox of one file, and of nothing else", "[local]") {
  Desk desk;
  desk.run("kim@example.com");
  CHECK(desk.outside.told == std::vector<std::string>{"kim@1234"});
  desk.outside.told.clear();
  desk.outside.broken = {"mailbox"};
  desk.run("kim@example.com");
  desk.outside.broken.clear();
  desk.settings.params.biff = false;
  desk.run("kim@example.com");
  desk.settings.params.biff = true;
  desk.settings.params.home_mailbox = "Maildir/";
  desk.run("kim@example.com");
  desk.settings.params.mailbox_command = "cmd";
  desk.run("kim@example.com");
  CHECK(desk.outside.told.empty());
}

TEST_CASE("local delivery: L8 L20 a user database that cannot be asked defers", "[local]") {
  Desk desk;
  desk.outside.users_fail = true;
  REQUIRE(desk.result("kim@example.com") == "4.3.0");
  REQUIRE(desk.result("no@example.com") == "4.3.0");
  desk.outside.users_fail = false;
  desk.outside.failing_aliases = {"kim"};
  REQUIRE(desk.result("kim@example.com") == "4.3.0");
}

TEST_CASE("local delivery: C1 a list becomes one new message to all of its members", "[local][alias]") {
  Desk desk;
  desk.outside.aliases["list"] = "kim, lee, far@example.net, kim";
  REQUIRE(desk.result("list@example.com") ==
          "2.0.0 | forward <sender@example.org> kim@example.com lee@example.com far@example.net via list@example.com");
  desk.outside.aliases["owner-list"] = "lee";
  REQUIRE(
      desk.result("List@example.com") ==
      "2.0.0 | forward <owner-list@example.com>! kim@example.com lee@example.com far@example.net via List@example.com");
  desk.settings.params.expand_owner = true;
  REQUIRE(desk.result("list@example.com").find("forward <lee@example.com>!") != std::string::npos);
  desk.message.envelope.sender = "";
  REQUIRE(desk.result("list@example.com").find("forward <> kim") != std::string::npos);
}

TEST_CASE("local delivery: without frozen_delivered_to a nested list names itself", "[local][alias]") {
  Desk desk;
  desk.outside.aliases = {{"all", "inner, kim"}, {"inner", "lee"}};
  REQUIRE(desk.result("all@example.com") ==
          "2.0.0 | forward <sender@example.org> lee@example.com kim@example.com via all@example.com");
  desk.settings.params.frozen_delivered = false;
  REQUIRE(desk.result("all@example.com") ==
          "2.0.0 | forward <sender@example.org> lee@example.com via inner@example.com"
          " | forward <sender@example.org> kim@example.com via all@example.com");
}

TEST_CASE("local delivery: a name in its own expansion is the user", "[local][alias]") {
  Desk desk;
  desk.outside.aliases["kim"] = "kim, lee";
  REQUIRE(desk.result("kim@example.com") ==
          "2.0.0 | mailbox /var/mail/kim uid 1001 | forward <sender@example.org> lee@example.com via kim@example.com");
  desk.outside.aliases["kim"] = "\\kim";
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | mailbox /var/mail/kim uid 1001");
  desk.outside.aliases["kim"] = "kim, \\kim";
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | mailbox /var/mail/kim uid 1001");
  desk.outside.aliases["kim"] = "lee";
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | forward <sender@example.org> lee@example.com via kim@example.com");
}

TEST_CASE("local delivery: L6 alias loops and diamonds end, with every target once", "[local][alias]") {
  Desk desk;
  desk.outside.aliases = {{"a", "b"}, {"b", "a"}, {"self", "self"}};
  REQUIRE(desk.result("a@example.com") == "5.4.6");
  REQUIRE(desk.result("self@example.com") == "5.1.1");
  for (int i = 0; i < 60; ++i) {
    std::string next = "d" + std::to_string(i + 1);
    desk.outside.aliases["d" + std::to_string(i)] = next + ", " + next + ", " + next;
  }
  desk.outside.aliases["d60"] = "far@example.net";
  REQUIRE(desk.result("d0@example.com") == "2.0.0 | forward <sender@example.org> far@example.net via d0@example.com");
  for (int i = 0; i < 200; ++i) desk.outside.aliases["e" + std::to_string(i)] = "e" + std::to_string(i + 1);
  REQUIRE(desk.result("e0@example.com") == "5.4.6");
  std::string many;
  for (int i = 0; i < 100'001; ++i) many += "u" + std::to_string(i) + "@x.net,";
  desk.outside.aliases["many"] = many;
  REQUIRE(desk.result("many@example.com") == "4.3.5");
}

TEST_CASE("local delivery: L5 commands and files have the rights of who names them, never root's", "[local][alias]") {
  Desk desk;
  desk.outside.aliases["cmd"] = "\"|prog a\", /data/file, /data/dir/, /dev/null";
  REQUIRE(desk.result("cmd@example.com") ==
          "2.0.0 | command a uid 65534 | mailbox /data/file uid 65534 | mailbox /data/dir uid 65534");
  desk.outside.alias_owners["cmd"] = Identity{500, 500};
  REQUIRE(desk.result("cmd@example.com").find("command a uid 500") != std::string::npos);
  desk.outside.alias_owners["cmd"] = Identity{0, 0};
  REQUIRE(desk.result("cmd@example.com").find("command a uid 65534") != std::string::npos);
  desk.outside.forward_files["/home/kim/.forward"] = "|prog b";
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | command b uid 1001");
  desk.settings.params.allow_commands = {"alias"};
  REQUIRE(desk.result("kim@example.com") == "5.7.1");
}

TEST_CASE("local delivery: L5 an :include: file has its owner's rights, and cannot be read beyond them", "[local]") {
  Desk desk;
  desk.settings.params.allow_commands = {"alias", "forward", "include"};
  desk.outside.aliases["inc"] = ":include:/lists/a";
  desk.outside.include("/lists/a", "|prog x\n:include:/lists/a\nlee, kim\n", 700);
  REQUIRE(
      desk.result("inc@example.com") ==
      "2.0.0 | command x uid 700 | forward <sender@example.org> lee@example.com kim@example.com via inc@example.com");
  desk.outside.include("/lists/a", "|prog x\n", 0);
  REQUIRE(desk.result("inc@example.com") == "2.0.0 | command x uid 65534");
  desk.outside.include("/lists/a", "|prog x\n", 700).others_write = true;
  REQUIRE(desk.result("inc@example.com") == "2.0.0 | command x uid 65534");
  desk.outside.include("/lists/a", "kim", 4242);  // readable by its owner only
  REQUIRE(desk.result("inc@example.com") == "4.2.0");
  for (int i = 0; i < 1000; ++i)
    desk.outside.include("/d/" + std::to_string(i), ":include:/d/" + std::to_string(i + 1), 0);
  desk.outside.aliases["deep"] = ":include:/d/0";
  REQUIRE(desk.result("deep@example.com") == "4.3.5");
}

TEST_CASE("local delivery: a list that cannot be read defers before anything was done", "[local]") {
  Desk desk;
  desk.outside.aliases["list"] = "kim, \"|prog a\", :include:/gone";
  REQUIRE(desk.result("list@example.com") == "4.2.0");
  desk.outside.aliases["list"] = "kim, \"|prog a\", \"open";
  REQUIRE(desk.result("list@example.com") == "4.3.5");
}

TEST_CASE("local delivery: .forward files, with extension, empty, and naming their own user", "[local][forward]") {
  Desk desk;
  auto& files = desk.outside.forward_files;
  files["/home/kim/.forward"] = "\\kim, far@example.net\n";
  REQUIRE(desk.result("kim@example.com") ==
          "2.0.0 | mailbox /var/mail/kim uid 1001 | forward <sender@example.org> far@example.net via kim@example.com");
  files["/home/kim/.forward"] = "kim, lee";
  REQUIRE(desk.result("kim@example.com") ==
          "2.0.0 | mailbox /var/mail/kim uid 1001 | forward <sender@example.org> lee@example.com via kim@example.com");
  files["/home/kim/.forward"] = "# nothing\n\n";
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | mailbox /var/mail/kim uid 1001");
  files["/home/kim/.forward+ML"] = "x@example.net";
  files["/home/kim/.forward+ml"] = "ml@example.net";
  REQUIRE(desk.result("kim+ML@example.com") ==
          "2.0.0 | forward <sender@example.org> ml@example.net via kim+ML@example.com");
  files["/home/kim/.forward"] = "\"broken";
  REQUIRE(desk.result("kim@example.com") == "4.3.5");
}

TEST_CASE("local delivery: L4 root's .forward may only name addresses", "[local][forward]") {
  Desk desk;
  desk.outside.forward_files["/home/root/.forward"] = "|prog a\n/etc/passwd\n:include:/etc/shadow\nkim\n";
  REQUIRE(desk.result("root@example.com") ==
          "2.0.0 | forward <sender@example.org> kim@example.com via root@example.com");
}

TEST_CASE("local delivery: L23 an extension names no other directory", "[local][forward]") {
  Desk desk;
  desk.run("kim+../lee/.forward@example.com");
  for (const std::string& path : desk.outside.deliveries.back().forward) {
    CAPTURE(path);
    REQUIRE(path.starts_with("/home/kim/.forward"));
    REQUIRE(path.find('/', 10) == path.npos);
  }
  desk.run("kim+$home`x`@example.com");
  REQUIRE(desk.outside.deliveries.back().forward[0] == "/home/kim/.forward+_home_x_");
}

TEST_CASE("local delivery: L7 a message that carries our own Delivered-To has been here", "[local]") {
  Desk desk;
  desk.message.delivered_to = {"Kim@example.com", "lee@example.org"};
  REQUIRE(desk.result("kim@example.com") == "5.4.6");
  REQUIRE(desk.result("lee@example.com") == "2.0.0 | mailbox /var/mail/lee uid 1002");
  fixture::MessageFile message(
      "X: 1\r\ndelivered-to: a@b\r\nDelivered-To:  \"c d\"@e \r\n\r\nDelivered-To: body@x\r\n");
  auto headers = delivered_to_headers(message.fd(), 0, message.size());
  REQUIRE(headers == std::vector<std::string>{"a@b", "\"c d\"@e"});
  REQUIRE(names_recipient(headers, "C d@e"));
  REQUIRE_FALSE(names_recipient(headers, "body@x"));
  std::string far = "X: " + std::string(50'000, 'y') + "\r\nDelivered-To: deep@x\r\n\r\n";
  fixture::MessageFile long_message(far);
  REQUIRE(delivered_to_headers(long_message.fd(), 0, long_message.size()) == std::vector<std::string>{"deep@x"});
}

TEST_CASE("local delivery: a part that fails for now defers, and what was done is not done again", "[local]") {
  Desk desk;
  desk.outside.aliases["list"] = "\"|prog a\", \"|prog b\", far@example.net";
  desk.outside.broken = {"command b"};
  REQUIRE(desk.result("list@example.com") == "4.3.0 | command a uid 65534");
  REQUIRE(desk.result("list@example.com") == "4.3.0");
  desk.outside.broken = {"forward"};
  REQUIRE(desk.result("list@example.com") == "4.3.0 | command b uid 65534");
  desk.outside.broken.clear();
  REQUIRE(desk.result("list@example.com") ==
          "2.0.0 | forward <sender@example.org> far@example.net via list@example.com");
}

TEST_CASE("local delivery: a part that fails for good does not stop the others", "[local]") {
  Desk desk;
  desk.outside.aliases["list"] = "\"|prog a\", \\gone, lee";
  REQUIRE(desk.result("list@example.com") ==
          "5.1.1 | command a uid 65534 | forward <sender@example.org> lee@example.com via list@example.com");
}

TEST_CASE("local delivery: transports and commands that replace mailboxes", "[local]") {
  Desk desk;
  desk.settings.params.mailbox_transport = "lmtp:unix:private/dovecot";
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | pass lmtp:unix:private/dovecot kim@example.com");
  desk.settings.params.mailbox_transport_maps = "x";
  desk.outside.maps[UserMap::mailbox_transport]["kim"] = "other";
  REQUIRE(desk.result("kim@example.com") == "2.0.0 | pass other: kim@example.com");
  desk.settings.params.mailbox_transport = desk.settings.params.mailbox_transport_maps = "";
  desk.settings.params.mailbox_command = "procmail -a \"$EXTENSION\"";
  REQUIRE(desk.result("kim+x@example.com") == "2.0.0 | command procmail -a \"$EXTENSION\" uid 1001");
  const auto& environment = desk.outside.runs.back().environment;
  auto has = [&](const std::string& entry) {
    return std::find(environment.begin(), environment.end(), entry) != environment.end();
  };
  REQUIRE(has("EXTENSION=x"));
  REQUIRE(has("HOME=/home/kim"));
  REQUIRE(has("SENDER=sender@example.org"));
  REQUIRE(desk.result("root@example.com").find("uid 65534") != std::string::npos);
  desk.settings.params.fallback_transport = "smtp:[other.example.com]";
  REQUIRE(desk.result("gone@example.com") == "2.0.0 | pass smtp:[other.example.com] gone@example.com");
}

TEST_CASE("local delivery: L17 S22 what a stranger wrote reaches a command filtered", "[local]") {
  Desk desk;
  desk.settings.params.mailbox_command = "prog";
  desk.message.envelope.sender = "`id`;$(x)\n@evil";
  desk.run("kim+a;b'c@example.com");
  for (const std::string& entry : desk.outside.runs.back().environment) {
    CAPTURE(entry);
    REQUIRE(entry.find_first_of("`;$(){}'\"\n|&<>") == entry.npos);
  }
}

TEST_CASE("local delivery: luser_relay, postmaster without an alias, and -bv", "[local]") {
  Desk desk;
  REQUIRE(desk.result("postmaster@example.com") == "2.0.0 | mailbox /var/mail/root uid 0");
  desk.settings.params.luser_relay = "lost+$local@example.net";
  REQUIRE(desk.result("gone@example.com") ==
          "2.0.0 | forward <sender@example.org> lost+gone@example.net via gone@example.com");
  desk.message.purpose = services::become::Purpose::ask;
  RecipientOutcome outcome = desk.run("kim@example.com");
  REQUIRE(outcome.result.text == "delivers to mailbox");
  REQUIRE(desk.outside.done.empty());
}

TEST_CASE("local delivery: L19 names that are no user names are not asked for", "[local]") {
  for (auto name : {"", ".", "..", "a/b", "-x", "1000", "a b", "a:b", "a@b", "a\nb", "a\x7f"}) {
    CAPTURE(name);
    REQUIRE_FALSE(plausible_user_name(name));
  }
  for (auto name : {"kim", "k.mizo", "user1", "1a", "www-data", "\xc3\xa4"}) REQUIRE(plausible_user_name(name));
}

TEST_CASE("local delivery: recipients are taken apart as Postfix does", "[local]") {
  auto show = [](std::string_view address, std::string_view delimiters, OwnerRule owner) {
    RecipientName name = split_recipient(address, delimiters, owner);
    return name.user + "|" + name.extension + "|" + name.domain;
  };
  REQUIRE(show("Kim+A+B@Ex.com", "+-", OwnerRule::special) == "kim|a+b|Ex.com");
  REQUIRE(show("kim-a+b@x", "+-", OwnerRule::special) == "kim|a+b|x");
  REQUIRE(show("owner-list@x", "-", OwnerRule::special) == "owner-list||x");
  REQUIRE(show("list-request@x", "-", OwnerRule::special) == "list-request||x");
  REQUIRE(show("owner-list@x", "-", OwnerRule::plain) == "owner|list|x");
  REQUIRE(show("Mailer-Daemon@x", "-", OwnerRule::plain) == "mailer-daemon||x");
  REQUIRE(show("+x@y", "+", OwnerRule::plain) == "+x||y");
  REQUIRE(show("kim", "", OwnerRule::plain) == "kim||");
}
