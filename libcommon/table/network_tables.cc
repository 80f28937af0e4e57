#include "libcommon/table/network_tables.h"

#include <netdb.h>
#include <sys/un.h>

#include <cstring>

#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/stream.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

constexpr auto kTimeout = std::chrono::seconds(100);
constexpr size_t kIdleConnections = 8;

/// A value of the hexadecimal digit, or -1.
int hex_value(char c) {
  if (ascii_digit(c)) return c - '0';
  char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

using StreamPtr = std::unique_ptr<event::Stream>;

/// A server that answers one question at a time on each connection; connections are kept.
class Server {
 public:
  explicit Server(event::PeerAddress address) : address_(address) {}

  event::Task<Result<StreamPtr>> connect() {
    UMAYA_CO_TRY(Fd fd, co_await event::connect_to(address_, kTimeout));
    auto stream = std::make_unique<event::Stream>(std::move(fd));
    stream->set_timeout(kTimeout);
    co_return std::move(stream);
  }
  StreamPtr take_idle() {
    if (idle_.empty()) return nullptr;
    StreamPtr out = std::move(idle_.back());
    idle_.pop_back();
    return out;
  }
  void give_back(StreamPtr stream) {
    if (idle_.size() < kIdleConnections) idle_.push_back(std::move(stream));
  }

 private:
  event::PeerAddress address_;
  std::vector<StreamPtr> idle_;
};

/// Sends a question and reads its answer; an error when the connection failed.
class NetworkTable : public Table {
 public:
  NetworkTable(std::string name, event::PeerAddress address) : Table(std::move(name)), server_(address) {}
  std::optional<Lookup> lookup_now(std::string_view) override { return {}; }

  event::Task<Lookup> lookup(std::string key) override {
    // A kept connection may have been closed by the server meanwhile: then one more try on a new one.
    if (StreamPtr kept = server_.take_idle()) {
      Result<Lookup> answer = co_await ask(kept.get(), key);
      if (answer) {
        server_.give_back(std::move(kept));
        co_return std::move(*answer);
      }
    }
    Result<StreamPtr> fresh = co_await server_.connect();
    if (!fresh) co_return Lookup::failed(name() + ": " + fresh.error().what);
    Result<Lookup> answer = co_await ask(fresh->get(), key);
    if (!answer) co_return Lookup::failed(name() + ": " + answer.error().what);
    server_.give_back(std::move(*fresh));
    co_return std::move(*answer);
  }

 protected:
  virtual event::Task<Result<Lookup>> ask(event::Stream* stream, std::string key) = 0;

 private:
  Server server_;
};

class TcpTable : public NetworkTable {
 public:
  using NetworkTable::NetworkTable;
  Matching matching() const override { return Matching::pattern; }

 protected:
  event::Task<Result<Lookup>> ask(event::Stream* stream, std::string key) override {
    stream->write(tcp_request(key));
    UMAYA_CO_CHECK(co_await stream->flush());
    event::Read line = co_await stream->read_line(kMaxTcpReply);
    if (!line) co_return temporary("no reply, or one that is too long");
    co_return parse_tcp_reply(line.data);
  }
};

class SocketmapTable : public NetworkTable {
 public:
  SocketmapTable(std::string name, event::PeerAddress address, std::string map, CaseRule fold)
      : NetworkTable(std::move(name), address), map_(std::move(map)), fold_(fold) {}

 protected:
  event::Task<Result<Lookup>> ask(event::Stream* stream, std::string key) override {
    stream->write(socketmap_request(map_, FoldedKey(key, fold_).view()));
    UMAYA_CO_CHECK(co_await stream->flush());
    size_t size = 0;
    for (int digits = 0;; ++digits) {
      event::Read byte = co_await stream->read_exactly(1);
      if (!byte) co_return temporary("connection closed before the reply");
      if (byte.data[0] == ':' && digits > 0) break;
      if (!ascii_digit(byte.data[0]) || digits == 6) co_return temporary("bad netstring length");
      size = size * 10 + static_cast<size_t>(byte.data[0] - '0');
    }
    if (size > kMaxSocketmapReply) co_return temporary("reply is too long");
    event::Read reply = co_await stream->read_exactly(size + 1);
    if (!reply) co_return temporary("connection closed within the reply");
    if (reply.data.back() != ',') co_return temporary("bad netstring end");
    co_return parse_socketmap_reply(reply.data.substr(0, size));
  }

 private:
  std::string map_;
  CaseRule fold_;
};

Result<event::PeerAddress> unix_address(const std::string& path) {
  event::PeerAddress out;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.size() >= sizeof un.sun_path) return permanent("socket name is too long: " + path);
  std::memcpy(un.sun_path, path.data(), path.size());
  std::memcpy(&out.storage, &un, sizeof un);
  out.size = sizeof un;
  return out;
}

