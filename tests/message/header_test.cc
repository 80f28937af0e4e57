#include "libcommon/message/header.h"

#include <catch2/catch.hpp>
#include <vector>

#include "libcommon/message/received.h"

using namespace umaya::message;

namespace {

struct Scan {
  std::vector<std::string> headers;
  std::string body;
  HeaderScanner::Separator separator{};
  size_t dropped = 0;
  bool operator==(const Scan&) const = default;
};

Scan scan(std::string_view text, size_t step, HeaderScanner::Limits limits = {}) {
  HeaderScanner scanner(limits);
  Scan out;
  auto on = [&](const Header& h) { out.headers.push_back(std::string(h.name) + "=" + std::string(h.value)); };
  size_t i = 0;
  while (i < text.size() && !scanner.done()) i += scanner.feed(text.substr(i, step), on);
  scanner.finish(on);
  out.body = std::string(scanner.body_start()) + std::string(text.substr(i));
  out.separator = scanner.separator();
  out.dropped = scanner.dropped();
  return out;
}

Scan agree(std::string_view text, HeaderScanner::Limits limits = {}) {
  Scan whole = scan(text, text.size() + 1, limits);
  for (size_t step = 1; step < 20; ++step) CHECK(scan(text, step, limits) == whole);
  return whole;
}

}  // namespace

TEST_CASE("header: logical headers with folding, then the body", "[message][header]") {
  Scan s = agree("From: a@b\r\nTo: c,\r\n\td@e\r\nSubject : x\r\n\r\nbody\r\n");
  CHECK(s.headers == std::vector<std::string>{"From= a@b", "To= c,\r\n\td@e", "Subject= x"});
  CHECK(s.body == "body\r\n");
  CHECK(s.separator == HeaderScanner::Separator::empty_line);
}

TEST_CASE("header: a line that is no header begins the body and is kept", "[message][header]") {
  Scan s = agree("A: b\r\nno header here\r\nmore\r\n");
  CHECK(s.headers.size() == 1);
  CHECK(s.body == "no header here\r\nmore\r\n");
  CHECK(s.separator == HeaderScanner::Separator::body_line);
  CHECK(agree("no header at all\r\n").body == "no header at all\r\n");
  CHECK(agree(" leading blank\r\nx\r\n").body == " leading blank\r\nx\r\n");
  CHECK(agree("\r\nbody").body == "body");
  CHECK(agree("").headers.empty());
}

TEST_CASE("header: content that ends within the headers gives the last one", "[message][header]") {
  CHECK(agree("A: b").headers == std::vector<std::string>{"A= b"});
  CHECK(agree("A: b\r\n c\r\n").headers == std::vector<std::string>{"A= b\r\n c"});
  CHECK(agree("A: b\nC: d\n\nx").headers.size() == 2);
}

TEST_CASE("S14 header: one huge header is kept up to the limit", "[message][header][attack]") {
  std::string text = "X: " + std::string(300000, 'y') + "\r\nNext: z\r\n\r\n";
  Scan s = scan(text, 4096);
  REQUIRE(s.headers.size() == 2);
  CHECK(s.headers[0].size() <= 102400);
  CHECK(s.dropped > 190000);
  std::string folded = "X: y\r\n";
  for (int i = 0; i < 20000; ++i) folded += " 0123456789\r\n";
  CHECK(scan(folded, 4096).headers[0].size() <= 102400 + 2);
}

TEST_CASE("header: find, unfold and rename", "[message][header]") {
  CHECK(find_header("A: 1\r\nsubject: x\r\n  y\r\nSubject: z\r\n\r\nSubject: body\r\n", "Subject") == "x y");
  CHECK_FALSE(find_header("A: 1\r\n\r\nB: 2\r\n", "B"));
  auto h = split_header("X-Old: v\r\n\tw");
  REQUIRE(h);
  CHECK(rename_header(*h, "X-New") == "X-New: v\r\n\tw");
  CHECK_FALSE(header_name("no colon"));
  CHECK_FALSE(header_name(": x"));
  CHECK(header_name("From alice@x: y") == std::nullopt);
}

TEST_CASE("received: the shape that tools know", "[message][received]") {
  std::string r = received_from({.helo = "client.example.org",
                                 .client_name = "unknown",
                                 .client_address = "192.0.2.1",
                                 .auth_user = {},
                                 .tls = {},
                                 .myhostname = "mx.example.test",
                                 .mail_name = "Umaya",
                                 .protocol = "ESMTP",
                                 .queue_id = "ABC123",
                                 .recipient = "a b@example.test",
                                 .seconds = 1});
  CHECK(r.starts_with(
      "Received: from client.example.org (unknown [192.0.2.1])\r\n\tby mx.example.test (Umaya) with ESMTP id ABC123\r\n"
      "\tfor <\"a b\"@example.test>; "));
  CHECK(r.ends_with("\r\n"));
  CHECK(received_local({.myhostname = "h", .mail_name = "Umaya", .queue_id = "Q", .uid = 1000, .seconds = 1})
            .starts_with("Received: by h (Umaya, from userid 1000)\r\n\tid Q; "));
  CHECK(make_message_id(0, "Q", "h") == "<19700101000000.Q@h>");
}

TEST_CASE("received: the clauses about TLS stand between client and host", "[message][header]") {
  ReceivedFrom r{};
  r.helo = "client.test";
  r.client_name = "client.test";
  r.client_address = "192.0.2.1";
  r.tls = "(using TLSv1.3 with cipher X (256/256 bits))\r\n\t(No client certificate requested)\r\n\t";
  r.myhostname = "mx.test";
  r.mail_name = "Umaya";
  r.protocol = "ESMTPS";
  r.queue_id = "ABC";
  std::string text = received_from(r);
  CHECK(
      text.starts_with("Received: from client.test (client.test [192.0.2.1])\r\n\t"
                       "(using TLSv1.3 with cipher X (256/256 bits))\r\n\t(No client certificate requested)\r\n\t"
                       "by mx.test (Umaya) with ESMTPS id ABC; "));
}

TEST_CASE("S20 S21 received: a client's words forge neither header nor comment", "[message][received][attack]") {
  std::string r = received_from({.helo = "x) by evil (y\r\nX-Forged: 1;\x1b",
                                 .client_name = "u",
                                 .client_address = "192.0.2.1",
                                 .auth_user = {},
                                 .tls = {},
                                 .myhostname = "h",
                                 .mail_name = "m",
                                 .protocol = "SMTP",
                                 .queue_id = "Q",
                                 .recipient = {},
                                 .seconds = 1});
  CHECK(r.find("\nX-Forged") == std::string::npos);
  CHECK(r.find("x? by evil ?y??X-Forged: 1??") != std::string::npos);
}
