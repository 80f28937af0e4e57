#include "libcommon/services/delivery_log.h"

#include <catch2/catch.hpp>

using namespace umaya::services;
using namespace umaya::services::delivery;

TEST_CASE("delivery log: delays have two significant digits", "[services]") {
  struct Row {
    int64_t usec;
    const char* text;
  };
  for (Row row : {Row{0, "0"}, Row{-5, "0"}, Row{4'900, "0"}, Row{5'000, "0.01"}, Row{54'000, "0.05"},
                  Row{120'000, "0.12"}, Row{1'000'000, "1"}, Row{1'249'000, "1.2"}, Row{12'300'000, "12"},
                  Row{345'400'000, "345"}, Row{999'999, "1"}}) {
    CHECK(format_delay(row.usec) == row.text);
  }
  CHECK(format_delay(1'234, 6) == "0.0012");
  CHECK(format_delay(1'234'567, 0) == "1");
}

TEST_CASE("delivery log: the line is Postfix's", "[services]") {
  Recipient rcpt;
  rcpt.address = "b@example.org";
  rcpt.original = "A@example.org";
  StatusLine line{.relay = "mx.example.org[192.0.2.1]:25", .conn_use = 2};
  line.stages = {
      .arrival = 1'000'000, .active = 1'050'000, .handed = 1'060'000, .connected = 2'060'000, .done = 4'060'000};
  line.dsn = "2.0.0";
  line.status = status_word(Status::sent);
  line.text = "250 2.0.0 Ok: queued as 3E1";
  CHECK(format_status("4F5B2", rcpt, line) ==
        "4F5B2: to=<b@example.org>, orig_to=<A@example.org>, relay=mx.example.org[192.0.2.1]:25, conn_use=2, "
        "delay=3.1, delays=0.05/0.01/1/2, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 3E1)");
  rcpt.original = "B@EXAMPLE.org";
  line.relay = "local";
  line.conn_use = 1;
  line.stages.connected = 0;
  CHECK(format_status("4F5B2", rcpt, line)
            .starts_with(
                "4F5B2: to=<b@example.org>, relay=local, delay=3.1, delays=0.05/0.01/0/3, dsn=2.0.0, status=sent"));
}
