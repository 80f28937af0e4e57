#include "authd/sources/passwd_file_source.h"

#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"

namespace umaya::authd {

Result<void> PasswdFileSource::refresh() {
  struct stat now {};
  if (stat(path_.c_str(), &now) != 0) return sys_error(path_);
  bool same = now.st_mtim.tv_sec == seen_.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen_.st_mtim.tv_nsec &&
              now.st_size == seen_.st_size && now.st_ino == seen_.st_ino;
  if (same) return {};
  UMAYA_TRY(std::string text, fs::read_file(path_, auth::kMostPasswdText));
  std::vector<std::string> problems;
  file_ = auth::parse_passwd_file(text, path_, problems, rules_);
  explicit_bzero(text.data(), text.size());
  for (const std::string& problem : problems) log::warning("{}", problem);
  if (now.st_mode & S_IROTH) log::warning("{}: everybody can read the passwords: chmod o-r it", path_);
  seen_ = now;
  ++generation_;
  return {};
}

event::Task<Result<std::optional<Account>>> PasswdFileSource::find(std::string user) {
  UMAYA_CO_CHECK(refresh());
  const auth::PasswdEntry* entry = file_.find(user);
  if (entry == nullptr) co_return std::nullopt;
  Account account{*entry, name()};
  if (entry->password) account.stored_text = entry->password->scheme() + entry->password->data();
  co_return account;
}

Result<std::vector<std::string>> PasswdFileSource::users() {
  UMAYA_CHECK(refresh());
  return file_.users();
}

}  // namespace umaya::authd
