#include "libcommon/tls/settings.h"

#include <openssl/ssl.h>

#include <catch2/catch.hpp>

using namespace umaya;

TEST_CASE("tls settings: protocols are read in every form that Postfix has", "[tls]") {
  struct Case {
    std::string_view text;
    int least, most;
    uint64_t excluded;
  };
  constexpr uint64_t kNo1 = SSL_OP_NO_TLSv1, kNo11 = SSL_OP_NO_TLSv1_1, kNo12 = SSL_OP_NO_TLSv1_2;
  for (const auto& c :
       {Case{"", 0, 0, 0}, Case{">=TLSv1.2", TLS1_2_VERSION, 0, 0},
        Case{">=tlsv1.2 <=TLSV1.3", TLS1_2_VERSION, TLS1_3_VERSION, 0},
        Case{"!SSLv2, !SSLv3, !TLSv1", 0, 0, SSL_OP_NO_SSLv3 | kNo1}, Case{"!SSLv2:!SSLv3", 0, 0, SSL_OP_NO_SSLv3},
        Case{"TLSv1.2, TLSv1.3", 0, 0, SSL_OP_NO_SSLv3 | kNo1 | kNo11},
        Case{"TLSv1.3", 0, 0, SSL_OP_NO_SSLv3 | kNo1 | kNo11 | kNo12}, Case{">=0x0303", TLS1_2_VERSION, 0, 0}}) {
    INFO(c.text);
    auto parsed = tls::parse_protocols(c.text);
    REQUIRE(parsed);
    CHECK(parsed->least == c.least);
    CHECK(parsed->most == c.most);
    CHECK(parsed->excluded == c.excluded);
  }
  for (std::string_view bad : {"TLSv1.4", ">=", "!", "0x03", ">=0x9999", ">=TLSv1.3 <=TLSv1.2"}) {
    INFO(bad);
    CHECK_FALSE(tls::parse_protocols(bad));
  }
}

static tls::CommonSettings common() {
  tls::CommonSettings out;
  out.high_cipherlist = "HIGH:!aNULL";
  out.medium_cipherlist = "HIGH:MEDIUM:!aNULL";
  out.null_cipherlist = "eNULL";
  out.auto_curves = "X25519 X448 prime256v1 secp384r1 nosuchcurve";
  out.ffdhe_groups = "ffdhe2048";
  return out;
}

TEST_CASE("tls settings: a grade without the excluded ciphers", "[tls]") {
  CHECK(*tls::cipher_list(common(), "high", "") == "HIGH:!aNULL");
  CHECK(*tls::cipher_list(common(), "MEDIUM", "MD5, RC4:3DES") == "HIGH:MEDIUM:!aNULL:!MD5:!RC4:!3DES");
  CHECK(*tls::cipher_list(common(), "export", "") == "HIGH:MEDIUM:!aNULL");
  CHECK_FALSE(tls::cipher_list(common(), "best", ""));
}

TEST_CASE("tls settings: a context has no renegotiation and no compression whatever is configured", "[tls]") {
  tls::CommonSettings settings = common();
  auto context = tls::make_context(settings, tls::Role::server);
  REQUIRE(context);
  uint64_t options = SSL_CTX_get_options(context->get());
  CHECK((options & SSL_OP_NO_RENEGOTIATION));
  CHECK((options & SSL_OP_NO_COMPRESSION));
  CHECK_FALSE((options & SSL_OP_CIPHER_SERVER_PREFERENCE));
  settings.preempt_cipherlist = true;
  settings.ssl_options = "PRIORITIZE_CHACHA, 0x4000";  // NO_TICKET
  context = tls::make_context(settings, tls::Role::server);
  REQUIRE(context);
  options = SSL_CTX_get_options(context->get());
  CHECK((options & SSL_OP_CIPHER_SERVER_PREFERENCE));
  CHECK((options & SSL_OP_PRIORITIZE_CHACHA));
  CHECK((options & SSL_OP_NO_TICKET));
  settings.ssl_options = "NO_SUCH_THING";
  CHECK_FALSE(tls::make_context(settings, tls::Role::client));
}

TEST_CASE("tls settings: unknown groups are passed over, but one must be left", "[tls]") {
  auto context = tls::make_context(common(), tls::Role::server);
  REQUIRE(context);
  CHECK(tls::set_groups(context->get(), "nosuch prime256v1"));
  CHECK_FALSE(tls::set_groups(context->get(), "nosuch"));
  CHECK(*tls::groups_of(common(), "auto") == "X25519 X448 prime256v1 secp384r1 nosuchcurve ffdhe2048");
  CHECK_FALSE(tls::groups_of(common(), "best"));
}

TEST_CASE("tls settings: a digest by its name", "[tls]") {
  CHECK(tls::find_digest("sha256"));
  CHECK_FALSE(tls::find_digest("sha257"));
}
