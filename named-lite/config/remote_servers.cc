#include "named-lite/config/remote_servers.h"

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

std::optional<uint16_t> port_at(const Statement& statement, size_t part, Problems& problems) {
  auto number = parse_uint(statement.word(part));
  if (number && *number >= 1 && *number <= 65535) return static_cast<uint16_t>(*number);
  problems.error(statement.place(part), "a port is a number from 1 to 65535");
  return std::nullopt;
}

/// What stands behind the address: port, key. False after a report.
bool read_details(const Statement& statement, const TsigKeys& keys, Problems& problems, RemoteServer& server) {
  for (size_t i = 1; i < statement.parts.size(); i += 2) {
    std::string_view word = statement.word(i), value = statement.word(i + 1);
    if (iequals(word, "port")) {
      auto port = port_at(statement, i + 1, problems);
      if (!port) return false;
      server.at.port = *port;
    } else if (iequals(word, "key")) {
      auto name = Name::from_text(value);
      if (name && find_key(keys, name->lower().wire()) != nullptr) server.key = name->lower();
      if (!server.key) {
        problems.error(statement.place(i + 1), "there is no key \"" + std::string(value) + "\"",
                       "key \"" + std::string(value) + "\" { algorithm hmac-sha256; secret \"…\"; };");
        return false;
      }
    } else if (iequals(word, "tls")) {
      problems.error(statement.place(i), "transfers over TLS are not there: this server would be asked without");
      return false;
    } else if (!iequals(word, "source") && !iequals(word, "source-v6")) {
      problems.error(statement.place(i), "\"" + std::string(word) + "\" is not known here: there are port and key");
      return false;
    }
  }
  return true;
}

}  // namespace

void ServerLists::read_one(const Statement& statement, uint16_t port, const TsigKeys& keys, Problems& problems,
                           std::vector<RemoteServer>& out) const {
  if (total_ >= kMostServers) {
    if (!full_) problems.error(statement.place(), "the lists of servers have more than 100000 entries in all");
    full_ = true;
    return;
  }
  ++total_;
  auto address = net::IpAddress::parse(statement.word(0));
  if (!address) {
    for (const Named& named : lists_) {
      if (!iequals(named.name, statement.word(0))) continue;
      total_ += named.servers.size();
      out.insert(out.end(), named.servers.begin(), named.servers.end());
      return;
    }
    return problems.error(statement.place(),
                          "\"" + std::string(statement.word(0)) + "\" is neither an address nor a list of servers",
                          "192.0.2.1;");
  }
  RemoteServer server{{*address, port}, std::nullopt};
  if (read_details(statement, keys, problems, server)) out.push_back(std::move(server));
}

std::vector<RemoteServer> ServerLists::read(const Statement& statement, const TsigKeys& keys,
                                            Problems& problems) const {
  std::vector<RemoteServer> out;
  uint16_t port = 53;
  for (size_t i = 1; i + 1 < statement.parts.size() && !statement.parts[i].is_block(); ++i) {
    if (!iequals(statement.word(i), "port")) continue;
    if (auto number = port_at(statement, i + 1, problems)) port = *number;
  }
  const Part* block = statement.block();
  if (block == nullptr) {
    problems.error(statement.place(), statement.name() + " needs a list in braces",
                   statement.name() + " { 192.0.2.1; };");
    return out;
  }
  for (const Statement& each : block->block) read_one(each, port, keys, problems, out);
  return out;
}

void ServerLists::define(const Statement& statement, const TsigKeys& keys, Problems& problems) {
  if (statement.word(1).empty()) {
    return problems.error(statement.place(), statement.name() + " needs a name here",
                          statement.name() + " upstream { 192.0.2.1; };");
  }
  lists_.push_back({std::string(statement.word(1)), read(statement, keys, problems)});
}

}  // namespace umaya::named
