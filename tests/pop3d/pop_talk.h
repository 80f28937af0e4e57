// NAME    pop_talk - a client on a socket pair, for sessions under test
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "libcommon/event/stream.h"

namespace umaya::pop3d {

/// What a session answers when the client sends this in pieces of the given size and then closes its side.
inline std::string pop_talk(event::Loop& loop, const std::string& input, size_t piece,
                            const std::function<event::Task<void>(event::Stream*)>& session) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  Fd client(ends[1]);
  event::Stream stream{Fd(ends[0])};
  event::TaskScope scope;
  scope.spawn(session(&stream));
  std::string output;
  auto drain = [&] {
    char block[65536];
    for (ssize_t n; (n = read(client.get(), block, sizeof block)) > 0;) output.append(block, static_cast<size_t>(n));
  };
  for (size_t at = 0; at < input.size(); at += piece) {
    std::string part = input.substr(at, piece);
    (void)!write(client.get(), part.data(), part.size());
    loop.run_once();
    drain();
  }
  for (int i = 0; i < 20; ++i) {
    loop.run_once();
    drain();
  }
  shutdown(client.get(), SHUT_WR);
  for (int i = 0; i < 2000 && !scope.empty(); ++i) {
    loop.run_once();
    drain();
    if (i > 100) usleep(1000);
  }
  CHECK(scope.empty());
  drain();
  return output;
}

}  // namespace umaya::pop3d
