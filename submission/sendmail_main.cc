// NAME    sendmail - posts mail, and the other jobs that programs expect under this name
//
// SYNOPSIS
//     sendmail [-t] [-i] [-f sender] [-F name] [-N dsn] [-R full|hdrs] [-V envid] [-v] [recipient …] < message
//     sendmail -bs | -bv recipient … | -bt | -bd | -bi | -bp | -q | -qRsite | -qIid
//     mailq                    (sendmail -bp)
//     newaliases               (sendmail -bi)
//
// DESCRIPTION
//     Reads a message from standard input up to its end, or up to a line with a dot alone unless -i (-oi) is given, and
//     puts it into the queue by way of postdrop. This works while the mail system is down: the message waits in
//     maildrop/.
//
//     -t takes recipients from To:, Cc: and Bcc: (or, when there is any Resent- header, from the Resent- ones), in
//     addition to those of the command line. -f and -r set the envelope sender, "" or "<>" is the null sender; without
//     them it is the login name. -F, or the environment's NAME, is the full name for a From: header that is missing.
//     -N never|success,failure,delay, -R full|hdrs and -V envid ask for notices (RFC 3461); -v has every delivery
//     reported by mail, -bv reports what would be done and delivers nothing. -XV asks for VERP.
//
//     -bs speaks SMTP on standard input and output. -bt is a dialogue that shows what would be done with an address:
//     "/parse ADDRESS" or an address alone, "/mx DOMAIN", "/quit". -bd starts the mail system; -bi makes the alias
//     tables (-oA names others); -bp lists the queue; -q flushes it, -qR for one destination, -qI for one message.
//     -C names the configuration directory, also as a main.cf in it.
//
//     Accepted without effect: -A -B -G -L -O -U -X -c -d -e -h -m -n -p, -o other than i and A, -q with an interval.
//
// EXIT STATUS
//     As in sysexits.h: 0 the message is on disk; 64 wrong use, 65 an address with control characters, 69 refused
//     (too large), 71 system error, 75 try again later (disk full, queue not writable), 77 not authorized, 78
//     configuration error.
//
// PRIVILEGE
//     None: runs as the calling user and is neither set-uid nor set-gid.
//
// FILES
//     main.cf; maildrop/ by way of postdrop.
//
// SEE ALSO
//     postdrop(1), pickup(8), postqueue(1), postalias(1), smtpd(8)
#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "libcommon/daemon/daemon.h"
#include "libcommon/log/log.h"
#include "submission/address_test.h"
#include "submission/sendmail.h"

namespace umaya::submission {
namespace {

/// -C may name main.cf itself.
std::string directory_of(const SendmailOptions& options) {
  std::string dir = daemon::config_directory_of(options.config_dir.empty() ? nullptr : options.config_dir.c_str());
  struct stat status;
  if (::stat(dir.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    size_t slash = dir.rfind('/');
    dir = slash == dir.npos ? "." : dir.substr(0, slash);
  }
  return dir;
}

/// Becomes another program of ours.
int become(const std::string& program, std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  return fail(EX_UNAVAILABLE, fmt::format("execute {}: {}", program, strerror(errno)));
}

int make_aliases(const config::Config& config, const SendmailOptions& options) {
  std::vector<std::string> arguments = {"postalias"};
  if (!options.alias_files.empty()) {
    arguments.push_back(options.alias_files);
  } else if (!options.arguments.empty()) {
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  } else {
    for (std::string& file : config.get_list("alias_database")) arguments.push_back(std::move(file));
  }
  if (arguments.size() == 1) return fail(EX_CONFIG, "no alias_database is configured: newaliases has nothing to do");
  return become(find_program(config, "postalias", "command_directory"), std::move(arguments));
}

int queue_command(const config::Config& config, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "postqueue");
  return become(find_program(config, "postqueue", "command_directory"), std::move(arguments));
}

int run(const config::Config& config, const SendmailOptions& options) {
  switch (options.mode) {
    case Mode::deliver:
    case Mode::verify:
      return post_message(config, options);
    case Mode::smtp:
      return become(find_program(config, "smtpd", "daemon_directory"), {"smtpd", "-S", "-n", "smtpd"});
    case Mode::daemon:
      return become(find_program(config, "umaya", "command_directory"), {"umaya", "start"});
    case Mode::aliases:
      return make_aliases(config, options);
    case Mode::list_queue:
      return queue_command(config, {"-p"});
    case Mode::flush:
      return queue_command(config, {"-f"});
    case Mode::flush_site:
      return queue_command(config, {"-s", options.queue_argument});
    case Mode::flush_one:
      return queue_command(config, {"-i", options.queue_argument});
    case Mode::test:
      return address_test(config);
    case Mode::nothing:
      return EX_OK;
  }
  return EX_SOFTWARE;
}

}  // namespace
}  // namespace umaya::submission

int main(int argc, char** argv) {
  using namespace umaya;
  log::Options early;
  early.tag = "postfix/sendmail";
  early.also_stderr = true;
  log::open(early);
  auto options = submission::parse_sendmail_options(std::vector<std::string>(argv, argv + argc));
  if (!options) return submission::fail(EX_USAGE, options.error().what);
  const std::string dir = submission::directory_of(*options);
  ::setenv("MAIL_CONFIG", dir.c_str(), 1);
  auto config = config::Config::load(dir);
  if (!config) return submission::fail(EX_CONFIG, config.error().what);
  log::open({.tag = config->get("syslog_name") + "/sendmail",
             .file = config->get("maillog_file"),
             .facility = config->get("syslog_facility"),
             .also_stderr = true,
             .verbose = options->verbose > 1 ? options->verbose - 1 : 0});
  int status = submission::run(*config, *options);
  log::flush();
  return status;
}
