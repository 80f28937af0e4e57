#include "authd/session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "libcommon/auth/sasl.h"
#include "libcommon/event/listener.h"
#include "libcommon/log/log.h"

using namespace umaya;
using namespace umaya::authd;
using namespace std::chrono_literals;

namespace {

/// authd with a password file, in this process.
class Server {
 public:
  explicit Server(const std::string& users, Duration delay = 0s)
      : file_(std::filesystem::temp_directory_path() / ("umaya_authd_" + std::to_string(getpid()))) {
    write(users);
    log::capture([](log::Level, std::string_view) {});
    Params params;
    params.passwd_file = file_;
    params.failure_delay = delay;
    params.first_valid_uid = 100;
    shared_ = std::make_unique<Shared>(std::move(params), 1);
  }
  ~Server() {
    log::capture(nullptr);
    std::filesystem::remove(file_);
  }
  void write(const std::string& users) { std::ofstream(file_) << users; }
  void remove_file() { std::filesystem::remove(file_); }
  Shared& shared() { return *shared_; }

  /// All that the server says when a client sends this; it stops when nothing came for `quiet`.
  std::string talk(const std::string& input, Session::Trust trust = Session::Trust::client, Duration quiet = 150ms) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    Fd client(ends[1]);
    Session session(Fd{ends[0]}, *shared_, trust);
    event::TaskScope scope;
    scope.spawn(session.run());
    (void)!::write(client.get(), input.data(), input.size());
    std::string output;
    TimePoint until = monotonic_now() + quiet;
    while (monotonic_now() < until && !scope.empty()) {
      loop_.run_once();
      char block[65536];
      for (ssize_t n; (n = read(client.get(), block, sizeof block)) > 0; until = monotonic_now() + quiet) {
        output.append(block, static_cast<size_t>(n));
      }
      usleep(1000);
    }
    closed_ = scope.empty();
    size_t done = output.find("DONE\n");
    return done == std::string::npos ? output : output.substr(done + 5);
  }
  bool closed() const { return closed_; }
  std::string cookie_of(const std::string& greeting) {
    size_t at = greeting.find("COOKIE\t") + 7;
    return greeting.substr(at, greeting.find('\n', at) - at);
  }

 private:
  std::string file_;
  event::Loop loop_;
  std::unique_ptr<Shared> shared_;
  bool closed_ = false;
};

const std::string kHello = "VERSION\t1\t2\nCPID\t42\n";

std::string plain(int id, const std::string& user, const std::string& password, const std::string& more = "nologin") {
  return "AUTH\t" + std::to_string(id) + "\tPLAIN\tservice=pop3\t" + more +
         "\trip=192.0.2.1\tresp=" + base64_encode(auth::make_sasl_plain(user, password)) + "\n";
}

}  // namespace

TEST_CASE("authd: right and wrong passwords", "[authd]") {
  Server server("alice:{PLAIN}secret\nBob:{SHA512-CRYPT}" + auth::hash_password("SHA512-CRYPT", "geheim")->substr(14) +
                "\n");
  CHECK(server.talk(kHello + plain(1, "alice", "secret")) == "OK\t1\tuser=alice\n");
  CHECK(server.talk(kHello + plain(2, "ALICE", "secret")) == "OK\t2\tuser=alice\n");
  CHECK(server.talk(kHello + plain(3, "Bob", "geheim"), Session::Trust::client, 500ms) == "OK\t3\tuser=Bob\n");
  CHECK(server.talk(kHello + plain(4, "alice", "Secret")) == "FAIL\t4\tuser=alice\n");
  CHECK(server.talk(kHello + plain(5, "nobody", "x"), Session::Trust::client, 500ms) == "FAIL\t5\tuser=nobody\n");
}

TEST_CASE("authd: A10 every failure looks the same and is held back for the same time", "[authd]") {
  Server server("alice:{PLAIN}secret\noff:{PLAIN}x::::::nologin\nnets:{PLAIN}x::::::allow_nets=10.0.0.0/8\nnone:*\n",
                100ms);
  for (std::string user : {"alice", "off", "nets", "none", "missing", "../etc"}) {
    TimePoint start = monotonic_now();
    std::string answer =
        server.talk(kHello + plain(1, user, user == "alice" ? "bad" : "x"), Session::Trust::client, 130ms);
    CHECK(answer == "FAIL\t1\tuser=" + user + "\n");
    Duration took = monotonic_now() - start - 130ms;
    CHECK(took > 90ms);
    CHECK(took < 200ms);
  }
}

