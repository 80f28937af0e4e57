#include "authd/session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "libcommon/auth/digest.h"
#include "libcommon/auth/sasl.h"
#include "libcommon/auth/scheme.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"
#include "libcommon/log/log.h"

using namespace umaya;
using namespace umaya::authd;
using namespace std::chrono_literals;

namespace {

/// authd with a password file, in this process.
class Server {
 public:
  explicit Server(const std::string& users, Duration delay = 0s, std::function<void(Params&)> change = {})
      : file_(std::filesystem::temp_directory_path() / ("umaya_authd_" + std::to_string(getpid()))) {
    write(users);
    log::capture([](log::Level, std::string_view) {});
    Params params;
    params.passwd_file = file_;
    params.failure_delay = delay;
    params.failure_delay_limit = 15s;
    params.first_valid_uid = 100;
    params.cache_ttl = 60s;
    params.mechanisms = {"plain",       "login",    "scram-sha-256-plus", "scram-sha-256",
                         "scram-sha-1", "external", "cram-md5",           "apop"};
    if (change) change(params);
    shared_ = std::make_unique<Shared>(std::move(params), table::Options(), std::string(32, 'k'), 1, nullptr);
  }
  ~Server() {
    log::capture(nullptr);
    std::filesystem::remove(file_);
  }
  void write(const std::string& users) { std::ofstream(file_) << users; }
  void remove_file() { std::filesystem::remove(file_); }
  Shared& shared() { return *shared_; }

  /// All that the server says when a client sends this; it stops when nothing came for `quiet`.
  std::string talk(const std::string& input, Trust trust = Trust::client, Duration quiet = 150ms) {
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
    greeting_ = output.substr(0, done);
    return done == std::string::npos ? output : output.substr(done + 5);
  }
  event::Loop& loop() { return loop_; }
  bool closed() const { return closed_; }
  const std::string& greeting() const { return greeting_; }
  std::string cookie_of(const std::string& greeting) {
    size_t at = greeting.find("COOKIE\t") + 7;
    return greeting.substr(at, greeting.find('\n', at) - at);
  }

 private:
  std::string file_, greeting_;
  event::Loop loop_;
  std::unique_ptr<Shared> shared_;
  bool closed_ = false;
};

const std::string kHello = "VERSION\t1\t2\nCPID\t42\n";

std::string plain(int id, const std::string& user, const std::string& password, const std::string& more = "nologin",
                  const std::string& remote = "192.0.2.1") {
  return "AUTH\t" + std::to_string(id) + "\tPLAIN\tservice=pop3\t" + more + "\trip=" + remote +
         "\tresp=" + base64_encode(auth::make_sasl_plain(user, password)) + "\n";
}

}  // namespace

TEST_CASE("authd: right and wrong passwords", "[authd]") {
  Server server("alice:{PLAIN}secret\nBob:{SHA512-CRYPT}" + auth::hash_password("SHA512-CRYPT", "geheim")->substr(14) +
                "\n");
  CHECK(server.talk(kHello + plain(1, "alice", "secret")) == "OK\t1\tuser=alice\n");
  CHECK(server.talk(kHello + plain(2, "ALICE", "secret")) == "OK\t2\tuser=alice\n");
  CHECK(server.talk(kHello + plain(3, "Bob", "geheim"), Trust::client, 500ms) == "OK\t3\tuser=Bob\n");
  CHECK(server.talk(kHello + plain(4, "alice", "Secret")) == "FAIL\t4\tuser=alice\n");
  CHECK(server.talk(kHello + plain(5, "nobody", "x"), Trust::client, 500ms) == "FAIL\t5\tuser=nobody\n");
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
  CHECK(server
            .talk(kHello + "AUTH\t1\tLOGIN\tservice=smtp\tnologin\tresp=\nCONT\t1\t" + user + "\nCONT\t1\t" + password +
                  "\n")
            .ends_with("OK\t1\tuser=alice\n"));
  CHECK(server.talk(kHello + "AUTH\t1\tPLAIN\tservice=smtp\tresp=!!\n") == "FAIL\t1\tcode=invalid_base64\n");
  CHECK(server.talk(kHello + "CONT\t9\tAAAA\n") == "FAIL\t9\n");
}

