#include "named-lite/answer/chaos.h"

#include <algorithm>

#include "named-lite/answer/writer.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr size_t kMostText = 255;

/// What is told under a name; nullptr when there is no such name.
const std::string* text_of(std::string_view name, const ChaosAnswers& answers) {
  auto is = [&](std::string_view first, std::string_view second) {
    return name.size() == first.size() + second.size() + 3 && name.substr(1, first.size()) == first &&
           name.substr(2 + first.size(), second.size()) == second && static_cast<size_t>(name[0]) == first.size();
  };
  if (is("version", "bind") || is("version", "server")) return &answers.version;
  if (is("hostname", "bind")) return &answers.hostname;
  if (is("id", "server")) return &answers.identity;
  return nullptr;
}

}  // namespace

size_t answer_chaos(const Query& query, std::string_view packet, const ChaosAnswers& answers,
                    const AnswerContext& context, std::span<char> out) {
  size_t limit = context.transport == Transport::tcp ? kMostAnswer : std::min(query.udp_size, context.udp_limit);
  Writer writer(query, packet, out, limit - context.reserved, context.options);
  const std::string* text = text_of(query.lower_name(), answers);
  if (text == nullptr || text->empty()) {
    writer.set_rcode(rcode::kRefused);
    writer.set_extended_error(extended_error::kProhibited);
    return writer.finish();
  }
  writer.set_authoritative(true);
  bool asked = query.type == type::kTxt || query.type == type::kAny;
  bool fits = !asked || writer.append_text(rr_class::kChaos, std::string_view(*text).substr(0, kMostText));
  if (!fits) writer.truncate();
  if (context.report != nullptr) {
    *context.report = {asked ? AnswerKind::positive : AnswerKind::no_data, reinterpret_cast<uintptr_t>(text), false};
  }
  return writer.finish();
}

}  // namespace umaya::named
