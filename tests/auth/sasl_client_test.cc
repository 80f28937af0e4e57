#include "libcommon/auth/sasl_client.h"

#include <catch2/catch.hpp>

#include "libcommon/base/strings.h"

using namespace umaya;
using namespace umaya::auth;

namespace {

SaslCredentials credentials(std::string user, std::string password) {
  return {std::move(user), Secret(std::move(password))};
}

std::string text_of(Result<Secret> answer) {
  return answer ? std::string(answer->reveal()) : "error: " + answer.error().what;
}

// The mechanism that is chosen, or why none is.
std::string chosen(const SaslOffer& offer, std::string password = "secret") {
  auto client = choose_sasl_client(offer, credentials("user", std::move(password)));
  return client ? std::string((*client)->name()) : client.error().what;
}

const std::vector<std::string> kAll = {
    "LOGIN", "PLAIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "EXTERNAL"};
const ChannelBinding kBinding{"tls-exporter", "0123456789abcdef0123456789abcdef"};

// RFC 5802 5.
const std::string kNonce = "fyko+d2lbbFgONRv9qkxdawL";
const std::string kFirst = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
const std::string kFinal = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";

std::unique_ptr<SaslClient> scram() {
  auto client = make_scram_client("SCRAM-SHA-1", credentials("user", "pencil"), {}, "n", kNonce);
  CHECK(client->initial()->reveal() == "n,,n=user,r=" + kNonce);
  return client;
}

}  // namespace

TEST_CASE("sasl client: PLAIN and LOGIN say user and password once", "[auth]") {
  SaslOffer offer{.offered = {"PLAIN"}};
  auto plain = choose_sasl_client(offer, credentials("tim", "tanstaaf"));
  REQUIRE(plain);
  CHECK((*plain)->initial()->reveal() == std::string("\0tim\0tanstaaf", 13));
  CHECK_FALSE((*plain)->respond(""));
  auto late = choose_sasl_client(offer, credentials("tim", "tanstaaf"));
  CHECK(text_of((*late)->respond("")) == std::string("\0tim\0tanstaaf", 13));
  offer.offered = {"LOGIN"};
  auto login = choose_sasl_client(offer, credentials("tim", "tanstaaf"));
  REQUIRE(login);
  CHECK_FALSE((*login)->initial());
  CHECK(text_of((*login)->respond("Username:")) == "tim");
  CHECK(text_of((*login)->respond("Password:")) == "tanstaaf");
  CHECK_FALSE((*login)->respond("Password:"));
}

TEST_CASE("sasl client: CRAM-MD5 answers as RFC 2195 shows", "[auth]") {
  auto client = choose_sasl_client({.offered = {"CRAM-MD5"}}, credentials("tim", "tanstaaftanstaaf"));
  REQUIRE(client);
  CHECK_FALSE((*client)->initial());
  CHECK(text_of((*client)->respond("<1896.697170952@postoffice.reston.mci.net>")) ==
        "tim b913a602c7eda7a495b4e6e7334d3890");
  CHECK_FALSE((*client)->respond("<again@x>"));
}

TEST_CASE("sasl client: SCRAM-SHA-1 answers as RFC 5802 shows", "[auth]") {
  auto client = scram();
  CHECK(text_of(client->respond(kFirst)) ==
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  CHECK_FALSE(client->is_complete());
  CHECK(text_of(client->respond(kFinal)) == "");
  CHECK(client->is_complete());
  CHECK_FALSE(client->respond(""));
}

TEST_CASE("sasl client: SCRAM-SHA-256 answers as RFC 7677 shows", "[auth]") {
  auto client = make_scram_client("SCRAM-SHA-256", credentials("user", "pencil"), {}, "n", "rOprNGfwEbeRWgbNEkqO");
  CHECK(client->initial()->reveal() == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  CHECK(text_of(client->respond("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
                                "i=4096")) ==
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  CHECK(text_of(client->respond("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")) == "");
  CHECK(client->is_complete());
}

TEST_CASE("sasl client: SCRAM-PLUS sends the channel binding, and names are escaped", "[auth]") {
  auto client = make_scram_client("SCRAM-SHA-256-PLUS", credentials("a,b=c", "x"), kBinding, "p", "nonce");
  CHECK(client->initial()->reveal() == "p=tls-exporter,,n=a=2Cb=3Dc,r=nonce");
  std::string answer = text_of(client->respond("r=nonceMORE,s=c2FsdA==,i=4096"));
  CHECK(answer.starts_with("c=" + base64_encode("p=tls-exporter,," + kBinding.data) + ",r=nonceMORE,p="));
}

TEST_CASE("A14 sasl client: SCRAM refuses a server that breaks its rules", "[auth]") {
  const auto first = [](std::string challenge) { return text_of(scram()->respond(challenge)); };
  CHECK(first("r=" + kNonce + "x,s=QSXCR+Q6sek8bf92,i=1000000000") ==
        "error: the server's first message names too many iterations");
  CHECK(first("r=" + kNonce + "x,s=QSXCR+Q6sek8bf92,i=1") ==
        "error: the server's first message names fewer iterations than RFC 7677 asks for");
  CHECK(first("r=" + kNonce + ",s=QSXCR+Q6sek8bf92,i=4096") == "error: the server's nonce is not an extension of ours");
  CHECK(first("r=another,s=QSXCR+Q6sek8bf92,i=4096") == "error: the server's nonce is not an extension of ours");
  CHECK(first("e=unknown-user") == "error: the server says: unknown-user");
  for (std::string bad : {std::string(), std::string("r="), "m=must," + kFirst, "r=" + kNonce + "x,s=,i=4096",
                          "r=" + kNonce + "x,s=!,i=4096", "r=" + kNonce + "x,s=QSXCR+Q6sek8bf92,i=-1",
                          "r=" + kNonce + "x,s=QSXCR+Q6sek8bf92,i=99999999999999999999",
                          "r=" + kNonce + std::string(5000, 'x'), kFinal}) {
    INFO(bad);
    CHECK(first(bad).starts_with("error: "));
  }
}

TEST_CASE("A14 sasl client: SCRAM is complete only when the server has proved itself", "[auth]") {
  for (std::string bad : {"v=rmF9pqV8S7suAoZWja4dJRkFsKA=", "v=", "", "e=other-error", "r=1"}) {
    INFO(bad);
    auto client = scram();
    REQUIRE(client->respond(kFirst));
    CHECK_FALSE(client->respond(bad));
    CHECK_FALSE(client->is_complete());
    CHECK_FALSE(client->respond(kFinal));
    CHECK_FALSE(client->is_complete());
  }
}

TEST_CASE("A14 sasl client: who could bind the channel says so when the server does not offer it", "[auth]") {
  auto flag = [](const SaslOffer& offer) {
    auto client = choose_sasl_client(offer, credentials("user", "x"));
    return std::string((*client)->initial()->reveal().substr(0, 2));
  };
  CHECK(flag({.offered = {"SCRAM-SHA-256"}, .binding = kBinding}) == "y,");
  CHECK(flag({.offered = {"SCRAM-SHA-256"}}) == "n,");
  CHECK(flag({.offered = {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, .binding = kBinding}) == "p=");
  // -PLUS is there but filtered out by our own configuration: "y" would be taken for an attack.
  auto no_plus = [](std::string_view m) { return !m.ends_with("-PLUS"); };
  CHECK(flag({.offered = {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, .binding = kBinding, .allowed = no_plus}) == "n,");
}

TEST_CASE("sasl client: the strongest mechanism that both may use is chosen", "[auth]") {
  CHECK(chosen({.offered = kAll, .binding = kBinding}) == "SCRAM-SHA-256-PLUS");
  CHECK(chosen({.offered = kAll}) == "SCRAM-SHA-256");
  CHECK(chosen({.offered = {"LOGIN", "PLAIN", "SCRAM-SHA-1", "CRAM-MD5"}}) == "SCRAM-SHA-1");
  CHECK(chosen({.offered = {"LOGIN", "PLAIN", "CRAM-MD5"}}) == "CRAM-MD5");
  CHECK(chosen({.offered = {"LOGIN", "PLAIN"}}) == "PLAIN");
  CHECK(chosen({.offered = {"LOGIN", "XOAUTH2"}}) == "LOGIN");
  CHECK(chosen({.offered = {"LOGIN", "PLAIN"}, .refuse = kNoPlaintext | kNoAnonymous}) == "no mechanism available");
  CHECK(chosen({.offered = kAll, .refuse = kMutualAuth}) == "SCRAM-SHA-256");
  CHECK(chosen({.offered = {"GSSAPI", "ANONYMOUS"}}) == "no mechanism available");
  auto only_login = [](std::string_view m) { return m == "LOGIN"; };
  CHECK(chosen({.offered = kAll, .allowed = only_login}) == "LOGIN");
  CHECK(chosen({.offered = kAll, .has_certificate = true}, "") == "EXTERNAL");
  CHECK(chosen({.offered = {"EXTERNAL"}}, "") == "no mechanism available");
  CHECK(chosen({.offered = kAll}, std::string("a\0b", 3)) == "user name or password holds a NUL");
}

TEST_CASE("sasl client: a large iteration count is work for a worker", "[auth]") {
  auto client = scram();
  CHECK_FALSE(client->is_slow(kFirst));
  CHECK(client->is_slow("r=" + kNonce + "x,s=QSXCR+Q6sek8bf92,i=600000"));
  CHECK_FALSE(client->is_slow("r=" + kNonce + "x,s=QSXCR+Q6sek8bf92,i=1000000000"));  // refused at once
}

TEST_CASE("sasl client: options are words", "[auth]") {
  const std::vector<std::string> good = {"noplaintext", "NoAnonymous", "mutual_auth"};
  CHECK(parse_sasl_options(good).value() == (kNoPlaintext | kNoAnonymous | kMutualAuth));
  CHECK(parse_sasl_options({}).value() == 0);
  const std::vector<std::string> bad = {"noplain"};
  CHECK_FALSE(parse_sasl_options(bad));
}
