// LINK umaya_mailbox
// NAME    uidlist_fuzz - the text of dovecot-uidlist: what was read is written so that it is read again
#include <cstdint>
#include <cstdlib>

#include "libcommon/mailbox/maildir/uidlist.h"

using namespace umaya::mailbox;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Uidlist list = parse_uidlist(text);
  uint32_t last = 0;
  for (const UidLine& line : list.lines) {
    if (line.uid <= last || line.uid >= list.next_uid) std::abort();
    if (line.base.empty() || line.base.find_first_of("/:\n") != line.base.npos || line.base[0] == '.') std::abort();
    last = line.uid;
    for (char key : {'P', 'W', 'S', 'O'}) (void)uidlist_value(line, key);
  }
  if (list.uid_validity == 0) list.uid_validity = 1;
  std::string again = uidlist_head(list);
  for (const UidLine& line : list.lines) append_uidlist_line(again, line);
  Uidlist second = parse_uidlist(again);
  if (second.damaged || second.lines.size() != list.lines.size() || second.next_uid != list.next_uid) std::abort();
  if (second.uid_validity != list.uid_validity || second.guid != list.guid) std::abort();
  for (size_t i = 0; i < list.lines.size(); ++i) {
    const UidLine &a = list.lines[i], &b = second.lines[i];
    if (a.uid != b.uid || a.base != b.base || uidlist_value(a, 'P') != uidlist_value(b, 'P')) std::abort();
  }
  return 0;
}
