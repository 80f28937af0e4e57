#include "named-lite/answer/rate_limit.h"

#include <algorithm>
#include <cstring>

namespace umaya::named {

namespace {

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15ull;

uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a ^ kMultiplier) * (b ^ 0xE7037ED1A0B428DBull);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

RateLimiter::RateLimiter(const RateLimitConf& limits, uint64_t seed)
    : limits_(limits), seed_(seed), rows_(std::max<size_t>(limits.max_table_size / kWays, 1)) {
  accounts_.resize(rows_ * kWays);
}

uint32_t RateLimiter::rate_of(AnswerKind kind) const {
  switch (kind) {
    case AnswerKind::positive:
      return limits_.responses_per_second;
    case AnswerKind::no_data:
      return limits_.nodata_per_second;
    case AnswerKind::no_name:
      return limits_.nxdomains_per_second;
    case AnswerKind::referral:
      return limits_.referrals_per_second;
    case AnswerKind::error:
      break;
  }
  return limits_.errors_per_second;
}

/// The address without the bits that tell hosts of one network apart.
RateLimiter::Octets RateLimiter::network_of(std::string_view address) const {
  Octets network;
  char* octets = network.octets;
  auto bits = static_cast<size_t>(address.size() == 4 ? limits_.ipv4_prefix : limits_.ipv6_prefix);
  size_t whole = std::min(bits / 8, address.size());
  std::memcpy(octets, address.data(), whole);
  if (whole < address.size() && bits % 8 != 0) {
    octets[whole] = static_cast<char>(static_cast<unsigned char>(address[whole]) & (0xFF00 >> (bits % 8)));
  }
  return network;
}

std::string RateLimiter::network_text(std::string_view address) const {
  Octets network = network_of(address);
  const auto* octets = reinterpret_cast<const uint8_t*>(network.octets);
  bool v4 = address.size() == 4;
  net::IpAddress text = v4 ? net::IpAddress::v4(octets) : net::IpAddress::v6(octets);
  return text.to_string() + "/" + std::to_string(v4 ? limits_.ipv4_prefix : limits_.ipv6_prefix);
}

/// A secret number for the network of an address.
uint64_t RateLimiter::network(std::string_view address) const {
  Octets network = network_of(address);
  uint64_t words[2];
  std::memcpy(words, network.octets, sizeof words);
  return mix(mix(seed_ ^ address.size(), words[0]), words[1] ^ seed_);
}

/// The account of a key; a new one takes the place of the one in its row that has been quiet for the longest.
RateLimiter::Account& RateLimiter::account(uint64_t key, uint32_t rate, uint32_t now) {
  auto tag = static_cast<uint32_t>(key >> 32) | 1;  // 0: free
  auto row = static_cast<size_t>((key & UINT32_MAX) * rows_ >> 32);
  Account* begin = &accounts_[row * kWays];
  Account* oldest = begin;
  for (Account* each = begin; each != begin + kWays; ++each) {
    if (each->tag == tag) return *each;
    bool older = each->second != oldest->second ? each->second < oldest->second : each->balance > oldest->balance;
    if (each->tag == 0 || (oldest->tag != 0 && older)) oldest = each;
  }
  *oldest = {tag, now, static_cast<int32_t>(rate), 0};
  return *oldest;
}

RateVerdict RateLimiter::debit(uint64_t key, uint32_t rate, uint32_t now) {
  Account& mine = account(key, rate, now);
  uint32_t passed = now - mine.second;
  if (passed > 0) {
    int64_t grown = mine.balance + static_cast<int64_t>(passed) * rate;
    mine.balance = static_cast<int32_t>(std::min<int64_t>(grown, rate));
    mine.second = now;
  }
  int64_t debt = -static_cast<int64_t>(limits_.window) * rate;
  if (mine.balance > debt) --mine.balance;
  begins_ = mine.balance == -1;
  if (mine.balance >= 0) return RateVerdict::send;
  bool slips = limits_.slip != 0 && ++mine.refused % limits_.slip == 0;
  return slips ? RateVerdict::slip : RateVerdict::drop;
}

RateVerdict RateLimiter::judge(std::string_view address, const AnswerReport& report, uint16_t type, uint32_t now) {
  uint64_t client = network(address);
  uint32_t rate = rate_of(report.kind);
  RateVerdict verdict = RateVerdict::send;
  begins_ = false;
  if (rate != 0) {
    bool positive = report.kind == AnswerKind::positive;
    uint64_t what = report.kind == AnswerKind::error ? 0 : report.source;
    uint64_t kind = static_cast<uint64_t>(report.kind) << 16 | (positive ? type : 0);
    verdict = debit(mix(mix(client, what), kind ^ seed_), rate, now);
  }
  if (verdict == RateVerdict::send && limits_.all_per_second != 0) {
    verdict = debit(mix(client, UINT64_MAX ^ seed_), limits_.all_per_second, now);
    // This account tells floods from other use; asking again over TCP would not help there.
    if (verdict == RateVerdict::slip) verdict = RateVerdict::drop;
  }
  return verdict;
}

}  // namespace umaya::named