TEST_CASE("authd: PLAIN and LOGIN step by step", "[authd]") {
  Server server("alice:{PLAIN}secret\n");
  std::string user = base64_encode("alice"), password = base64_encode("secret");
  CHECK(server.talk(kHello + "AUTH\t1\tLOGIN\tservice=smtp\tnologin\nCONT\t1\t" + user + "\nCONT\t1\t" + password +
                    "\n") == "CONT\t1\t" + base64_encode("Username:") + "\nCONT\t1\t" + base64_encode("Password:") +
                                 "\nOK\t1\tuser=alice\n");
  CHECK(server.talk(kHello + "AUTH\t1\tLOGIN\tservice=smtp\tnologin\tresp=" + user + "\nCONT\t1\t" + password + "\n") ==
        "CONT\t1\t" + base64_encode("Password:") + "\nOK\t1\tuser=alice\n");
  CHECK(server.talk(kHello + "AUTH\t1\tPLAIN\tservice=smtp\tnologin\nCONT\t1\t" +
                    base64_encode(auth::make_sasl_plain("alice", "secret")) + "\n") ==
        "CONT\t1\t\nOK\t1\tuser=alice\n");
  CHECK(server.talk(kHello + "AUTH\t1\tPLAIN\tservice=smtp\tresp=!!\n") == "FAIL\t1\tcode=invalid_base64\n");
  CHECK(server.talk(kHello + "CONT\t9\tAAAA\n") == "FAIL\t9\n");
}

TEST_CASE("authd: a client that breaks the protocol is cut off", "[authd]") {
  Server server("alice:{PLAIN}secret\n");
  for (std::string bad :
       {"VERSION\t2\t0\n", "AUTH\t1\tPLAIN\n", "VERSION\t1\t2\nCPID\tx\n", "VERSION\t1\t2\nCPID\t1\nNONSENSE\n",
        "VERSION\t1\t2\nCPID\t1\nAUTH\t1\tDIGEST-MD5\tservice=x\n", "VERSION\t1\t2\nCPID\t1\nAUTH\tx\tPLAIN\n",
        "VERSION\t1\t2\nCPID\t1\nREQUEST\t1\t2\t3\tx\n"}) {
    INFO(bad);
    CHECK(server.talk(bad) == "");
    CHECK(server.closed());
  }
  std::string long_line(20000, 'x');
  long_line += '\n';
  CHECK(server.talk(long_line) == "");
  CHECK(server.closed());
}

TEST_CASE("authd: trouble of ours is temporary, for Postfix a closed connection", "[authd]") {
  Server server("alice:{PLAIN}secret\n");
  server.remove_file();
  CHECK(server.talk(kHello + plain(1, "alice", "secret")) == "FAIL\t1\tuser=alice\tcode=temp_fail\ttemp\n");
  CHECK(server.talk("VERSION\t1\t0\nCPID\t42\n" + plain(1, "alice", "secret")) == "");
  Server broken("alice:{SHA}AAAA\n");
  CHECK(broken.talk(kHello + plain(1, "alice", "secret")) == "FAIL\t1\tuser=alice\tcode=temp_fail\ttemp\n");
}

TEST_CASE("authd: the password file is read again when it has changed", "[authd]") {
  Server server("alice:{PLAIN}secret\n");
  CHECK(server.talk(kHello + plain(1, "alice", "secret")) == "OK\t1\tuser=alice\n");
  server.write("alice:{PLAIN}changed!\n");
  CHECK(server.talk(kHello + plain(1, "alice", "secret")) == "FAIL\t1\tuser=alice\n");
  CHECK(server.talk(kHello + plain(1, "alice", "changed!")) == "OK\t1\tuser=alice\n");
}

TEST_CASE("authd: a log-in is fetched once, with its ticket, by who is trusted", "[authd]") {
  Server server("alice:{PLAIN}secret:1001:1002::/home/alice\nlow:{PLAIN}x:50:50::/h\n");
  LoginStore& store = server.shared().logins;
  store.keep("c00c1e", 42, 7, "alice", monotonic_now());
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t8\tc00c1e\n", Session::Trust::master) == "FAIL\t1\n");
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t7\tother\n", Session::Trust::master) == "FAIL\t1\n");
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t7\tc00c1e\n", Session::Trust::master) ==
        "USER\t1\talice\tuid=1001\tgid=1002\thome=/home/alice\n");
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t7\tc00c1e\n", Session::Trust::master) == "FAIL\t1\n");
  store.keep("c00c1e", 42, 8, "alice", monotonic_now() - 2 * LoginStore::kLifetime);
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t8\tc00c1e\n", Session::Trust::master) == "FAIL\t1\n");
  store.keep("c00c1e", 42, 9, "low", monotonic_now());
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t9\tc00c1e\n", Session::Trust::master) == "FAIL\t1\n");
}

TEST_CASE("authd: params: every binding has its row", "[authd][params]") {
  CHECK(config::check_bindings(kBindings) == std::vector<std::string>{});
}
