#include "libcommon/auth/scram.h"

#include <catch2/catch.hpp>

#include "libcommon/auth/sasl.h"
#include "libcommon/base/strings.h"

using namespace umaya;
using namespace umaya::auth;
using Plus = ScramServer::Plus;

namespace {

/// A client as RFC 5802 describes it, made of the same primitives, for whole conversations.
struct Client {
  Hash hash;
  std::string password;
  std::string header = "n,,";
  std::string binding{};
  std::string user = "alice";
  std::string nonce = "clientnonce";

  std::string first() const { return header + bare(); }
  std::string bare() const { return "n=" + user + ",r=" + nonce; }
  std::string final(const std::string& challenge) const {
    auto fields = split(challenge, ",");
    std::string salt = *base64_decode(fields[1].substr(2));
    auto rounds = static_cast<uint32_t>(*parse_uint(fields[2].substr(2)));
    std::string salted = pbkdf2(hash, password, salt, rounds);
    std::string client_key = hmac(hash, salted, "Client Key");
    std::string without = "c=" + base64_encode(header + binding) + "," + std::string(fields[0]);
    std::string proof = hmac(hash, digest(hash, client_key), bare() + "," + challenge + "," + without);
    for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
    return without + ",p=" + base64_encode(proof);
  }
};

Result<bool> talk(Client client, Plus plus = Plus::no, ChannelBinding binding = {}, std::string password = "pencil") {
  ScramKeys keys = make_scram_keys(client.hash, password, "salt", 4096);
  ScramServer server(client.hash, plus, std::move(binding));
  auto names = server.read_first(client.first());
  if (!names) return std::unexpected(names.error());
  CHECK(names->user == "alice");
  return server.read_final(client.final(server.challenge(keys, "servernonce")), keys);
}

}  // namespace

