#include "libcommon/mailbox/maildir/courier_lists.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"
#include "libcommon/mailbox/maildir/file_name.h"
#include "libcommon/mailbox/maildir/unique_id.h"

namespace umaya::mailbox {

namespace {

std::string plain_name(std::string_view base) {
  std::string text;
  for (char c : base) {
    if (c < 0x21 || c > 0x7e || c == '\'' || c == '"' || c == '+') {
      text += fmt::format("+{:02X}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text;
}

/// "<n>:<uid validity>[:…]"
std::string id_of(std::string_view numbers, std::string_view base) {
  size_t colon = numbers.find(':');
  if (colon == numbers.npos) return {};
  std::string_view rest = numbers.substr(colon + 1);
  auto number = parse_uint(numbers.substr(0, colon));
  auto validity = parse_uint(rest.substr(0, rest.find(':')));
  if (!number || !validity) return {};
  if (*number == 0) return plain_name(base);
  return *validity == 0 ? fmt::format("UID{}", *number) : fmt::format("UID{}-{}", *number, *validity);
}

CourierId parse_line(std::string_view line) {
  size_t numbers = line.rfind(' ');
  if (numbers == line.npos || numbers == 0) return {};
  size_t size = line.rfind(' ', numbers - 1);
  if (size == line.npos) return {};
  CourierId found{.base = maildir_base(line.substr(0, size))};
  found.unique_id = id_of(line.substr(numbers + 1), found.base);
  if (!is_message_name(found.base) || !is_unique_id(found.unique_id)) return {};
  return found;
}

}  // namespace

std::vector<CourierId> parse_courier_sizes(std::string_view text) {
  std::vector<CourierId> ids;
  if (!text.starts_with("/2 ") && !text.starts_with("/3 ")) return ids;
  for (size_t begin = text.find('\n'); begin != text.npos;) {
    size_t end = text.find('\n', ++begin);
    if (end == text.npos) break;
    CourierId found = parse_line(text.substr(begin, end - begin));
    if (!found.unique_id.empty()) ids.push_back(std::move(found));
    begin = end;
  }
  return ids;
}

}  // namespace umaya::mailbox
