#include "libcommon/mailbox/pop_box.h"

#include <sys/stat.h>

#include "libcommon/mailbox/maildir_reader.h"

namespace umaya::mailbox {

namespace {

/// A Maildir whose directories are read at each log-in.
class PlainMaildirBox : public PopBox {
 public:
  explicit PlainMaildirBox(MaildirReader reader) : reader_(std::move(reader)) {}

  Result<void> lock() {
    UMAYA_TRY(MaildirReader::Lock state, reader_.lock());
    if (state == MaildirReader::Lock::in_use) return sys_error("another session has the mailbox", EBUSY);
    return {};
  }
  size_t count() const override { return reader_.count(); }
  Result<uint64_t> total_size() override {
    uint64_t total = 0;
    for (size_t i = 0; i < reader_.count(); ++i) {
      auto size = reader_.size(i);
      if (!size && size.error().sys_errno == ENOENT) continue;
      if (!size) return size;
      total += *size;
    }
    return total;
  }
  Result<uint64_t> size(size_t i) override { return reader_.size(i); }
  Result<void> unique_id(size_t i, std::string& append_to) override {
    append_to += reader_.unique_id(i);
    return {};
  }
  Result<Body> open_message(size_t i) override {
    UMAYA_TRY(Fd file, reader_.open_message(i));
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return sys_error(reader_.file_name(i));
    return Body{std::move(file), 0, static_cast<uint64_t>(status.st_size)};
  }
  Result<void> mark_seen(std::span<const size_t>) override { return {}; }
  Result<size_t> remove(std::span<const size_t> which) override {
    UMAYA_CHECK(reader_.remove(which));
    return which.size();
  }

 private:
  MaildirReader reader_;
};

}  // namespace

Result<std::unique_ptr<PopBox>> PopBox::open(const std::string& location, const Options& options) {
  if (!location.starts_with("maildir:")) return temporary(location + ": mailboxes of this type are not served");
  UMAYA_TRY(MaildirReader reader, MaildirReader::open(location.substr(8)));
  auto box = std::make_unique<PlainMaildirBox>(std::move(reader));
  if (options.lock) UMAYA_CHECK(box->lock());
  return std::unique_ptr<PopBox>(std::move(box));
}

}  // namespace umaya::mailbox
