#include "libcommon/tls/client.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"
#include "tests/support/test_certificates.h"

using namespace umaya;
using namespace umaya::tls;
using namespace std::chrono_literals;

namespace {

CommonSettings common() {
  CommonSettings out;
  out.high_cipherlist = "aNULL:-aNULL:HIGH:@STRENGTH";
  out.medium_cipherlist = "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH";
  out.null_cipherlist = "eNULL:!aNULL";
  out.auto_curves = "X25519 prime256v1";
  return out;
}

struct Pair {
  std::unique_ptr<event::Stream> client, server;
  Pair() {
    int fds[2];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    client = std::make_unique<event::Stream>(Fd(fds[0]));
    server = std::make_unique<event::Stream>(Fd(fds[1]));
  }
};

/// A client that knows the authority, and a server with a certificate of it.
class ClientFixture {
 public:
  explicit ClientFixture(const CertificateWish& wish = {.names = {"mx.example.org"}}) : server(authority.issue(wish)) {
    settings.common = common();
    settings.ca_file = file("ca.pem", authority.certificate());
    settings.session_limit = 1h;
    log::capture([this](log::Level, std::string_view line) { lines.emplace_back(line); });
  }
  ~ClientFixture() { log::capture(nullptr); }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(directory / name) << text;
    return directory / name;
  }
  Client& client() {
    if (!client_) client_ = std::move(Client::open(settings).value());
    return *client_;
  }
  ClientRequest request(ClientLevel level, std::vector<std::string> match = {}) const {
    return {.level = level,
            .protocols = ">=TLSv1.2",
            .ciphers = "medium",
            .match = std::move(match),
            .peer = "mx.example.org[192.0.2.1]:25",
            .log = LogLevel::summary};
  }
  /// One connection; the server says a word afterwards, so that tickets arrive too.
  Result<ClientConnection> connect(ClientRequest request) {
    Pair pair;
    Result<ClientConnection> out = temporary("nothing happened");
    event::run_until_done(talk(pair, std::move(request), out));
    return out;
  }
  bool logged(std::string_view part) const {
    return std::ranges::any_of(lines, [&](const std::string& l) { return l.find(part) != std::string::npos; });
  }

  test::TempDirectory directory;
  TestAuthority authority;
  TestTlsServer server;
  ClientSettings settings;
  std::vector<std::string> lines;

 private:
  event::Task<void> serve(event::Stream* stream) {
    bool done = co_await server.accept(stream);
    if (!done) co_return;
    stream->write("word\n");
    auto sent = co_await stream->flush();
    (void)sent;
  }
  event::Task<void> talk(Pair& pair, ClientRequest request, Result<ClientConnection>& out) {
    event::TaskScope scope;
    scope.spawn(serve(pair.server.get()));
    out = co_await client().connect(pair.client.get(), std::move(request), 5s);
    if (!out) co_return;
    pair.client->set_timeout(5s);
    event::Read word = co_await pair.client->read_line(100);
    CHECK(word.data == "word\n");
  }
  std::unique_ptr<Client> client_;
};

const std::string kTo = " TLS connection established to mx.example.org[192.0.2.1]:25: TLSv1.3 with cipher TLS_";

}  // namespace

TEST_CASE("tls client: without a known authority a certificate is untrusted", "[tls]") {
  ClientFixture f;
  f.settings.ca_file.clear();
  auto connection = f.connect(f.request(ClientLevel::may));
  REQUIRE(connection);
  CHECK(connection->info.peer.trust == Trust::untrusted);
  CHECK(f.logged("Untrusted" + kTo));
  CHECK_FALSE(f.logged("certificate verification failed"));
}

TEST_CASE("tls client: a good chain is trusted, and verified when a name is wanted and there", "[tls]") {
  ClientFixture f;
  CHECK(f.connect(f.request(ClientLevel::encrypt))->info.peer.trust == Trust::trusted);
  CHECK(f.logged("Trusted" + kTo));
  CHECK(f.connect(f.request(ClientLevel::verify, {"mx.example.org"}))->info.peer.trust == Trust::verified);
  CHECK(f.logged("Verified" + kTo));
  CHECK(f.connect(f.request(ClientLevel::secure, {".example.org"}))->info.peer.trust == Trust::verified);
  CHECK(f.connect(f.request(ClientLevel::secure, {"example.org"}))->info.peer.trust == Trust::trusted);
  CHECK(f.logged("certificate verification failed for mx.example.org[192.0.2.1]:25: num=62:hostname mismatch"));
}

