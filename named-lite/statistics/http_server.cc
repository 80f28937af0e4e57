#include "named-lite/statistics/http_server.h"

#include <fmt/core.h>

#include "libcommon/event/stream.h"
#include "libcommon/log/log.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr Duration kRequestTime = 10s;
constexpr Duration kIdle = 30s;
constexpr Duration kStalled = 30s;
constexpr size_t kMostClients = 16;
constexpr int kMostRequests = 100;

constexpr std::string_view kIndex =
    "named-lite\n\n"
    "/metrics          Prometheus\n"
    "/json/v1          all as JSON\n"
    "/json/v1/status   the server's times\n"
    "/json/v1/server   all but views and zones\n"
    "/json/v1/zones    views and zones\n";

std::string head_of(const HttpAnswer& answer, bool close) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n{}\r\n",
      answer.status, http_reason(answer.status), answer.type, answer.body.size(), close ? "Connection: close\r\n" : "");
}

HttpAnswer error_answer(int status) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = std::string(http_reason(status)) + "\n";
  return answer;
}

}  // namespace

HttpAnswer statistics_page(std::string_view path, const std::function<StatisticsReport()>& source) {
  struct Row {
    std::string_view path;
    ReportPart part;
  };
  static constexpr Row kJson[] = {{"/json", ReportPart::all},
                                  {"/json/v1", ReportPart::all},
                                  {"/json/v1/status", ReportPart::status},
                                  {"/json/v1/server", ReportPart::server},
                                  {"/json/v1/zones", ReportPart::zones}};
  HttpAnswer answer;
  if (path == "/") {
    answer.body = kIndex;
    return answer;
  }
  if (path == "/metrics") {
    answer.type = "text/plain; version=0.0.4; charset=utf-8";
    answer.body = prometheus_report(source());
    return answer;
  }
  for (const Row& row : kJson) {
    if (row.path != path) continue;
    answer.type = "application/json";
    answer.body = json_report(source(), row.part);
    return answer;
  }
  return error_answer(404);
}

std::vector<StatisticsSocket> open_statistics_sockets(const std::vector<net::Endpoint>& addresses) {
  std::vector<StatisticsSocket> sockets;
  for (const net::Endpoint& at : addresses) {
    sockaddr_storage address{};
    socklen_t size = at.to_sockaddr(address);
    auto fd = event::listen_on(reinterpret_cast<const sockaddr*>(&address), size);
    if (!fd) {
      log::error("no statistics on {}: {}", at.to_string(), fd.error().what);
      continue;
    }
    log::info("statistics on {}", at.to_string());
    sockets.push_back({std::move(*fd), at});
  }
  return sockets;
}

StatisticsServer::StatisticsServer(std::vector<StatisticsSocket> sockets, Source source) : source_(std::move(source)) {
  for (StatisticsSocket& socket : sockets) open(std::move(socket));
}

void StatisticsServer::open(StatisticsSocket socket) {
  auto place = std::make_shared<Place>();
  place->at = socket.at;
  place->allow = allowed_at(socket.at);
  auto arrived = [this, known = std::weak_ptr<Place>(place)](Fd client, const event::PeerAddress& peer) {
    if (PlacePtr open = known.lock()) accepted(open, std::move(client), peer);
  };
  place->listener = std::make_unique<event::Listener>(std::move(socket.fd), arrived);
  places_.push_back(std::move(place));
}

void StatisticsServer::close(const net::Endpoint& at) {
  std::erase_if(places_, [&](const PlacePtr& place) {
    if (place->at == at) place->listener.reset();
    return place->at == at;
  });
}

AclRef StatisticsServer::allowed_at(const net::Endpoint& at) const {
  for (const StatisticsChannel& channel : channels_) {
    if (channel.at == at) return channel.allow;
  }
  return nullptr;
}

void StatisticsServer::allow(const std::vector<StatisticsChannel>& channels) {
  channels_ = channels;
  for (const PlacePtr& place : places_) place->allow = allowed_at(place->at);
}

void StatisticsServer::accepted(const PlacePtr& place, Fd fd, const event::PeerAddress& peer) {
  auto address = net::IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&peer.storage));
  if (!address || !place->allow || !admits(*place->allow, address->unmapped())) {
    log::warning("statistics: {} is not allowed", address ? address->to_string() : "unknown");
    return;
  }
  if (++place->clients >= kMostClients) place->listener->pause();
  sessions_.spawn(session(place, std::move(fd)));
}

event::Task<void> StatisticsServer::session(PlacePtr place, Fd fd) {
  event::Stream stream(std::move(fd));
  for (int count = 1; count <= kMostRequests; ++count) {
    HttpRequestReader reader;
    stream.set_timeout(kIdle);
    bool arrived = true;
    bool begun = false;
    while (arrived && reader.state() == HttpRequestReader::State::more) {
      event::Read line = co_await stream.read_line(HttpRequestReader::kMostLine);
      arrived = line.status == event::ReadStatus::ok || line.status == event::ReadStatus::too_long;
      if (!arrived) break;
      reader.take(line.data);
      // The whole of a request within a time: nobody keeps a place by sending slowly.
      if (!begun) stream.set_deadline(event::Loop::current().now() + kRequestTime);
      begun = true;
    }
    if (!arrived) break;
    bool good = reader.state() == HttpRequestReader::State::done;
    bool close = !good || reader.request().close || count == kMostRequests;
    HttpAnswer answer = good ? statistics_page(reader.request().path, source_) : error_answer(reader.status());
    stream.set_deadline(TimePoint::max());
    stream.set_timeout(kStalled);
    stream.write(head_of(answer, close));
    std::string_view body = good && reader.request().head ? std::string_view() : std::string_view(answer.body);
    auto sent = co_await stream.flush(body);
    if (!sent || close) break;
  }
  --place->clients;
  if (place->listener) place->listener->resume();
}

}  // namespace umaya::named
