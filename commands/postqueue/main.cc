// NAME    postqueue - show and flush the queue
//
// SYNOPSIS
//     postqueue [-v] [-c config_dir] -f
//     postqueue [-v] [-c config_dir] -i queue_id
//     postqueue [-v] [-c config_dir] -j | -p
//     postqueue [-v] [-c config_dir] -s site
//
// DESCRIPTION
//     For every user, as far as authorized_flush_users and authorized_mailq_users let them. Installed set-gid.
//
//     -c config_dir  The instance; default: $MAIL_CONFIG, else /etc/umaya.
//     -f             Try all deferred mail now, also for destinations that were found dead.
//     -i queue_id    Try this message now.
//     -j             The queue as JSON, an object for each message on a line of its own.
//     -p             The queue as mailq(1) shows it: "*" marks what is being delivered, "!" what is on hold, "#" what
//                    goes back to its sender at the next try.
//     -s site        Try what waits for this site of fast_flush_domains now.
//     -v             More messages (root only).
//
// FILES
//     public/showq, public/qmgr
//
// ERRORS
//     64 usage, 69 the mail system is down, 77 not authorized.
//
// SEE ALSO
//     qmgr(8), showq(8), postsuper(1), sendmail(1)
#include <sysexits.h>
#include <unistd.h>

#include "commands/postqueue/access.h"
#include "commands/postqueue/requests.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/queue_id.h"

namespace umaya::postqueue {
namespace {

struct Request {
  char action = 0;
  std::string argument;
  std::string config_directory;
};

[[noreturn]] void fail(int status, std::string_view text) {
  log::write(log::Level::fatal, text);
  std::exit(status);
}

Request parse(int argc, char** argv) {
  Request request;
  int letter;
  while ((letter = ::getopt(argc, argv, "c:fi:jps:v")) != -1) {
    if (letter == 'c') {
      request.config_directory = optarg;
    } else if (letter == '?' || (letter != 'v' && request.action != 0)) {
      fail(EX_USAGE, "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site");
    } else if (letter != 'v') {
      request.action = static_cast<char>(letter);
      if (optarg != nullptr) request.argument = optarg;
    }
  }
  if (request.action == 0 || optind != argc) {
    fail(EX_USAGE, "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site");
  }
  return request;
}

int run(const Request& request) {
  auto directory = choose_directory(request.config_directory);
  if (!directory) fail(EX_NOPERM, directory.error().what);
  auto config = config::Config::load(*directory);
  if (!config) fail(EX_CONFIG, config.error().what);
  bool is_list = request.action == 'p' || request.action == 'j';
  auto allowed = is_authorized(*config, is_list ? "authorized_mailq_users" : "authorized_flush_users");
  if (!allowed) fail(EX_TEMPFAIL, allowed.error().what);
  if (!*allowed) {
    fail(EX_NOPERM, std::string("User uid=") + std::to_string(::getuid()) + " is not allowed to " +
                        (is_list ? "view the mail queue" : "flush the mail queue"));
  }
  using services::qmgr::Verb;
  switch (request.action) {
    case 'p':
      return list_queue(*config, Listing::text);
    case 'j':
      return list_queue(*config, Listing::json);
    case 'f':
      return command(*config, Verb::flush_all, {});
    case 'i':
      if (!queue::valid_id(request.argument)) fail(EX_USAGE, "invalid mail queue ID: " + request.argument);
      return command(*config, Verb::flush_message, request.argument);
    default:
      return command(*config, Verb::flush_site, request.argument);
  }
}

}  // namespace
}  // namespace umaya::postqueue

int main(int argc, char** argv) {
  using namespace umaya;
  log::Options options;
  options.tag = "postfix/postqueue";
  options.also_stderr = true;
  log::open(std::move(options));
  return postqueue::run(postqueue::parse(argc, argv));
}