Result<event::PeerAddress> inet_address(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return temporary(host + ":" + port + ": " + gai_strerror(error));
  event::PeerAddress out;
  out.size = found->ai_addrlen;
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return out;
}

/// "host:port", host perhaps in brackets, in its two parts.
Result<std::pair<std::string, std::string>> host_and_port(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    return permanent("expected host:port instead of \"" + std::string(text) + "\"");
  }
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return std::pair{std::string(host), std::string(text.substr(colon + 1))};
}

}  // namespace

std::string tcp_request(std::string_view key) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "get ";
  for (char c : key) {
    if (c > ' ' && c < 127 && c != '%') {
      out += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out + "\n";
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return {};
    int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Lookup parse_tcp_reply(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.size() < 4 || line[3] != ' ') return Lookup::failed("malformed reply: " + printable(line.substr(0, 100)));
  auto text = percent_decode(line.substr(4));
  if (!text) return Lookup::failed("bad % code in reply: " + printable(line.substr(0, 100)));
  std::string_view code = line.substr(0, 3);
  if (code == "200") return Lookup::of(std::move(*text));
  if (code == "500") return {};
  return Lookup::failed((code == "400" ? "" : "unknown reply code " + printable(code) + ": ") + printable(*text));
}

std::string socketmap_request(std::string_view map, std::string_view key) {
  std::string payload = std::string(map) + " " + std::string(key);
  return std::to_string(payload.size()) + ":" + payload + ",";
}

Lookup parse_socketmap_reply(std::string_view payload) {
  size_t space = payload.find(' ');
  std::string_view word = payload.substr(0, space);
  std::string_view rest = space == std::string_view::npos ? std::string_view{} : payload.substr(space + 1);
  if (word == "OK" && space != std::string_view::npos) return Lookup::of(std::string(rest));
  if (word == "NOTFOUND") return {};
  if (word == "TEMP" || word == "TIMEOUT" || word == "PERM") {
    return Lookup::failed(std::string(word) + " " + printable(rest.substr(0, 200)));
  }
  return Lookup::failed("malformed reply: " + printable(payload.substr(0, 100)));
}

Opened open_tcp(const Options&, std::string name) {
  UMAYA_TRY(auto target, host_and_port(name.substr(name.find(':') + 1)));
  UMAYA_TRY(auto address, inet_address(target.first, target.second));
  return std::make_unique<TcpTable>(std::move(name), address);
}

Opened open_socketmap(const Options& options, std::string name) {
  std::string_view rest = std::string_view(name).substr(name.find(':') + 1);
  size_t last = rest.rfind(':');
  size_t first = rest.find(':');
  std::string_view kind = rest.substr(0, first);
  if (first == last || (kind != "inet" && kind != "unix")) {
    return permanent("expected socketmap:inet:host:port:map or socketmap:unix:path:map instead of \"" + name + "\"");
  }
  std::string map{rest.substr(last + 1)};
  std::string where{rest.substr(first + 1, last - first - 1)};
  Result<event::PeerAddress> address = unix_address(where);
  if (kind == "inet") {
    UMAYA_TRY(auto target, host_and_port(where));
    address = inet_address(target.first, target.second);
  }
  if (!address) return std::unexpected(address.error());
  return std::make_unique<SocketmapTable>(std::move(name), *address, std::move(map), options.fold);
}

}  // namespace umaya::table
