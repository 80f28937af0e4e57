#include "queue-manager/callers.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::qmgr;

TEST_CASE("qmgr callers: without users of its own an instance knows only its owner", "[qmgr][callers]") {
  Callers callers;
  CHECK(callers.classify(0, 0) == Caller::owner);
  CHECK(callers.classify(65534, 65534) == Caller::stranger);
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
  Fd one(pair[0]), two(pair[1]);
  if (::geteuid() == 0) CHECK(callers.identify(one.get()) == Caller::owner);
}