TEST_CASE("authd: a client that breaks the protocol is cut off", "[authd]") {
  Server server("alice:{PLAIN}secret\n");
  for (std::string bad :
       {"VERSION\t2\t0\n", "AUTH\t1\tPLAIN\n", "VERSION\t1\t2\nCPID\tx\n", "VERSION\t1\t2\nCPID\t1\nNONSENSE\n",
        "VERSION\t1\t2\nCPID\t1\nAUTH\t1\tDIGEST-MD5\tservice=x\n", "VERSION\t1\t2\nCPID\t1\nAUTH\tx\tPLAIN\n",
        "VERSION\t1\t2\nCPID\t1\nREQUEST\t1\t2\t3\tx\n", "VERSION\t1\t2\nCPID\t1\nUSER\t1\talice\n", "PASS\t1\talice\n",
        "LIST\t1\n"}) {
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
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t8\tc00c1e\n", Trust::master) == "FAIL\t1\n");
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t7\tother\n", Trust::master) == "FAIL\t1\n");
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t7\tc00c1e\n", Trust::master) ==
        "USER\t1\talice\tuid=1001\tgid=1002\thome=/home/alice\n");
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t7\tc00c1e\n", Trust::master) == "FAIL\t1\n");
  store.keep("c00c1e", 42, 8, "alice", monotonic_now() - 2 * LoginStore::kLifetime);
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t8\tc00c1e\n", Trust::master) == "FAIL\t1\n");
  store.keep("c00c1e", 42, 9, "low", monotonic_now());
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t9\tc00c1e\n", Trust::master) ==
        "FAIL\t1\treason=user low: uid 50 is below auth_first_valid_uid\n");
}

TEST_CASE("authd: a log-in is sealed for who has the key, and then cannot be fetched", "[authd]") {
  Server server("alice:{PLAIN}secret:1001:1002::/home/alice\nlow:{PLAIN}x:50:50::/h\n");
  std::string answer = server.talk(kHello + plain(7, "alice", "secret", "umaya_seal"));
  const std::string head = "OK\t7\tuser=alice\tumaya_sealed=";
  REQUIRE(answer.starts_with(head));
  const std::string sealed = answer.substr(head.size(), answer.size() - head.size() - 1);
  const std::string cookie = server.cookie_of(server.greeting());
  CHECK(server.talk(kHello + "REQUEST\t1\t42\t7\t" + cookie + "\n", Trust::master) == "FAIL\t1\n");

  CHECK(server.talk(kHello + "SEAL\t1\n") == "");  // not for a client
  CHECK(server.closed());
  std::string told = server.talk(kHello + "SEAL\t1\n", Trust::master);
  REQUIRE(told.starts_with("SEAL\t1\t"));
  auth::LoginSeal seal(Secret(*hex_decode(told.substr(7, 2 * auth::LoginSeal::kKeySize))));
  auto data = seal.open(sealed, {42, 7, cookie, {}}, monotonic_now());
  REQUIRE(data);
  CHECK(data->uid == 1001);
  CHECK(data->home == "/home/alice");

  // Nothing to seal: who asks hears why.
  CHECK(server.talk(kHello + plain(8, "low", "x", "umaya_seal")) == "OK\t8\tuser=low\n");
  CHECK(server.talk(kHello + plain(9, "alice", "secret", "nologin\tumaya_seal")) == "OK\t9\tuser=alice\n");
}

TEST_CASE("authd: data that are too long for a line are not sealed but fetched", "[authd]") {
  Server server("alice:{PLAIN}secret:1001:1002::/h::userdb_note=" + std::string(9000, 'x') + "\n");
  CHECK(server.talk(kHello + plain(7, "alice", "secret", "umaya_seal")) == "OK\t7\tuser=alice\n");
}

