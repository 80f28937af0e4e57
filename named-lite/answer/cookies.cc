#include "named-lite/answer/cookies.h"

#include <bit>
#include <cstring>

#include "libcommon/base/random.h"

namespace umaya::named {

namespace {

constexpr size_t kClientCookie = 8;
constexpr size_t kServerCookie = 16;
constexpr int32_t kBelieved = 3600;
constexpr int32_t kAhead = 300;
constexpr int32_t kKept = 1800;  // RFC 9018 4.3: a client gets a new one from then on

uint64_t word_at(std::string_view data, size_t at) {
  uint64_t word;  // little endian, as the machine is
  std::memcpy(&word, data.data() + at, sizeof word);
  return word;
}

struct Sip {
  uint64_t a, b, c, d;

  void round() {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }
  void take(uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

/// Hash of the client's cookie, head (version, reserved, time) and address.
uint64_t hash_of(const CookieSecret& secret, std::string_view client, std::string_view head, std::string_view address) {
  char input[kClientCookie + 8 + 16];
  std::memcpy(input, client.data(), kClientCookie);
  std::memcpy(input + kClientCookie, head.data(), 8);
  std::memcpy(input + kClientCookie + 8, address.data(), address.size());
  return siphash(secret, {input, kClientCookie + 8 + address.size()});
}

bool same_octets(uint64_t hash, std::string_view octets) {
  return (hash ^ word_at(octets, 0)) == 0;  // one comparison: its time says nothing
}

}  // namespace

uint64_t siphash(const CookieSecret& key, std::string_view data) {
  std::string_view octets(key.data(), key.size());
  uint64_t low = word_at(octets, 0);
  uint64_t high = word_at(octets, 8);
  Sip sip{low ^ 0x736F6D6570736575, high ^ 0x646F72616E646F6D, low ^ 0x6C7967656E657261, high ^ 0x7465646279746573};
  size_t at = 0;
  for (; at + 8 <= data.size(); at += 8) sip.take(word_at(data, at));
  uint64_t last = static_cast<uint64_t>(data.size()) << 56;
  for (size_t i = 0; at + i < data.size(); ++i) {
    last |= static_cast<uint64_t>(static_cast<unsigned char>(data[at + i])) << (8 * i);
  }
  sip.take(last);
  sip.c ^= 0xFF;
  for (int i = 0; i < 4; ++i) sip.round();
  return sip.a ^ sip.b ^ sip.c ^ sip.d;
}

Cookies::Cookies(std::vector<CookieSecret> secrets) : secrets_(std::move(secrets)) {
  if (secrets_.size() > kMostSecrets) secrets_.resize(kMostSecrets);
}

CookieCheck Cookies::check(std::string_view cookie, std::string_view address, uint32_t now) const {
  CookieCheck result;
  if (cookie.size() < kClientCookie) return result;
  std::string_view client = cookie.substr(0, kClientCookie);
  std::string_view server = cookie.substr(kClientCookie);
  result.state = server.empty() ? CookieState::client_only : CookieState::bad;
  std::memcpy(result.answer.data(), client.data(), client.size());
  if (server.size() == kServerCookie && server[0] == 1) {
    uint32_t made;
    std::memcpy(&made, server.data() + 4, sizeof made);
    auto age = static_cast<int32_t>(now - __builtin_bswap32(made));
    for (size_t i = 0; i < secrets_.size() && age <= kBelieved && age >= -kAhead; ++i) {
      if (!same_octets(hash_of(secrets_[i], client, server.substr(0, 8), address), server.substr(8))) continue;
      result.state = CookieState::valid;
      if (i > 0 || age > kKept || age < 0) break;
      std::memcpy(result.answer.data() + kClientCookie, server.data(), server.size());
      return result;
    }
  }
  char* mine = result.answer.data() + kClientCookie;
  uint32_t time = __builtin_bswap32(now);
  std::memset(mine, 0, 4);
  mine[0] = 1;
  std::memcpy(mine + 4, &time, sizeof time);
  uint64_t hash = hash_of(secrets_[0], client, {mine, 8}, address);
  std::memcpy(mine + 8, &hash, sizeof hash);
  return result;
}

CookieSecret random_cookie_secret() {
  CookieSecret secret;
  for (size_t at : {0, 8}) {
    uint64_t word = random_u64();
    std::memcpy(secret.data() + at, &word, sizeof word);
  }
  return secret;
}

}  // namespace umaya::named
