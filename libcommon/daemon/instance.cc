#include "libcommon/daemon/instance.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "libcommon/base/fd.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/privilege.h"

namespace umaya::daemon {

namespace {

enum class Owner : unsigned char { root, mail_owner };
enum class Group : unsigned char { own, setgid_group };

struct Place {
  std::string_view name;
  Owner owner;
  Group group;
  mode_t mode;
};

constexpr Place kQueuePlaces[] = {
    {"maildrop", Owner::mail_owner, Group::setgid_group, 01730},
    {"incoming", Owner::mail_owner, Group::own, 0700},
    {"active", Owner::mail_owner, Group::own, 0700},
    {"deferred", Owner::mail_owner, Group::own, 0700},
    {"hold", Owner::mail_owner, Group::own, 0700},
    {"corrupt", Owner::mail_owner, Group::own, 0700},
    {"bounce", Owner::mail_owner, Group::own, 0700},
    {"defer", Owner::mail_owner, Group::own, 0700},
    {"trace", Owner::mail_owner, Group::own, 0700},
    {"flush", Owner::mail_owner, Group::own, 0700},
    {"saved", Owner::mail_owner, Group::own, 0700},
    {"private", Owner::mail_owner, Group::own, 0711},
    {"public", Owner::mail_owner, Group::setgid_group, 0711},
    {"pid", Owner::root, Group::own, 0755},
};

struct Accounts {
  Account root{0, 0};
  Account mail_owner{};
  gid_t setgid_group = 0;
  bool privileged = false;
};

Result<Accounts> find_accounts(const config::Config& config) {
  Accounts out;
  out.privileged = geteuid() == 0;
  if (!out.privileged) return out;
  UMAYA_TRY(out.mail_owner, find_user(config.get("mail_owner")));
  UMAYA_TRY(out.setgid_group, find_group(config.get("setgid_group")));
  return out;
}

/// One directory: made when missing, owner and mode as they must be.
Result<void> prepare(const std::string& path, const Place& place, const Accounts& accounts,
                     std::vector<std::string>& done) {
  if (mkdir(path.c_str(), 0700) == 0) {
    done.push_back("made directory " + path);
  } else if (errno != EEXIST) {
    return sys_error("make directory " + path);
  }
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info;
  if (!fd || fstat(fd.get(), &info) != 0) return sys_error(path);
  if (accounts.privileged) {
    const Account& owner = place.owner == Owner::root ? accounts.root : accounts.mail_owner;
    gid_t group = place.group == Group::setgid_group ? accounts.setgid_group : owner.gid;
    if (info.st_uid != owner.uid || info.st_gid != group) {
      if (fchown(fd.get(), owner.uid, group) != 0) return sys_error("change owner of " + path);
      if (info.st_uid != 0) done.push_back("changed owner of " + path);
    }
  }
  if ((info.st_mode & 07777) != place.mode && fchmod(fd.get(), place.mode) != 0)
    return sys_error("change mode of " + path);
  return {};
}

}  // namespace

Result<std::vector<std::string>> prepare_directories(const config::Config& config) {
  std::vector<std::string> done;
  UMAYA_TRY(Accounts accounts, find_accounts(config));
  std::string queue = config.get("queue_directory");
  UMAYA_CHECK(prepare(queue, {"", Owner::root, Group::own, 0755}, accounts, done));
  for (const Place& place : kQueuePlaces) {
    UMAYA_CHECK(prepare(queue + "/" + std::string(place.name), place, accounts, done));
  }
  UMAYA_CHECK(prepare(config.get("data_directory"), {"", Owner::mail_owner, Group::own, 0755}, accounts, done));
  return done;
}

pid_t running_master(const config::Config& config) {
  Fd fd(open((config.get("queue_directory") + "/pid/master.pid").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return 0;
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  char text[32] = {};
  if (pread(fd.get(), text, sizeof text - 1, 0) <= 0) return 0;
  return static_cast<pid_t>(parse_int(trim(text)).value_or(0));
}

}  // namespace umaya::daemon
