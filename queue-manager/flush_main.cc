// NAME    flush - delivers what waits for one site at once (ETRN, postqueue -s)
//
// SYNOPSIS
//     flush [Postfix's daemon options]
//
// DESCRIPTION
//     Keeps for each site of fast_flush_domains a list of the messages that wait for it, and has them tried when the
//     site asks for its mail. A site that is not in fast_flush_domains is refused.
//
// RECEIVES FROM
//     qmgr(8), with what waits; smtpd(8) for ETRN; postqueue(1) by way of qmgr.
//
// HANDS TO
//     qmgr(8)
//
// PRIVILEGE
//     mail_owner; no network.
//
// FILES
//     flush/
//
// SEE ALSO
//     qmgr(8), postqueue(1), smtpd(8)
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/daemon/queue_hooks.h"
#include "libcommon/fs/directory.h"
#include "libcommon/fs/file.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/route/router.h"
#include "libcommon/services/flush.h"
#include "libcommon/services/qmgr.h"
#include "libcommon/table/open.h"
#include "queue-manager/site_log.h"

namespace umaya::qmgr {
namespace {

namespace service = services::flush;

constexpr Duration kLimit = std::chrono::seconds(60);

struct Flush {
  table::MatchList domains;
  std::unique_ptr<ipc::ChannelPool> queue_manager;
  std::string directory;
  int64_t refresh_after = 0;
  int64_t purge_after = 0;
};
std::unique_ptr<Flush> flush;

Result<void> prepare(daemon::Process& process) {
  flush = std::make_unique<Flush>();
  const config::Config& config = process.config();
  UMAYA_TRY(auto router, route::Router::open(config));
  flush->domains =
      table::MatchList::parse(table::options_from(config), "fast_flush_domains", config.get("fast_flush_domains"),
                              table::MatchKind::domain, router->parent_style("fast_flush_domains"));
  flush->queue_manager =
      std::make_unique<ipc::ChannelPool>(process.queue_path("public/" + config.get("queue_service_name")));
  flush->directory = process.queue_path("flush");
  UMAYA_TRY(Duration refresh, config.get_time("fast_flush_refresh_time"));
  UMAYA_TRY(Duration purge, config.get_time("fast_flush_purge_time"));
  flush->refresh_after = std::chrono::duration_cast<std::chrono::seconds>(refresh).count();
  flush->purge_after = std::chrono::duration_cast<std::chrono::seconds>(purge).count();
  return {};
}

event::Task<service::Status> send_message(std::string id) {
  if (!queue::valid_id(id)) co_return service::Status::bad_request;
  auto lease = flush->queue_manager->lease();
  if (!lease) co_return service::Status::failed;
  services::qmgr::Command command;
  command.verb = services::qmgr::Verb::flush_message;
  command.argument = std::move(id);
  auto done = co_await (*lease)->call<services::qmgr::Done>(std::move(command), {}, kLimit);
  if (!done) lease->drop();
  co_return done ? service::Status::ok : service::Status::failed;
}

event::Task<service::Status> send_site(std::string site) {
  auto ids = take_site_log(flush->directory, site);
  if (!ids) co_return ids.error().is_permanent() ? service::Status::bad_request : service::Status::failed;
  for (size_t i = 0; i < ids->size(); ++i) {
    service::Status status = co_await send_message((*ids)[i]);
    if (status == service::Status::ok) continue;
    for (; i < ids->size(); ++i) (void)add_to_site_log(flush->directory, site, (*ids)[i]);
    co_return status;
  }
  co_return service::Status::ok;
}

/// Logs that nobody asked for: tried after fast_flush_refresh_time, removed when empty for fast_flush_purge_time.
event::Task<service::Status> refresh() {
  auto reader = fs::DirectoryReader::open(flush->directory);
  if (!reader) co_return service::Status::failed;
  std::vector<std::string> names;
  while (auto entry = reader->next()) names.emplace_back(entry->name);
  for (const std::string& name : names) {
    struct stat status;
    std::string path = flush->directory + "/" + name;
    if (::lstat(path.c_str(), &status) < 0 || !S_ISREG(status.st_mode)) continue;
    int64_t age = wall_seconds() - status.st_mtime;
    if (status.st_size > 0 && age >= flush->refresh_after) (void)co_await send_site(name);
    if (status.st_size == 0 && age >= flush->purge_after) (void)fs::remove(path);
  }
  co_return service::Status::ok;
}

event::Task<service::Status> answer(service::Request request) {
  if (request.verb == service::Verb::send_message) co_return co_await send_message(request.queue_id);
  if (request.verb == service::Verb::refresh || request.verb == service::Verb::purge) co_return co_await refresh();
  flush->domains.refresh();
  table::Match match = flush->domains.matches(to_lower(request.site));
  if (match == table::Match::error) co_return service::Status::failed;
  if (match == table::Match::no) co_return service::Status::denied;
  if (request.verb == service::Verb::send_site) co_return co_await send_site(request.site);
  auto added = add_to_site_log(flush->directory, request.site, request.queue_id);
  if (!added) log::warning("{}: {}", request.site, added.error().what);
  co_return added ? service::Status::ok : service::Status::failed;
}

event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress) {
  ipc::Channel channel(std::move(fd));
  while (!process.stopping()) {
    auto packet = co_await channel.receive_packet();
    if (!packet) break;
    service::Done done;
    if (packet->bytes.size() == 1) {  // the wake-up of master
      done.status = co_await refresh();
      continue;
    }
    auto request = ipc::decode<service::Request>(packet->bytes);
    if (!request) break;
    done.status = co_await answer(std::move(*request));
    auto sent = co_await channel.send(std::move(done));
    if (!sent) break;
  }
}

}  // namespace
}  // namespace umaya::qmgr

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks = daemon::queue_hooks("flush", daemon::QueueAccess::change);
  hooks.prepare = qmgr::prepare;
  hooks.session = qmgr::session;
  int status = daemon::run(argc, argv, std::move(hooks));
  qmgr::flush.reset();
  return status;
}
