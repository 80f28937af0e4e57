// NAME    master - starts and watches the daemons of the mail system
//
// SYNOPSIS
//     master [-Ddstvw] [-c config_directory]
//
// DESCRIPTION
//     Keeps the services of master.cf(5) running: listens on their sockets, starts a process when somebody connects,
//     starts it again when it dies, wakes services up, limits how many sessions each may serve. It reads nothing that a
//     stranger wrote. Administrators start it with umaya(1).
//
//     -c dir  configuration directory   -s  stay in the foreground   -w  go to the background, wait until started
//     -t  only test whether the instance runs: exit 0 when it does not   -v  verbose
//
//     SIGTERM ends the mail system: every daemon finishes what it does, at most some seconds. SIGHUP reads main.cf and
//     master.cf again: services are added, removed and changed while sessions go on.
//
// RECEIVES FROM
//     the administrator, by signals; the daemons, by their status sockets
//
// HANDS TO
//     every daemon its listening sockets
//
// PRIVILEGE
//     Stays root when root started it; else the whole instance runs as the user who did.
//
// FILES
//     /etc/umaya/main.cf, /etc/umaya/master.cf, queue_directory/pid/master.pid (locked while it runs)
//
// SEE ALSO
//     umaya(1), master.cf(5), main.cf(5)
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "libcommon/daemon/daemon.h"
#include "libcommon/log/log.h"
#include "master/master.h"

using namespace umaya;

namespace {

/// Splits off a background process; the parent waits until the child says how its start went.
int go_to_background() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) log::fatal("pipe: {}", strerror(errno));
  pid_t pid = fork();
  if (pid < 0) log::fatal("fork: {}", strerror(errno));
  if (pid > 0) {
    close(ends[1]);
    char answer = 1;
    bool told = read(ends[0], &answer, 1) == 1;
    _exit(told ? answer : 1);
  }
  close(ends[0]);
  setsid();
  return ends[1];
}

/// Lets go of the terminal, once nothing can go wrong with the start any more.
void leave_terminal() {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
}

void serve(master::Master& services, const config::Config& config, int started_fd) {
  event::SignalWatch term(SIGTERM, [&] {
    log::info("terminating on signal {}", SIGTERM);
    services.stop();
  });
  event::SignalWatch interrupt(SIGINT, [&] { services.stop(); });
  event::SignalWatch hangup(SIGHUP, [&] { services.reload(); });
  event::SignalWatch child(SIGCHLD, [&] { services.reap_children(); });
  event::Loop::current().at_round_end([] { log::flush(); });
  if (auto started = services.start(); !started) {
    std::fprintf(stderr, "master: fatal: %s\n", started.error().what.c_str());
    log::fatal("{}", started.error().what);
  }
  log::info("daemon started -- version {}, configuration {}", config.get("mail_version"), config.directory());
  log::flush();
  if (started_fd >= 0) leave_terminal();
  char ok = 0;
  if (started_fd >= 0 && write(started_fd, &ok, 1) != 1) log::warning("nobody waits for our start");
  if (started_fd >= 0) close(started_fd);
  event::Loop::current().run();
}

}  // namespace

int main(int argc, char** argv) {
  const char* config_option = nullptr;
  bool background = true, test_only = false, waiting = false;
  int verbose = 0, letter;
  while ((letter = getopt(argc, argv, "c:Ddstvwe:")) != -1) {
    switch (letter) {
      case 'c':
        config_option = optarg;
        break;
      case 's':
        background = false;
        break;
      case 'd':
        background = false;
        break;
      case 't':
        test_only = true;
        break;
      case 'w':
        waiting = true;
        break;
      case 'v':
        ++verbose;
        break;
      case '?':
        return 1;
      default:
        break;
    }
  }
  log::open({.tag = "master", .file = "-", .also_stderr = false});
  auto config = config::Config::load(daemon::config_directory_of(config_option));
  if (!config) log::fatal("{}", config.error().what);
  config->name_process("master", "master");
  (void)daemon::raise_file_limit();  // one channel for each process
  umask(022);
  auto lock = master::lock_instance(*config);
  if (test_only) return lock ? 0 : 1;
  if (!lock) log::fatal("{}", lock.error().what);
  int started_fd = background && waiting ? go_to_background() : -1;
  if (background && !waiting && ::daemon(0, 0) != 0) log::fatal("daemon: {}", strerror(errno));
  daemon::open_log(*config, "master", verbose);
  if (auto written = master::write_pid(lock->get()); !written) log::fatal("{}", written.error().what);
  signal(SIGPIPE, SIG_IGN);
  if (chdir(config->get("queue_directory").c_str()) != 0) log::fatal("queue_directory: {}", strerror(errno));
  {
    master::Master services(*config, {});
    serve(services, *config, started_fd);
  }
  (void)!ftruncate(lock->get(), 0);
  log::flush();
  return 0;
}
