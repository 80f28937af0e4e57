// LINK named-lite_core
// NAME    resolver_reply_fuzz - of a hostile answer only what the server may say is believed
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "named-lite/dns/types.h"
#include "named-lite/recursion/answer_body.h"
#include "named-lite/recursion/meaning.h"
#include "named-lite/recursion/reply_filter.h"

using namespace umaya::named;

namespace {

std::string wire(const char* text) {
  return std::string(Name::from_text(text)->wire());
}

void require(bool holds) {
  if (!holds) std::abort();
}

void check_entry(const Step& step, const std::string& zone) {
  static RrsetCache cache(1 << 20);
  require(is_at_or_below(step.name, zone));
  for (const RrSet& set : step.entry.sets) {
    require(is_at_or_below(set.owner, zone));
    require(!set.data.empty() && set.data.size() <= kMostRecordsOfSet && set.signatures.size() <= kMostRecordsOfSet);
    require(set.ttl <= 86400);
  }
  auto now = umaya::TimePoint(std::chrono::hours(1));
  cache.put(0, step.name, step.type, step.entry, now);
  require(cache.bytes() <= 1 << 20);
  if (auto found = cache.find(0, step.name, step.type, now)) {
    require(found->ttl > 0 && found->ttl <= 86400);
    for (const RrSet& set : found->sets) require(!set.data.empty());
  }
}

/// A client can read the body: each TTL stands in it, each record ends in it.
void check_body(const Meaning& meaning, const std::string& name) {
  AnswerBody body(name);
  for (const Step& step : meaning.steps) {
    for (const RrSet& set : step.entry.sets) body.add(Section::answer, set, true);
  }
  RecursiveAnswer answer;
  body.finish(answer);
  require(answer.body.size() + name.size() < 65536 && answer.ttl_offsets.size() == answer.counts[0]);
  std::string message(12, '\0');
  message[2] = '\x80';
  message[5] = 1;
  message[6] = static_cast<char>(answer.counts[0] >> 8);
  message[7] = static_cast<char>(answer.counts[0]);
  message += name + std::string("\0\1\0\1", 4) + answer.body;
  std::optional<Reply> read = parse_reply(message);
  require(read.has_value());
  for (uint16_t at : answer.ttl_offsets) require(at + 6u <= answer.body.size());
}

void check_referral(const Meaning& meaning, const std::string& zone, const std::string& name) {
  const Delegation& referral = meaning.referral;
  require(referral.zone.size() > zone.size() && is_at_or_below(referral.zone, zone));
  require(is_at_or_below(name, referral.zone) && referral.servers.size() <= 13 && !referral.servers.empty());
  for (const NameServer& server : referral.servers) {
    require(server.addresses.size() <= 6);
    require(server.addresses.empty() || is_at_or_below(server.name, zone));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  static const uint16_t kTypes[] = {type::kA,   type::kNs, type::kMx,  type::kCname,
                                    type::kAny, type::kDs, type::kSoa, 64};
  static const std::string kZones[] = {wire("."), wire("test."), wire("leaf.test.")};
  static const std::string name = wire("x.y.leaf.test.");
  const std::string& zone = kZones[data[0] % 3];
  std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReplyFilter filter(message.substr(0, 40), {});
  filter.offer(message);
  std::optional<Reply> reply = parse_reply(message);
  if (!reply) return 0;
  Asked asked;
  asked.zone = zone;
  asked.name = name;
  asked.type = kTypes[data[0] / 3 % 8];
  asked.of_forwarder = (data[0] & 0x80) != 0;
  Meaning meaning = interpret(*reply, asked);
  require(meaning.steps.size() <= 13);
  for (const Step& step : meaning.steps) check_entry(step, zone);
  if (meaning.says == Says::referral) check_referral(meaning, zone, name);
  if (meaning.says == Says::alias) require(!meaning.next.empty() && meaning.next.size() <= kMaxName);
  if (meaning.says == Says::answer) require(!meaning.steps.empty());
  check_body(meaning, name);
  return 0;
}
