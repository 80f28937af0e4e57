#include "commands/postqueue/mailq.h"

#include <stdlib.h>
#include <time.h>

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::postqueue;
using services::showq::Entry;

namespace {

std::vector<Entry> sample() {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  Entry deferred;
  deferred.queue_name = "deferred";
  deferred.queue_id = "4F0A1BC23DE";
  deferred.arrival_seconds = 1'795'320'000;
  deferred.size = 1234;
  deferred.sender = "k.mizo@c5.example";
  deferred.recipients = {
      {"a@x.example", "", "connect to x.example[192.0.2.1]:25: Connection refused", false},
      {"b@x.example", "list@c5.example", "connect to x.example[192.0.2.1]:25: Connection refused", false},
      {"c@y.example", "", "mailbox full", false}};
  Entry active = deferred;
  active.queue_name = "active";
  active.queue_id = "0A1B2C3D4E5";
  active.sender = "";
  active.size = 99;
  active.recipients = {{"d@x.example", "", "", false}};
  Entry held = active;
  held.queue_name = "hold";
  held.forced_expire = true;
  held.queue_id = "0A1B2C3";
  held.sender = "\xe9t\xc3\xa9@x";
  held.recipients = {{"e@x.example", "", "5.1.1 \"gone\"\n", true}};
  return {active, deferred, held};
}

}  // namespace

TEST_CASE("mailq: the listing with short ids is Postfix's", "[postqueue]") {
  MailqText text(queue::IdForm::short_form);
  std::string out;
  for (const Entry& entry : sample()) out += text.add(entry);
  out += text.end();
  CHECK(out ==
        "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
        "0A1B2C3D4E5*      99 Sun Nov 22 04:00:00  MAILER-DAEMON\n"
        "                                         d@x.example\n"
        "\n"
        "4F0A1BC23DE    1234 Sun Nov 22 04:00:00  k.mizo@c5.example\n"
        "                      (connect to x.example[192.0.2.1]:25: Connection refused)\n"
        "                                         a@x.example\n"
        "                                         b@x.example\n"
        "                                                                (mailbox full)\n"
        "                                         c@y.example\n"
        "\n"
        "0A1B2C3!#        99 Sun Nov 22 04:00:00  ?t\xc3\xa9@x\n"
        "                                                               (5.1.1 \"gone\"?)\n"
        "                                         e@x.example\n"
        "\n"
        "-- 1 Kbytes in 3 Requests.\n");
}

TEST_CASE("mailq: the listing with long ids has its own columns", "[postqueue]") {
  MailqText text(queue::IdForm::long_form);
  Entry entry = sample()[0];
  entry.queue_id = "4QxHXp0LJ4z3vB7Q";
  std::string out = text.add(entry);
  out += text.end();
  CHECK(out ==
        "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
        "4QxHXp0LJ4z3vB7Q*       99 Sun Nov 22 04:00:00 MAILER-DAEMON\n"
        "                                               d@x.example\n"
        "\n"
        "-- 0 Kbytes in 1 Request.\n");
}

TEST_CASE("mailq: an empty queue says so", "[postqueue]") {
  CHECK(MailqText(queue::IdForm::short_form).end() == "Mail queue is empty\n");
}

TEST_CASE("mailq: JSON is one object a message, in Postfix's order", "[postqueue]") {
  MailqJson json;
  auto entries = sample();
  CHECK(json.add(entries[0]) ==
        R"({"queue_name": "active", "queue_id": "0A1B2C3D4E5", "arrival_time": 1795320000, "message_size": 99, )"
        R"("forced_expire": false, "sender": "MAILER-DAEMON", "recipients": [{"address": "d@x.example"}]})");
  CHECK(json.add(entries[2]) ==
        R"({"queue_name": "hold", "queue_id": "0A1B2C3", "arrival_time": 1795320000, "message_size": 99, )"
        "\"forced_expire\": true, \"sender\": \"?t\xc3\xa9@x\", "
        R"("recipients": [{"address": "e@x.example", "bounce_reason": "5.1.1 \"gone\"\u000A"}]})");
}

TEST_CASE("mailq: a message in several pieces is printed as one", "[postqueue]") {
  Entry first = sample()[1], second = first;
  first.more = true;
  second.recipients = {{"z@x.example", "", "mailbox full", false}};
  MailqText text(queue::IdForm::short_form);
  std::string out = text.add(first);
  CHECK(text.add(second) == "                                         z@x.example\n");
  MailqJson json;
  CHECK(json.add(first).empty());
  CHECK(json.add(second).find("z@x.example") != std::string::npos);
  CHECK(text.end() == "\n-- 1 Kbytes in 1 Request.\n");
}
