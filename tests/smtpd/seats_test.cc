#include "smtpd/seats.h"

#include <catch2/catch.hpp>

using namespace umaya::smtpd;
using Claim = Seats::Claim;

TEST_CASE("S18 seats: the last ones are kept for clients that have none", "[smtpd][seats][attack]") {
  Seats seats(20);
  CHECK(seats.kept() == 2);
  int taken = 0;
  while (taken < 100 && seats.take("192.0.2.1", Claim::ordinary)) ++taken;
  CHECK(taken == 18);
  CHECK(seats.take("192.0.2.2", Claim::ordinary));
  CHECK_FALSE(seats.take("192.0.2.2", Claim::ordinary));
  CHECK(seats.take("192.0.2.3", Claim::ordinary));
  seats.give_back("192.0.2.1");
  CHECK_FALSE(seats.take("192.0.2.1", Claim::ordinary));
  CHECK(seats.take("192.0.2.4", Claim::ordinary));
}

TEST_CASE("seats: clients without limits may have the kept ones, too", "[smtpd][seats]") {
  Seats seats(10);
  for (int i = 0; i < 10; ++i) CHECK(seats.take("192.0.2.1", Claim::exempt));
}

TEST_CASE("seats: without a limit everybody is welcome and nothing is stress", "[smtpd][seats]") {
  Seats seats(0);
  for (int i = 0; i < 1000; ++i) CHECK(seats.take("192.0.2.1", Claim::ordinary));
  CHECK_FALSE(seats.under_stress());
}

TEST_CASE("seats: a small limit keeps none, and is stress when it is reached", "[smtpd][seats]") {
  Seats seats(2);
  CHECK(seats.take("192.0.2.1", Claim::ordinary));
  CHECK_FALSE(seats.under_stress());
  CHECK(seats.take("192.0.2.2", Claim::ordinary));
  CHECK(seats.under_stress());
  seats.give_back("192.0.2.1");
  CHECK_FALSE(seats.under_stress());
}

TEST_CASE("S40 seats: stress begins at the kept seats and ends when twice as many are free", "[smtpd][seats][attack]") {
  Seats seats(20);
  for (int i = 0; i < 17; ++i) seats.take("client" + std::to_string(i), Claim::ordinary);
  CHECK_FALSE(seats.under_stress());
  seats.take("client17", Claim::ordinary);
  CHECK(seats.under_stress());
  seats.give_back("client0");
  seats.give_back("client1");
  CHECK(seats.under_stress());
  seats.give_back("client2");
  CHECK_FALSE(seats.under_stress());
  seats.give_back("nobody");
  CHECK_FALSE(seats.under_stress());
}
