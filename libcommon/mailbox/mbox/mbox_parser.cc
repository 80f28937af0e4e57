#include "libcommon/mailbox/mbox/mbox_parser.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <optional>

#include "libcommon/base/strings.h"
#include "libcommon/mailbox/digest.h"
#include "libcommon/mailbox/maildir/uidlist.h"
#include "libcommon/mailbox/maildir/unique_id.h"

namespace umaya::mailbox {

namespace {

constexpr size_t kMostLine = 4096;
constexpr std::string_view kFrom = "From ";
constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 6> kStateHeaders{"status", "x-status",   "x-keywords",
                                                        "x-uid",  "x-imapbase", "x-imap"};
constexpr std::array<std::string_view, 9> kDigested{
    "received", "return-path", "delivered-to", "x-original-to", "message-id", "date", "from", "to", "subject"};

template <size_t n>
std::optional<int> place_in(const std::array<std::string_view, n>& names, std::string_view word) {
  auto found = std::find(names.begin(), names.end(), word);
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin());
}

/// "04:18" or "04:18:03"
bool read_time(std::string_view word, struct tm& time) {
  auto parts = split(word, ":");
  if (parts.size() != 2 && parts.size() != 3) return false;
  int* values[] = {&time.tm_hour, &time.tm_min, &time.tm_sec};
  for (size_t i = 0; i < parts.size(); ++i) {
    auto number = parse_uint(parts[i]);
    if (!number || *number > 60) return false;
    *values[i] = static_cast<int>(*number);
  }
  return true;
}

std::optional<uint64_t> read_year(std::string_view word) {
  auto year = parse_uint(word);
  if (word.size() != 4 || !year || *year < 1970) return std::nullopt;
  return year;
}

/// Seconds of the date behind "From "; nothing when there is none.
std::optional<int64_t> from_line_date(std::string_view line) {
  if (!line.starts_with(kFrom)) return std::nullopt;
  std::vector<std::string_view> words = split(line.substr(kFrom.size()), " \t\r\n");
  for (size_t i = 0; i + 4 < words.size(); ++i) {
    if (!place_in(kDays, words[i])) continue;
    auto month = place_in(kMonths, words[i + 1]);
    auto day = parse_uint(words[i + 2]);
    struct tm time {};
    if (!month || !day || *day < 1 || *day > 31 || !read_time(words[i + 3], time)) continue;
    auto year = read_year(words[i + 4]);
    if (!year && i + 5 < words.size()) year = read_year(words[i + 5]);  // a time zone stands between
    if (!year) continue;
    time.tm_year = static_cast<int>(*year) - 1900;
    time.tm_mon = *month;
    time.tm_mday = static_cast<int>(*day);
    time.tm_isdst = -1;
    return std::max<int64_t>(::mktime(&time), 0);
  }
  return std::nullopt;
}

std::string_view header_name(std::string_view line) {
  size_t colon = line.find(':');
  if (colon == line.npos) return {};
  return line.substr(0, std::min(colon, line.find_first_of(" \t")));
}

/// Octets of a line when it is sent; cr: the last before its end is a CR.
uint64_t on_wire(uint64_t octets, bool terminated, bool cr) {
  if (!terminated) return octets + 2;
  return cr ? octets : octets + 1;
}

}  // namespace

bool is_state_header(std::string_view line) {
  std::string_view name = header_name(line);
  return name.size() <= 10 && place_in(kStateHeaders, to_lower(name)).has_value();
}

bool is_from_line(std::string_view line) {
  return from_line_date(line).has_value();
}

void MboxParser::feed(std::string_view block) {
  while (!block.empty()) {
    size_t end = block.find('\n');
    std::string_view piece = block.substr(0, std::min(end, block.size()));
    block.remove_prefix(std::min(piece.size() + 1, block.size()));
    if (line_.size() < kMostLine) line_ += piece.substr(0, kMostLine - line_.size());
    position_ += piece.size();
    if (!piece.empty()) cr_ = piece.back() == '\r';
    if (end == piece.npos) return;
    ++position_;
    end_line(true);
  }
}