TEST_CASE("tls client: the common name counts only without DNS names", "[tls]") {
  ClientFixture bare({.common_name = "mx.example.org"});
  CHECK(bare.connect(bare.request(ClientLevel::verify, {"mx.example.org"}))->info.peer.trust == Trust::verified);
  ClientFixture named({.names = {"other.example"}, .common_name = "mx.example.org"});
  CHECK(named.connect(named.request(ClientLevel::verify, {"mx.example.org"}))->info.peer.trust == Trust::trusted);
}

TEST_CASE("tls client: bad chains are not trusted, and the log says why", "[tls]") {
  const auto trouble = [](const CertificateWish& wish) {
    ClientFixture f(wish);
    auto connection = f.connect(f.request(ClientLevel::verify, {"mx.example.org"}));
    CHECK(connection->info.peer.trust == Trust::untrusted);
    CHECK(f.logged("certificate verification failed for mx.example.org[192.0.2.1]:25: "));
    return connection->info.peer.trouble;
  };
  CHECK(trouble({.names = {"mx.example.org"}, .begins = -7200, .ends = -3600}) == "certificate has expired");
  CHECK(trouble({.names = {"mx.example.org"}, .begins = 3600, .ends = 7200}) == "certificate not yet valid");
  CHECK(trouble({.names = {"mx.example.org"}, .self_signed = true}) == "self-signed certificate");
}

TEST_CASE("tls client: another authority's certificate has an untrusted issuer", "[tls]") {
  ClientFixture f;
  const TestAuthority other;
  f.settings.ca_file = f.file("other.pem", other.certificate());
  auto connection = f.connect(f.request(ClientLevel::verify, {"mx.example.org"}));
  CHECK(connection->info.peer.trust == Trust::untrusted);
}

TEST_CASE("tls client: a trust anchor takes the place of all authorities", "[tls]") {
  ClientFixture f;
  const TestAuthority other;
  f.settings.ca_file = f.file("other.pem", other.certificate());
  f.settings.trust_anchor_files = {f.file("anchor.pem", f.authority.certificate())};
  CHECK(f.connect(f.request(ClientLevel::verify, {"mx.example.org"}))->info.peer.trust == Trust::verified);
}

TEST_CASE("tls client: a fingerprint of certificate or key verifies, whoever issued it", "[tls]") {
  ClientFixture f({.names = {"x.test"}, .self_signed = true});
  auto first = f.connect(f.request(ClientLevel::encrypt));
  REQUIRE(first);
  const PeerCertificate& peer = first->info.peer;
  CHECK(f.connect(f.request(ClientLevel::fingerprint, {peer.fingerprint}))->info.peer.trust == Trust::verified);
  CHECK(f.connect(f.request(ClientLevel::fingerprint, {"AA", peer.public_key_fingerprint}))->info.peer.trust ==
        Trust::verified);
  CHECK(f.connect(f.request(ClientLevel::fingerprint, {"AA:BB"}))->info.peer.trust != Trust::verified);
}

TEST_CASE("tls client: a session is resumed by the same server and request only", "[tls]") {
  ClientFixture f;
  CHECK_FALSE(f.connect(f.request(ClientLevel::verify, {"mx.example.org"}))->info.resumed);
  auto again = f.connect(f.request(ClientLevel::verify, {"mx.example.org"}));
  CHECK(again->info.resumed);
  CHECK(again->info.peer.trust == Trust::verified);
  CHECK(f.server.resumed);
  CHECK_FALSE(f.connect(f.request(ClientLevel::encrypt))->info.resumed);
  CHECK_FALSE(f.connect(f.request(ClientLevel::verify, {"other.example"}))->info.resumed);
  ClientRequest elsewhere = f.request(ClientLevel::verify, {"mx.example.org"});
  elsewhere.peer = "mx.example.org[192.0.2.2]:25";
  CHECK_FALSE(f.connect(std::move(elsewhere))->info.resumed);
}

TEST_CASE("tls client: a session of TLS 1.2 is resumed, too", "[tls]") {
  ClientFixture f;
  SSL_CTX_set_max_proto_version(f.server.context(), TLS1_2_VERSION);
  CHECK_FALSE(f.connect(f.request(ClientLevel::encrypt))->info.resumed);
  auto again = f.connect(f.request(ClientLevel::encrypt));
  CHECK(again->info.resumed);
  CHECK(again->info.peer.present);
  CHECK(again->binding_type == "tls-unique");
  CHECK(again->binding.size() == 12);
}

