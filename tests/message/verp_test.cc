#include "libcommon/message/verp.h"

#include <catch2/catch.hpp>

using namespace umaya::message;

TEST_CASE("verp: the sender names the recipient and keeps its own domain", "[message][verp]") {
  CHECK(verp_sender("owner-list@example.com", "kim@dest.test", "+=") == "owner-list+kim=dest.test@example.com");
  CHECK(verp_sender("owner@example.com", "kim", "-=") == "owner-kim@example.com");
  CHECK(verp_sender("owner", "kim@dest.test", "+=") == "owner+kim=dest.test");
  CHECK(verp_sender("a@b@example.com", "x y@dest.test", "+=") == "a@b+x y=dest.test@example.com");
}

TEST_CASE("verp: the null sender stays null, and without two delimiters nothing is done", "[message][verp]") {
  CHECK(verp_sender("", "kim@dest.test", "+=").empty());
  CHECK(verp_sender("owner@example.com", "kim@dest.test", "") == "owner@example.com");
  CHECK(verp_sender("owner@example.com", "kim@dest.test", "+") == "owner@example.com");
}

TEST_CASE("verp: delimiters are two characters of verp_delimiter_filter", "[message][verp]") {
  CHECK(valid_verp_delimiters("+=", "-=+"));
  CHECK(valid_verp_delimiters("--", "-=+"));
  for (const char* bad : {"", "+", "+=-", "+a", "a=", "\n="}) CHECK_FALSE(valid_verp_delimiters(bad, "-=+"));
}