void MboxParser::finish() {
  if (position_ > line_begin_) end_line(false);
  if (part_ != Part::none) close_mail(position_);
}

void MboxParser::end_line(bool terminated) {
  uint64_t octets = position_ - line_begin_;
  bool from = line_.starts_with(kFrom) && (line_begin_ == 0 || is_from_line(line_));
  if (from) {
    if (part_ != Part::none) close_mail(line_begin_);
    begin_mail();
  } else if (part_ == Part::none) {
    // Empty lines in front of everything are forgiven.
    if (octets > (cr_ ? 2u : 1u)) is_mbox_ = false;
  } else {
    MboxMail& mail = mails_.back();
    uint64_t wire = on_wire(octets, terminated, cr_);
    bool blank = terminated && octets == (cr_ ? 2u : 1u);
    if (part_ != Part::body && blank) {
      part_ = Part::body;
      mail.body = line_begin_;
    }
    if (part_ != Part::body) {
      head_line(wire);
    } else {
      mail.wire_size += wire;
    }
    blank_ = blank && mail.body != line_begin_ ? octets : 0;
    mail.end = position_;
  }
  line_.clear();
  line_begin_ = position_;
  cr_ = false;
}

void MboxParser::begin_mail() {
  MboxMail mail;
  mail.begin = line_begin_;
  mail.head = mail.body = mail.end = position_;
  mail.received = from_line_date(line_).value_or(0);
  mails_.push_back(std::move(mail));
  digested_ = line_ + "\n";
  part_ = Part::head;
  digest_goes_on_ = internal_ = false;
  blank_ = 0;
}

/// A line of the header, or what follows one: octets are those on the wire.
void MboxParser::head_line(uint64_t octets) {
  MboxMail& mail = mails_.back();
  std::string_view line(line_);
  if (line.ends_with('\r')) line.remove_suffix(1);
  bool goes_on = line.starts_with(' ') || line.starts_with('\t');
  if (!goes_on) {
    std::string name = to_lower(header_name(line));
    part_ = is_state_header(line) ? Part::hidden : Part::head;
    digest_goes_on_ = place_in(kDigested, name).has_value();
    if (part_ == Part::hidden) mail.has_state = true;
    if (!name.empty()) read_header(name, trim(line.substr(line.find(':') + 1)));
  }
  if (digest_goes_on_) (digested_ += line) += '\n';
  if (part_ == Part::head) mail.wire_size += octets;
  mail.body = position_;
}

void MboxParser::read_header(std::string_view name, std::string_view value) {
  MboxMail& mail = mails_.back();
  if (name == "status") {
    mail.seen = value.find('R') != value.npos;
  } else if (name == "x-uidl") {
    if (is_unique_id(value)) mail.x_uidl = value;
  } else if (name == "x-uid") {
    auto uid = parse_uint(value);
    if (uid && *uid <= kMostUid) mail.uid = static_cast<uint32_t>(*uid);
  } else if ((name == "x-imapbase" || name == "x-imap") && mails_.size() == 1) {
    auto validity = parse_uint(value.substr(0, value.find(' ')));
    if (validity && *validity <= kMostUid) uid_validity_ = static_cast<uint32_t>(*validity);
    internal_ = internal_ || name == "x-imap";
    if (name == "x-imapbase" && uid_validity_ != 0) imap_base_ = value;
  }
}

void MboxParser::close_mail(uint64_t next) {
  MboxMail& mail = mails_.back();
  mail.next = next;
  mail.digest = short_digest(digested_);
  if (blank_ > 0) {  // the separator
    mail.wire_size -= 2;
    mail.end -= blank_;
  }
  if (internal_) mails_.pop_back();
  part_ = Part::none;
}

}  // namespace umaya::mailbox
