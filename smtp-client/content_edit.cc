#include "smtp-client/content_edit.h"

#include <algorithm>
#include <array>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/message/header.h"

namespace umaya::smtp_client {

using message::Header;
using message::HeaderClass;

namespace {

constexpr size_t kQuotedLine = 76;
constexpr size_t kMaxBoundaries = 1000;

// Headers that hold addresses which the world sees.
constexpr std::string_view kAddressHeaders[] = {"From",
                                                "Sender",
                                                "To",
                                                "Cc",
                                                "Bcc",
                                                "Reply-To",
                                                "Errors-To",
                                                "Return-Receipt-To",
                                                "Disposition-Notification-To",
                                                "Mail-Followup-To",
                                                "Resent-From",
                                                "Resent-Sender",
                                                "Resent-To",
                                                "Resent-Cc",
                                                "Resent-Bcc",
                                                "Resent-Reply-To"};

bool is_address_header(std::string_view name) {
  return std::ranges::any_of(kAddressHeaders, [name](std::string_view h) { return iequals(h, name); });
}

std::string_view header_value(const std::vector<std::string>& section, std::string_view name) {
  for (const std::string& raw : section) {
    auto header = message::split_header(raw);
    if (header && iequals(header->name, name)) return header->value;
  }
  return {};
}

void drop_header(std::vector<std::string>& section, std::string_view name) {
  std::erase_if(section, [name](const std::string& raw) {
    auto header = message::split_header(raw);
    return header && iequals(header->name, name);
  });
}

}  // namespace

void EditRules::refresh() {
  for (table::Maps* maps : {&generic, &header_checks, &mime_header_checks, &nested_header_checks, &body_checks}) {
    maps->refresh();
  }
}

Result<std::string> map_generic(EditRules& rules, const std::string& address) {
  if (rules.generic.empty() || address.empty()) return address;
  table::Found found = table::find_address(rules.generic, address, rules.addresses);
  if (found.lookup.is_error()) return std::unexpected(found.lookup.error());
  if (!found) return address;
  std::string result = message::to_internal(trim(found.lookup.value()));
  if (result.starts_with('@')) {
    std::string local(message::split_address(address).local);
    return local + result;
  }
  if (!found.extension.empty()) {
    size_t at = result.rfind('@');
    result.insert(at == std::string::npos ? result.size() : at, found.extension);
  }
  return result;
}

EditedContent::EditedContent(Content& source, EditRules& rules, Downgrade downgrade)
    : source_(source), rules_(rules), downgrade_(downgrade) {
  restart();
}

void EditedContent::restart() {
  message::MimeLimits limits;
  limits.nesting = rules_.mime_nesting_limit;
  scanner_ = std::make_unique<message::MimeScanner>(static_cast<message::MimeEvents&>(*this), limits);
  out_.clear();
  section_.clear();
  boundaries_.clear();
  quoting_ = line_begun_ = finished_ = false;
  error_.reset();
}

void EditedContent::rewind() {
  source_.rewind();
  restart();
}

Result<bool> EditedContent::pump(smtp::PieceSink sink) {
  if (finished_) return false;
  Result<bool> more = source_.pump([this](std::string_view piece) { scanner_->feed(piece); });
  if (!more) return more;
  if (!*more) {
    scanner_->finish();
    finished_ = true;
  }
  if (error_) return std::unexpected(*error_);
  if (!out_.empty()) sink(out_);
  out_.clear();
  return true;
}

/// The header with the addresses in it replaced; as it was when it has none.
std::string EditedContent::with_generic(const Header& header) {
  std::string raw(header.raw);
  if (rules_.generic.empty() || !is_address_header(header.name)) return raw;
  auto list = message::parse_address_list(header.value);
  const size_t value_at = static_cast<size_t>(header.value.data() - header.raw.data());
  for (auto a = list.addresses.rbegin(); a != list.addresses.rend(); ++a) {
    Result<std::string> mapped = map_generic(rules_, a->address);
    if (!mapped) {
      error_ = mapped.error();
      return raw;
    }
    if (*mapped != a->address) raw.replace(value_at + a->begin, a->end - a->begin, message::to_external(*mapped));
  }
  return raw;
}

void EditedContent::on_header(HeaderClass header_class, const Header& header) {
  check_header(header_class, with_generic(header));
}

/// Lets the check tables decide about a header; what is left of it goes to the section.
void EditedContent::check_header(HeaderClass header_class, std::string text) {
  table::Maps& maps = header_class == HeaderClass::primary ? rules_.header_checks
                      : header_class == HeaderClass::mime  ? rules_.mime_header_checks
                                                           : rules_.nested_header_checks;
  if (maps.empty()) return section_.push_back(std::move(text));
  table::Lookup found = maps.find(text);
  if (found.is_error()) error_ = found.error();
  if (!found) return section_.push_back(std::move(text));
  std::string_view action = trim(found.value());
  const size_t space = std::min(action.find_first_of(" \t"), action.size());
  const std::string verb = to_upper(action.substr(0, space));
  const std::string argument(trim(action.substr(space)));
  if (verb == "IGNORE" || verb == "STRIP") return;
  if (verb == "REPLACE" && !argument.empty()) return section_.push_back(argument);
  if (verb == "PREPEND" && !argument.empty()) section_.push_back(argument);
  if (verb == "WARN" || verb == "INFO") {
    log::info("{}: header {}: {}", verb == "WARN" ? "warning" : "info", text, argument);
  } else if (verb != "DUNNO" && verb != "OK" && verb != "PREPEND") {
    log::warning("{}: the action \"{}\" has no meaning here", maps.title(), action);
  }
  section_.push_back(std::move(text));
}

/// Decides whether the body behind this header section must be quoted, and says so in its headers.
void EditedContent::downgrade_section(HeaderClass header_class) {
  quoting_ = false;
  message::ContentType type = message::parse_content_type(header_value(section_, "Content-Type"));
  if (!type.boundary.empty() && boundaries_.size() < kMaxBoundaries) boundaries_.push_back(type.boundary);
  if (downgrade_ == Downgrade::no) return;
  std::string encoding = to_lower(trim(message::unfold(header_value(section_, "Content-Transfer-Encoding"))));
  const bool composite = type.type == "multipart" || type.type == "message";
  const bool declared = encoding == "8bit" || encoding == "binary";
  const bool undeclared_text = header_class == HeaderClass::primary && encoding.empty() && !composite;
  if (!declared && !undeclared_text) return;
  drop_header(section_, "Content-Transfer-Encoding");
  if (header_class == HeaderClass::primary && header_value(section_, "MIME-Version").empty()) {
    section_.push_back("MIME-Version: 1.0");
  }
  section_.push_back(composite ? "Content-Transfer-Encoding: 7bit" : "Content-Transfer-Encoding: quoted-printable");
  quoting_ = !composite;
}

void EditedContent::on_headers_end(HeaderClass header_class, bool separator) {
  downgrade_section(header_class);
  for (const std::string& raw : section_) out_.append(raw).append("\r\n");
  section_.clear();
  if (separator) out_.append("\r\n");
}

bool EditedContent::is_boundary(std::string_view line) const {
  if (!line.starts_with("--")) return false;
  line.remove_prefix(2);
  return std::ranges::any_of(boundaries_, [line](const std::string& b) { return line.starts_with(b); });
}

void EditedContent::on_body_line(std::string_view line, bool complete) {
  const bool whole = complete && !line_begun_;
  line_begun_ = !complete;
  if (whole && is_boundary(line)) quoting_ = false;
  if (whole && !rules_.body_checks.empty()) {
    table::Lookup found = rules_.body_checks.find(line);
    if (found.is_error()) error_ = found.error();
    std::string_view action = found ? std::string_view(found.value()) : std::string_view{};
    if (istarts_with(action, "IGNORE") || istarts_with(action, "STRIP")) return;
    if (istarts_with(action, "REPLACE ")) {
      out_.append(trim(action.substr(8))).append("\r\n");
      return;
    }
  }
  out_.append(quoting_ ? quoted_printable(line) : std::string(line));
  if (complete) {
    out_.append("\r\n");
  } else if (quoting_) {
    out_.append("=\r\n");  // a piece of a longer line
  }
}

std::string quoted_printable(std::string_view line) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  size_t column = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool plain = (ascii_print(c) && c != '=' && !(last && c == ' ')) || (c == '\t' && !last);
    const size_t width = plain ? 1 : 3;
    if (column + width > kQuotedLine - (last ? 0 : 1)) {
      out.append("=\r\n");
      column = 0;
    }
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'=', kHex[byte >> 4], kHex[byte & 15]};
    }
    column += width;
  }
  return out;
}

}  // namespace umaya::smtp_client
