#include "libcommon/mailbox/pop_box.h"

#include "libcommon/mailbox/maildir/maildir_box.h"
#include "libcommon/mailbox/mbox/mbox_box.h"

namespace umaya::mailbox {

Result<std::unique_ptr<PopBox>> PopBox::open(const std::string& location, const Options& options) {
  if (location.starts_with("maildir:")) return MaildirBox::open(location.substr(8), options);
  if (location.starts_with("mbox:")) return MboxBox::open(location.substr(5), options);
  return temporary(location + ": mailboxes of this type are not served; write maildir:PATH or mbox:PATH");
}

std::unique_ptr<PopBox> PopBox::open_from_memory(const std::string& location, const Options& options) {
  if (!location.starts_with("maildir:")) return nullptr;
  return MaildirBox::open_from_memory(location.substr(8), options);
}

}  // namespace umaya::mailbox
