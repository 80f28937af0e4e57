#include "commands/umaya/line_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdio>

namespace umaya::commands {

Result<LineClient> LineClient::connect(std::string label, uint16_t port) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval limit{10, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return sys_error(label + ": connect to 127.0.0.1 port " + std::to_string(port));
  }
  return LineClient(std::move(label), std::move(fd));
}

void LineClient::print(char who, std::string_view line) const {
  std::printf("    %s %c: %.*s\n", label_.c_str(), who, static_cast<int>(line.size()), line.data());
}

Result<std::string> LineClient::read_line() {
  while (true) {
    size_t end = buffered_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffered_.substr(0, end);
      buffered_.erase(0, end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return line;
    }
    char block[4096];
    ssize_t n = ::recv(fd_.get(), block, sizeof block, 0);
    if (n < 0) return sys_error(label_ + ": no answer");
    if (n == 0) return temporary(label_ + ": the server closed the connection");
    buffered_.append(block, static_cast<size_t>(n));
  }
}

Result<std::string> LineClient::expect(std::string_view beginning) {
  std::string all;
  while (true) {
    UMAYA_TRY(std::string line, read_line());
    print('S', line);
    if (!line.starts_with(beginning))
      return temporary(label_ + ": expected " + std::string(beginning) + ", got: " + line);
    all += line + "\n";
    if (line.size() < 4 || line[3] != '-' || beginning.size() != 3) return all;
  }
}

Result<std::string> LineClient::say(std::string_view line, std::string_view beginning) {
  UMAYA_CHECK(send(std::string(line) + "\r\n"));
  return expect(beginning);
}

Result<void> LineClient::send(std::string_view text) {
  for (std::string_view rest = text; !rest.empty();) {
    size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    print('C', line);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  while (!text.empty()) {
    ssize_t n = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return sys_error(label_ + ": send");
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<std::string> LineClient::read_to_dot() {
  std::string all;
  while (true) {
    UMAYA_TRY(std::string line, read_line());
    print('S', line);
    if (line == ".") return all;
    all += (line.starts_with('.') ? line.substr(1) : line) + "\n";
  }
}

}  // namespace umaya::commands
