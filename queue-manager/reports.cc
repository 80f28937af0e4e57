#include "queue-manager/reports.h"

#include <algorithm>

#include "libcommon/log/log.h"
#include "libcommon/services/flush.h"

namespace umaya::qmgr {

using namespace std::chrono_literals;
using services::bounce::Kind;

namespace {

/// A notice of a large message is posted through cleanup before the answer comes.
constexpr Duration kLimit = 1000s;

}  // namespace

Reports::Reports(const Params& params, size_t connections)
    : bounce_("private/" + params.bounce_service, std::min(kKept, connections / 4)),
      defer_("private/" + params.defer_service, std::min(kKept, connections / 4)),
      trace_("private/" + params.trace_service, std::min(kKept, connections / 4)),
      flush_("public/" + params.flush_service, 1),
      free_(std::clamp<size_t>(connections, 1, kParallel)) {}

ipc::ChannelPool& Reports::pool(Kind kind) {
  return kind == Kind::bounce ? bounce_ : kind == Kind::defer ? defer_ : trace_;
}

template <class Request>
event::Task<bool> Reports::call(Kind kind, Request request, int fd) {
  (void)co_await free_.acquire();
  std::vector<int> fds;
  if (fd >= 0) fds.push_back(fd);
  bool done = false;
  // An idle connection may have been closed by a service that ended: then a second one is tried.
  for (int attempt = 0; attempt < 2 && !done; ++attempt) {
    auto lease = pool(kind).lease();
    if (!lease) {
      log::warning("{} service: {}", services::bounce::name_of(kind), lease.error().what);
      break;
    }
    Request copy = request;
    Result<services::bounce::Done> answer =
        co_await (*lease)->template call<services::bounce::Done>(std::move(copy), fds, kLimit);
    if (answer) {
      done = answer->ok;
      if (!done) log::warning("{} service: {}", services::bounce::name_of(kind), answer->text);
      break;
    }
    lease->drop();
    if (attempt > 0) log::warning("{} service: {}", services::bounce::name_of(kind), answer.error().what);
  }
  free_.release();
  co_return done;
}

event::Task<bool> Reports::append(Kind kind, std::string queue_id, std::vector<services::bounce::Record> records) {
  services::bounce::Append request;
  request.kind = kind;
  request.queue_id = std::move(queue_id);
  request.records = std::move(records);
  return call(kind, std::move(request), -1);
}

event::Task<bool> Reports::notify(services::bounce::Notify request, int fd) {
  Kind kind = request.log;
  return call(kind, std::move(request), fd);
}

event::Task<bool> Reports::forget(Kind kind, std::string queue_id) {
  services::bounce::Forget request;
  request.kind = kind;
  request.queue_id = std::move(queue_id);
  return call(kind, std::move(request), -1);
}

void Reports::note_site(const std::string& site, const std::string& queue_id) {
  services::flush::Request request;
  request.site = site;
  request.queue_id = queue_id;
  auto lease = flush_.lease();
  if (!lease) return;
  (void)(*lease)->send_now(ipc::encode(request));
  lease->drop();
}

event::Task<services::flush::Status> Reports::flush_site(std::string site) {
  services::flush::Request request;
  request.verb = services::flush::Verb::send_site;
  request.site = std::move(site);
  auto lease = flush_.lease();
  if (!lease) co_return services::flush::Status::failed;
  auto done = co_await (*lease)->call<services::flush::Done>(std::move(request), {}, kLimit);
  if (done) co_return done->status;
  lease->drop();
  co_return services::flush::Status::failed;
}

}  // namespace umaya::qmgr
