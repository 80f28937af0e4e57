#include "libcommon/base/users.h"

#include <pwd.h>
#include <sys/stat.h>

#include <fstream>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"

namespace umaya {

namespace {

User from_entry(const passwd& entry) {
  return {entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell};
}

/// Asks the system with get (getpwnam_r or getpwuid_r), with as much room as the answer needs.
template <class Get>
Result<std::optional<User>> ask_system(Get get) {
  std::vector<char> room(4096);
  while (true) {
    passwd entry;
    passwd* found = nullptr;
    int error = get(&entry, room.data(), room.size(), &found);
    if (error == ERANGE && room.size() < (1u << 20)) {
      room.resize(room.size() * 2);
      continue;
    }
    if (found) return from_entry(entry);
    // What the manual calls "not found", apart from 0.
    if (error == 0 || error == ENOENT || error == ESRCH) return std::nullopt;
    return sys_error("user database", error);
  }
}

/// A file in passwd(5) format, held in memory and read again when it has changed.
class PasswdFile {
 public:
  explicit PasswdFile(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  /// The first entry of that name, as getpwnam() takes it; an error when the file cannot be read.
  Result<std::optional<User>> find(const std::string& name) {
    UMAYA_CHECK(refresh());
    auto at = by_name_.find(name);
    if (at == by_name_.end()) return std::nullopt;
    return users_[at->second];
  }

  Result<std::optional<User>> find(uid_t uid) {
    UMAYA_CHECK(refresh());
    for (const User& user : users_) {
      if (user.uid == uid) return user;
    }
    return std::nullopt;
  }

 private:
  Result<void> refresh() {
    struct stat info {};
    if (stat(path_.c_str(), &info) != 0) return sys_error(path_);
    if (info.st_ino == inode_ && info.st_size == size_ && info.st_mtim.tv_sec == changed_.tv_sec &&
        info.st_mtim.tv_nsec == changed_.tv_nsec) {
      return {};
    }
    std::ifstream in(path_);
    if (!in) return sys_error("open " + path_);
    users_.clear();
    by_name_.clear();
    for (std::string line; std::getline(in, line);) {
      auto user = parse_passwd_line(line);
      if (!user) continue;
      by_name_.emplace(user->name, users_.size());
      users_.push_back(std::move(*user));
    }
    inode_ = info.st_ino;
    size_ = info.st_size;
    changed_ = info.st_mtim;
    return {};
  }

  std::string path_;
  std::vector<User> users_;
  std::unordered_map<std::string, size_t> by_name_;
  ino_t inode_ = 0;
  off_t size_ = 0;
  timespec changed_{};
};

/// The system's user database (nsswitch.conf(5)). Its modules read a file from the beginning, or ask a directory
/// server, for each question; so /etc/passwd is answered from memory when it comes first, and other answers are
/// remembered.
class SystemUsers {
 public:
  /// The lock is given back while the system is asked: a directory server may be slow.
  Result<std::optional<User>> find(const std::string& name, std::unique_lock<std::mutex>& lock) {
    if (order_.files_first) {
      auto user = passwd_.find(name);
      if (user && *user) return user;
      if (user && order_.local_only && !is_local_name(name)) return std::nullopt;
    }
    TimePoint now = monotonic_now();
    auto known = known_.find(name);
    if (known != known_.end() && now < known->second.until) return known->second.user;
    lock.unlock();
    auto user = ask_system([&](auto... rest) { return getpwnam_r(name.c_str(), rest...); });
    lock.lock();
    if (!user) return user;
    if (known_.size() >= kMostKnown) known_.clear();
    known_[name] = {*user, now + (*user ? kUserRemembered : kNoUserRemembered)};
    return user;
  }

 private:
  static constexpr size_t kMostKnown = 4096;

  struct Known {
    std::optional<User> user;
    TimePoint until;
  };
  /// What the line "passwd:" of nsswitch.conf says; without one the C library asks the files first.
  struct Order {
    bool files_first = true;
    bool local_only = true;  ///< nothing but modules of this host: a name like user@domain can be nobody
  };

  static Order read_order() {
    Order order;
    std::ifstream in("/etc/nsswitch.conf");
    for (std::string line; std::getline(in, line);) {
      std::string_view text = trim(std::string_view(line).substr(0, line.find('#')));
      if (!text.starts_with("passwd:")) continue;
      std::vector<std::string_view> modules = split(text.substr(7), " \t");
      order.files_first = !modules.empty() && modules.front() == "files";
      for (std::string_view module : modules) {
        order.local_only = order.local_only && (module == "files" || module == "systemd");
      }
    }
    return order;
  }

  static bool is_local_name(std::string_view name) {
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-$") == name.npos;
  }

  const Order order_ = read_order();
  PasswdFile passwd_{"/etc/passwd"};
  std::unordered_map<std::string, Known> known_;
};

/// Both databases; worker threads ask, too.
struct Databases {
  std::mutex mutex;
  std::optional<PasswdFile> own;
  SystemUsers system;
};

Databases& databases() {
  static Databases all;
  return all;
}

}  // namespace

void use_passwd_file(std::string path) {
  std::lock_guard lock(databases().mutex);
  databases().own.reset();
  if (!path.empty()) databases().own.emplace(std::move(path));
}

Result<std::optional<User>> find_user_entry(std::string_view name) {
  std::string text(name);
  if (text.find('\0') != std::string::npos || text.empty()) return std::nullopt;
  std::unique_lock lock(databases().mutex);
  return databases().own ? databases().own->find(text) : databases().system.find(text, lock);
}

Result<std::optional<User>> find_user_by_uid(uid_t uid) {
  {
    std::lock_guard lock(databases().mutex);
    if (databases().own) return databases().own->find(uid);
  }
  return ask_system([uid](auto... rest) { return getpwuid_r(uid, rest...); });
}

std::optional<User> parse_passwd_line(std::string_view line) {
  std::string_view fields[7];
  for (size_t i = 0; i < 7; ++i) {
    size_t colon = line.find(':');
    if ((colon == std::string_view::npos) != (i == 6)) return {};
    fields[i] = line.substr(0, colon);
    if (colon != std::string_view::npos) line.remove_prefix(colon + 1);
  }
  auto uid = parse_uint(fields[2]), gid = parse_uint(fields[3]);
  if (fields[0].empty() || fields[0][0] == '#' || !uid || !gid || *uid > UINT32_MAX || *gid > UINT32_MAX) return {};
  return User{std::string(fields[0]), static_cast<uid_t>(*uid), static_cast<gid_t>(*gid),
              std::string(fields[4]), std::string(fields[5]),   std::string(fields[6])};
}

std::string passwd_line(const User& user) {
  return user.name + ":x:" + std::to_string(user.uid) + ":" + std::to_string(user.gid) + ":" + user.gecos + ":" +
         user.home + ":" + user.shell;
}

}  // namespace umaya
