// LINK authd_core
// NAME    authd_session_fuzz - whatever a client or a master sends, authd stays up and opens no door
#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "authd/session.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

using namespace umaya;
using namespace umaya::authd;

namespace {

constexpr std::string_view kBobs = "0c1d2e3f4a5b6c7d", kOfEverybody = "9f8e7d6c5b4a3f2e";

/// A server whose one password nobody can guess; its loop lives as long as the program.
struct World {
  umaya::event::Loop loop;
  std::unique_ptr<Shared> shared;
  World() {
    log::capture([](log::Level, std::string_view) {});
    Params params;
    params.sources = {"tables", "static"};
    params.password_maps = "inline:{ {bob = {PLAIN}" + std::string(kBobs) + "} }";
    params.user_defaults = "uid=5000 gid=5000 home=/vmail/%d/%n";
    params.mechanisms = {"plain", "login", "scram-sha-256", "external", "cram-md5", "apop"};
    params.default_scheme = "PLAIN";
    params.static_password = kOfEverybody;
    shared = std::make_unique<Shared>(std::move(params), table::Options(), std::string(32, 'k'), 1, nullptr);
  }
};

World& world() {
  // OpenSSL's clean-up at exit comes after the end of the threads that hash.
  static int ready = OPENSSL_init_crypto(OPENSSL_INIT_ADD_ALL_DIGESTS, nullptr);
  if (ready != 1) abort();
  static World instance;
  return instance;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  World& w = world();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) abort();
  Fd client(ends[1]);
  Trust trust = size % 2 == 0 ? Trust::client : Trust::master;
  std::string input(reinterpret_cast<const char*>(data), size);
  // A fuzzer that sees what memory is compared with learns the passwords: to hear them again is no leak then.
  const std::string key = to_lower(hex_encode(w.shared->seal.key().reveal()));
  for (std::string_view known : {kBobs, kOfEverybody, std::string_view(key)}) {
    if (input.find(known.substr(1)) != std::string::npos) return 0;  // an escaped NUL ends in "0", too
  }
  bool external = input.find("cert_username") != std::string::npos;  // a name that the service vouches for
  std::string heard;
  {
    Session session(Fd{ends[0]}, *w.shared, trust);
    umaya::event::TaskScope scope;
    scope.spawn(session.run());
    (void)!::write(client.get(), input.data(), input.size());
    for (int round = 0; round < 6; ++round) {
      w.loop.run_once();
      char block[65536];
      ssize_t n = read(client.get(), block, sizeof block);
      if (n > 0) heard.append(block, static_cast<size_t>(n));
    }
  }
  if (!external && heard.find("\nOK\t") != std::string::npos) abort();
  if (heard.find(key) != std::string::npos && trust == Trust::client) abort();
  if (heard.find(kBobs) != std::string::npos || heard.find(kOfEverybody) != std::string::npos) abort();
  return 0;
}