namespace {

/// A client of SCRAM-SHA-256 that sends its final message when it has the challenge.
std::string scram_final(const std::string& first_bare, const std::string& challenge, const std::string& password,
                        const std::string& bound) {
  auto fields = split(challenge, ",");
  std::string salt = *base64_decode(fields[1].substr(2));
  auto rounds = static_cast<uint32_t>(*parse_uint(fields[2].substr(2)));
  std::string client_key =
      auth::hmac(auth::Hash::sha256, auth::pbkdf2(auth::Hash::sha256, password, salt, rounds), "Client Key");
  std::string without = "c=" + base64_encode(bound) + "," + std::string(fields[0]);
  std::string proof = auth::hmac(auth::Hash::sha256, auth::digest(auth::Hash::sha256, client_key),
                                 first_bare + "," + challenge + "," + without);
  for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  return without + ",p=" + base64_encode(proof);
}

/// A client of AUTH that answers challenges; gives all lines that the server sent.
class Talk {
 public:
  explicit Talk(Server& server) : server_(server) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    client_.reset(ends[1]);
    session_ = std::make_unique<Session>(Fd{ends[0]}, server.shared(), Trust::client);
    scope_.spawn(session_->run());
    send("VERSION\t1\t3\nCPID\t42\n");
    while (line() != "DONE") {
    }
  }
  ~Talk() { scope_.cancel(); }
  void send(const std::string& text) { REQUIRE(::write(client_.get(), text.data(), text.size()) > 0); }
  std::string line() {
    TimePoint until = monotonic_now() + 5s;
    while (buffer_.find('\n') == std::string::npos && monotonic_now() < until) {
      server_.loop().run_once();
      char block[4096];
      ssize_t n = read(client_.get(), block, sizeof block);
      if (n > 0) buffer_.append(block, static_cast<size_t>(n));
      if (n < 0) usleep(500);
      if (n == 0) return "closed";
    }
    size_t end = buffer_.find('\n');
    if (end == std::string::npos) return "nothing";
    std::string text = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return text;
  }
  std::string challenge(const std::string& sent) {
    send(sent);
    auth::AuthLine answer = auth::AuthLine::parse(line());
    return answer.verb() == "CONT" ? *base64_decode(answer.field(1)) : answer.verb();
  }

 private:
  Server& server_;
  Fd client_;
  std::unique_ptr<Session> session_;
  event::TaskScope scope_;
  std::string buffer_;
};

std::string scram(Server& server, std::string user, std::string password, const std::string& more = "",
                  const std::string& header = "n,,", const std::string& data = "",
                  const std::string& mechanism = "SCRAM-SHA-256") {
  Talk talk(server);
  std::string bare = "n=" + user + ",r=abc";
  std::string challenge = talk.challenge("AUTH\t1\t" + mechanism + "\tservice=pop3\tnologin\tfinal-resp-ok" + more +
                                         "\tresp=" + base64_encode(header + bare) + "\n");
  if (!challenge.starts_with("r=abc")) return challenge;
  talk.send("CONT\t1\t" + base64_encode(scram_final(bare, challenge, password, header + data)) + "\n");
  return talk.line();
}

std::string stored(const std::string& scheme, const std::string& password) {
  return *auth::hash_password(scheme, password);
}

}  // namespace

TEST_CASE("authd: A10 every failure looks the same and is held back for the same time", "[authd]") {
  Server server("alice:{PLAIN}secret\noff:{PLAIN}x::::::nologin\nnets:{PLAIN}x::::::allow_nets=10.0.0.0/8\nnone:*\n",
                100ms);
  int host = 0;
  for (std::string user : {"alice", "off", "nets", "none", "missing", "../etc"}) {
    INFO(user);
    Talk talk(server);
    TimePoint start = monotonic_now();
    std::string remote = "198.51.100." + std::to_string(++host);  // each is an address's first failure
    talk.send(plain(1, user, user == "alice" ? "bad" : "x", "nologin", remote));
    CHECK(talk.line() == "FAIL\t1\tuser=" + user);
    CHECK(monotonic_now() - start >= 99ms);
  }
  // What is right is not held back, whatever came before it.
  Duration quickest = 1s;
  for (int i = 0; i < 5; ++i) {
    Talk talk(server);
    TimePoint start = monotonic_now();
    talk.send(plain(1, "alice", "secret", "nologin", "198.51.100.1"));
    CHECK(talk.line() == "OK\t1\tuser=alice");
    quickest = std::min<Duration>(quickest, monotonic_now() - start);
  }
  CHECK(quickest < 90ms);
}

