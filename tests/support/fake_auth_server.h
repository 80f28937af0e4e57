// NAME    fake_auth_server - an authentication server that answers as the test wants
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/auth/auth_wire.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "libcommon/event/task.h"

namespace umaya::test {

inline const std::string kAuthGreeting =
    "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tSCRAM-SHA-256\tdictionary\tactive\nMECH\tAPOP\tprivate\n"
    "MECH-CBIND\tSCRAM-SHA-256-PLUS\tdictionary\nUNKNOWN\tx\nSPID\t1\nCUID\t2\nCOOKIE\tc00c1e\nDONE\n";

/// The answer to each line but VERSION, CPID and CANCEL is what `answer` gives; nothing means that it closes.
class FakeAuthServer {
 public:
  using Answer = std::function<std::optional<std::string>(const std::string&)>;
  explicit FakeAuthServer(Answer answer, std::string greeting = kAuthGreeting)
      : answer_(std::move(answer)), greeting_(std::move(greeting)), path_(unique_path()) {
    auto fd = event::listen_unix(path_, SOCK_STREAM, 0600);
    REQUIRE(fd);
    listener_ = std::make_unique<event::Listener>(std::move(*fd), [this](Fd client, const event::PeerAddress&) {
      scope_->spawn(serve(this, std::move(client)));
    });
  }
  ~FakeAuthServer() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }
  /// As when the server was started anew: its connections end.
  void drop_clients() { scope_ = std::make_unique<event::TaskScope>(); }

  std::vector<std::string> heard;
  int connections = 0;

 private:
  static std::string unique_path() {
    static int number = 0;
    return std::filesystem::temp_directory_path() /
           ("umaya_auth_client_" + std::to_string(getpid()) + "_" + std::to_string(++number));
  }
  static event::Task<void> serve(FakeAuthServer* self, Fd fd) {
    event::Stream stream(std::move(fd));
    ++self->connections;
    stream.write(self->greeting_);
    stream.flush_now();
    while (true) {
      event::Read read = co_await stream.read_line(auth::kMostAuthLine);
      if (!read) co_return;
      std::string line(read.data.substr(0, read.data.size() - 1));
      self->heard.push_back(line);
      if (line.starts_with("VERSION") || line.starts_with("CPID") || line.starts_with("CANCEL")) continue;
      auto said = self->answer_(line);
      if (!said) co_return;
      stream.write(*said);
      stream.flush_now();
    }
  }

  Answer answer_;
  std::string greeting_, path_;
  std::unique_ptr<event::TaskScope> scope_ = std::make_unique<event::TaskScope>();
  std::unique_ptr<event::Listener> listener_;
};

}  // namespace umaya::test
