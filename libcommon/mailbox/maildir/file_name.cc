#include "libcommon/mailbox/maildir/file_name.h"

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::mailbox {

namespace {

constexpr uint64_t kMostSize = uint64_t{1} << 50;
constexpr size_t kMostName = 255;
constexpr std::string_view kInfo = ":2,";
constexpr std::string_view kLetters = "DFPRST";  // in the order of MailFlag's bits

/// Digits from text[at] on, as a number; 0 when there are none.
uint64_t number_at(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && ascii_digit(text[end])) ++end;
  return parse_uint(text.substr(at, end - at)).value_or(0);
}

}  // namespace

std::string_view maildir_base(std::string_view name) {
  return name.substr(0, name.find(':'));
}

std::string_view maildir_id(std::string_view name) {
  return name.substr(0, name.find_first_of(",:"));
}

std::optional<uint64_t> size_in_name(std::string_view name, char key) {
  std::string_view base = maildir_base(name);
  for (size_t at = base.find(','); at != base.npos; at = base.find(',', at + 1)) {
    if (base.size() < at + 4 || base[at + 1] != key || base[at + 2] != '=') continue;
    std::string_view digits = base.substr(at + 3);
    auto size = parse_uint(digits.substr(0, digits.find(',')));
    return size && *size <= kMostSize ? size : std::nullopt;
  }
  return std::nullopt;
}

std::pair<uint64_t, uint64_t> delivery_time(std::string_view name) {
  size_t dot = name.find('.');
  uint64_t micros = 0;
  if (dot != name.npos && dot + 1 < name.size() && name[dot + 1] == 'M') micros = number_at(name, dot + 2);
  return {number_at(name, 0), micros};
}

NameFlags flags_in_name(std::string_view name) {
  NameFlags found;
  size_t info = name.find(kInfo);
  if (info == name.npos || info != name.find(':')) return found;
  for (char c : name.substr(info + kInfo.size())) {
    size_t letter = kLetters.find(c);
    if (letter != kLetters.npos) found.flags |= 1u << letter;
    if (c >= 'a' && c <= 'z') found.keywords |= 1u << (c - 'a');
    if (c == ',') break;  // what other programs add behind
  }
  return found;
}

std::string name_with_seen(std::string_view name) {
  size_t info = name.find(':');
  if (info == name.npos) return std::string(name) + ":2,S";
  // Information of another form is somebody else's: it is left alone.
  if (!name.substr(info).starts_with(kInfo)) return std::string(name);
  size_t begin = info + kInfo.size();
  size_t end = std::min(name.find(',', begin), name.size());
  std::string_view flags = name.substr(begin, end - begin);
  if (flags.find('S') != flags.npos) return std::string(name);
  size_t at = begin;
  while (at < end && name[at] < 'S') ++at;
  return std::string(name.substr(0, at)) + 'S' + std::string(name.substr(at));
}

bool is_message_name(std::string_view name) {
  if (name.empty() || name.size() > kMostName || name.front() == '.' || name.front() == ':') return false;
  return std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '/'; });
}

}  // namespace umaya::mailbox