TEST_CASE("authd: offers what every stored password can serve", "[authd][mechanisms]") {
  Server plain_file("alice:{PLAIN}secret\nnone:*\n");
  plain_file.talk("");
  for (std::string line :
       {"MECH\tPLAIN\tplaintext\n", "MECH\tLOGIN\tplaintext\n", "MECH\tSCRAM-SHA-256\tmutual-auth\n",
        "MECH-CBIND\tSCRAM-SHA-256-PLUS\t", "MECH\tEXTERNAL\n", "MECH\tCRAM-MD5\tdictionary\tactive\n",
        "MECH\tAPOP\tprivate\t", "UMAYA\tbinding\tseal\n", "SPID\t", "CUID\t", "COOKIE\t"}) {
    INFO(line);
    CHECK(plain_file.greeting().find(line) != std::string::npos);
  }
  Server hashed("alice:{PLAIN}secret\nbob:" + stored("SHA512-CRYPT", "x") + "\n");
  hashed.talk("");
  CHECK(hashed.greeting().find("SCRAM") == std::string::npos);
  CHECK(hashed.greeting().find("CRAM-MD5") == std::string::npos);
  CHECK(hashed.greeting().find("MECH\tPLAIN") != std::string::npos);
  CHECK(hashed.talk(kHello + "AUTH\t1\tCRAM-MD5\tservice=smtp\n") == "FAIL\t1\n");
  Server keys("alice:" + stored("SCRAM-SHA-256", "secret") + "\nbob:{PLAIN}x\n");
  keys.talk("");
  CHECK(keys.greeting().find("MECH\tSCRAM-SHA-256\t") != std::string::npos);
  CHECK(keys.greeting().find("SCRAM-SHA-1") == std::string::npos);
}

TEST_CASE("authd: SCRAM with keys and with plain passwords", "[authd][scram]") {
  Server server("alice:{PLAIN}secret\nbob:" + stored("SCRAM-SHA-256", "geheim") + "\n");
  CHECK(scram(server, "alice", "secret").starts_with("OK\t1\tuser=alice\tresp="));
  CHECK(scram(server, "bob", "geheim").starts_with("OK\t1\tuser=bob\tresp="));
  CHECK(scram(server, "alice", "Secret") == "FAIL\t1\tuser=alice");
  CHECK(scram(server, "bob", "secret") == "FAIL\t1\tuser=bob");
  CHECK(scram(server, "nobody", "secret") == "FAIL\t1\tuser=nobody");
  CHECK(scram(server, "alice", "secret", "", "n,a=bob,") == "FAIL");
}

TEST_CASE("authd: SCRAM's last word comes as a challenge to who does not take it with OK", "[authd][scram]") {
  Server server("alice:{PLAIN}secret\n");
  Talk talk(server);
  CHECK(talk.challenge("AUTH\t1\tSCRAM-SHA-256\tservice=smtp\tnologin\n") == "");
  std::string bare = "n=alice,r=abc";
  std::string challenge = talk.challenge("CONT\t1\t" + base64_encode("n,," + bare) + "\n");
  std::string last = talk.challenge("CONT\t1\t" + base64_encode(scram_final(bare, challenge, "secret", "n,,")) + "\n");
  CHECK(last.starts_with("v="));
  talk.send("CONT\t1\t\n");
  CHECK(talk.line() == "OK\t1\tuser=alice");
}

