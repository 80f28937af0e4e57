// NAME    postsuper - remove, hold, release, requeue and expire messages; keep the queue in order
//
// SYNOPSIS
//     postsuper [-psSv] [-c config_dir] [-d id] [-e id] [-f id] [-h id] [-H id] [-r id] [queue ...]
//
// DESCRIPTION
//     For the administrator. An id may be ALL (upper case) for every message, or "-" for the ids on standard input.
//     Queues are hold, incoming, active, deferred unless others are named.
//
//     -c config_dir  The instance; default: $MAIL_CONFIG, else /etc/umaya.
//     -d id          Remove the message. Nobody is told.
//     -e id          Return it to its sender at the next try.
//     -f id          The same, and take it off hold.
//     -h id          Put it on hold: no attempt until it is released.
//     -H id          Take it off hold.
//     -r id          Send it through cleanup again, so that changed tables take effect.
//     -p             Remove files that were never completed and are older than seven days.
//     -s, -S         Move files where hash_queue_names and hash_queue_depth want them.
//
//     Without options: -s -p.
//
// ERRORS
//     Ids that are nowhere are passed over silently. Status 1 for wrong usage.
//
// SEE ALSO
//     postqueue(1), postcat(1), qmgr(8)
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "commands/postsuper/actions.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/queue_id.h"

namespace umaya::postsuper {
namespace {

struct Request {
  std::vector<Order> orders;
  std::vector<queue::QueueName> queues;
  bool mend = false;
  bool purge = false;
  const char* config_directory = nullptr;
};

void add_orders(Request& request, Verb verb, std::string_view id) {
  auto add = [&](std::string_view one) {
    if (one != "ALL" && !queue::valid_id(one)) log::fatal("invalid mail queue id: {}", one);
    request.orders.push_back({verb, std::string(one)});
  };
  if (id != "-") return add(id);
  for (std::string line; std::getline(std::cin, line);) {
    if (!trim(line).empty()) add(trim(line));
  }
}

Request parse(int argc, char** argv) {
  Request request;
  int letter;
  while ((letter = ::getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) != -1) {
    switch (letter) {
      case 'c':
        request.config_directory = optarg;
        break;
      case 'd':
        add_orders(request, Verb::remove, optarg);
        break;
      case 'e':
        add_orders(request, Verb::expire, optarg);
        break;
      case 'f':
        add_orders(request, Verb::expire_and_release, optarg);
        break;
      case 'h':
        add_orders(request, Verb::hold, optarg);
        break;
      case 'H':
        add_orders(request, Verb::release, optarg);
        break;
      case 'r':
        add_orders(request, Verb::requeue, optarg);
        break;
      case 'p':
        request.purge = true;
        break;
      case 's':
      case 'S':
        request.mend = true;
        break;
      case 'v':
        break;
      default:
        log::fatal(
            "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] "
            "[-f queue_id (force expire)] [-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temp)] "
            "[-r queue_id (requeue)] [-s (structure fix)] [-S (redundant structure fix)] [queue ...]");
    }
  }
  for (int i = optind; i < argc; ++i) {
    auto name = queue::queue_named(argv[i]);
    if (!name) log::fatal("invalid directory name: {}", argv[i]);
    request.queues.push_back(*name);
  }
  if (request.orders.empty() && !request.mend && !request.purge) request.mend = request.purge = true;
  return request;
}

/// New directories belong to the owner of the queue, whoever we are.
void become_owner(const std::string& directory) {
  struct stat status;
  if (::stat((directory + "/active").c_str(), &status) < 0) log::fatal("{}: {}", directory, strerror(errno));
  if (::geteuid() != 0 && ::geteuid() != status.st_uid) log::fatal("use of this command is reserved for the superuser");
  if (::geteuid() == 0 && (::setegid(status.st_gid) < 0 || ::seteuid(status.st_uid) < 0)) {
    log::fatal("cannot become the owner of {}: {}", directory, strerror(errno));
  }
}

int run(const Request& request) {
  auto config = config::Config::load(daemon::config_directory_of(request.config_directory));
  if (!config) log::fatal("{}", config.error().what);
  std::string directory = config->get("queue_directory");
  become_owner(directory);
  auto depth = config->get_int("hash_queue_depth");
  if (!depth) log::fatal("{}", depth.error().what);
  queue::QueueDirectories spool(directory, {config->get_list("hash_queue_names"), static_cast<unsigned>(*depth)});
  Surgeon surgeon(
      spool, request.queues, [](std::string_view line) { log::info("{}", line); },
      [](std::string_view line) { log::warning("{}", line); });
  if (request.mend) surgeon.mend();
  if (request.purge) surgeon.purge();
  for (const Order& order : request.orders) surgeon.run(order);
  for (const std::string& line : surgeon.summary()) log::info("{}", line);
  log::flush();
  return 0;
}

}  // namespace
}  // namespace umaya::postsuper

int main(int argc, char** argv) {
  using namespace umaya;
  log::Options options;
  options.tag = "postfix/postsuper";
  options.also_stderr = true;
  log::open(std::move(options));
  return postsuper::run(postsuper::parse(argc, argv));
}
