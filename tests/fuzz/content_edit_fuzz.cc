// LINK smtp-client_core
// NAME    content_edit_fuzz - content that is changed on its way out; 8-bit text made quoted-printable can be undone
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "smtp-client/content_edit.h"
#include "smtp-client/destination.h"

using namespace umaya;
using namespace umaya::smtp_client;

namespace {

class Pieces : public Content {
 public:
  Pieces(std::string_view text, size_t step) : text_(text), step_(step) {}
  Result<bool> pump(smtp::PieceSink sink) override {
    if (at_ >= text_.size()) return false;
    sink(text_.substr(at_, step_));
    at_ += step_;
    return true;
  }
  void rewind() override { at_ = 0; }
  uint64_t size() const override { return text_.size(); }

 private:
  std::string_view text_;
  size_t step_, at_ = 0;
};

EditRules make_rules() {
  log::capture([](log::Level, std::string_view) {});
  EditRules rules;
  rules.generic = table::Maps::open({}, "generic", "inline:{{a@b = \"x y\"@example.com}, {@old.test = @new.test}}");
  rules.header_checks = table::Maps::open({}, "checks", "regexp:{{/^x-drop/ IGNORE} {/^x-new: (.*)/ REPLACE Y: $1}}");
  rules.body_checks = table::Maps::open({}, "checks", "regexp:{{/^drop/ STRIP} {/^new (.*)/ REPLACE $1}}");
  return rules;
}

std::string edit(std::string_view text, size_t step, EditRules& rules, Downgrade downgrade) {
  Pieces source(text, step);
  EditedContent edited(source, rules, downgrade);
  std::string out;
  auto sink = [&](std::string_view piece) { out.append(piece); };
  while (true) {
    Result<bool> more = edited.pump(sink);
    if (!more) std::abort();
    if (!*more) return out;
  }
}

std::string undo(std::string_view quoted) {
  std::string out;
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] != '=') {
      out += quoted[i];
    } else if (quoted.substr(i, 3) == "=\r\n") {
      i += 2;
    } else {
      auto byte = hex_decode(quoted.substr(i + 1, 2));
      if (!byte) std::abort();
      out += *byte;
      i += 2;
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static EditRules changing = make_rules();
  static EditRules plain;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (EditRules* rules : {&plain, &changing}) {
    for (auto downgrade : {Downgrade::no, Downgrade::yes}) {
      if (edit(text, size + 1, *rules, downgrade) != edit(text, 3, *rules, downgrade)) std::abort();
    }
  }
  std::string_view line = text.substr(0, text.find('\n'));
  std::string quoted = quoted_printable(line);
  if (undo(quoted) != line || !is_ascii(quoted)) std::abort();
  for (std::string_view rest = quoted; !rest.empty();) {
    size_t end = std::min(rest.find("\r\n"), rest.size());
    if (end > 76) std::abort();
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  for (auto protocol : {Protocol::smtp, Protocol::lmtp}) {
    auto list = parse_destinations(line, protocol, "25");
    if (!list) continue;
    if (list->empty()) std::abort();
    for (const Destination& each : *list) {
      if (each.name.empty() || (each.port == 0) != (each.kind == Destination::Kind::socket)) std::abort();
    }
  }
  return 0;
}
