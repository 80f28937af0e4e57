// NAME    snapshot_support - configurations and zones in a directory of their own, and questions to what is built of
// them
#pragma once

#include <arpa/inet.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "named-lite/server/responder.h"
#include "named-lite/server/snapshot.h"
#include "tests/named-lite/zone_support.h"

namespace umaya::named::testing {

inline const std::string kGood = "$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

class Directory {
 public:
  Directory() : path_(std::filesystem::temp_directory_path() / ("umaya_snapshot_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  void write(const std::string& name, const std::string& text) { std::ofstream(path_ / name) << text; }
  std::string path(const std::string& name) const { return path_ / name; }
  std::string options(const std::string& more = {}) const {
    return "options { directory \"" + path_.string() + "\"; " + more + " };\n";
  }

 private:
  std::filesystem::path path_;
};

inline sockaddr_in from(const char* address) {
  sockaddr_in client{};
  client.sin_family = AF_INET;
  inet_pton(AF_INET, address, &client.sin_addr);
  return client;
}

inline Answer ask(Responder& responder, const char* client, const std::string& owner, uint16_t type,
                  const char* local = "192.0.2.53") {
  sockaddr_in address = from(client);
  std::string out(kMostAnswer, '\0');
  out.resize(responder.respond(question(owner, type), reinterpret_cast<sockaddr*>(&address), Transport::udp, out,
                               *net::IpAddress::parse(local)));
  return decode(out);
}

}  // namespace umaya::named::testing
