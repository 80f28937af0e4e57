#include "libcommon/mailbox/mbox_delivery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/strings.h"
#include "libcommon/fs/calls.h"
#include "libcommon/mailbox/delivery_file.h"

namespace umaya::mailbox {

namespace {

constexpr size_t kMboxTextLimit = SIZE_MAX;

// The bytes that make the file end in an empty line, whatever stands at its end now.
Result<std::string> separator(int fd, off_t size) {
  if (size == 0) return std::string();
  char tail[2] = {'\n', '\n'};
  size_t want = size == 1 ? 1 : 2;
  if (::pread(fd, tail + 2 - want, want, size - static_cast<off_t>(want)) != static_cast<ssize_t>(want)) {
    return delivery_error("read of the end of the mailbox");
  }
  if (tail[1] != '\n') return std::string("\n\n");
  return std::string(tail[0] == '\n' ? "" : "\n");
}

/// Gives the end of the message; begin gets where its first line is.
Result<off_t> append(int fd, off_t start, const MboxMessage& mail, uint64_t& begin) {
  UMAYA_TRY(std::string text, separator(fd, start));
  begin = static_cast<uint64_t>(start) + text.size();
  text += from_line(mail.sender, wall_seconds());
  text += mail.message.head;
  uint64_t limit = mail.message.size_limit > 0 ? mail.message.size_limit : kMboxTextLimit;
  const QuotaLimits quota{mail.message.quota.bytes, 0};
  uint64_t size = static_cast<uint64_t>(start);
  auto sink = [&](std::string_view block) -> Result<> {
    size += block.size();
    if (quota.bytes > 0 && size > quota.bytes) {
      return std::unexpected(over_quota(quota, {static_cast<uint64_t>(start), 0}));
    }
    if (size > limit) return permanent("the mailbox is full: it would become larger than its size limit", "5.2.2");
    auto done = write_all(fd, block, "");
    if (!done) return delivery_error("write to mailbox", done.error().sys_errno);
    return {};
  };
  UMAYA_CHECK(copy_content(mail.message.content, {.quote_from = true}, std::move(text), sink));
  UMAYA_CHECK(sink("\n"));
  return static_cast<off_t>(size);
}

void cut(int fd, off_t size) {
  if (fs::calls().ftruncate(fd, size) == 0) fs::calls().fsync(fd);
}

void append_all(int fd, std::span<const MboxMessage> messages, std::span<Result<>> results,
                std::span<uint64_t> begins) {
  struct stat status {};
  bool known = ::fstat(fd, &status) == 0;
  const off_t before = status.st_size;
  off_t end = before;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (!known) {
      results[i] = temporary("size of the mailbox is not known", "4.2.0");
      continue;
    }
    auto appended = append(fd, end, messages[i], begins[i]);
    if (appended) {
      end = *appended;
    } else {
      results[i] = std::unexpected(appended.error());
      cut(fd, end);
    }
  }
  if (end == before || fs::calls().fsync(fd) == 0) return;
  auto failed = delivery_error("fsync of mailbox");
  cut(fd, before);
  for (Result<>& result : results) {
    if (result) result = failed;
  }
}

void fail_all(std::span<Result<>> results, const Error& error) {
  for (Result<>& result : results) {
    if (result) result = std::unexpected(error);
  }
}

}  // namespace

std::string from_line(std::string_view sender, int64_t seconds) {
  std::string who = sender.empty() ? "MAILER-DAEMON" : printable(sender, true);
  for (char& c : who) {
    if (c == ' ') c = '_';
  }
  time_t time = static_cast<time_t>(seconds);
  struct tm parts {};
  ::localtime_r(&time, &parts);
  char text[64];
  size_t size = ::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts);
  return fmt::format("From {} {}\n", who, std::string_view(text, size));
}

std::vector<Result<>> deliver_mbox(int directory, const std::string& name, const MboxRules& rules,
                                   std::span<const MboxMessage> messages, std::vector<uint64_t>* begins) {
  std::vector<Result<>> results(messages.size());
  std::vector<uint64_t> unused;
  if (!begins) begins = &unused;
  begins->assign(messages.size(), 0);
  LockedMbox box(directory, name, rules, Missing::create);
  if (auto locked = box.acquire(); !locked) {
    fail_all(results, locked.error());
    return results;
  }
  append_all(box.fd(), messages, results, *begins);
  if (!box.created()) return results;
  if (auto synced = sync_directory(directory, name); !synced) fail_all(results, synced.error());
  return results;
}

}  // namespace umaya::mailbox
