#include "libcommon/base/users.h"

#include <pwd.h>
#include <sys/stat.h>

#include <fstream>
#include <mutex>
#include <vector>

#include "libcommon/base/strings.h"

namespace umaya {

namespace {

struct PasswdFile {
  std::mutex mutex;  // worker threads ask, too
  std::string path;
  timespec changed{};
  std::vector<User> users;
};

PasswdFile& passwd_file() {
  static PasswdFile file;
  return file;
}

Result<void> refresh(PasswdFile& file) {
  struct stat info;
  if (stat(file.path.c_str(), &info) != 0) return sys_error(file.path);
  if (info.st_mtim.tv_sec == file.changed.tv_sec && info.st_mtim.tv_nsec == file.changed.tv_nsec) return {};
  std::ifstream in(file.path);
  if (!in) return sys_error("open " + file.path);
  file.users.clear();
  for (std::string line; std::getline(in, line);) {
    if (auto user = parse_passwd_line(line)) file.users.push_back(std::move(*user));
  }
  file.changed = info.st_mtim;
  return {};
}

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

template <class Match>
Result<std::optional<User>> search_file(Match match) {
  PasswdFile& file = passwd_file();
  std::lock_guard lock(file.mutex);
  UMAYA_CHECK(refresh(file));
  for (const User& user : file.users) {
    if (match(user)) return user;
  }
  return std::nullopt;
}

}  // namespace

void use_passwd_file(std::string path) {
  PasswdFile& file = passwd_file();
  std::lock_guard lock(file.mutex);
  file.path = std::move(path);
  file.changed = {};
  file.users.clear();
}

Result<std::optional<User>> find_user_entry(std::string_view name) {
  if (!passwd_file().path.empty()) {
    return search_file([name](const User& user) { return user.name == name; });
  }
  std::string text(name);
  if (text.find('\0') != std::string::npos || text.empty()) return std::nullopt;
  return ask_system([&](auto... rest) { return getpwnam_r(text.c_str(), rest...); });
}

Result<std::optional<User>> find_user_by_uid(uid_t uid) {
  if (!passwd_file().path.empty()) {
    return search_file([uid](const User& user) { return user.uid == uid; });
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