TEST_CASE("authd: A14 channel binding holds against a changed list of mechanisms", "[authd][scram]") {
  Server server("alice:{PLAIN}secret\n");
  std::string bound = "\tumaya_binding=tls-exporter:" + base64_encode("the channel");
  CHECK(scram(server, "alice", "secret", bound, "p=tls-exporter,,", "the channel", "SCRAM-SHA-256-PLUS")
            .starts_with("OK\t1"));
  CHECK(scram(server, "alice", "secret", bound, "p=tls-exporter,,", "another", "SCRAM-SHA-256-PLUS") ==
        "FAIL\t1\tuser=alice");
  CHECK(scram(server, "alice", "secret", "", "p=tls-exporter,,", "", "SCRAM-SHA-256-PLUS") == "FAIL");
  CHECK(scram(server, "alice", "secret", bound, "y,,") == "FAIL");
  CHECK(scram(server, "alice", "secret", "", "y,,").starts_with("OK\t1"));
}

TEST_CASE("authd: A10 SCRAM shows for nobody what it shows for somebody, each time the same", "[authd][scram]") {
  Server server("alice:{PLAIN}secret\n");
  auto salt = [&](const std::string& user) {
    Talk talk(server);
    std::string challenge =
        talk.challenge("AUTH\t1\tSCRAM-SHA-256\tservice=pop3\tresp=" + base64_encode("n,,n=" + user + ",r=abc") + "\n");
    return challenge.substr(challenge.find(",s="));
  };
  CHECK(salt("nobody") == salt("nobody"));
  CHECK(salt("nobody") != salt("noone"));
  CHECK(salt("alice") == salt("ALICE"));
  CHECK(salt("alice").size() == salt("nobody").size());
  CHECK(salt("alice").ends_with(",i=4096"));
  CHECK(salt("nobody").ends_with(",i=4096"));
}

TEST_CASE("authd: A14 EXTERNAL is the name in a verified certificate and no other", "[authd][external]") {
  Server server("alice:{SHA512-CRYPT}$6$x\nbob:{PLAIN}x\noff:*::::::nologin\n");
  auto external = [&](const std::string& fields, const std::string& as) {
    return server.talk(kHello + "AUTH\t1\tEXTERNAL\tservice=smtp\tnologin" + fields +
                       "\tresp=" + (as.empty() ? "=" : base64_encode(as)) + "\n");
  };
  CHECK(external("\tvalid-client-cert\tcert_username=alice", "") == "OK\t1\tuser=alice\n");
  CHECK(external("\tvalid-client-cert\tcert_username=alice", "alice") == "OK\t1\tuser=alice\n");
  CHECK(external("\tvalid-client-cert\tcert_username=alice", "bob") == "FAIL\t1\tuser=alice\tcode=authz_fail\n");
  CHECK(external("", "alice") == "FAIL\t1\n");
  CHECK(external("\tcert_username=alice", "alice") == "FAIL\t1\n");
  CHECK(external("\tvalid-client-cert", "alice") == "FAIL\t1\n");
  CHECK(external("\tvalid-client-cert\tcert_username=nobody", "") == "FAIL\t1\tuser=nobody\n");
  CHECK(external("\tvalid-client-cert\tcert_username=off", "") == "FAIL\t1\tuser=off\n");
}

TEST_CASE("authd: CRAM-MD5 with its own keys, which serve PLAIN, too", "[authd][cram]") {
  Server server("alice:" + stored("CRAM-MD5", "secret") + "\nbob:{PLAIN}x\n");
  Talk talk(server);
  CHECK(server.talk("").empty());
  CHECK(server.greeting().find("MECH\tCRAM-MD5") != std::string::npos);
  CHECK(server.greeting().find("SCRAM") == std::string::npos);
  for (std::string password : {"secret", "wrong"}) {
    std::string challenge = talk.challenge("AUTH\t1\tCRAM-MD5\tservice=smtp\tnologin\n");
    std::string proof = to_lower(hex_encode(auth::hmac(auth::Hash::md5, password, challenge)));
    talk.send("CONT\t1\t" + base64_encode("alice " + proof) + "\n");
    CHECK(talk.line() == (password == "secret" ? "OK\t1\tuser=alice" : "FAIL\t1\tuser=alice"));
  }
  CHECK(server.talk(kHello + plain(1, "alice", "secret")) == "OK\t1\tuser=alice\n");
}

