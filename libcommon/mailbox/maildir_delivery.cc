#include "libcommon/mailbox/maildir_delivery.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <system_error>
#include <thread>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/calls.h"
#include "libcommon/fs/directory.h"
#include "libcommon/mailbox/delivery_file.h"
#include "libcommon/mailbox/quota_reservation.h"
#include "libcommon/mailbox/wire_size.h"

namespace umaya::mailbox {

namespace {

constexpr size_t kFlushers = 4;
constexpr size_t kFilesForFlusher = 4;  // fewer do not repay the start of a thread

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// One of tmp, new and cur. A made one is not durable yet: the caller syncs the directory of the three once.
Result<Fd> open_folder(int maildir, const char* name, bool& made) {
  auto folder = open_directory_beneath(maildir, name, Missing::fail);
  if (folder || folder.error().sys_errno != ENOENT) return folder;
  if (fs::calls().mkdirat(maildir, name, 0700) < 0 && errno != EEXIST) {
    return delivery_error(std::string("mkdir of maildir ") + name);
  }
  made = true;
  return open_directory_beneath(maildir, name, Missing::fail);
}

const std::string& host_name() {
  static const std::string name = [] {
    char host[256] = "localhost";
    gethostname(host, sizeof host - 1);
    return maildir_host_name(host);
  }();
  return name;
}

}  // namespace

std::string maildir_host_name(std::string_view host) {
  std::string out;
  for (char c : host) {
    if (c == '/' || c == ':' || c == ',' || c == '\\' || !ascii_print(c) || c == ' ') {
      out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out.empty() ? "localhost" : out;
}

std::string delivery_head(const Envelope& envelope) {
  std::string head = "Return-Path: <" + printable(envelope.sender, true) + ">\n";
  if (!envelope.original.empty()) head += "X-Original-To: " + printable(envelope.original, true) + "\n";
  if (!envelope.delivered.empty()) head += "Delivered-To: " + printable(envelope.delivered, true) + "\n";
  return head;
}

struct Maildir::Pending {
  Fd fd;
  std::string tmp_name;
  std::string new_name;
  bool in_tmp = false;
  bool in_new = false;
  bool was_there = false;
  bool may_exist = false;  // an earlier try may have put it into new/
  uint64_t size = 0;       // of the file
  bool reserved = false;   // counted, or about to be
};

Result<Maildir> Maildir::open(int base, std::string_view path) {
  UMAYA_TRY(Fd root, open_directory_beneath(base, path, Missing::create));
  bool made = false;
  UMAYA_TRY(Fd tmp, open_folder(root.get(), "tmp", made));
  UMAYA_TRY(Fd fresh, open_folder(root.get(), "new", made));
  UMAYA_TRY([[maybe_unused]] Fd cur, open_folder(root.get(), "cur", made));
  if (made) UMAYA_CHECK(sync_directory(root.get(), "maildir"));
  Maildir maildir(std::move(root), std::move(tmp), std::move(fresh));
  if (!made) maildir.clean_tmp();
  return maildir;
}

int Maildir::clean_tmp(int64_t older_than_seconds) {
  int copy = ::openat(tmp_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return 0;
  std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(copy));
  if (!directory) return 0;
  int removed = 0;
  while (dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    struct stat status {};
    if (::fstatat(tmp_.get(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode)) continue;
    int64_t touched = std::max<int64_t>(status.st_mtime, status.st_ctime);
    if (wall_seconds() - touched <= older_than_seconds) continue;
    if (fs::calls().unlinkat(tmp_.get(), entry->d_name, 0) == 0) ++removed;
  }
  return removed;
}

Result<> Maildir::write_tmp(const MailboxMessage& message, Pending& pending) {
  int64_t usec = wall_usec();
  std::string unique = fmt::format("M{:06}P{}R{:016x}", usec % 1'000'000, getpid(), random_u64());
  pending.tmp_name = fmt::format("{}.{}.{}", usec / 1'000'000, unique, host_name());
  pending.fd.reset(fs::calls().openat(tmp_.get(), pending.tmp_name.c_str(),
                                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!pending.fd) return delivery_error("create maildir file tmp/" + pending.tmp_name);
  pending.in_tmp = true;
  uint64_t written = 0;
  WireCounter on_wire;
  auto sink = [&](std::string_view block) -> Result<> {
    written += block.size();
    on_wire.feed(block);
    if (message.size_limit > 0 && written > message.size_limit) {
      return permanent("the message is larger than the mailbox size limit", "5.2.2");
    }
    auto done = write_all(pending.fd.get(), block, "");
    if (!done) return delivery_error("write of maildir file", done.error().sys_errno);
    return {};
  };
  UMAYA_CHECK(copy_content(message.content, {}, message.head, sink));
  struct stat status {};
  if (::fstat(pending.fd.get(), &status) < 0) return delivery_error("fstat of maildir file");
  pending.size = written;
  const std::string rest = fmt::format("{},S={},W={}", host_name(), written, on_wire.finish());
  if (!message.key.empty()) {
    pending.new_name = fmt::format("{}.{}", message.key, rest);
    pending.may_exist = true;
    return {};
  }
  pending.new_name = fmt::format("{}.M{:06}P{}V{:x}I{:x}R{:08x}.{}", usec / 1'000'000, usec % 1'000'000, getpid(),
                                 status.st_dev, status.st_ino, static_cast<uint32_t>(random_u64()), rest);
  return {};
}

/// Whether a file with this key is in new/, of whatever size.
bool Maildir::has_key(const std::string& key) const {
  if (key.empty()) return false;
  auto reader = fs::DirectoryReader::open_at(new_.get(), ".");
  while (auto entry = reader ? reader->next() : std::nullopt) {
    if (entry->name.starts_with(key) && entry->name.substr(key.size()).starts_with('.')) return true;
  }
  return false;
}

/// Settles what needs no file: there is no room for it, or it is there already.
void Maildir::refuse_early(std::span<const MailboxMessage> messages, const QuotaLimits& limits,
                           std::span<Pending> pending, std::span<Result<>> results) {
  if (limits == QuotaLimits{}) return;
  auto room = QuotaReservation::begin(root_.get(), limits);
  for (size_t i = 0; i < messages.size(); ++i) {
    if (!room) {
      results[i] = std::unexpected(room.error());
      continue;
    }
    const MailboxMessage& message = messages[i];
    auto error = room->would_refuse(std::max<uint64_t>(message.head.size() + message.content.size / 2, 1));
    if (!error) continue;
    if (has_key(message.key)) {
      pending[i].in_new = pending[i].was_there = true;
    } else {
      results[i] = std::unexpected(*error);
    }
  }
}

Result<> Maildir::move_to_new(Pending& pending) {
  // A hard link never replaces a file that is there. The name in tmp/ goes when the one in new/ is durable.
  if (fs::calls().linkat(tmp_.get(), pending.tmp_name.c_str(), new_.get(), pending.new_name.c_str()) < 0) {
    if (errno == EEXIST && pending.may_exist) {
      pending.in_new = pending.was_there = true;
      return {};
    }
    return delivery_error("link of maildir file into new/");
  }
  pending.in_new = true;
  return {};
}

void Maildir::flush_files(std::span<Pending> pending, std::span<Result<>> results) {
  if (pending.size() > 1) {
    for (Pending& one : pending) {
      if (one.fd) ::sync_file_range(one.fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    }
  }
  std::atomic<size_t> next = 0;
  auto flush = [&] {
    for (size_t i = next++; i < pending.size(); i = next++) {
      if (results[i] && pending[i].fd && fs::calls().fsync(pending[i].fd.get()) < 0) {
        results[i] = delivery_error("fsync of maildir file");
      }
    }
  };
  // Flushes that are asked for together cost the disk little more than one.
  std::vector<std::thread> helpers;
  try {
    while (helpers.size() + 1 < std::min(pending.size() / kFilesForFlusher, kFlushers)) helpers.emplace_back(flush);
  } catch (const std::system_error&) {
    // The user may have no more threads: those there are do all of it.
  }
  flush();
  for (std::thread& helper : helpers) helper.join();
}

/// Counts the files, and gives them their names.
void Maildir::link_all(std::span<Pending> pending, std::span<Result<>> results, const QuotaLimits& limits) {
  auto room = QuotaReservation::begin(root_.get(), limits);
  for (size_t i = 0; i < pending.size(); ++i) {
    Pending& one = pending[i];
    if (!results[i] || one.was_there) continue;
    if (!room) {
      results[i] = std::unexpected(room.error());
      continue;
    }
    if (one.may_exist && ::faccessat(new_.get(), one.new_name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
      one.in_new = one.was_there = true;
      continue;
    }
    if (auto error = room->reserve(one.size)) {
      results[i] = std::unexpected(*error);
    } else {
      one.reserved = true;
    }
  }
  if (!room) return;
  room->write();
  for (size_t i = 0; i < pending.size(); ++i) {
    if (!pending[i].reserved) continue;
    results[i] = move_to_new(pending[i]);
    if (results[i] && !pending[i].was_there) continue;
    pending[i].reserved = false;
    room->give_back(pending[i].size);
  }
}

/// The directory is not durable: files of ours, and what they count for, go again.
void Maildir::take_back(std::span<Pending> pending) {
  auto room = QuotaReservation::begin(root_.get(), {});
  for (Pending& one : pending) {
    if (!one.in_new || one.was_there) continue;
    fs::calls().unlinkat(new_.get(), one.new_name.c_str(), 0);
    if (room && one.reserved) room->give_back(one.size);
  }
}

void Maildir::publish(std::span<Pending> pending, std::span<Result<>> results, const QuotaLimits& limits) {
  link_all(pending, results, limits);
  bool any = std::ranges::any_of(pending, [](const Pending& one) { return one.in_new; });
  if (!any) return;
  auto synced = sync_directory(new_.get(), "maildir new/");
  if (synced) return;
  take_back(pending);
  for (size_t i = 0; i < pending.size(); ++i) {
    if (pending[i].in_new) results[i] = std::unexpected(synced.error());
  }
}

std::vector<Result<>> Maildir::deliver(std::span<const MailboxMessage> messages, const QuotaLimits& limits) {
  std::vector<Pending> pending(messages.size());
  std::vector<Result<>> results(messages.size());
  refuse_early(messages, limits, pending, results);
  for (size_t i = 0; i < messages.size(); ++i) {
    if (results[i] && !pending[i].was_there) results[i] = write_tmp(messages[i], pending[i]);
  }
  flush_files(pending, results);
  publish(pending, results, limits);
  for (Pending& one : pending) {
    if (one.in_tmp) fs::calls().unlinkat(tmp_.get(), one.tmp_name.c_str(), 0);
  }
  return results;
}

}  // namespace umaya::mailbox
