#include "libcommon/auth/passwd_edit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "libcommon/auth/passwd_file.h"
#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/fs/temp_file.h"

namespace umaya::auth {

namespace {

constexpr Duration kLockLimit = std::chrono::seconds(10);

struct Line {
  size_t start = 0;
  size_t end = 0;  ///< behind the line end
};

/// The line of a user, by the rule by which the file is read: the first one.
Result<Line> find_line(std::string_view text, std::string_view user) {
  for (size_t start = 0; start < text.size();) {
    size_t end = text.find('\n', start);
    end = end == std::string_view::npos ? text.size() : end + 1;
    std::string_view line = text.substr(start, end - start);
    size_t colon = line.find(':');
    if (colon != std::string_view::npos && !line.starts_with('#') && iequals(line.substr(0, colon), user)) {
      return Line{start, end};
    }
    start = end;
  }
  return permanent("there is no user " + std::string(user));
}

bool fits_in_field(std::string_view text) {
  return text.find_first_of(":\r\n") == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

}  // namespace

Result<std::string> add_passwd_line(std::string_view text, std::string_view user, std::string_view line) {
  if (find_line(text, user)) return permanent("there is a user " + std::string(user) + " already");
  std::string out(text);
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  return out + std::string(line) + "\n";
}

Result<std::string> change_passwd_password(std::string_view text, std::string_view user, std::string_view password) {
  if (!fits_in_field(password)) return permanent("a password in the file has no colon and no line end");
  UMAYA_TRY(Line line, find_line(text, user));
  size_t first = text.find(':', line.start) + 1;
  size_t last = text.find_first_of(":\r\n", first);
  if (last == std::string_view::npos || last > line.end) last = line.end;
  return std::string(text.substr(0, first)) + std::string(password) + std::string(text.substr(last));
}

Result<std::string> remove_passwd_line(std::string_view text, std::string_view user) {
  UMAYA_TRY(Line line, find_line(text, user));
  return std::string(text.substr(0, line.start)) + std::string(text.substr(line.end));
}

Result<std::string> make_passwd_line(std::string_view user, std::string_view password,
                                     const std::vector<std::string>& fields) {
  if (!valid_user_name(user)) {
    return permanent("user name \"" + printable(user) +
                     "\": letters, digits and . - _ @ + = only, neither . nor - first");
  }
  if (!fits_in_field(password)) return permanent("a password in the file has no colon and no line end");
  std::string uid, gid, home, extra;
  for (const std::string& field : fields) {
    if (field.find_first_of(" \t\r\n") != std::string::npos)
      return permanent("\"" + printable(field) + "\": no blanks");
    size_t equals = field.find('=');
    std::string name = field.substr(0, equals);
    std::string value = equals == std::string::npos ? "" : field.substr(equals + 1);
    bool own = name == "uid" || name == "gid" || name == "home";
    if (own && !fits_in_field(value)) return permanent("\"" + printable(field) + "\": no colon");
    if (own) {
      (name == "uid" ? uid : name == "gid" ? gid : home) = value;
      continue;
    }
    bool about_login = name == "nologin" || name == "allow_nets";
    extra += (extra.empty() ? "" : " ") + (about_login ? field : "userdb_" + field);
  }
  std::string line =
      std::string(user) + ":" + std::string(password) + ":" + uid + ":" + gid + "::" + home + "::" + extra;
  while (line.ends_with(':')) line.pop_back();
  if (line.find(':') == std::string::npos) line += ':';
  std::vector<std::string> problems;
  if (!parse_passwd_line(line, "the new line", problems, PasswdRules())) return permanent(problems.front());
  return line;
}

Result<PasswdEditor> PasswdEditor::open(const std::string& path) {
  std::error_code error;
  std::string real = std::filesystem::canonical(path, error);  // a link stays a link
  if (error) return sys_error(path, error.value());
  for (int attempt = 0; attempt < 100; ++attempt) {
    Fd fd(::open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat ours {
    }, named{};
    if (!fd || fstat(fd.get(), &ours) != 0) return sys_error(real);
    if (!S_ISREG(ours.st_mode)) return permanent(real + ": it is no plain file");
    UMAYA_TRY(fs::LockState state, fs::lock_within(fd.get(), fs::LockKind::flock, fs::LockMode::exclusive, kLockLimit));
    if (state == fs::LockState::busy) return temporary(real + ": somebody else is changing it");
    bool same = stat(real.c_str(), &named) == 0 && ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
    if (!same) continue;  // replaced while we waited
    UMAYA_TRY(std::string text, fs::read_all(fd.get(), kMostPasswdText));
    return PasswdEditor(std::move(real), std::move(fd), std::move(text));
  }
  return temporary(real + ": it is replaced again and again");
}

Result<void> PasswdEditor::save() {
  struct stat old {};
  if (fstat(fd_.get(), &old) != 0) return sys_error(path_);
  std::string directory = fs::parent_directory(path_);
  UMAYA_TRY(fs::TempFile file, fs::TempFile::create(directory, 0600));
  bool other_owner = old.st_uid != geteuid() || old.st_gid != getegid();
  if (other_owner && fchown(file.fd(), old.st_uid, old.st_gid) != 0) return sys_error("chown of the new " + path_);
  UMAYA_CHECK(fs::set_mode(file.fd(), old.st_mode & 07777));
  UMAYA_CHECK(fs::write_all(file.fd(), text_));
  UMAYA_CHECK(fs::sync(file.fd()));
  UMAYA_CHECK(file.rename_to(path_));
  return fs::sync_directory(directory);
}

}  // namespace umaya::auth