TEST_CASE("authd: CRAM-MD5 and APOP", "[authd][cram]") {
  Server server("alice:{PLAIN}tanstaaf\n");
  Talk talk(server);
  std::string challenge = talk.challenge("AUTH\t1\tCRAM-MD5\tservice=smtp\tnologin\n");
  CHECK(challenge.ends_with("@localhost>"));
  std::string proof = to_lower(hex_encode(auth::hmac(auth::Hash::md5, "tanstaaf", challenge)));
  talk.send("CONT\t1\t" + base64_encode("alice " + proof) + "\n");
  CHECK(talk.line() == "OK\t1\tuser=alice");
  (void)talk.challenge("AUTH\t2\tCRAM-MD5\tservice=smtp\tnologin\n");
  talk.send("CONT\t2\t" + base64_encode("alice " + proof) + "\n");
  CHECK(talk.line() == "FAIL\t2\tuser=alice");
  std::string stamp = "<1.2@h>";
  std::string apop = stamp + '\0' + "alice" + '\0' + auth::digest(auth::Hash::md5, stamp, "tanstaaf");
  talk.send("AUTH\t3\tAPOP\tservice=pop3\tnologin\tresp=" + base64_encode(apop) + "\n");
  CHECK(talk.line() == "OK\t3\tuser=alice");
  apop.back() ^= 1;
  talk.send("AUTH\t4\tAPOP\tservice=pop3\tnologin\tresp=" + base64_encode(apop) + "\n");
  CHECK(talk.line() == "FAIL\t4\tuser=alice");
}

TEST_CASE("authd: S32 what goes wrong in one exchange leaves the others alone", "[authd][S32]") {
  Server server("alice:{PLAIN}secret\n");
  Talk talk(server);
  CHECK(talk.challenge("AUTH\t1\tSCRAM-SHA-256\tservice=smtp\tnologin\n") == "");
  CHECK(talk.challenge("AUTH\t2\tLOGIN\tservice=smtp\tnologin\n") == "Username:");
  CHECK(talk.challenge("AUTH\t3\tPLAIN\tservice=smtp\tnologin\n") == "");
  talk.send("CONT\t1\t*not base64*\n");
  CHECK(talk.line() == "FAIL\t1\tcode=invalid_base64");
  talk.send("CANCEL\t2\nCANCEL\t77\n");
  talk.send("CONT\t3\t" + base64_encode(auth::make_sasl_plain("alice", "secret")) + "\n");
  CHECK(talk.line() == "OK\t3\tuser=alice");
  // Numbers are free again.
  talk.send(plain(1, "alice", "secret") + plain(2, "alice", "wrong"));
  CHECK(talk.line() == "OK\t1\tuser=alice");
  CHECK(talk.line() == "FAIL\t2\tuser=alice");
}

TEST_CASE("authd: S32 malformed and oversized messages fail like wrong passwords", "[authd][S32]") {
  Server server("alice:{PLAIN}secret\n");
  auto plain_message = [&](const std::string& message) {
    return server.talk(kHello + "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tresp=" +
                       (message.empty() ? "=" : base64_encode(message)) + "\n");
  };
  CHECK(plain_message("") == "FAIL\t1\n");
  CHECK(plain_message("alice") == "FAIL\t1\n");
  CHECK(plain_message(std::string("\0alice\0secret\0x", 15)) == "FAIL\t1\n");
  CHECK(plain_message(std::string("\0\0secret", 8)) == "FAIL\t1\n");
  CHECK(plain_message(std::string("\0alice\0", 7) + std::string(5000, 'x')) == "FAIL\t1\n");
  CHECK(plain_message(std::string("bob\0alice\0secret", 16)) == "FAIL\t1\tuser=alice\tcode=authz_fail\n");
  CHECK(plain_message(std::string("alice\0alice\0secret", 18)) == "OK\t1\tuser=alice\n");
}

