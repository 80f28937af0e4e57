// NAME    content_edit - changes to the text of a message on its way out
//
// SYNOPSIS
//     EditRules rules = …;                       // smtp_generic_maps, smtp_header_checks …
//     EditedContent content(file, rules, Downgrade::yes);
//     content.pump(sink);
//
// DESCRIPTION
//     Addresses in headers are replaced by the generic maps, headers and body lines by the check tables, and for a
//     server without 8BITMIME the parts with 8-bit text become quoted-printable (RFC 2045 6.7). Nothing is edited in
//     place and nothing is held but one header section.
//
//     Check actions: DUNNO, IGNORE, INFO, WARN, PREPEND, REPLACE, STRIP; others make no sense here and are passed over
//     with a warning, as in Postfix.
//
// ERRORS
//     A table that cannot be asked: temporary, the transaction is given up before its end mark.
//
// LIMITS
//     Those of message::MimeScanner.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/message/mime.h"
#include "libcommon/table/maps.h"
#include "libcommon/table/search.h"
#include "smtp-client/content.h"

namespace umaya::smtp_client {

/// The tables that change the text; all empty: nothing is changed.
struct EditRules {
  table::Maps generic;
  table::AddressRules addresses{};
  table::Maps header_checks, mime_header_checks, nested_header_checks, body_checks;
  size_t mime_nesting_limit = 100;

  bool any() const {
    return !generic.empty() || !header_checks.empty() || !mime_header_checks.empty() || !nested_header_checks.empty() ||
           !body_checks.empty();
  }
  void refresh();
};

/// The address that the generic maps put in place of an internal one; the same address when they have none.
Result<std::string> map_generic(EditRules& rules, const std::string& address);

/// Whether 8-bit parts become quoted-printable.
enum class Downgrade : uint8_t { no, yes };

class EditedContent : public Content, private message::MimeEvents {
 public:
  EditedContent(Content& source, EditRules& rules, Downgrade downgrade);
  Result<bool> pump(smtp::PieceSink sink) override;
  void rewind() override;
  uint64_t size() const override { return source_.size(); }

 private:
  void on_header(message::HeaderClass header_class, const message::Header& header) override;
  void on_headers_end(message::HeaderClass header_class, bool separator) override;
  void on_body_line(std::string_view line, bool complete) override;

  void check_header(message::HeaderClass header_class, std::string text);
  std::string with_generic(const message::Header& header);
  void downgrade_section(message::HeaderClass header_class);
  bool is_boundary(std::string_view line) const;
  void restart();

  Content& source_;
  EditRules& rules_;
  const Downgrade downgrade_;
  std::unique_ptr<message::MimeScanner> scanner_;
  std::string out_;
  std::vector<std::string> section_;     // headers of the section being read, without line ends
  std::vector<std::string> boundaries_;  // of all multiparts seen
  bool quoting_ = false;                 // the body being read becomes quoted-printable
  bool line_begun_ = false;
  bool finished_ = false;
  std::optional<Error> error_;
};

/// One line of text as quoted-printable, soft line breaks included, without the line's own end.
std::string quoted_printable(std::string_view line);

}  // namespace umaya::smtp_client
