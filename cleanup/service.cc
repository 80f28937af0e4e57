#include "cleanup/service.h"

#include <algorithm>

#include "libcommon/services/qmgr.h"

namespace umaya::cleanup {
namespace {

// Ids in one packet to the queue manager.
constexpr size_t kIdsAtOnce = 512;

}  // namespace

Service::Service(Params params)
    : params_(std::move(params)),
      spool_(params_.queue_directory,
             {.names = params_.hash_queue_names, .depth = static_cast<unsigned>(params_.hash_queue_depth)}),
      space_(params_.queue_directory),
      inflow_(spool_, {.delay = params_.in_flow_delay, .ahead = static_cast<size_t>(params_.default_process_limit)}) {}

Result<std::unique_ptr<Service>> Service::open(const config::Config& config) {
  Params params;
  UMAYA_CHECK(config::bind(config, kBindings, params));
  auto out = std::unique_ptr<Service>(new Service(std::move(params)));
  UMAYA_TRY(out->router_, route::Router::open(config));
  UMAYA_CHECK(out->read_characters());
  out->checks_.open(table::options_from(config), out->params_);
  return out;
}

Result<> Service::read_characters() {
  text_options_.replace_stray = params_.replace_stray_cr_lf;
  auto strip = unescape(params_.message_strip_characters);
  if (!strip) return permanent("message_strip_characters: " + strip.error().what);
  auto reject = unescape(params_.message_reject_characters);
  if (!reject) return permanent("message_reject_characters: " + reject.error().what);
  text_options_.strip = std::move(*strip);
  text_options_.reject = std::move(*reject);
  return {};
}

void Service::start(event::TaskScope& scope) {
  pool_ = std::make_unique<event::WorkerPool>(kSyncThreads + 1);
  committer_ = std::make_unique<Committer>(*pool_, scope, spool_,
                                           [this](std::vector<std::string> ids) { announce(std::move(ids)); });
}

bool Service::detects_utf8() const {
  const auto& classes = params_.smtputf8_autodetect_classes;
  return std::any_of(classes.begin(), classes.end(),
                     [](const std::string& c) { return c == "sendmail" || c == "all"; });
}

void Service::refresh() {
  router_->refresh();
  checks_.refresh();
}

void Service::announce(std::vector<std::string> ids) {
  for (const std::string& id : ids) inflow_.add(id);
  for (size_t at = 0; at < ids.size(); at += kIdsAtOnce) {
    services::qmgr::NewMessage message;
    auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
    auto count = static_cast<std::ptrdiff_t>(std::min(kIdsAtOnce, ids.size() - at));
    message.queue_ids.assign(std::make_move_iterator(first), std::make_move_iterator(first + count));
    std::string bytes = ipc::encode(message);
    if (qmgr_ && qmgr_->send_now(bytes)) continue;
    auto channel = ipc::Channel::connect(params_.queue_directory + "/" + std::string(services::qmgr::kSocket));
    qmgr_ = channel ? std::move(*channel) : nullptr;
    if (qmgr_ && !qmgr_->send_now(bytes)) qmgr_.reset();
  }
}

}  // namespace umaya::cleanup
