#include "libcommon/mailbox/maildir/uidlist.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/mailbox/maildir/file_name.h"
#include "libcommon/mailbox/maildir/name_table.h"

namespace umaya::mailbox {

namespace {

/// Takes the next word from the front, and the blanks behind it.
std::string_view take_word(std::string_view& text) {
  std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return word;
}

std::optional<uint32_t> uid_number(std::string_view word) {
  auto number = parse_uint(word);
  if (!number || *number == 0 || *number > kMostUid) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

bool is_guid(std::string_view text) {
  return text.size() == 32 && hex_decode(text).has_value();
}

/// "V1 N2 G…" of version 3.
void parse_head_keys(std::string_view head, Uidlist& list) {
  while (!head.empty()) {
    const char* begin = head.data();
    std::string_view word = take_word(head);
    std::string_view value = word.substr(1);
    if (word[0] == 'V' || word[0] == 'N' || word[0] == 'G') list.other = {};
    if (word[0] == 'V') {
      list.uid_validity = uid_number(value).value_or(0);
    } else if (word[0] == 'N') {
      list.next_uid = uid_number(value).value_or(0);
    } else if (word[0] == 'G') {
      if (is_guid(value)) list.guid = value;
      if (!is_guid(value)) list.damaged = true;
    } else {
      // Unknown keys stand together at the end, as Dovecot writes them.
      if (list.other.empty()) list.other = word;
      list.other = {list.other.data(), static_cast<size_t>(begin + word.size() - list.other.data())};
    }
  }
}

bool parse_head(std::string_view head, Uidlist& list) {
  list.next_uid = 0;
  std::string_view version = take_word(head);
  if (version == "3") {
    list.version = 3;
    parse_head_keys(head, list);
  } else if (version == "1") {
    list.version = 1;
    list.uid_validity = uid_number(take_word(head)).value_or(0);
    list.next_uid = uid_number(take_word(head)).value_or(0);
  }
  bool good = list.uid_validity != 0 && list.next_uid != 0;
  if (list.next_uid == 0) list.next_uid = 1;
  return good;
}

std::optional<UidLine> parse_line(std::string_view text, uint32_t version) {
  auto uid = uid_number(take_word(text));
  if (!uid) return std::nullopt;
  UidLine line{.uid = *uid};
  if (version == 3) {
    const char* begin = text.data();
    size_t keys = 0;
    while (!text.empty() && text[0] != ':') {
      const char* end = text.data();
      end += take_word(text).size();
      keys = static_cast<size_t>(end - begin);
    }
    if (text.empty()) return std::nullopt;
    line.keys = {begin, keys};
    text.remove_prefix(1);
  }
  line.base = maildir_base(text);
  if (!is_message_name(line.base)) return std::nullopt;
  return line;
}

/// Of several lines with one base the last stays.
void drop_doubles(Uidlist& list) {
  NameTable bases(list.lines.size());
  bool doubles = false;
  for (uint32_t i = 0; i < list.lines.size(); ++i) {
    uint32_t former = bases.insert(list.lines[i].base, i);
    if (former == NameTable::kNone) continue;
    doubles = true;
    list.lines[former].uid = 0;
    bases.replace(list.lines[i].base, i);
  }
  if (!doubles) return;
  list.damaged = true;
  std::erase_if(list.lines, [](const UidLine& line) { return line.uid == 0; });
}

}  // namespace

Uidlist parse_uidlist(std::string_view text) {
  Uidlist list;
  if (text.empty()) return list;
  size_t end = text.find('\n');
  if (end == text.npos || !parse_head(text.substr(0, end), list)) {
    list.damaged = true;
    if (end == text.npos) return list;
    if (list.version == 0) list.version = 3;
  }
  text.remove_prefix(end + 1);
  uint32_t last = 0;
  while (!text.empty()) {
    end = text.find('\n');
    if (end == text.npos) {
      list.damaged = true;
      break;
    }
    auto line = parse_line(text.substr(0, end), list.version);
    text.remove_prefix(end + 1);
    if (!line || line->uid <= last) {
      list.damaged = true;
      continue;
    }
    last = line->uid;
    list.lines.push_back(*line);
  }
  if (list.next_uid <= last) list.next_uid = last + 1;
  drop_doubles(list);
  return list;
}

std::optional<std::string_view> uidlist_value(const UidLine& line, char key) {
  std::string_view keys = line.keys;
  while (!keys.empty()) {
    std::string_view word = take_word(keys);
    if (word[0] == key) return word.substr(1);
  }
  return std::nullopt;
}

std::string uidlist_head(const Uidlist& list) {
  std::string head = fmt::format("3 V{} N{}", list.uid_validity, list.next_uid);
  if (!list.guid.empty()) head += fmt::format(" G{}", list.guid);
  if (!list.other.empty()) head += fmt::format(" {}", list.other);
  return head + "\n";
}

void append_uidlist_line(std::string& text, const UidLine& line) {
  text += std::to_string(line.uid);
  if (!line.keys.empty()) (text += ' ') += line.keys;
  (text += " :") += line.base;
  text += '\n';
}

}  // namespace umaya::mailbox
