#include "named-lite/dns/tsig.h"

#include <catch2/catch.hpp>
#include <list>

#include "libcommon/base/strings.h"

using namespace umaya;
using namespace umaya::named;

namespace {

constexpr uint64_t kNow = 1'700'000'000;

TsigKey key_named(std::string_view name, std::string_view algorithm = "hmac-sha256") {
  TsigKey key;
  key.name = Name::from_text(name)->lower();
  REQUIRE(set_algorithm(key, algorithm));
  key.secret = "a secret of both sides";
  return key;
}

/// example.org. SOA?
std::string request() {
  std::string out("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  return out.append("\7example\3org\0\0\6\0\1", 17);
}

/// The keys stay: a check points to the one it used.
TsigCheck check_of(const std::string& message, TsigKeys keys_of_server, uint64_t now = kNow) {
  static std::list<TsigKeys> kept;
  const TsigKeys& keys = kept.emplace_back(std::move(keys_of_server));
  TsigRecord record;
  REQUIRE(find_tsig(message, record) == TsigFound::yes);
  return verify_request(message, record, keys, now);
}

uint16_t additional_of(const std::string& message) {
  return static_cast<uint16_t>(static_cast<unsigned char>(message[10]) << 8 | static_cast<unsigned char>(message[11]));
}

}  // namespace

TEST_CASE("tsig: every algorithm signs and is verified", "[named][tsig]") {
  for (auto algorithm : {"hmac-md5", "hmac-md5.sig-alg.reg.int.", "hmac-sha1", "hmac-sha224", "hmac-sha256",
                         "hmac-sha384", "hmac-sha512", "HMAC-SHA512.", "hmac-sha256-128"}) {
    TsigKey key = key_named("Key.Example.", algorithm);
    std::string message = request();
    REQUIRE(TsigSigner(key).sign(message, kNow));
    CHECK(additional_of(message) == 1);
    TsigCheck check = check_of(message, {key});
    CHECK(check.ok());
    CHECK(check.mac.size() == key.mac_size);
    CHECK(check.key->name.text() == "key.example.");
  }
  TsigKey key;
  CHECK_FALSE(set_algorithm(key, "hmac-sha3"));
  CHECK_FALSE(set_algorithm(key, "hmac-sha256-64"));
  CHECK_FALSE(set_algorithm(key, "hmac-sha256-129"));
  CHECK_FALSE(set_algorithm(key, "hmac-sha256-512"));
}

TEST_CASE("tsig: the MAC of another implementation is found right", "[named][tsig]") {
  // Computed with hmac and struct of Python from RFC 8945 4.3, apart from this code.
  TsigKey key = key_named("k.");
  key.secret = "secret";
  std::string message = request();
  TsigSigner signer(key);
  REQUIRE(signer.sign(message, 1'000'000'000));
  CHECK(hex_encode(signer.mac()) == "61b053ea4408c1dd105e97f8a0f1189c4a8cf414a3789ef1a581a3e270a05b01");
}

TEST_CASE("tsig: D24 a time 301 seconds away is BADTIME, and the answer says what time it is", "[named][tsig]") {
  TsigKey key = key_named("k.");
  std::string message = request();
  REQUIRE(TsigSigner(key).sign(message, kNow));
  CHECK(check_of(message, {key}, kNow + 300).ok());
  CHECK(check_of(message, {key}, kNow - 300).ok());
  for (uint64_t now : {kNow + 301, kNow - 301}) {
    TsigCheck check = check_of(message, {key}, now);
    CHECK(check.error == TsigError::bad_time);
    std::string answer = request();
    REQUIRE(TsigSigner(check).sign(answer, now));
    TsigRecord record;
    REQUIRE(find_tsig(answer, record) == TsigFound::yes);
    CHECK(record.error == 18);
    CHECK(record.time == kNow);
    REQUIRE(record.other.size() == 6);
    uint64_t told = 0;
    for (char c : record.other) told = told << 8 | static_cast<unsigned char>(c);
    CHECK(told == now);
    CHECK(record.mac.size() == 32);
  }
}

TEST_CASE("tsig: D24 another secret, key or algorithm is refused, and that answer carries no MAC", "[named][tsig]") {
  TsigKey key = key_named("k.");
  std::string message = request();
  REQUIRE(TsigSigner(key).sign(message, kNow));
  TsigKey other_secret = key;
  other_secret.secret = "another";
  TsigKey other_algorithm = key_named("k.", "hmac-sha512");
  struct Row {
    TsigKeys keys;
    TsigError error;
  };
  for (const Row& row : {Row{{other_secret}, TsigError::bad_signature}, Row{{key_named("x.")}, TsigError::bad_key},
                         Row{{other_algorithm}, TsigError::bad_key}, Row{{}, TsigError::bad_key}}) {
    TsigCheck check = check_of(message, row.keys);
    CHECK(check.error == row.error);
    std::string answer = request();
    REQUIRE(TsigSigner(check).sign(answer, kNow));
    TsigRecord record;
    REQUIRE(find_tsig(answer, record) == TsigFound::yes);
    CHECK(record.mac.empty());
    CHECK(record.error == static_cast<uint16_t>(row.error));
  }
}

TEST_CASE("tsig: D24 the case of a key's name does not matter, a changed octet anywhere does", "[named][tsig]") {
  TsigKey key = key_named("k.example.");
  std::string message = request();
  REQUIRE(TsigSigner(key).sign(message, kNow));
  std::string upper = message;
  upper[request().size() + 1] = 'K';
  CHECK(check_of(upper, {key}).ok());
  for (size_t at = 2; at < message.size(); ++at) {
    std::string changed = message;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    TsigRecord record;
    if (find_tsig(changed, record) != TsigFound::yes) continue;
    TsigCheck check = verify_request(changed, record, {key}, kNow);
    INFO("octet " << at);
    CHECK_FALSE(check.ok());
  }
}

TEST_CASE("tsig: D24 short MACs are FORMERR, cut ones BADTRUNC unless the key allows them", "[named][tsig]") {
  TsigKey whole = key_named("k.");
  TsigKey cut = key_named("k.", "hmac-sha256-128");
  std::string message = request();
  REQUIRE(TsigSigner(cut).sign(message, kNow));
  CHECK(check_of(message, {cut}).ok());
  CHECK(check_of(message, {whole}).error == TsigError::bad_truncation);
  for (size_t size : {size_t{1}, size_t{9}, size_t{15}}) {
    TsigKey odd = cut;
    odd.mac_size = size;
    std::string other = request();
    REQUIRE(TsigSigner(odd).sign(other, kNow));
    TsigCheck check = check_of(other, {whole});
    CHECK(check.malformed);
    CHECK_FALSE(check.ok());
  }
}

TEST_CASE("tsig: D24 a record that is not the last, or there twice, or too long, is malformed", "[named][tsig]") {
  TsigKey key = key_named("k.");
  std::string message = request();
  REQUIRE(TsigSigner(key).sign(message, kNow));
  TsigRecord record;
  std::string twice = message;
  REQUIRE(TsigSigner(key).sign(twice, kNow));
  CHECK(find_tsig(twice, record) == TsigFound::malformed);
  std::string behind = message;
  behind.append("\0\0\1\0\1\0\0\0\0\0\0", 11);
  behind[11] = 2;
  CHECK(find_tsig(behind, record) == TsigFound::malformed);
  CHECK(find_tsig(message + "x", record) == TsigFound::malformed);
  for (size_t size = 0; size < message.size(); ++size) {
    CHECK(find_tsig(std::string_view(message).substr(0, size), record) == TsigFound::malformed);
  }
  std::string other_length = message;
  other_length[other_length.size() - 1] = 1;
  CHECK(find_tsig(other_length, record) == TsigFound::malformed);
  CHECK(find_tsig(request(), record) == TsigFound::no);
}

TEST_CASE("tsig: each message of a transfer is covered by the MAC before it", "[named][tsig]") {
  TsigKey key = key_named("k.");
  std::string question = request();
  TsigSigner client(key);
  REQUIRE(client.sign(question, kNow));
  TsigCheck check = check_of(question, {key});
  TsigSigner server(check);
  TsigStream stream(key, client.mac());
  for (int i = 0; i < 5; ++i) {
    std::string answer = request();
    answer[1] = static_cast<char>(i);
    REQUIRE(server.sign(answer, kNow));
    REQUIRE(stream.take(answer, kNow));
    CHECK(stream.complete());
  }
}

TEST_CASE("tsig: D22 a transfer whose messages are changed, dropped or unsigned at its end is not believed",
          "[named][tsig]") {
  TsigKey key = key_named("k.");
  std::string question = request();
  TsigSigner client(key);
  REQUIRE(client.sign(question, kNow));
  TsigSigner server(check_of(question, {key}));
  std::vector<std::string> answers(3, request());
  for (std::string& answer : answers) REQUIRE(server.sign(answer, kNow));

  TsigStream unsigned_first(key, client.mac());
  CHECK_FALSE(unsigned_first.take(request(), kNow));

  TsigStream dropped(key, client.mac());
  REQUIRE(dropped.take(answers[0], kNow));
  CHECK_FALSE(dropped.take(answers[2], kNow));

  TsigStream added(key, client.mac());
  REQUIRE(added.take(answers[0], kNow));
  REQUIRE(added.take(request(), kNow));
  CHECK_FALSE(added.complete());
  CHECK_FALSE(added.take(answers[1], kNow));

  TsigStream late(key, client.mac());
  CHECK_FALSE(late.take(answers[0], kNow + 1000));

  TsigStream endless(key, client.mac());
  REQUIRE(endless.take(answers[0], kNow));
  for (int i = 0; i < 99; ++i) REQUIRE(endless.take(request(), kNow));
  CHECK_FALSE(endless.take(request(), kNow));
}
