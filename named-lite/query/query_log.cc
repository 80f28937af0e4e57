#include "named-lite/query/query_log.h"

#include <netinet/in.h>

#include "named-lite/dns/types.h"
#include "named-lite/logging/log_sender.h"

namespace umaya::named {

namespace {

std::string without_dot(std::string text) {
  if (text.size() > 1) text.pop_back();
  return text;
}

uint16_t port_of(const sockaddr* address) {
  if (address->sa_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6*>(address)->sin6_port);
}

/// "client @0x7 192.0.2.9#1053 (www.ex.test): view inside: "
std::string head(const NotedQuery& noted, std::string_view name, uint64_t number) {
  auto address = net::IpAddress::from_sockaddr(noted.client);
  std::string text =
      fmt::format("client @{:#x} {}#{}", number, address ? address->to_string() : "", port_of(noted.client));
  if (noted.key != nullptr) text += "/key " + without_dot(noted.key->text());
  text += fmt::format(" ({}): ", name);
  return noted.view.empty() ? text : text + fmt::format("view {}: ", noted.view);
}

std::string class_text(uint16_t cls) {
  if (cls == rr_class::kIn) return "IN";
  return cls == rr_class::kChaos ? "CH" : "CLASS" + std::to_string(cls);
}

/// + and - for RD, S, E(0), T, D, C, V or K.
std::string flags_of(const NotedQuery& noted) {
  const Query& query = noted.query;
  std::string text = query.recursion_desired ? "+" : "-";
  if (noted.key != nullptr) text += 'S';
  if (query.has_edns) text += fmt::format("E({})", query.edns_version);
  if (noted.transport == Transport::tcp) text += 'T';
  if (query.dnssec_ok) text += 'D';
  if (query.checking_disabled) text += 'C';
  if (noted.cookie == CookieState::valid) text += 'V';
  if (noted.cookie != CookieState::valid && !query.cookie.empty()) text += 'K';
  return text;
}

}  // namespace

std::string query_line(const NotedQuery& noted, uint64_t number) {
  std::string name = without_dot(name_text(noted.query.name));
  return head(noted, name, number) + fmt::format("query: {} {} {} {} ({})", name, class_text(noted.query.cls),
                                                 type_text(noted.query.type), flags_of(noted), noted.local.to_string());
}

void QueryLog::note(const NotedQuery& noted, std::string_view answer) {
  if (!noted.query.has_question || noted.query.opcode != opcode::kQuery) return;
  ++lines_;
  if (orders_.queries) write_({Category::queries, log::Level::info, log_time(), query_line(noted, lines_)});
  note_answer(noted, answer);
}

void QueryLog::note_answer(const NotedQuery& noted, std::string_view answer) {
  int code = answer.size() >= 12 ? answer[3] & 15 : rcode::kNoError;
  bool refused = code == rcode::kRefused, failed = code == rcode::kServFail || code == rcode::kFormErr;
  if (!(refused && orders_.security) && !((refused || failed) && orders_.errors)) return;
  std::string name = without_dot(name_text(noted.query.name));
  std::string type = type_text(noted.query.type), cls = class_text(noted.query.cls);
  std::string begin = head(noted, name, lines_);
  if (refused && orders_.security) {
    write_({Category::security, log::Level::info, log_time(),
            begin + fmt::format("query '{}/{}/{}' denied", name, type, cls)});
  }
  if (!orders_.errors) return;
  std::string_view why = refused ? "REFUSED" : code == rcode::kServFail ? "SERVFAIL" : "FORMERR";
  write_({Category::query_errors, log::Level::info, log_time(),
          begin + fmt::format("query failed ({}) for {}/{}/{}", why, name, cls, type)});
}

std::string_view view_text(const ServedView& view) {
  return view.conf.name == "_default" ? std::string_view() : std::string_view(view.conf.name);
}

std::string_view view_of(const Snapshot& snapshot, const AnswerContext& context) {
  for (const auto& view : snapshot.views) {
    if (context.catalog == &view->catalog) return view_text(*view);
  }
  return {};
}

}  // namespace umaya::named
