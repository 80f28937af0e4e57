#include "cleanup/header_work.h"

#include "libcommon/base/strings.h"

namespace umaya::cleanup {
namespace {

bool drops(Verb verb) {
  return verb == Verb::ignore || verb == Verb::strip || verb == Verb::reject;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

}  // namespace

EventResult HeaderWork::operator()(const Event& event) const {
  EventResult out;
  out.text = event.text;
  if (checks != nullptr) check(event, out);
  if (event.kind != EventKind::header || out.drop || out.error) return out;
  auto header = message::split_header(out.text);
  if (!header || event.header_class == message::HeaderClass::nested) return out;
  if (event.header_class == message::HeaderClass::primary) out.type = header_type(header->name);
  if (out.type != nullptr && out.type->role != AddressRole::none) rewrite_header(out);
  return out;
}

void HeaderWork::check(const Event& event, EventResult& out) const {
  bool is_header = event.kind == EventKind::header;
  if (!is_header && (event.kind != EventKind::body_line || body_checked >= body_limit)) return;
  table::Lookup answer = is_header ? checks->find(event.header_class, event.text) : checks->find_body(event.text);
  if (answer.missing()) return;
  if (answer.is_error()) {
    out.error = answer.error();
    return;
  }
  const std::string& title = is_header ? checks->title_of(event.header_class) : checks->body_title();
  auto action = parse_action(answer.value(), title, is_header ? CheckedPart::header : CheckedPart::body);
  if (!action) {
    out.warning = action.error().what;
    return;
  }
  if (action->verb == Verb::keep) return;
  out.drop = drops(action->verb);
  if (action->verb == Verb::replace) out.text = with_crlf(action->text);
  out.action = std::move(*action);
}

void HeaderWork::rewrite_header(EventResult& out) const {
  auto header = message::split_header(out.text);
  route::Place place = out.type->role == AddressRole::sender ? route::kHeaderSender : route::kHeaderRecipient;
  bool maps = map_addresses && router->maps_in(place);
  auto map = [&](std::string_view address) -> Result<std::string> {
    if (!rewrite) return std::string(address);
    std::string full = router->rewrite(address, *rewrite);
    if (!maps) return full;
    return router->map_address(full, place);
  };
  auto mapped = cleanup::map_addresses(*header, max_tokens, map);
  if (!mapped) {
    out.error = mapped.error();
    return;
  }
  out.text = std::move(mapped->text);
  out.addresses = std::move(mapped->addresses);
}

}  // namespace umaya::cleanup
