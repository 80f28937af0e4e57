// NAME    postdrop - puts a message of a user's program into maildrop/
//
// SYNOPSIS
//     postdrop -r [-c config_dir] [-v]
//
// DESCRIPTION
//     The only program by which ordinary users write into the queue. It reads the stream of services/postdrop from
//     standard input, checks every word of it, writes maildrop/ID, syncs file and directory, tells pickup, and answers
//     on standard output. It works while the mail system is down.
//
//     The input is hostile until proved otherwise: records have limits, addresses with line ends or other control
//     characters are refused, the sending user is the real uid and not what the stream says, the environment is thrown
//     away, inherited descriptors are closed. A configuration directory other than the default one must be listed there
//     in alternate_config_directories or multi_instance_directories, unless root asks.
//
// RECEIVES FROM
//     sendmail(1), smtpd(8) with -S, by a pipe.
//
// HANDS TO
//     pickup(8), by maildrop/ and a one-byte trigger to public/pickup.
//
// PRIVILEGE
//     Set-gid to setgid_group; the file belongs to the calling user. A signal removes the unfinished file; the handler
//     calls nothing but unlink and _exit.
//
// EXIT STATUS
//     0 the message is on disk; otherwise as in sysexits.h: 64 wrong use, 65 malformed input, 69 too large,
//     75 try again later, 77 not authorized (authorized_submit_users), 78 configuration error.
//
// FILES
//     main.cf; maildrop/
//
// SEE ALSO
//     sendmail(1), pickup(8)
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "libcommon/daemon/daemon.h"
#include "libcommon/log/log.h"
#include "submission/authorized_users.h"
#include "submission/drop_writer.h"

namespace umaya::submission {
namespace {

namespace postdrop = services::postdrop;

constexpr size_t kBlock = 64 * 1024;

extern "C" void remove_and_exit(int) {
  if (const char* path = DropWriter::current_path()) ::unlink(path);
  ::_exit(EX_TEMPFAIL);
}

void catch_signals() {
  struct sigaction action = {};
  ::sigfillset(&action.sa_mask);
  action.sa_handler = remove_and_exit;
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGXCPU}) ::sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;
  for (int signal : {SIGPIPE, SIGXFSZ}) ::sigaction(signal, &action, nullptr);
}

/// Standard descriptors open, all others closed.
void tidy_descriptors() {
  int fd;
  while ((fd = ::open("/dev/null", O_RDWR)) >= 0 && fd <= 2) {
  }
  ::close_range(3, ~0U, 0);
}

/// Whether the default main.cf lets set-gid programs use this directory.
bool is_listed(const std::string& dir) {
  auto standard = config::Config::load(daemon::config_directory_of(nullptr));
  if (!standard) return false;
  for (const char* parameter : {"alternate_config_directories", "multi_instance_directories"}) {
    auto list = standard->get_list(parameter);
    if (std::ranges::find(list, dir) != list.end()) return true;
  }
  return false;
}

struct Arguments {
  std::string config_dir;
  bool records = false;
  int verbose = 0;
  bool wrong = false;
};

Arguments parse_arguments(int argc, char** argv) {
  Arguments a;
  int letter;
  while ((letter = ::getopt(argc, argv, "c:rv")) != -1) {
    switch (letter) {
      case 'c':
        a.config_dir = optarg;
        break;
      case 'r':
        a.records = true;
        break;
      case 'v':
        ++a.verbose;
        break;
      default:
        a.wrong = true;
    }
  }
  a.wrong = a.wrong || optind != argc;
  return a;
}

/// The configuration directory, as far as the caller may choose it.
Result<std::string> choose_directory(const std::string& option) {
  const char* environment = ::getenv("MAIL_CONFIG");
  std::string asked = !option.empty() ? option : environment ? environment : "";
  ::clearenv();
  const std::string standard = daemon::config_directory_of(nullptr);
  const bool set_gid = ::getegid() != ::getgid() || ::geteuid() != ::getuid();
  if (asked.empty()) return standard;
  if (!set_gid || ::getuid() == 0 || asked == standard || is_listed(asked)) return asked;
  return permanent(
      fmt::format("configuration directory {}: not listed in alternate_config_directories or "
                  "multi_instance_directories of {}/main.cf",
                  asked, standard));
}

int answer(const postdrop::Receipt& receipt) {
  if (receipt.status != 0) log::warning("{}", receipt.reason);
  std::string text = postdrop::encode_receipt(receipt);
  while (!text.empty()) {
    ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno != EINTR) break;
    if (n > 0) text.erase(0, static_cast<size_t>(n));
  }
  log::flush();
  return receipt.status;
}

/// Wakes pickup; whether it runs does not matter.
void trigger(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return;
  path.copy(address.sun_path, path.size());
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  (void)::send(fd.get(), "W", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// Reads the stream to its end.
Result<> receive(DropWriter& writer) {
  postdrop::StreamReader reader(writer);
  std::string block(kBlock, '\0');
  for (;;) {
    ssize_t n = ::read(STDIN_FILENO, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read standard input");
    if (n == 0) break;
    UMAYA_CHECK(reader.feed(std::string_view(block).substr(0, static_cast<size_t>(n))));
  }
  if (!reader.ended()) return temporary("the sending program ended before its message did");
  return writer.finish();
}

int status_of(const Error& error, const DropWriter& writer) {
  if (writer.too_large()) return EX_UNAVAILABLE;
  return error.is_permanent() ? EX_DATAERR : EX_TEMPFAIL;
}

int run(const config::Config& config) {
  const uid_t uid = ::getuid();
  const std::string user = user_name(uid);
  auto allowed = is_authorized(config, "authorized_submit_users", user);
  if (!allowed) return answer({{}, EX_TEMPFAIL, allowed.error().what});
  if (!*allowed) return answer({{}, EX_NOPERM, fmt::format("User {}({}) is not allowed to submit mail", user, uid)});
  const std::string queue_directory = config.get("queue_directory");
  DropRules rules;
  rules.maildrop = queue_directory + "/maildrop";
  rules.size_limit = static_cast<uint64_t>(config.get_size("message_size_limit").value_or(0));
  if (config.get_bool("enable_long_queue_ids").value_or(false)) rules.id_form = queue::IdForm::long_form;
  DropWriter writer(std::move(rules));
  auto received = receive(writer);
  if (!received) return answer({{}, status_of(received.error(), writer), received.error().what});
  trigger(fmt::format("{}/public/{}", queue_directory, config.get("pickup_service_name")));
  return answer({writer.queue_id(), EX_OK, {}});
}

}  // namespace
}  // namespace umaya::submission

int main(int argc, char** argv) {
  using namespace umaya;
  submission::tidy_descriptors();
  submission::catch_signals();
  ::umask(077);
  auto arguments = submission::parse_arguments(argc, argv);
  log::Options early;
  early.tag = "postfix/postdrop";
  early.also_stderr = true;
  log::open(early);
  if (arguments.wrong || !arguments.records) {
    log::write(log::Level::fatal, "usage: postdrop -r [-c config_dir] [-v]");
    return EX_USAGE;
  }
  auto dir = submission::choose_directory(arguments.config_dir);
  if (!dir) return submission::answer({{}, EX_CONFIG, dir.error().what});
  auto config = config::Config::load(*dir);
  if (!config) return submission::answer({{}, EX_CONFIG, config.error().what});
  log::open({.tag = config->get("syslog_name") + "/postdrop",
             .file = config->get("maillog_file"),
             .facility = config->get("syslog_facility"),
             .verbose = ::getuid() == 0 ? arguments.verbose : 0});
  return submission::run(*config);
}
