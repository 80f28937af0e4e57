// NAME    lmtp_bench - an LMTP session with delivery agents that answer as a test says
//
// DESCRIPTION
//     LmtpBench is a Bench whose sessions speak LMTP. Agents listen on real sockets as private/local and
//     private/virtual beneath its directory; example.test is local, box.test has virtual mailboxes. An agent's script
//     gives the result of each recipient, by the local part: "unknown", "full", "broken" and whatever else a test sets.
#pragma once

#include <sys/stat.h>

#include <deque>

#include "libcommon/services/delivery_key.h"
#include "tests/smtpd/session_bench.h"

namespace umaya::smtpd {

/// One request that delivers something.
struct Handed {
  services::delivery::Request request;
  std::string text;
  std::vector<std::string> addresses;
};

/// What the agents of a bench are told to do, and what they were asked.
struct Script {
  std::map<std::string, services::delivery::RecipientResult> at_rcpt;  ///< by local part; others: sent
  std::map<std::string, services::delivery::RecipientResult> at_end;
  std::set<std::string> silent;  ///< recipients of whom nothing is said
  int deaths = 0;                ///< so many requests find an agent that dies over them
  bool held = false;             ///< deliveries wait until this is false
  std::vector<Handed> handed;
  size_t questions = 0;
  uint64_t announced = 0;  ///< size in the last question
};

inline services::delivery::RecipientResult result_of(services::delivery::Status status, std::string dsn,
                                                     std::string text) {
  services::delivery::RecipientResult result;
  result.status = status;
  result.dsn = std::move(dsn);
  result.text = std::move(text);
  return result;
}

class FakeAgent {
 public:
  FakeAgent(std::string path, Script& script) : path_(std::move(path)), script_(script) {
    auto fd = event::listen_unix(path_, SOCK_SEQPACKET, 0600);
    listener_ = std::make_unique<event::Listener>(
        std::move(*fd), [this](Fd peer, const event::PeerAddress&) { scope_.spawn(serve(this, std::move(peer))); });
  }
  ~FakeAgent() {
    listener_.reset();
    unlink(path_.c_str());
  }

 private:
  using Request = services::delivery::Request;
  static event::Task<void> serve(FakeAgent* self, Fd fd) {
    ipc::Channel channel(std::move(fd));
    while (true) {
      std::vector<Fd> files;
      Result<Request> request = co_await channel.receive<Request>(event::kForever, &files);
      if (!request || files.size() != 1) co_return;
      while (self->script_.held && (request->flags & services::delivery::kVerifyOnly) == 0) {
        co_await event::sleep(std::chrono::milliseconds(1));
      }
      if (self->script_.deaths > 0) {
        --self->script_.deaths;
        co_return;
      }
      services::delivery::Reply reply = self->answer(*request, files[0].get());
      Result<void> sent = co_await channel.send(std::move(reply));
      if (!sent) co_return;
    }
  }
  services::delivery::Reply answer(const Request& request, int file) {
    bool question = (request.flags & services::delivery::kVerifyOnly) != 0;
    Handed handed{request, std::string(question ? 0 : request.content_size, '\0'), {}};
    services::delivery::Reply reply;
    for (const auto& target : request.targets) {
      std::string local(message::split_address(target.recipient.address).local);
      handed.addresses.push_back(target.recipient.address);
      if (script_.silent.contains(local)) continue;
      auto& results = question ? script_.at_rcpt : script_.at_end;
      auto told = results.find(local);
      auto result = told != results.end()
                        ? told->second
                        : result_of(services::delivery::Status::sent, "2.0.0", "delivered to maildir");
      result.id = target.id;
      reply.results.push_back(std::move(result));
    }
    if (question) {
      ++script_.questions;
      script_.announced = request.content_size;
    } else {
      off_t offset = static_cast<off_t>(request.content_offset);
      if (::pread(file, handed.text.data(), handed.text.size(), offset) < 0) abort();
      script_.handed.push_back(std::move(handed));
    }
    return reply;
  }
  std::string path_;
  Script& script_;
  std::unique_ptr<event::Listener> listener_;
  event::TaskScope scope_;
};

class LmtpBench : public Bench {
 public:
  explicit LmtpBench(std::vector<std::string> settings = {}) : Bench(std::move(settings)) {
    mkdir((cleanup.directory() + "/private").c_str(), 0700);
    for (const char* name : {"local", "virtual"}) {
      agents_.push_back(std::make_unique<FakeAgent>(cleanup.directory() + "/private/" + name, script));
    }
    LmtpParams lmtp;
    if (!config::bind(config(), kLmtpBindings, lmtp)) abort();
    params.banner = lmtp.banner;
    mailboxes = std::make_unique<Mailboxes>(Mailboxes::Parts{.addresses = addresses,
                                                             .params = lmtp,
                                                             .queue_directory = cleanup.directory(),
                                                             .recipient_delimiter = "+",
                                                             .soft_bounce = params.soft_bounce});
    shared->mailboxes = mailboxes.get();
    client.trusted = true;
    using services::delivery::Status;
    script.at_rcpt["unknown"] = result_of(Status::bounced, "5.1.1", "unknown user: \"unknown\"");
    script.at_rcpt["full"] = result_of(Status::deferred, "4.2.2", "the mailbox is full");
    script.at_rcpt["overfull"] = result_of(Status::bounced, "5.2.2", "the mailbox is full");
    script.at_rcpt["broken"] = result_of(Status::deferred, "4.3.0", "no table");
  }
  ~LmtpBench() {
    disconnect();
    agents_.clear();
    rmdir((cleanup.directory() + "/private").c_str());
  }
  /// LHLO, MAIL and RCPT for each; the reply to the last.
  std::string begin(const std::vector<std::string>& recipients, const std::string& sender = "s@x.org") {
    connect();
    take();
    say("LHLO client.example.org\r\n");
    std::string last = say("MAIL FROM:<" + sender + ">\r\n");
    for (const std::string& recipient : recipients) last = say("RCPT TO:<" + recipient + ">\r\n");
    return last;
  }
  /// DATA with the text and its end; the replies behind it.
  std::string deliver(const std::string& text) {
    std::string go = say("DATA\r\n");
    if (!go.starts_with("354")) return go;
    return say(text + ".\r\n");
  }
  size_t delivered_to(const std::string& address) const {
    size_t count = 0;
    for (const Handed& handed : script.handed) {
      count += static_cast<size_t>(std::count(handed.addresses.begin(), handed.addresses.end(), address));
    }
    return count;
  }

  Script script;
  std::unique_ptr<Mailboxes> mailboxes;

 private:
  std::vector<std::unique_ptr<FakeAgent>> agents_;
};

}  // namespace umaya::smtpd