TEST_CASE("authd: A9 names are taken as they are, and what is none is nobody", "[authd][names]") {
  Server server("alice:{PLAIN}x:1001:1001::/h\nuid=0:{PLAIN}x:1001:1001::/h\n");
  for (const std::string& user :
       std::vector<std::string>{"%u", "*", "../alice", "alice/../bob", "alice*master", "al(ice", "\"alice\"", ".alice",
                                "alice@", "@example.com", "alice@a@b", "alice\xff", std::string(10000, 'a')}) {
    INFO(user);
    std::string answer = server.talk(kHello + plain(1, user.substr(0, 1000), "x"), Trust::client, 30ms);
    CHECK(answer.starts_with("FAIL\t1"));
  }
  CHECK(server.talk(kHello + plain(1, std::string("alice\tuser=bob", 14), "x")).starts_with("FAIL\t1"));
  // A name that looks like a field of the answer is none.
  CHECK(server.talk(kHello + "USER\t1\tuid=0\n", Trust::master) == "USER\t1\tuid=0\tuid=1001\tgid=1001\thome=/h\n");
  auth::AuthLine line = auth::AuthLine::parse("USER\t1\tuid=0\tuid=1001\tgid=1001\thome=/h");
  CHECK(auth::parse_login_data(line)->uid == 1001);
}

TEST_CASE("authd: A13 a changed password counts at once, also where the old one was remembered", "[authd][cache]") {
  Server server("alice:" + stored("SHA256-CRYPT", "old") + "\nbob:" + stored("SHA256-CRYPT", "bobs") + "\n");
  auto ask = [&](const std::string& user, const std::string& password) {
    return server.talk(kHello + plain(1, user, password), Trust::client, 200ms);
  };
  CHECK(ask("alice", "old") == "OK\t1\tuser=alice\n");
  CHECK(ask("alice", "old") == "OK\t1\tuser=alice\n");
  CHECK(ask("bob", "old") == "FAIL\t1\tuser=bob\n");
  server.write("alice:" + stored("SHA256-CRYPT", "new") + "\nbob:" + stored("SHA256-CRYPT", "bobs") + "\n");
  CHECK(ask("alice", "old") == "FAIL\t1\tuser=alice\n");
  CHECK(ask("alice", "new") == "OK\t1\tuser=alice\n");
  server.write("bob:" + stored("SHA256-CRYPT", "bobs") + "\n");
  CHECK(ask("alice", "new") == "FAIL\t1\tuser=alice\n");
}

TEST_CASE("authd: data of users for who is trusted", "[authd][master]") {
  Server server(
      "alice:{PLAIN}secret:1001:1002::/home/alice::userdb_quota_rule=*:storage=1G\nlow:{PLAIN}x:50:50::/h\n"
      "Bob@example.com:{PLAIN}y\n",
      0s, [](Params& params) { params.user_defaults = "uid=5000 gid=5000 home=/vmail/%d/%n"; });
  CHECK(server.talk("VERSION\t1\t0\nUSER\t7\tALICE\tservice=lmtp\n", Trust::master) ==
        "USER\t7\talice\tuid=1001\tgid=1002\thome=/home/alice\tquota_rule=*:storage=1G\n");
  CHECK(server.talk("USER\t7\tbob@Example.com\n", Trust::master) ==
        "USER\t7\tBob@example.com\tuid=5000\tgid=5000\thome=/vmail/example.com/Bob\n");
  CHECK(server.talk("USER\t7\tnobody\n", Trust::master) == "NOTFOUND\t7\n");
  CHECK(server.talk("USER\t7\tlow\n", Trust::master).starts_with("FAIL\t7\treason="));
  CHECK(server.talk("LIST\t3\n", Trust::master) == "LIST\t3\tBob@example.com\nLIST\t3\talice\nLIST\t3\tlow\nDONE\t3\n");
  CHECK(server.talk("PASS\t3\talice\n", Trust::master).starts_with("FAIL\t3\treason="));
  CHECK(server.talk("PASS\t3\talice\n", Trust::owner) == "PASS\t3\tuser=alice\tpassword={PLAIN}secret\n");
  CHECK(server.talk("PASS\t3\tnobody\n", Trust::owner) == "NOTFOUND\t3\n");
  server.remove_file();
  CHECK(server.talk("USER\t7\talice\n", Trust::master).starts_with("FAIL\t7\treason="));
}

