// Carries edits to the disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "commands/postconf/show.h"
#include "libcommon/base/fd.h"
#include "libcommon/config/main_cf.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"

namespace umaya::postconf {
namespace {

/// Where a path leads when it is a symbolic link, so that the link stays and its target is replaced.
std::string real_path(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  return resolved ? std::string(resolved.get()) : path;
}

/// Two postconf commands at once wait for each other: the lock is on the directory, which no edit replaces.
Result<Fd> lock_directory(const std::string& directory) {
  Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return sys_error("open " + directory);
  UMAYA_CHECK(fs::lock(fd.get(), fs::LockKind::flock));
  return fd;
}

Result<Edited> edited_text(const Request& request, const std::string& text, const std::string& file) {
  switch (request.subject) {
    case Subject::entries:
      return edit_entries(text, file, request.change, request.arguments);
    case Subject::fields:
      return edit_fields(text, file, request.arguments);
    case Subject::options:
      return edit_options(text, file, request.change, request.arguments);
    default:
      return edit_main_cf(text, request.change, request.arguments);
  }
}

Result<> replace(const std::string& path, const std::string& text) {
  struct stat st;
  if (::stat(path.c_str(), &st) < 0) return sys_error("stat " + path);
  UMAYA_CHECK(fs::replace_file(path, text, st.st_mode & 07777));
  bool other_owner = st.st_uid != ::geteuid() || st.st_gid != ::getegid();
  if (other_owner && ::chown(path.c_str(), st.st_uid, st.st_gid) < 0) return sys_error("chown " + path);
  return {};
}

}  // namespace

Result<Answer> edit(const Request& request) {
  if (request.arguments.empty()) {
    bool sets = request.change == Change::set && request.subject == Subject::parameters;
    return permanent(sets ? "-e requires name=value argument" : "missing service argument");
  }
  UMAYA_TRY(Fd lock, lock_directory(request.directory));
  std::string name = request.subject == Subject::parameters ? "/main.cf" : "/master.cf";
  std::string path = real_path(request.directory + name);
  UMAYA_TRY(std::string text, config::read_config_file(path));
  UMAYA_TRY(Edited edited, edited_text(request, text, path));
  if (request.subject == Subject::parameters) {
    for (std::string& warning : edited.warnings) warning.insert(0, path + ": ");
  }
  if (edited.text != text) UMAYA_CHECK(replace(path, edited.text));
  return Answer{{}, request.quiet ? std::vector<std::string>{} : std::move(edited.warnings)};
}

}  // namespace umaya::postconf
