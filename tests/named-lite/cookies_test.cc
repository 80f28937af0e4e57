#include "named-lite/answer/cookies.h"

#include <catch2/catch.hpp>
#include <string>

using namespace umaya::named;

namespace {

std::string bytes(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

CookieSecret secret(std::string_view hex) {
  CookieSecret value;
  std::string octets = bytes(hex);
  std::copy(octets.begin(), octets.end(), value.begin());
  return value;
}

std::string answer_of(const CookieCheck& check) {
  return {check.answer.data(), check.answer.size()};
}

const std::string kClient = bytes("c6336464");   // 198.51.100.100
const std::string kClient2 = bytes("cb0071cb");  // 203.0.113.203

}  // namespace

TEST_CASE("siphash: gives the values of its authors", "[named][cookies]") {
  CookieSecret key = secret("000102030405060708090a0b0c0d0e0f");
  CHECK(siphash(key, "") == 0x726fdb47dd0e0e31);
  CHECK(siphash(key, bytes("000102030405060708090a0b0c0d0e")) == 0xa129ca6149be45e5);
}

TEST_CASE("cookies: are those of RFC 9018 appendix A", "[named][cookies]") {
  Cookies cookies({secret("e5e973e5a6b2a43f48e7dc849e37bfcf")});
  CookieCheck first = cookies.check(bytes("2464c4abcf10c957"), kClient, 1559731985);
  CHECK(first.state == CookieState::client_only);
  CHECK(answer_of(first) == bytes("2464c4abcf10c957010000005cf79f111f8130c3eee29480"));
  CookieCheck renewed = cookies.check(answer_of(first), kClient, 1559734385);
  CHECK(renewed.state == CookieState::valid);
  CHECK(answer_of(renewed) == bytes("2464c4abcf10c957010000005cf7a871d4a564a1442aca77"));
}

TEST_CASE("cookies: another server's are believed whatever stands in the reserved octets", "[named][cookies]") {
  Cookies cookies({secret("e5e973e5a6b2a43f48e7dc849e37bfcf")});
  std::string theirs = bytes("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
  CHECK(cookies.check(theirs, kClient2, 1559727985).state == CookieState::valid);
}

TEST_CASE("cookies: of IPv6 clients survive the exchange of the secret", "[named][cookies]") {
  std::string client = bytes("20010db80220000159ded0f4876982b8");
  Cookies cookies({secret("445536bcd2513298075a5d379663c962"), secret("dd3bdf9344b678b185a6f5cb60fca715")});
  std::string old = bytes("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
  CookieCheck check = cookies.check(old, client, 1559741961);
  CHECK(check.state == CookieState::valid);
  CHECK(answer_of(check) == bytes("22681ab97d52c298010000005cf7c609a6bb79d16625507a"));
  Cookies forgotten({secret("445536bcd2513298075a5d379663c962")});
  CHECK(forgotten.check(old, client, 1559741961).state == CookieState::bad);
}

TEST_CASE("cookies: hold for an hour, five minutes ahead, and through 2038 and 2106 (D11)", "[named][cookies]") {
  Cookies cookies({secret("e5e973e5a6b2a43f48e7dc849e37bfcf")});
  for (uint32_t now : {1559731985u, 0x7FFFFFF0u, 0x80000010u, 0xFFFFFFF0u, 5u}) {
    std::string cookie = answer_of(cookies.check(bytes("2464c4abcf10c957"), kClient, now));
    CHECK(cookies.check(cookie, kClient, now).state == CookieState::valid);
    CHECK(answer_of(cookies.check(cookie, kClient, now + 1799)) == cookie);
    CHECK(answer_of(cookies.check(cookie, kClient, now + 1801)) != cookie);
    CHECK(cookies.check(cookie, kClient, now + 3600).state == CookieState::valid);
    CHECK(cookies.check(cookie, kClient, now + 3601).state == CookieState::bad);
    CHECK(cookies.check(cookie, kClient, now - 300).state == CookieState::valid);
    CHECK(cookies.check(cookie, kClient, now - 301).state == CookieState::bad);
  }
}

TEST_CASE("cookies: of another client, address, version or length are bad", "[named][cookies]") {
  Cookies cookies({random_cookie_secret()});
  std::string good = answer_of(cookies.check("12345678", kClient, 1000));
  CHECK(cookies.check(good, kClient2, 1000).state == CookieState::bad);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    INFO(i);
    CHECK(cookies.check(changed, kClient, 1000).state == CookieState::bad);
  }
  for (size_t size = 9; size <= 40; ++size) {
    if (size == good.size()) continue;
    CHECK(cookies.check((good + std::string(40, 'x')).substr(0, size), kClient, 1000).state == CookieState::bad);
  }
  CHECK(cookies.check("", kClient, 1000).state == CookieState::none);
}