TEST_CASE("authd: a realm is put behind names without one", "[authd][names]") {
  Server server("alice@example.com:{PLAIN}x\n", 0s, [](Params& params) { params.default_realm = "example.com"; });
  CHECK(server.talk(kHello + plain(1, "Alice", "x")) == "OK\t1\tuser=alice@example.com\n");
  CHECK(server.talk(kHello + plain(1, "alice@example.com", "x")) == "OK\t1\tuser=alice@example.com\n");
  CHECK(server.talk(kHello + plain(1, "alice@example.org", "x")) == "FAIL\t1\tuser=alice@example.org\n");
}

TEST_CASE("authd: sources are asked in their order, tables and one password for everybody too", "[authd][sources]") {
  Server server("alice:{PLAIN}file\n", 0s, [](Params& params) {
    params.sources = {"passwd-file", "tables", "static"};
    params.password_maps =
        "inline:{ {alice = {PLAIN}table} {bob = {PLAIN}a:b userdb_uid=7000 userdb_gid=7001} "
        "{bad = {NONSENSE}x} {off = {PLAIN}x nologin} }";
    params.user_maps = "inline:{ {bob = uid=1 home=/srv/bob} }";
    params.static_password = "{PLAIN}everybody";
  });
  CHECK(server.talk(kHello + plain(1, "alice", "file")) == "OK\t1\tuser=alice\n");
  CHECK(server.talk(kHello + plain(1, "alice", "table")) == "FAIL\t1\tuser=alice\n");
  CHECK(server.talk(kHello + plain(1, "bob", "a:b")) == "OK\t1\tuser=bob\n");
  CHECK(server.talk(kHello + plain(1, "off", "x")) == "FAIL\t1\tuser=off\n");
  CHECK(server.talk(kHello + plain(1, "bad", "x")) == "FAIL\t1\tuser=bad\tcode=temp_fail\ttemp\n");
  CHECK(server.talk(kHello + plain(1, "carol", "everybody")) == "OK\t1\tuser=carol\n");
  CHECK(server.talk("USER\t1\tbob\n", Trust::master) == "USER\t1\tbob\tuid=7000\tgid=7001\thome=/srv/bob\n");
}

TEST_CASE("authd: virtual mailboxes have the ids and the place that virtual delivers to", "[authd][virtual]") {
  Server server(
      "k@example.com:{PLAIN}x\nmb@example.com:{PLAIN}x\nother@example.org:{PLAIN}x\n", 0s, [](Params& params) {
        params.virtual_base = "/var/mail/vhosts";
        params.virtual_domains = "example.com";
        params.virtual_mailbox_maps = "inline:{ {k@example.com = example.com/k/} {mb@example.com = example.com/mb} }";
        params.virtual_uid_maps = "static:5000";
        params.virtual_gid_maps = "inline:{ {@example.com = 5001} }";
      });
  CHECK(server.talk("USER\t1\tk@example.com\n", Trust::master) ==
        "USER\t1\tk@example.com\tuid=5000\tgid=5001\thome=/var/mail/vhosts/example.com/k\t"
        "mail=maildir:/var/mail/vhosts/example.com/k\n");
  CHECK(server.talk("USER\t1\tmb@example.com\n", Trust::master) ==
        "USER\t1\tmb@example.com\tuid=5000\tgid=5001\thome=/var/mail/vhosts/example.com\t"
        "mail=mbox:/var/mail/vhosts/example.com/mb\n");
  CHECK(server.talk("USER\t1\tother@example.org\n", Trust::master).starts_with("FAIL\t1\treason="));
}

TEST_CASE("authd: params: every binding has its row", "[authd][params]") {
  CHECK(config::check_bindings(kBindings) == std::vector<std::string>{});
}
