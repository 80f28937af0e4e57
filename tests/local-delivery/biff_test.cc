#include "local-delivery/biff.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libcommon/event/loop.h"
#include "libcommon/net/address.h"

using namespace umaya;
using namespace umaya::local_delivery;

TEST_CASE("biff: comsat gets user and offset in one datagram, and may be absent", "[local][biff]") {
  event::PeerAddress any;
  net::Endpoint endpoint{*net::IpAddress::parse("127.0.0.1"), 0};
  any.size = endpoint.to_sockaddr(any.storage);
  auto comsat = event::DatagramSocket::create(AF_INET, any);
  REQUIRE(comsat);
  socklen_t size = sizeof any.storage;
  REQUIRE(getsockname(comsat->fd(), reinterpret_cast<sockaddr*>(&any.storage), &size) == 0);
  Biff biff = Biff::open(net::Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&any.storage))->port);
  biff.notify("kim", 5'000'000'000);
  auto heard = event::run_until_done(comsat->receive(std::chrono::seconds(5)));
  REQUIRE(heard);
  CHECK(heard->bytes == "kim@5000000000");
  Biff nobody = Biff::open(uint16_t{1});
  nobody.notify("kim", 1);
  nobody.notify("kim", 2);
}
