// new: a throwaway instance with ports and users of its own.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "commands/umaya/commands.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/strings.h"
#include "libcommon/base/users.h"
#include "libcommon/daemon/instance.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

namespace {

constexpr std::string_view kMasterCf = R"(# service type private unpriv chroot wakeup maxproc command
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
become    unix  -       n       n       -       0       become
anvil     unix  -       -       n       -       1       anvil
auth      unix  -       -       n       -       0       authd
)";

/// For an instance that root makes on a host where Umaya is not installed: accounts that every Debian has.
constexpr const char* kBorrowedAccounts = "mail_owner = mail\nsetgid_group = mail\nnet_user = nobody\n";

Result<void> write_file(const std::string& path, std::string_view text) {
  std::ofstream out(path);
  out << text;
  out.close();
  if (!out) return sys_error("write " + path);
  return {};
}

std::string main_cf_of(const InstancePlan& plan) {
  std::string dir = plan.directory;
  return "# A throwaway instance; made by \"umaya new\".\n"
         "compatibility_level = 3.7\n"
         "queue_directory = " +
         dir +
         "/spool\n"
         "data_directory = " +
         dir +
         "/lib\n"
         "maillog_file = " +
         dir +
         "/mail.log\n"
         "passwd_file = " +
         dir +
         "/passwd\n"
         "myhostname = server." +
         plan.domain +
         "\n"
         "mydomain = " +
         plan.domain +
         "\n"
         "myorigin = $mydomain\n"
         "mydestination = $mydomain, $myhostname, localhost\n"
         "inet_interfaces = 127.0.0.1\n"
         "inet_protocols = ipv4\n"
         "mynetworks = 127.0.0.0/8\n"
         "alias_maps = hash:" +
         dir +
         "/aliases\n"
         "alias_database = $alias_maps\n"
         "home_mailbox = Maildir/\n" +
         (geteuid() == 0 ? kBorrowedAccounts : "") + plan.main_cf;
}

/// Whose mail it is: ours, or, made by root, nobody's: mail is never delivered as root.
User owner_of_homes() {
  if (geteuid() != 0) return {"", geteuid(), getegid(), "", "", ""};
  auto nobody = find_user_entry("nobody");
  return nobody && *nobody ? **nobody : User{"", 65534, 65534, "", "", ""};
}

Result<void> make_users(const InstancePlan& plan) {
  std::string passwd;
  User owner = owner_of_homes();
  for (const std::string& name : plan.users) {
    if (name.empty() || name.find_first_of("/:\n") != std::string::npos || name[0] == '.') {
      return permanent("user name \"" + name + "\": write a plain name");
    }
    std::string home = plan.directory + "/home/" + name;
    std::filesystem::create_directories(home);
    if (::chmod(home.c_str(), 0700) != 0 || ::chown(home.c_str(), owner.uid, owner.gid) != 0) return sys_error(home);
    passwd += passwd_line({name, owner.uid, owner.gid, name, home, "/bin/sh"}) + "\n";
  }
  return write_file(plan.directory + "/passwd", passwd);
}

}  // namespace

Result<void> build_aliases(const config::Config& config) {
  std::string path = config.get("command_directory") + "/sendmail";
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork");
  if (pid == 0) {
    setenv("MAIL_CONFIG", config.directory().c_str(), 1);
    execl(path.c_str(), "newaliases", nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return temporary("newaliases failed for " + config.directory());
  return {};
}

uint16_t free_port() {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return 0;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin_port);
}

Result<void> make_instance(const InstancePlan& plan) {
  std::error_code error;
  std::filesystem::create_directories(plan.directory, error);
  if (error) return temporary(plan.directory + ": " + error.message());
  if (std::filesystem::exists(plan.directory + "/main.cf")) {
    return permanent(plan.directory + " has a main.cf already: name another directory");
  }
  std::string master(kMasterCf);
  auto inet = [&master](uint16_t port, std::string_view command) {
    if (port != 0) master += fmt::format("127.0.0.1:{:<5} inet n - n - - {}\n", port, command);
  };
  inet(plan.smtp_port, "smtpd");
  inet(plan.pop3_port, "pop3d");
  UMAYA_CHECK(write_file(plan.directory + "/main.cf", main_cf_of(plan)));
  UMAYA_CHECK(write_file(plan.directory + "/master.cf", master));
  UMAYA_CHECK(write_file(plan.directory + "/aliases", plan.users.empty() ? "" : "postmaster: " + plan.users[0] + "\n"));
  UMAYA_CHECK(make_users(plan));
  auto config = config::Config::load(plan.directory);
  if (!config) return std::unexpected(config.error());
  if (auto prepared = daemon::prepare_directories(*config); !prepared) return std::unexpected(prepared.error());
  return build_aliases(*config);
}

int new_instance(const Invocation& invocation, const std::vector<std::string>& arguments) {
  InstancePlan plan;
  plan.directory = std::filesystem::absolute(invocation.config_directory);
  plan.smtp_port = free_port();
  for (const std::string& argument : arguments) {
    size_t equals = argument.find('=');
    std::string key = argument.substr(0, equals);
    std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    auto number = parse_uint(value);
    if (key == "domain" && !value.empty()) {
      plan.domain = value;
    } else if (key == "user" && !value.empty()) {
      plan.users.push_back(value);
    } else if (key == "smtp" && number && *number < 65536) {
      plan.smtp_port = static_cast<uint16_t>(*number);
    } else if (key == "pop3" && number && *number < 65536) {
      plan.pop3_port = static_cast<uint16_t>(*number);
    } else {
      log::fatal("new: {}: write domain=NAME, user=NAME, smtp=PORT or pop3=PORT", argument);
    }
  }
  if (auto made = make_instance(plan); !made) log::fatal("{}", made.error().what);
  std::printf("instance %s: domain %s, smtp port %u, pop3 port %u\nstart it with: umaya -c %s start\n",
              plan.directory.c_str(), plan.domain.c_str(), plan.smtp_port, plan.pop3_port, plan.directory.c_str());
  return 0;
}

}  // namespace umaya::commands