TEST_CASE("tls client: without a time limit nothing is resumed", "[tls]") {
  ClientFixture f;
  f.settings.session_limit = Duration::zero();
  CHECK_FALSE(f.connect(f.request(ClientLevel::encrypt))->info.resumed);
  CHECK_FALSE(f.connect(f.request(ClientLevel::encrypt))->info.resumed);
}

TEST_CASE("tls client: the channel is bound by the exporter", "[tls]") {
  ClientFixture f;
  auto connection = f.connect(f.request(ClientLevel::encrypt));
  CHECK(connection->binding_type == "tls-exporter");
  CHECK(connection->binding.size() == 32);
}

TEST_CASE("tls client: SNI is sent when it is a host name", "[tls]") {
  ClientFixture f;
  ClientRequest request = f.request(ClientLevel::encrypt);
  request.server_name = "MX.Example.org";
  CHECK(f.connect(std::move(request)));
  CHECK(f.server.server_name == "mx.example.org");
  f.server.server_name.clear();
  ClientRequest number = f.request(ClientLevel::encrypt);
  number.server_name = "192.0.2.1";
  CHECK(f.connect(std::move(number)));
  CHECK(f.server.server_name.empty());
}

TEST_CASE("tls client: protocols that the server has not are a failure", "[tls]") {
  ClientFixture f;
  SSL_CTX_set_max_proto_version(f.server.context(), TLS1_2_VERSION);
  ClientRequest request = f.request(ClientLevel::may);
  request.protocols = ">=TLSv1.3";
  CHECK_FALSE(f.connect(std::move(request)));
  CHECK(f.logged("SSL_connect error to mx.example.org[192.0.2.1]:25: -1"));
  CHECK(f.logged("TLS library problem: "));
  ClientRequest wrong = f.request(ClientLevel::may);
  wrong.protocols = "TLSv9";
  CHECK_FALSE(f.connect(std::move(wrong)));
}

TEST_CASE("S7 tls client: a server that says nothing is given up in time", "[tls]") {
  ClientFixture f;
  Pair pair;
  const TimePoint start = monotonic_now();
  auto connection = event::run_until_done(
      f.client().connect(pair.client.get(), f.request(ClientLevel::may), std::chrono::milliseconds(200)));
  CHECK_FALSE(connection);
  CHECK(monotonic_now() - start < 3s);
  CHECK(f.logged("SSL_connect error to mx.example.org[192.0.2.1]:25: Connection timed out"));
}

TEST_CASE("S5 tls client: what came in the clear before the handshake is dropped", "[tls]") {
  ClientFixture f;
  Pair pair;
  pair.client->preload("250 injected\r\n");
  auto serve = f.server.accept(pair.server.get());
  event::TaskScope scope;
  bool served = false;
  struct Serve {
    static event::Task<void> run(event::Task<bool> task, bool* done) { *done = co_await std::move(task); }
  };
  scope.spawn(Serve::run(std::move(serve), &served));
  auto connection = event::run_until_done(f.client().connect(pair.client.get(), f.request(ClientLevel::may), 5s));
  REQUIRE(connection);
  CHECK(pair.client->buffered().empty());
}

TEST_CASE("tls client: trust that cannot be loaded names the file", "[tls]") {
  ClientFixture f;
  const auto why_not = [&](const std::string& anchor) {
    ClientSettings settings = f.settings;
    settings.trust_anchor_files = {anchor};
    auto client = Client::open(std::move(settings));
    return client ? "fine" : client.error().what;
  };
  CHECK(why_not(f.file("good.pem", f.authority.certificate())) == "fine");
  CHECK(why_not(f.file("empty.pem", "")) == (f.directory / "empty.pem") + " holds no certificate");
  CHECK(why_not("/nowhere/x.pem") == "open /nowhere/x.pem: No such file or directory");
}

TEST_CASE("tls client: without tlsmgr there is no certificate of our own, and TLS all the same", "[tls]") {
  ClientFixture f;
  f.settings.identity.pairs = {{"/etc/x.pem", ""}};
  f.settings.tlsmgr = f.directory / "nobody";
  auto connection = f.connect(f.request(ClientLevel::encrypt));
  REQUIRE(connection);
  CHECK_FALSE(connection->has_certificate);
  CHECK(f.logged("no client certificate: "));
}