TEST_CASE("scram: the exchange of RFC 7677 gives the proof and the last word printed there", "[auth][scram]") {
  ScramKeys keys = make_scram_keys(Hash::sha256, "pencil", *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  ScramServer server(Hash::sha256, Plus::no, {});
  auto names = server.read_first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  REQUIRE(names);
  CHECK(names->user == "user");
  CHECK(server.challenge(keys, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0") ==
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  auto right = server.read_final(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      keys);
  REQUIRE(right);
  CHECK(*right);
  CHECK(server.last_word() == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST_CASE("scram: the exchange of RFC 5802 with SHA-1", "[auth][scram]") {
  ScramKeys keys = make_scram_keys(Hash::sha1, "pencil", *base64_decode("QSXCR+Q6sek8bf92"), 4096);
  ScramServer server(Hash::sha1, Plus::no, {});
  REQUIRE(server.read_first("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"));
  CHECK(server.challenge(keys, "3rfcNHYJY1ZVvWVs7j") ==
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
  auto right =
      server.read_final("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", keys);
  REQUIRE(right);
  CHECK(*right);
  CHECK(server.last_word() == "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
}

TEST_CASE("scram: a wrong password is wrong, not malformed", "[auth][scram]") {
  for (Hash hash : {Hash::sha1, Hash::sha256}) {
    CHECK(talk({hash, "pencil"}).value());
    CHECK(!talk({hash, "Pencil"}).value());
  }
}

TEST_CASE("scram: A14 channel binding cannot be taken out or changed on the way", "[auth][scram]") {
  ChannelBinding channel{"tls-exporter", "the channel"};
  Client bound{Hash::sha256, "pencil", "p=tls-exporter,,", "the channel"};
  CHECK(talk(bound, Plus::yes, channel).value());
  Client other = bound;
  other.binding = "another channel";
  CHECK(!talk(other, Plus::yes, channel));
  Client kind = bound;
  kind.header = "p=tls-unique,,";
  CHECK(!talk(kind, Plus::yes, channel));
  CHECK(!talk(bound, Plus::yes, {}));
  CHECK(!talk(bound, Plus::no, channel));
  // The client could bind the channel and was not offered it: fine only where we do not offer it.
  Client could{Hash::sha256, "pencil", "y,,"};
  CHECK(talk(could).value());
  CHECK(!talk(could, Plus::no, channel));
  CHECK(!talk(could, Plus::yes, channel));
  CHECK(talk({Hash::sha256, "pencil"}, Plus::no, channel).value());
}

TEST_CASE("scram: A14 an answer is good for its own challenge only", "[auth][scram]") {
  ScramKeys keys = make_scram_keys(Hash::sha256, "pencil", "salt", 4096);
  Client client{Hash::sha256, "pencil"};
  ScramServer first(Hash::sha256, Plus::no, {}), second(Hash::sha256, Plus::no, {});
  REQUIRE(first.read_first(client.first()));
  REQUIRE(second.read_first(client.first()));
  std::string answer = client.final(first.challenge(keys, fresh_scram_nonce()));
  (void)second.challenge(keys, fresh_scram_nonce());
  CHECK(!second.read_final(answer, keys));
  CHECK(first.read_final(answer, keys).value());
  ScramServer unasked(Hash::sha256, Plus::no, {});
  CHECK(!unasked.read_final(answer, keys));
  CHECK(fresh_scram_nonce() != fresh_scram_nonce());
}

TEST_CASE("scram: A9 names are read exactly", "[auth][scram]") {
  auto first = [](std::string message) { return ScramServer(Hash::sha256, Plus::no, {}).read_first(message); };
  CHECK(first("n,,n=a=2Cb=3Dc,r=x")->user == "a,b=c");
  CHECK(first("n,a=boss,n=alice,r=x")->authorize_as == "boss");
  for (std::string bad :
       {"", "n", "n,", "n,,", "n,,n=alice", "n,,n=alice,r=", "n,,n=,r=x", "n,,n=a=2cb,r=x", "n,,n=a=,r=x",
        "n,,m=ext,n=alice,r=x", "n,,n=alice,r=a b", "q,,n=alice,r=x", "n,alice,n=alice,r=x", "n,,r=x,n=alice"}) {
    INFO(bad);
    CHECK(!first(bad));
  }
  CHECK(!first(std::string("n,,n=al\0ice,r=x", 15)));
  CHECK(!first("n,,n=\xff\xfe,r=x"));
  CHECK(!first("n,,n=" + std::string(2000, 'a') + ",r=x"));
  CHECK(!first("n,,n=alice,r=" + std::string(5000, 'a')));
}

TEST_CASE("scram: stored keys go to text and back; others are refused", "[auth][scram]") {
  ScramKeys keys = make_scram_keys(Hash::sha256, "pencil", "salt", 5000);
  auto again = parse_scram_keys(Hash::sha256, scram_keys_text(keys));
  REQUIRE(again);
  CHECK(again->iterations == 5000);
  CHECK((again->salt == "salt" && again->stored_key == keys.stored_key && again->server_key == keys.server_key));
  for (std::string bad : {"", "4096", "4096,AAAA,AAAA,AAAA", "0,c2FsdA==,,", "x,c2FsdA==,AA==,AA=="}) {
    CHECK(!parse_scram_keys(Hash::sha256, bad));
  }
  CHECK(!parse_scram_keys(Hash::sha1, scram_keys_text(keys)));
  CHECK(!parse_scram_keys(Hash::sha256, "999999999" + scram_keys_text(keys).substr(4)));
}

TEST_CASE("sasl: CRAM-MD5 as in RFC 2195", "[auth][sasl]") {
  auto shown = parse_cram_response("tim b913a602c7eda7a495b4e6e7334d3890");
  REQUIRE(shown);
  CHECK(shown->user == "tim");
  std::string challenge = "<1896.697170952@postoffice.reston.mci.net>";
  CHECK(verify_cram(challenge, make_cram_keys("tanstaaftanstaaf"), *shown));
  CHECK(!verify_cram(challenge, make_cram_keys("tanstaaftanstaag"), *shown));
  CHECK(!verify_cram("<x@y>", make_cram_keys("tanstaaftanstaaf"), *shown));
  CHECK(make_cram_challenge("h") != make_cram_challenge("h"));
  for (std::string bad :
       {"", "tim", " b913a602c7eda7a495b4e6e7334d3890", "tim b913", "tim zz13a602c7eda7a495b4e6e7334d3890"}) {
    CHECK(!parse_cram_response(bad));
  }
}

TEST_CASE("sasl: APOP as in RFC 1939", "[auth][sasl]") {
  std::string challenge = "<1896.697170952@dbc.mtview.ca.us>";
  std::string message = challenge + '\0' + "mrose" + '\0' + *hex_decode("c4c9334bac560ecc979e58001b3e22fb");
  auto apop = parse_apop(message);
  REQUIRE(apop);
  CHECK(apop->shown.user == "mrose");
  CHECK(verify_apop("tanstaaf", *apop));
  CHECK(!verify_apop("tanstaag", *apop));
  CHECK(!parse_apop(message + "x"));
  CHECK(!parse_apop(message.substr(1)));
  CHECK(!parse_apop(""));
}

TEST_CASE("sasl: keys of CRAM-MD5 give what HMAC-MD5 gives, for texts and passwords of every length", "[auth][sasl]") {
  for (size_t length = 0; length < 200; ++length) {
    std::string text(length, 'x'), password(length, 'p');
    CramKeys keys = make_cram_keys(password);
    CHECK(cram_digest(keys, "challenge") == hmac(Hash::md5, password, "challenge"));
    CHECK(cram_digest(make_cram_keys("secret"), text) == hmac(Hash::md5, "secret", text));
    CHECK(cram_digest(*parse_cram_keys(cram_keys_text(keys)), text) == cram_digest(keys, text));
  }
  // As Dovecot writes it for the password "test".
  CHECK(cram_keys_text(make_cram_keys("test")) == "e02d374fde0dc75a17a557039a3a5338c7743304777dccd376f332bee68d2cf6");
  CHECK(!parse_cram_keys(""));
  CHECK(!parse_cram_keys(std::string(64, 'g')));
  CHECK(!parse_cram_keys(std::string(62, 'a')));
}
