// NAME    umaya - controls the mail system
//
// SYNOPSIS
//     umaya [-v] [-c config_directory] command
//
// DESCRIPTION
//     An instance is a configuration directory; without -c it is $MAIL_CONFIG, or /etc/umaya. Started by root the
//     daemons change to mail_owner and net_user; started by an ordinary user the instance runs whole as that user.
//
//     start       check, then run the mail system in the background; returns when it listens
//     start-fg    the same in the foreground, for service managers
//     stop        end it: daemons finish what they do, at most some seconds
//     abort       end it at once
//     reload      read main.cf and master.cf again while sessions go on
//     status      say whether it runs, and what each of its processes may do; exit 0 when it runs, 1 when not
//     who         list the users who are logged in: name, service, address, since when, TLS, process
//     kick        end the sessions of a user, or from an address: umaya kick USER|ADDRESS; exit 1 when there are none
//     quota       say how full mailboxes are: umaya quota get USER|ADDRESS …; for each its address, the octets it holds
//                 and may hold, percent, the messages it holds and may hold; "-" is no limit, or not known. umaya quota
//                 recalc counts them anew
//     check       make missing directories, say what is wrong in main.cf and master.cf and what has no effect
//     flush       try to deliver everything that was deferred
//     new         make a throwaway instance: umaya -c DIR new [domain=NAME] [smtp=PORT] [pop3=PORT] [user=NAME …]
//     explain     say what would be done with each address named, and why
//     demo        run the whole suite in a new directory and show a message on its way
//
//   Users and passwords. A password is read from the terminal, or is the first line of standard input.
//
//     auth test USER      ask the authentication server (auth_socket_path) whether the password is right, as pop3d
//     does;
//                         service=NAME and rip=ADDRESS say for whom
//     auth lookup USER    uid, gid, home and mail that the server (auth_master_socket_path) tells of a user
//     auth list           the users that authd can list
//     pw                  make a stored password for a passwd-file or a table: -s SCHEME (SHA512-CRYPT), -r ROUNDS;
//     test one
//                         with -t '{SCHEME}DATA'; -l lists the schemes
//     user list           the users in auth_passwd_file
//     user add NAME       add one: -s SCHEME, and fields: uid=1001 gid=1001 home=DIR mail=maildir:DIR nologin
//     allow_nets=NET user passwd NAME    change its password; everything else in the file stays as it is user delete
//     NAME    remove it; its mail stays
//
// EXIT STATUS
//     0 done; 1 not running, already running, a wrong password, or an error that was printed; 75 (auth, quota) the
//     server cannot say now
//
// FILES
//     /etc/umaya/main.cf, /etc/umaya/master.cf, auth_passwd_file (/etc/umaya/users)
//
// SEE ALSO
//     master(8), authd(8), main.cf(5), master.cf(5), postqueue(1), postconf(1)
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "commands/umaya/commands.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/log/log.h"

using namespace umaya;

namespace {

struct Verb {
  std::string_view name;
  int (*run)(const commands::Invocation&, const std::vector<std::string>&);
};

constexpr Verb kVerbs[] = {
    {"start", commands::start},      {"start-fg", commands::start_foreground},
    {"stop", commands::stop},        {"abort", commands::abort_now},
    {"reload", commands::reload},    {"status", commands::status},
    {"flush", commands::flush},      {"check", commands::check},
    {"new", commands::new_instance}, {"explain", commands::explain},
    {"demo", commands::demo},        {"auth", commands::auth_command},
    {"pw", commands::pw_command},    {"user", commands::user_command},
    {"demo", commands::demo},        {"who", commands::who},
    {"kick", commands::kick},        {"quota", commands::quota_command},
};

int usage() {
  std::fputs("usage: umaya [-v] [-c config_directory] command\ncommands:", stderr);
  for (const Verb& verb : kVerbs) std::fprintf(stderr, " %s", std::string(verb.name).c_str());
  std::fputs("\nsee umaya(1)\n", stderr);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  commands::Invocation invocation;
  const char* config_option = nullptr;
  int letter;
  while ((letter = getopt(argc, argv, "+c:vD")) != -1) {
    if (letter == 'c') config_option = optarg;
    if (letter == 'v') ++invocation.verbose;
    if (letter == '?') return usage();
  }
  invocation.config_directory = daemon::config_directory_of(config_option);
  if (optind >= argc) return usage();
  std::vector<std::string> arguments(argv + optind + 1, argv + argc);
  log::open({.tag = "umaya", .file = "-"});
  for (const Verb& verb : kVerbs) {
    if (verb.name == argv[optind]) return verb.run(invocation, arguments);
  }
  return usage();
}
