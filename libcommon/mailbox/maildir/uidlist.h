// NAME    uidlist - the text of dovecot-uidlist: which uid belongs to which message
//
// SYNOPSIS
//     Uidlist list = parse_uidlist(text);
//     if (list.uid_validity != 0) for (const UidLine& line : list.lines) …
//     std::string text = uidlist_head(list);  append_uidlist_line(text, line);
//
// DESCRIPTION
//     Version 3 as Dovecot writes it: "3 V<uid validity> N<next uid> G<mailbox guid>", then for each message
//     "<uid> [<key><value> …] :<base of the file name>" in rising order of uids. Keys: S (bytes), W (bytes on the
//     wire), P (POP3 UIDL; empty: the base), O (order in POP3), G (guid). Version 1, which is also Courier's
//     courierimapuiddb: "1 <uid validity> <next uid>", then "<uid> <base>". Keys that are not known are kept.
//
//     What is damaged is left out and said: the good lines of a damaged list still count. A line without its line end,
//     the last of a writer that died, is damage. Of two lines for one message the later one holds.
//
// OWNERSHIP
//     All views borrow the text.
//
// LIMITS
//     Linear in the size of the text. A uid is less than 2^32 - 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::mailbox {

constexpr uint32_t kMostUid = UINT32_MAX - 1;

struct UidLine {
  uint32_t uid = 0;
  std::string_view keys{};  ///< "W123 Pabc", without blanks at its ends
  std::string_view base{};
};

struct Uidlist {
  uint32_t version = 0;
  uint32_t uid_validity = 0;  ///< 0: there is no list, or none that says it
  uint32_t next_uid = 1;      ///< larger than every uid in use, whatever the head says
  std::string_view guid{};    ///< 32 hexadecimal digits, or nothing
  std::string_view other{};   ///< what else the head says
  std::vector<UidLine> lines;
  bool damaged = false;  ///< something was left out
};

Uidlist parse_uidlist(std::string_view text);
/// The value of a key; nothing when the line has not this key.
std::optional<std::string_view> uidlist_value(const UidLine& line, char key);
/// The first line of version 3, with its line end.
std::string uidlist_head(const Uidlist& list);
void append_uidlist_line(std::string& text, const UidLine& line);

}  // namespace umaya::mailbox
