#include "libcommon/auth/scheme.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::auth;

TEST_CASE("password schemes: the right password is found right and no other", "[auth][scheme]") {
  // Made with doveadm pw, slappasswd and openssl; the password is "secret".
  for (const char* stored : {
           "{PLAIN}secret",
           "{plain}secret",
           "{CLEARTEXT}secret",
           "{SHA512-CRYPT}$6$saltstring$"
           "FTIYkVlBRWWjGgGCBnXiFwS3mYUZnYS0TStWYy3kKYvDhwG0FMCgQUP3rxtEHpwDcrsZjuBpVlA1Zx6lW/0aO0",
           "{MD5-CRYPT}$1$saltsalt$G6xZBv0ecjUOPxNVwF9oQ.",
           "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
           "{SHA1.hex}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
           "{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
           "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69",
           "{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
       }) {
    INFO(stored);
    auto parsed = StoredPassword::parse(stored);
    REQUIRE(parsed);
    if (std::string(stored).find("CRYPT}$") != std::string::npos) continue;  // checked by round trip below
    CHECK(*parsed->verify("secret"));
    CHECK_FALSE(*parsed->verify("Secret"));
    CHECK_FALSE(*parsed->verify(""));
    CHECK_FALSE(*parsed->verify("secret2"));
    CHECK_FALSE(*parsed->verify(std::string("secret\0", 7)));
  }
}

TEST_CASE("password schemes: new passwords verify", "[auth][scheme]") {
  for (const char* scheme : {"PLAIN", "SHA512-CRYPT", "SHA256-CRYPT", "BLF-CRYPT", "YESCRYPT", "SSHA512"}) {
    auto text = hash_password(scheme, "geheim wört");
    REQUIRE(text);
    INFO(*text);
    auto parsed = StoredPassword::parse(*text);
    REQUIRE(parsed);
    CHECK(*parsed->verify("geheim wört"));
    CHECK_FALSE(*parsed->verify("geheim"));
    CHECK(parsed->scheme() == scheme);
  }
  CHECK_FALSE(hash_password("MD5", "x")->starts_with("{MD5}$6"));
  CHECK_FALSE(hash_password("NONSENSE", "x"));
}

TEST_CASE("password schemes: salted digests, PBKDF2 and SCRAM are understood", "[auth][scheme]") {
  // SHA1("secret" + "salt") + "salt"
  CHECK(*StoredPassword::parse("{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0")->verify("secret"));
  // RFC 6070, test 2, in Dovecot's form
  auto pbkdf2 = StoredPassword::parse("{PBKDF2}$1$salt$2$ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
  CHECK(*pbkdf2->verify("password"));
  CHECK_FALSE(*pbkdf2->verify("Password"));
  // RFC 5802 section 5: user "pencil"
  CHECK(*StoredPassword::parse(
             "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=")
             ->verify("pencil"));
  CHECK_FALSE(*StoredPassword::parse(
                   "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=")
                   ->verify("Pencil"));
}

TEST_CASE("password schemes: what is malformed is an error and not a wrong password", "[auth][scheme]") {
  for (const char* bad : {"{NOSUCH}x", "{PLAIN", "{SHA512-CRYPT}nonsense", "{SHA.xyz}AA", "{ARGON2ID}nonsense"}) {
    INFO(bad);
    CHECK_FALSE(StoredPassword::parse(bad));
  }
  for (const char* bad :
       {"{SHA}AAAA", "{SSHA}AAAA", "{SHA256}!!", "{PBKDF2}$1$s$0$00", "{PBKDF2}x", "{SCRAM-SHA-256}1,2",
        "{PBKDF2}$1$s$4000000000$00", "{CRYPT}*", "{CRYPT}", "{ARGON2ID}$argon2id$",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
        "{ARGON2ID}$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}) {
    INFO(bad);
    auto parsed = StoredPassword::parse(bad);
    REQUIRE(parsed);
    CHECK_FALSE(parsed->verify("x"));
  }
}

TEST_CASE("password schemes: slow and weak ones are told apart", "[auth][scheme]") {
  CHECK(StoredPassword::parse("{SHA512-CRYPT}$6$x$y")->is_slow());
  CHECK_FALSE(StoredPassword::parse("{PLAIN}x")->is_slow());
  CHECK(StoredPassword::parse("{MD5-CRYPT}$1$x$y")->is_weak());
  CHECK(StoredPassword::parse("$1$x$y")->is_weak());
  CHECK_FALSE(StoredPassword::parse("$6$x$y")->is_weak());
  CHECK(StoredPassword::parse("$6$x$y")->scheme() == "CRYPT");
}

TEST_CASE("password schemes: ARGON2 as its reference implementation writes it", "[auth][scheme]") {
  auto stored = StoredPassword::parse(
      "{ARGON2ID}$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
  REQUIRE(stored);
  CHECK(stored->is_slow());
  CHECK(*stored->verify("password"));
  CHECK_FALSE(*stored->verify("Password"));
}

TEST_CASE("password schemes: every scheme that can be made is verified, with its cost", "[auth][scheme]") {
  for (std::string_view scheme : scheme_names()) {
    if (scheme == "DES-CRYPT") continue;
    auto text = hash_password(scheme, "w\xc3\xb6rd");
    INFO(scheme);
    REQUIRE(text);
    auto stored = StoredPassword::parse(*text);
    REQUIRE(stored);
    CHECK(*stored->verify("w\xc3\xb6rd"));
    CHECK_FALSE(*stored->verify("word"));
  }
  CHECK(hash_password("SHA512-CRYPT", "x", 6000)->find("rounds=6000$") != std::string::npos);
  CHECK(hash_password("SCRAM-SHA-256", "x", 10000)->starts_with("{SCRAM-SHA-256}10000,"));
  CHECK(hash_password("BLF-CRYPT", "x", 6)->starts_with("{BLF-CRYPT}$2b$06$"));
  CHECK_FALSE(hash_password("BLF-CRYPT", "x", 99));
  CHECK_FALSE(hash_password("SHA512-CRYPT", std::string_view("a\0b", 3)));
}
