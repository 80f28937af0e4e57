#include "libcommon/net/service_port.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using umaya::net::service_port;

TEST_CASE("service port: a number within its range, or a name", "[net]") {
  CHECK(service_port("25") == 25);
  CHECK(service_port("65535") == 65535);
  CHECK(service_port("smtp") == 25);
  CHECK(service_port("pop3s") == 995);
  for (const char* text : {"", "0", "65536", "-1", "25x", "nosuchservice"}) {
    INFO(text);
    CHECK_FALSE(service_port(text));
  }
}

TEST_CASE("service port: mail's names are known without /etc/services", "[net]") {
  if (geteuid() != 0) return;
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool hidden = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (access("/etc/services", F_OK) == 0) {
      hidden = hidden && mount("/dev/null", "/etc/services", nullptr, MS_BIND, nullptr) == 0;
    }
    if (!hidden) _exit(2);
    bool known = service_port("submission") == 587 && service_port("pop3") == 110 && service_port("domain") == 53;
    _exit(known && !service_port("gopher") ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}
