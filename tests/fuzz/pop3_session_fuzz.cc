// LINK pop3d_core
// NAME    pop3_session_fuzz - any commands, before or after the log-in: the session ends, every answer is a status
// line, and what was marked is removed at QUIT only
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "libcommon/log/log.h"
#include "pop3d/login.h"
#include "pop3d/transaction.h"

using namespace umaya;
using namespace umaya::pop3d;

namespace {

/// Three messages in one file.
class ThreeMessages : public mailbox::PopBox {
 public:
  explicit ThreeMessages(int file) : file_(file) {}
  size_t count() const override { return 3; }
  Result<uint64_t> total_size() override { return 3 * 14; }
  bool knows_total_size() const override { return true; }
  bool knows_list() const override { return true; }
  Result<uint64_t> size(size_t) override { return 14; }
  Result<void> unique_id(size_t i, std::string& append_to) override {
    append_to += static_cast<char>('a' + i);
    return {};
  }
  Result<Body> open_message(size_t i) override { return Body{Fd(dup(file_)), i * 12, 12}; }
  Result<void> mark_seen(std::span<const size_t>) override { return {}; }
  Result<size_t> remove(std::span<const size_t> which) override {
    removed += which.size();
    return which.size();
  }
  size_t removed = 0;

 private:
  int file_;
};

int message_file() {
  int fd = memfd_create("messages", 0);
  for (int i = 0; i < 3; ++i) (void)!write(fd, "A: b\n\n.d\nee\n", 12);
  return fd;
}

Params params() {
  Params p;
  p.timeout = p.login_timeout = std::chrono::seconds(5);
  p.bad_command_limit = 20;
  p.disable_plaintext = false;
  return p;
}

umaya::event::Task<void> transaction(umaya::event::Stream* client, std::shared_ptr<ThreeMessages> box,
                                     const Params* p) {
  Offload offload(0);
  Transaction::Owner owner{"u", "s", false};
  Transaction session(*client, std::move(box), offload, *p, std::move(owner));
  co_await session.run();
}

umaya::event::Task<void> login(umaya::event::Stream* client, auth::AuthClient* auth, const Params* p) {
  Link link;
  Login session(*client, *auth, nullptr, *p, link);
  auto user = co_await session.run();
  if (user) abort();
}

void talk(std::string_view input, bool logged_in) {
  static const int file = message_file();
  static const Params p = params();
  umaya::event::Loop loop;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) abort();
  Fd client(ends[1]);
  umaya::event::Stream stream{Fd(ends[0])};
  auth::AuthClient auth("/nonexistent");
  auto box = std::make_shared<ThreeMessages>(file);
  umaya::event::TaskScope scope;
  (void)!write(client.get(), input.data(), input.size());
  shutdown(client.get(), SHUT_WR);
  scope.spawn(logged_in ? transaction(&stream, box, &p) : login(&stream, &auth, &p));
  char block[65536];
  bool answered = false;
  for (int i = 0; i < 1000 && !scope.empty(); ++i) {
    loop.run_once();
    for (ssize_t n; (n = read(client.get(), block, sizeof block)) > 0;) answered = answered || block[0] == '+';
  }
  for (ssize_t n; (n = read(client.get(), block, sizeof block)) > 0;) answered = answered || block[0] == '+';
  if (!scope.empty() || !answered) abort();
  if (box->removed > 0 && input.find_first_of("qQ") == std::string_view::npos) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = [] {
    log::capture([](log::Level, std::string_view) {});
    return true;
  }();
  (void)quiet;
  if (size == 0 || size > 32768) return 0;
  talk({reinterpret_cast<const char*>(data) + 1, size - 1}, (data[0] & 1) != 0);
  return 0;
}
