// NAME    http_server - gives the statistics to who may have them
//
// SYNOPSIS
//     auto sockets = open_statistics_sockets(addresses);             // with the rights of the start
//     StatisticsServer server(std::move(sockets), [this] { return report(); });
//     server.allow(conf.statistics);                                 // after each change of the configuration
//
// DESCRIPTION
//     HTTP/1.1 on the addresses of statistics-channels: /metrics (Prometheus), /json/v1 (all), /json/v1/status,
//     /json/v1/server, /json/v1/zones; /json is /json/v1, and / says what there is. Who is not in "allow" is not
//     answered.
//
// OWNERSHIP
//     What the source borrows outlives the server.
//
// LIMITS
//     16 connections at each address, others wait; a request within 10 s; 100 requests on a connection, 30 s between
//     two.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/task.h"
#include "named-lite/config/control_conf.h"
#include "named-lite/statistics/http_request.h"
#include "named-lite/statistics/report.h"

namespace umaya::named {

struct StatisticsSocket {
  Fd fd;
  net::Endpoint at;
};

/// What a process is given for counting, and for who asks what was counted.
struct StatisticsEquipment {
  std::vector<StatisticsSocket> sockets{};
  std::vector<StatisticsPage> pages{};  ///< of all processes, our own at the end
};

/// One that cannot be opened is logged and left out.
std::vector<StatisticsSocket> open_statistics_sockets(const std::vector<net::Endpoint>& addresses);

struct HttpAnswer {
  int status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body;
};

/// The page of a path.
HttpAnswer statistics_page(std::string_view path, const std::function<StatisticsReport()>& source);

class StatisticsServer {
 public:
  using Source = std::function<StatisticsReport()>;
  StatisticsServer(std::vector<StatisticsSocket> sockets, Source source);
  StatisticsServer(const StatisticsServer&) = delete;
  StatisticsServer& operator=(const StatisticsServer&) = delete;
  /// Who may ask at which address; nobody where none is named, and before this is called.
  void allow(const std::vector<StatisticsChannel>& channels);
  /// Answers at this address, too; or there no more, but for the connections that are there.
  void open(StatisticsSocket socket);
  void close(const net::Endpoint& at);

 private:
  struct Place {
    net::Endpoint at;
    AclRef allow;  ///< null: nobody
    std::unique_ptr<event::Listener> listener;
    size_t clients = 0;
  };
  /// Shared: a connection may outlive its address.
  using PlacePtr = std::shared_ptr<Place>;
  AclRef allowed_at(const net::Endpoint& at) const;
  void accepted(const PlacePtr& place, Fd fd, const event::PeerAddress& peer);
  event::Task<void> session(PlacePtr place, Fd fd);

  Source source_;
  std::vector<StatisticsChannel> channels_;
  std::vector<PlacePtr> places_;
  event::TaskScope sessions_;
};

}  // namespace umaya::named
