// NAME    zone_server - the process that has zone files, keys and the other name servers
//
// SYNOPSIS
//     ZoneServer server({.ready = …});
//     server.connect(number, std::move(fd));       // a query process
//     server.configure(std::move(files));          // and again at each reload
//     event::Loop::current().run();
//
// DESCRIPTION
//     Reads zones, keeps secondary ones up to date, takes updates, tells others of changes, and supplies the query
//     processes with images (feed/publisher.h). Answers what they hand on: packets one by one, connections from then
//     on.
#pragma once

#include <climits>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "libcommon/event/loop.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/worker_pool.h"
#include "named-lite/control/control_server.h"
#include "named-lite/feed/publisher.h"
#include "named-lite/logging/log_router.h"
#include "named-lite/peers/notifier.h"
#include "named-lite/peers/secondaries.h"
#include "named-lite/query/recursion_messages.h"
#include "named-lite/query/requests.h"
#include "named-lite/server/config_files.h"
#include "named-lite/server/control_target.h"
#include "named-lite/server/responder.h"
#include "named-lite/server/tcp.h"
#include "named-lite/server/update_service.h"
#include "named-lite/statistics/http_server.h"

namespace umaya::named {

class ZoneServer {
 public:
  static constexpr unsigned kRecursion = UINT_MAX;  ///< number of the recursion process for connect()
  struct Hooks {
    std::function<void()> ready;       ///< zones are read and the query processes have them; called once
    std::function<void()> in_service;  ///< a new configuration is, everywhere
    /// Leads to configure() or keep_configuration() with this number.
    std::function<void(ZonesRead, uint32_t number)> reload;
    std::function<void()> stop;  ///< ends named-lite
    pid_t process;               ///< that the pid-file names
  };

  explicit ZoneServer(Hooks hooks);
  ZoneServer(const ZoneServer&) = delete;
  ZoneServer& operator=(const ZoneServer&) = delete;
  ~ZoneServer();

  /// A process to supply with zones; in the place of the one that had this number before.
  void connect(unsigned receiver, Fd fd);
  /// Reads the zones of this configuration, beside answering. What is bad leaves the old in service.
  /// reload: the number of Hooks::reload that led to it; 0: none.
  void configure(ConfigFiles files, ZonesRead which, uint32_t reload = 0);
  /// The configuration that was to be read has errors. why: lines for a person.
  void keep_configuration(std::string why, uint32_t reload);
  /// Answers cookies with this secret when the configuration names none.
  void make_cookies(const CookieSecret& secret) { responder_.make_cookies(secret); }
  /// Counts in the last page, and reports on all.
  void count_in(StatisticsEquipment statistics);
  /// Lines of the log of another process.
  void take_log(LogBatch batch);
  /// Calls ended, once the zone files are written when flush-zones-on-shutdown wants that.
  void end(std::function<void()> ended);
  /// Obeys ndc on these sockets.
  void take_commands(std::vector<ControlSocket> sockets);
  /// With a descriptor ndc, or statistics, are asked there from now on, without one no more.
  void change_control(ControlChannel channel, Fd fd);
  void change_statistics(const net::Endpoint& at, Fd fd);

 private:
  event::Task<void> save_and_end(std::function<void()> ended);
  event::Task<ReloadResult> reload_and_wait(ZonesRead which);
  void end_reloads(uint32_t first, uint32_t last, const ReloadResult& result);
  void configure_log(const NamedConf& conf);
  void give_log_orders();
  void give_recursion_keys();
  LogOrders log_orders() const;
  bool take_line(log::Level level, std::string_view text);
  void write_record(const LogRecord& record);
  LogSettings change_log(LogSettings wanted);
  StatisticsReport report() const;
  event::Task<std::optional<uint64_t>> command_caches(CacheCommand command, Fd out);
  event::Task<void> load();
  bool take_up(std::shared_ptr<Snapshot> snapshot, const ConfigFiles& files);
  void notify_changes(const Snapshot* before);
  void received(unsigned receiver, ipc::Packet packet);
  void serve_updated(const ZoneId& zone, const ImagePtr& image);
  void tell_secondaries(const ZoneId& zone, const ZoneImage& image);
  void answer(unsigned receiver, const PacketRequest& request);
  event::Task<void> answer_transfer(unsigned receiver, uint32_t ticket, TransferOrder order);
  void post_answer(unsigned receiver, uint32_t ticket, std::string_view packet);

  Hooks hooks_;
  LogRouter router_;
  QueryLog query_log_;
  LogSettings log_settings_;
  Responder responder_{nullptr};
  event::WorkerPool readers_{1};  // of the journal, for transfers: never behind a zone that is being loaded
  LateAnswers late_{responder_};
  TcpServer tcp_{responder_, late_, readers_};
  Publisher publisher_;
  event::WorkerPool workers_{1};
  Notifier notifier_;
  Secondaries secondaries_;
  ZoneKeeper keeper_;
  UpdateService updates_;
  std::unique_ptr<char[]> answer_;
  unsigned udp_transfers_ = 0;  // under way
  std::map<unsigned, std::unique_ptr<Link>> links_;
  std::optional<ConfigFiles> next_;  // to be read
  bool loading_ = false;
  bool ready_ = false;
  ZonesRead which_ = ZonesRead::all;
  struct Reload {
    event::Event ended{};
    ReloadResult result{};
  };
  std::map<uint32_t, std::shared_ptr<Reload>> reloads_;  // that ndc waits for, by number
  uint32_t last_reload_ = 0;
  uint32_t next_reload_ = 0;  // the last whose configuration is next_
  int64_t started_;
  int64_t configured_;
  std::vector<StatisticsPage> pages_;
  ZoneNumbers numbers_;
  std::unique_ptr<StatisticsServer> statistics_;
  struct CacheAnswer {
    event::Event arrived{};
    std::optional<uint64_t> count{};
  };
  std::map<uint32_t, std::shared_ptr<CacheAnswer>> cache_answers_;  // by number of the command
  uint32_t cache_commands_ = 0;
  ServerControl control_;
  std::unique_ptr<ControlServer> control_server_;
  event::TaskScope tasks_;
};

}  // namespace umaya::named
