// NAME    checks - what header_checks and body_checks ask for
//
// SYNOPSIS
//     auto action = cleanup::parse_action("REJECT 5.7.1 no such thing", "header_checks", CheckedPart::header);
//
// DESCRIPTION
//     ContentChecks holds the four lists of tables and gives the action for one header or body line. The key is the
//     text with LF between the lines of a folded header, as Postfix gives it to the tables.
//     parse_action() refuses actions that lack what they need; the message then passes, with a warning in the log.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cleanup/params.h"
#include "libcommon/message/mime.h"
#include "libcommon/table/maps.h"

namespace umaya::cleanup {

enum class Verb : unsigned char {
  keep,
  reject,
  warn,
  info,
  filter,
  pass,
  discard,
  hold,
  prepend,
  replace,
  redirect,
  bcc,
  ignore,
  strip,
};

enum class CheckedPart : unsigned char { header, body };

struct Action {
  Verb verb = Verb::keep;
  std::string text;
};

/// The action that a table's answer asks for. The error is the text of a warning.
Result<Action> parse_action(std::string_view answer, std::string_view map_title, CheckedPart part);

/// "5.7.1 text" in dsn and text; the default code when there is none.
struct DsnText {
  std::string dsn;
  std::string text;
};
DsnText split_dsn_text(std::string_view text, std::string_view default_dsn);

class ContentChecks {
 public:
  void open(const table::Options& options, const Params& params);
  void refresh();
  bool has_header_checks(message::HeaderClass header_class) const { return !maps_of(header_class).empty(); }
  bool has_body_checks() const { return !body_.empty(); }
  /// Whether the structure of the body must be followed.
  bool looks_into_body() const { return !mime_.empty() || !nested_.empty() || !body_.empty(); }
  table::Lookup find(message::HeaderClass header_class, std::string_view raw_header);
  table::Lookup find_body(std::string_view line) { return body_.find(line); }
  const std::string& title_of(message::HeaderClass header_class) const { return maps_of(header_class).title(); }
  const std::string& body_title() const { return body_.title(); }

 private:
  const table::Maps& maps_of(message::HeaderClass header_class) const;
  table::Maps header_, mime_, nested_, body_;
};

}  // namespace umaya::cleanup
