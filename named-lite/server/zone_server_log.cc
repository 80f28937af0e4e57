// The log in the zone process: its own lines, those of the others, and what is to be written.
#include "libcommon/base/strings.h"
#include "libcommon/log/divert.h"
#include "named-lite/logging/log_sender.h"
#include "named-lite/server/zone_server.h"

namespace umaya::named {

static constexpr size_t kMostLogLine = 4096;

/// Of this process itself.
bool ZoneServer::take_line(log::Level level, std::string_view text) {
  bool taken = router_.write({current_category(), level, log_time(), std::string(text)});
  router_.flush();
  return taken;
}

void ZoneServer::write_record(const LogRecord& record) {
  if (!router_.write(record)) log::write(record.level, record.text);
}

/// From processes that face strangers: nothing of it is believed.
void ZoneServer::take_log(LogBatch batch) {
  for (LogRecord& record : batch.records) {
    if (static_cast<size_t>(record.category) >= kCategories || record.level > log::Level::error) continue;
    record.text = printable(std::string_view(record.text).substr(0, kMostLogLine), true);
    write_record(record);
  }
  if (batch.dropped > 0) log::warning("{} lines of the log were dropped: there were too many", batch.dropped);
  router_.flush();
}

/// querylog counts at the start and whenever it is said; else ndc has the last word.
void ZoneServer::configure_log(const NamedConf& conf) {
  bool first = responder_.snapshot() == nullptr;
  if (first) log_settings_.debug = static_cast<uint32_t>(log::verbosity());
  router_.configure(conf);
  if (conf.answer.querylog_said) log_settings_.queries = conf.answer.querylog;
  if (first && !conf.answer.querylog_said) log_settings_.queries = router_.names(Category::queries);
  give_log_orders();
}

LogOrders ZoneServer::log_orders() const {
  LogOrders orders;
  orders.forward = router_.configured();
  orders.queries = log_settings_.queries.value_or(false);
  orders.security = router_.names(Category::security);
  orders.errors = router_.names(Category::query_errors);
  orders.debug = log_settings_.debug.value_or(0);
  return orders;
}

void ZoneServer::give_log_orders() {
  LogOrders orders = log_orders();
  query_log_.obey(orders);
  responder_.tell(query_log_.active() ? &query_log_ : nullptr);
  for (auto& [number, link] : links_) link->post(ipc::encode(orders));
}

/// What ndc wants to be otherwise; gives what holds then.
LogSettings ZoneServer::change_log(LogSettings wanted) {
  if (!wanted.queries && !wanted.debug) return log_settings_;
  if (wanted.queries) log_settings_.queries = wanted.queries;
  if (wanted.debug) {
    log_settings_.debug = wanted.debug;
    log::set_verbosity(static_cast<int>(*wanted.debug));
    if (SnapshotPtr snapshot = responder_.snapshot()) router_.configure(snapshot->conf);
  }
  give_log_orders();
  return log_settings_;
}

}  // namespace umaya::named
