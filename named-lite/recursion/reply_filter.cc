#include "named-lite/recursion/reply_filter.h"

#include "named-lite/answer/query.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/wire.h"

namespace umaya::named {

Verdict ReplyFilter::offer(std::string_view packet) {
  if (matches(packet)) return Verdict::answer;
  ++others_;
  return others_ >= options_.most_others ? Verdict::suspicious : Verdict::other;
}

bool ReplyFilter::matches(std::string_view packet) {
  if (packet.size() < kMessageHeader || be16_at(packet, 0) != be16_at(question_, 0)) return false;
  std::optional<Reply> parsed = parse_reply(packet);
  if (!parsed) return false;
  if (!parsed->has_question) {
    // Old servers say FORMERR or NOTIMP to EDNS without repeating the question.
    if (parsed->rcode != rcode::kFormErr && parsed->rcode != rcode::kNotImp) return false;
  } else {
    size_t size = parsed->question.size();
    if (question_.size() < kMessageHeader + size + 4) return false;
    std::string_view asked = question_.substr(kMessageHeader, size);
    bool same = options_.exact_case ? asked == parsed->question : same_name(asked, parsed->question);
    if (!same || parsed->question_type != be16_at(question_, kMessageHeader + size) ||
        parsed->question_class != be16_at(question_, kMessageHeader + size + 2)) {
      return false;
    }
  }
  if (!parsed->cookie.empty() && !std::string_view(parsed->cookie).starts_with(options_.client_cookie)) return false;
  reply_ = std::move(*parsed);
  return true;
}

}  // namespace umaya::named
