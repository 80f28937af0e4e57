// LINK umaya_mailbox
// NAME    mbox_parser_fuzz - mbox files as readers see them: pieces do not matter, messages do not overlap
#include <cstdint>
#include <cstdlib>

#include "libcommon/mailbox/mbox/mbox_parser.h"
#include "libcommon/mailbox/wire_size.h"

using namespace umaya::mailbox;

namespace {

/// What is shown of a message, as mbox_box makes it.
uint64_t shown_octets(std::string_view text, const MboxMail& mail) {
  WireCounter counter;
  std::string_view head = text.substr(mail.head, mail.body - mail.head);
  bool hidden = false;
  while (!head.empty()) {
    std::string_view line = head.substr(0, std::min(head.find('\n'), head.size() - 1) + 1);
    head.remove_prefix(line.size());
    if (line[0] != ' ' && line[0] != '\t') hidden = is_state_header(line);
    if (!hidden) counter.feed(line);
  }
  counter.feed(text.substr(mail.body, mail.end - mail.body));
  return counter.finish();
}

}  // namespace

// Input: one byte that chooses the size of pieces, then the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  size_t piece = data[0] + 1u;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  MboxParser whole, pieces;
  whole.feed(text);
  whole.finish();
  for (size_t at = 0; at < text.size(); at += piece) pieces.feed(text.substr(at, piece));
  pieces.finish();
  if (whole.is_mbox() != pieces.is_mbox() || whole.mails().size() != pieces.mails().size()) std::abort();
  if (!whole.is_mbox()) return 0;
  uint64_t end = 0;
  for (size_t i = 0; i < whole.mails().size(); ++i) {
    const MboxMail &a = whole.mails()[i], &b = pieces.mails()[i];
    if (a.begin != b.begin || a.end != b.end || a.wire_size != b.wire_size || a.digest != b.digest) std::abort();
    bool in_order = end <= a.begin && a.begin < a.head && a.head <= a.body && a.body <= a.end && a.end <= a.next;
    if (!in_order || a.next > text.size()) std::abort();
    if (a.wire_size != shown_octets(text, a)) std::abort();
    end = a.next;
  }
  return 0;
}
