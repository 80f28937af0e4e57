#include "cleanup/checks.h"

#include <array>

#include "libcommon/base/strings.h"

namespace umaya::cleanup {
namespace {

struct VerbRow {
  std::string_view word;
  Verb verb;
};
constexpr std::array kVerbs = {
    VerbRow{"BCC", Verb::bcc},         VerbRow{"DISCARD", Verb::discard},   VerbRow{"DUNNO", Verb::keep},
    VerbRow{"FILTER", Verb::filter},   VerbRow{"HOLD", Verb::hold},         VerbRow{"IGNORE", Verb::ignore},
    VerbRow{"INFO", Verb::info},       VerbRow{"OK", Verb::keep},           VerbRow{"PASS", Verb::pass},
    VerbRow{"PREPEND", Verb::prepend}, VerbRow{"REDIRECT", Verb::redirect}, VerbRow{"REJECT", Verb::reject},
    VerbRow{"REPLACE", Verb::replace}, VerbRow{"STRIP", Verb::strip},       VerbRow{"WARN", Verb::warn},
};

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

/// Why an action with this text cannot be done; empty when it can.
std::string problem_of(const Action& action, std::string_view map, CheckedPart part) {
  std::string in = " in " + std::string(map);
  bool has_at = action.text.find('@') != std::string::npos;
  switch (action.verb) {
    case Verb::filter:
      if (action.text.find(':') != std::string::npos) return {};
      return "bad FILTER command " + quoted(action.text) + in + " -- need transport:destination";
    case Verb::redirect:
      return has_at ? "" : "bad REDIRECT target " + quoted(action.text) + in + " -- need user@domain";
    case Verb::bcc:
      return has_at ? "" : "bad BCC address " + quoted(action.text) + in + " -- need user@domain";
    case Verb::prepend:
    case Verb::replace: {
      std::string name = action.verb == Verb::prepend ? "PREPEND" : "REPLACE";
      if (action.text.empty()) return name + " action without text" + in;
      if (part == CheckedPart::body || message::split_header(action.text)) return {};
      return "bad " + name + " header text " + quoted(action.text) + in + " -- need \"headername: headervalue\"";
    }
    default:
      return {};
  }
}

std::string with_bare_lf(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\r' || i + 1 == raw.size() || raw[i + 1] != '\n') out += raw[i];
  }
  return out;
}

}  // namespace

Result<Action> parse_action(std::string_view answer, std::string_view map_title, CheckedPart part) {
  size_t space = answer.find_first_of(" \t");
  std::string_view word = answer.substr(0, space);
  Action out;
  if (space != std::string_view::npos) out.text = trim(answer.substr(space));
  for (const VerbRow& row : kVerbs) {
    if (!iequals(row.word, word)) continue;
    out.verb = row.verb;
    std::string problem = problem_of(out, map_title, part);
    if (!problem.empty()) return permanent(problem);
    return out;
  }
  return permanent("unknown command in " + std::string(map_title) + " map: " + std::string(answer));
}

DsnText split_dsn_text(std::string_view text, std::string_view default_dsn) {
  size_t end = text.find_first_of(" \t");
  std::string_view word = text.substr(0, end);
  auto parts = split(word, ".");
  bool is_dsn = parts.size() == 3 && parts[0].size() == 1 && (parts[0][0] == '4' || parts[0][0] == '5') &&
                parse_uint(parts[1]) && parse_uint(parts[2]) && parts[1].size() <= 3 && parts[2].size() <= 3;
  if (!is_dsn) return {std::string(default_dsn), std::string(text)};
  return {std::string(word), end == std::string_view::npos ? std::string{} : std::string(trim(text.substr(end)))};
}

void ContentChecks::open(const table::Options& options, const Params& params) {
  table::Options patterns = options;
  patterns.fold = table::CaseRule::fold;
  header_ = table::Maps::open(patterns, "header_checks", params.header_checks);
  mime_ = table::Maps::open(patterns, "mime_header_checks", params.mime_header_checks);
  nested_ = table::Maps::open(patterns, "nested_header_checks", params.nested_header_checks);
  body_ = table::Maps::open(patterns, "body_checks", params.body_checks);
}

void ContentChecks::refresh() {
  for (table::Maps* maps : {&header_, &mime_, &nested_, &body_}) maps->refresh();
}

const table::Maps& ContentChecks::maps_of(message::HeaderClass header_class) const {
  if (header_class == message::HeaderClass::mime) return mime_;
  return header_class == message::HeaderClass::nested ? nested_ : header_;
}

table::Lookup ContentChecks::find(message::HeaderClass header_class, std::string_view raw_header) {
  auto& maps = const_cast<table::Maps&>(maps_of(header_class));
  if (maps.empty()) return {};
  if (raw_header.find('\r') == std::string_view::npos) return maps.find(raw_header);
  return maps.find(with_bare_lf(raw_header));
}

}  // namespace umaya::cleanup
