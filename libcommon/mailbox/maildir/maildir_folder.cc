#include "libcommon/mailbox/maildir/maildir_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/random.h"
#include "libcommon/fs/calls.h"
#include "libcommon/fs/file.h"

namespace umaya::mailbox {

Result<MaildirFolder> MaildirFolder::open(const std::string& path) {
  MaildirFolder folder;
  folder.path_ = path;
  folder.root_.reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.root_ && errno != ENOENT) return sys_error("open " + path);
  return folder;
}

std::optional<MaildirFolder> MaildirFolder::open_from_memory(const std::string& path) {
  auto root = fs::open_cached(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (!root) return std::nullopt;
  return at(std::move(*root), path);
}

MaildirFolder MaildirFolder::at(Fd root, std::string path) {
  MaildirFolder folder;
  folder.path_ = std::move(path);
  folder.root_ = std::move(root);
  return folder;
}

Result<int> MaildirFolder::directory(bool is_new) {
  Fd& fd = is_new ? fresh_ : current_;
  if (!fd) {
    const char* name = is_new ? "new" : "cur";
    fd.reset(::openat(root(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return sys_error("open " + path_ + "/" + name);
  }
  return fd.get();
}

Result<FileIdentity> MaildirFolder::identity(const char* name) const {
  struct stat status {};
  if (::fstatat(root(), name, &status, 0) == 0) return FileIdentity::of(status);
  if (errno == ENOENT) return FileIdentity{};
  return sys_error(path_ + "/" + name);
}

bool MaildirFolder::has(const char* name) const {
  return ::faccessat(root(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<std::optional<std::string>> MaildirFolder::read(const char* name, size_t limit, FileIdentity* state) const {
  Fd fd(::openat(root(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) {
    if (state) *state = {};
    return std::optional<std::string>();
  }
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return sys_error(path_ + "/" + name);
  if (!S_ISREG(status.st_mode)) return temporary(path_ + "/" + name + " is not a plain file");
  if (state) *state = FileIdentity::of(status);
  UMAYA_TRY(std::string text, fs::read_all(fd.get(), limit));
  return std::optional<std::string>(std::move(text));
}

Result<void> MaildirFolder::replace(const char* name, std::string_view content, Durable durable) const {
  // In tmp/ what a process that dies leaves behind is removed some day.
  std::string place = has("tmp") ? "tmp/" : "";
  std::string temporary_name = fmt::format("{}{}.{:016x}", place, name, random_u64());
  Fd fd(fs::calls().openat(root(), temporary_name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  if (!fd) return sys_error("create " + path_ + "/" + temporary_name);
  auto done = fs::write_all(fd.get(), content);
  struct stat former {};
  bool shared = ::fstatat(root(), name, &former, AT_SYMLINK_NOFOLLOW) == 0 && (former.st_mode & 077) != 0;
  if (done && shared) done = fs::set_mode(fd.get(), former.st_mode & 0666);
  if (done && durable == Durable::yes) done = fs::sync_data(fd.get());
  if (done && fs::calls().renameat(root(), temporary_name.c_str(), root(), name) != 0) {
    done = sys_error("rename to " + path_ + "/" + name);
  }
  if (!done) {
    fs::calls().unlinkat(root(), temporary_name.c_str(), 0);
    return done;
  }
  if (durable == Durable::yes && fs::calls().fsync(root()) != 0) return sys_error("fsync of " + path_);
  return {};
}

}  // namespace umaya::mailbox
