// LINK smtp-client_core
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "smtp-client/transaction.h"

// Whatever a server says: the conversation ends, nobody is "sent" without a yes after the text, and the text goes out
// whole or without its end mark. The first byte chooses protocol and options, the rest is what the server sends.
namespace {

using namespace umaya;
using namespace umaya::smtp_client;

class TextContent : public Content {
 public:
  Result<bool> pump(smtp::PieceSink sink) override {
    if (done_) return false;
    sink("Subject: x\r\n\r\n.dot\r\nlast");
    done_ = true;
    return true;
  }
  void rewind() override { done_ = false; }
  uint64_t size() const override { return 23; }

 private:
  bool done_ = false;
};

umaya::event::Task<void> converse(int fd, uint8_t options) {
  Peer peer;
  peer.host = "h";
  peer.address = "127.0.0.1";
  Session session(Fd(fd), peer);
  Hello hello;
  hello.protocol = options & 1 ? Protocol::lmtp : Protocol::smtp;
  hello.name = hello.own_name = "me";
  hello.timeout = std::chrono::seconds(1);
  auto failure = co_await greet(session, hello);
  if (failure) {
    if (failure->dsn.empty() || failure->dsn[0] == '2') std::abort();
    co_return;
  }
  services::Envelope envelope;
  services::Recipient rcpt;
  TextContent content;
  Job job{.protocol = hello.protocol, .envelope = envelope, .sender = "a@b", .content = content};
  for (int i = 0; i < 3; ++i) {
    job.recipients.push_back(&rcpt);
    job.addresses.push_back("c@d");
  }
  job.size = 23;
  job.xforward = options & 2;
  job.bdat_limit = options & 4 ? 1000 : 0;
  job.probe = options & 8;
  const Duration limit = std::chrono::seconds(1);
  job.timeouts = {limit, limit, limit, limit, limit, limit, limit};
  for (int round = 0; round < 2 && !session.dead; ++round) {
    content.rewind();
    Transaction transaction(session, job);
    co_await transaction.run();
    for (const Outcome& o : transaction.outcomes()) {
      if (o.kind == Outcome::Kind::failed && (o.failure.dsn.empty() || o.failure.dsn[0] == '2')) std::abort();
      if (o.kind == Outcome::Kind::sent && o.dsn[0] != '2') std::abort();
      const bool open = o.kind == Outcome::Kind::undecided || o.kind == Outcome::Kind::accepted;
      if (open && !transaction.broken()) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 60000) return 0;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return 0;
  if (write(pair[1], data + 1, size - 1) != static_cast<ssize_t>(size - 1)) return close(pair[0]), close(pair[1]), 0;
  shutdown(pair[1], SHUT_WR);
  umaya::event::run_until_done(converse(pair[0], data[0]));
  close(pair[1]);
  return 0;
}
