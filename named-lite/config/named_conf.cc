#include "named-lite/config/named_conf.h"

#include <unordered_map>

#include "libcommon/base/strings.h"
#include "named-lite/config/statements.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

class Reader {
 public:
  explicit Reader(Problems& problems) : problems_(problems) { conf_.views.emplace_back(); }
  NamedConf read(const std::vector<Statement>& top);

 private:
  bool known(const Statement& statement, unsigned where, std::string_view inside);
  void options(const Statement& statement);
  void option(const Statement& statement);
  void listen(const Statement& statement, net::Family family);
  void key(const Statement& statement);
  void view(const Statement& statement);
  /// Where each zone of a view was read first, by its lower-case name.
  using ZonePlaces = std::unordered_map<std::string, Place>;
  void zone(const Statement& statement, ViewConf& view, ZonePlaces& places);
  void zone_statement(const Statement& statement, ZoneConf& zone);
  void zone_type(const Statement& statement, ZoneConf& zone);
  void finish_zone(const Statement& statement, ZoneConf& zone);
  std::optional<Acl> list(const Statement& statement);
  std::vector<RemoteServer> servers(const Statement& statement);
  void server(const Statement& statement, uint16_t port, std::vector<RemoteServer>& out);
  void define_servers(const Statement& statement);
  void notify(const Statement& statement, NotifyConf& notify);
  void error(const Statement& at, size_t part, std::string what, std::string cure = {}) {
    problems_.error(at.place(part), std::move(what), std::move(cure));
  }

  struct NamedServers {
    std::string name;
    std::vector<RemoteServer> servers;
  };
  Problems& problems_;
  AclNames acls_;
  std::vector<NamedServers> server_lists_;
  NotifyConf notify_;
  std::optional<Acl> allow_notify_;
  NamedConf conf_;
  Acl allow_query_ = acl_of_any();
  Acl allow_transfer_ = acl_of_none();
};

/// Reports what is unknown or without effect. True when the statement is acted on.
bool Reader::known(const Statement& statement, unsigned where, std::string_view inside) {
  const std::string& name = statement.name();
  const StatementInfo* info = statement_info(name, where);
  if (info == nullptr) {
    std::string_view near = nearest_statement(name, where);
    std::string cure;
    if (!near.empty()) {
      cure = near;
      for (size_t i = 1; i < statement.parts.size(); ++i) {
        const Part& part = statement.parts[i];
        cure += part.is_block()                   ? " { … }"
                : part.kind == Part::Kind::quoted ? " \"" + part.text + "\""
                                                  : " " + part.text;
      }
      cure += ';';
    }
    error(statement, 0, "\"" + name + "\" is no statement of " + std::string(inside), cure);
    return false;
  }
  if (info->effect == Effect::used) return true;
  // What is switched off has no effect here either: nothing to warn of.
  if (iequals(statement.word(1), "no") || iequals(statement.word(1), "none")) return false;
  problems_.warning(statement.place(), info->effect == Effect::obsolete
                                           ? "\"" + name + "\" is obsolete and has no effect: take it out"
                                           : "\"" + name + "\" is not used by named-lite and has no effect");
  return false;
}

std::optional<Acl> Reader::list(const Statement& statement) {
  const Part* block = statement.block();
  if (block == nullptr) {
    error(statement, 0, statement.name() + " needs a list in braces", statement.name() + " { any; };");
    return std::nullopt;
  }
  return acls_.parse(*block, problems_);
}

/// 192.0.2.1 [port 53] [key name]; or the name of a list.
void Reader::server(const Statement& statement, uint16_t port, std::vector<RemoteServer>& out) {
  auto address = net::IpAddress::parse(statement.word(0));
  if (!address) {
    for (const NamedServers& named : server_lists_) {
      if (!iequals(named.name, statement.word(0))) continue;
      out.insert(out.end(), named.servers.begin(), named.servers.end());
      return;
    }
    return error(statement, 0, "\"" + std::string(statement.word(0)) + "\" is neither an address nor a list of servers",
                 "192.0.2.1;");
  }
  RemoteServer server{{*address, port}, std::nullopt};
  for (size_t i = 1; i < statement.parts.size(); ++i) {
    std::string_view word = statement.word(i), value = statement.word(i + 1);
    if (iequals(word, "port")) {
      auto number = parse_uint(value);
      if (!number || *number == 0 || *number > 65535)
        return error(statement, i + 1, "a port is a number from 1 to 65535");
      server.at.port = static_cast<uint16_t>(*number);
    } else if (iequals(word, "key")) {
      auto name = Name::from_text(value);
      if (name && find_key(conf_.keys, name->lower().wire()) != nullptr) server.key = name->lower();
      if (!server.key) {
        return error(statement, i + 1, "there is no key \"" + std::string(value) + "\"",
                     "key \"" + std::string(value) + "\" { algorithm hmac-sha256; secret \"…\"; };");
      }
    } else if (iequals(word, "tls")) {
      return error(statement, i, "transfers over TLS are not there: this server would be asked without");
    } else if (!iequals(word, "source") && !iequals(word, "source-v6")) {
      return error(statement, i, "\"" + std::string(word) + "\" is not known here: there are port and key");
    }
    ++i;
  }
  out.push_back(std::move(server));
}

/// primaries [port 53] { 192.0.2.1; … };
std::vector<RemoteServer> Reader::servers(const Statement& statement) {
  std::vector<RemoteServer> out;
  uint16_t port = 53;
  for (size_t i = 1; i + 1 < statement.parts.size() && !statement.parts[i].is_block(); ++i) {
    if (!iequals(statement.word(i), "port")) continue;
    auto number = parse_uint(statement.word(i + 1));
    if (!number || *number == 0 || *number > 65535) error(statement, i + 1, "a port is a number from 1 to 65535");
    if (number) port = static_cast<uint16_t>(*number);
  }
  const Part* block = statement.block();
  if (block == nullptr) {
    error(statement, 0, statement.name() + " needs a list in braces", statement.name() + " { 192.0.2.1; };");
    return out;
  }
  for (const Statement& each : block->block) server(each, port, out);
  return out;
}

/// primaries name { … };
void Reader::define_servers(const Statement& statement) {
  if (statement.word(1).empty()) {
    return error(statement, 0, statement.name() + " needs a name here", statement.name() + " upstream { 192.0.2.1; };");
  }
  server_lists_.push_back({std::string(statement.word(1)), servers(statement)});
}

void Reader::notify(const Statement& statement, NotifyConf& notify) {
  std::string_view word = statement.word(1);
  if (iequals(word, "yes") || iequals(word, "true") || word == "1") {
    notify.mode = NotifyMode::yes;
  } else if (iequals(word, "no") || iequals(word, "false") || word == "0") {
    notify.mode = NotifyMode::no;
  } else if (iequals(word, "explicit")) {
    notify.mode = NotifyMode::explicit_only;
  } else if (iequals(word, "primary-only") || iequals(word, "master-only")) {
    notify.mode = NotifyMode::yes;
  } else {
    error(statement, 1, "notify is yes, no, explicit or primary-only", "notify yes;");
  }
}

/// listen-on [port 53] [tls x] [http y] { addresses; };
void Reader::listen(const Statement& statement, net::Family family) {
  ListenConf listen;
  listen.family = family;
  for (size_t i = 1; i < statement.parts.size() && !statement.parts[i].is_block(); ++i) {
    if (iequals(statement.word(i), "port")) {
      auto port = parse_uint(statement.word(++i));
      if (!port || *port == 0 || *port > 65535) return error(statement, i, "a port is a number from 1 to 65535");
      listen.port = static_cast<uint16_t>(*port);
    } else if (iequals(statement.word(i), "tls") || iequals(statement.word(i), "http")) {
      problems_.warning(statement.place(i), "DNS over TLS and HTTP are not served: this listen-on has no effect");
      return;
    }
  }
  auto acl = list(statement);
  if (!acl) return;
  listen.addresses = std::move(*acl);
  conf_.listen.push_back(std::move(listen));
}

void Reader::option(const Statement& statement) {
  const std::string name = to_lower(statement.name());
  if (!known(statement, context::kOptions, "options")) return;
  if (name == "directory") {
    conf_.directory = statement.word(1);
  } else if (name == "pid-file") {
    conf_.pid_file = iequals(statement.word(1), "none") ? "" : std::string(statement.word(1));
  } else if (name == "listen-on") {
    listen(statement, net::Family::ipv4);
  } else if (name == "listen-on-v6") {
    listen(statement, net::Family::ipv6);
  } else if (name == "allow-query") {
    if (auto acl = list(statement)) allow_query_ = std::move(*acl);
  } else if (name == "allow-transfer") {
    if (auto acl = list(statement)) allow_transfer_ = std::move(*acl);
  } else if (name == "notify") {
    notify(statement, notify_);
  } else if (name == "also-notify") {
    notify_.also = servers(statement);
  } else if (name == "allow-notify") {
    allow_notify_ = list(statement);
  } else if (name == "transfers-out") {
    auto count = parse_uint(statement.word(1));
    if (!count || *count > 10000) return error(statement, 1, "transfers-out is a number from 0 to 10000");
    conf_.transfers_out = static_cast<uint16_t>(*count);
  } else if (name == "max-udp-size") {
    auto size = parse_uint(statement.word(1));
    if (!size || *size < 512 || *size > 4096) return error(statement, 1, "max-udp-size is a number from 512 to 4096");
    conf_.udp_limit = static_cast<uint16_t>(*size);
  }
}

/// key "name" { algorithm hmac-sha256; secret "base64"; };
void Reader::key(const Statement& statement) {
  const Part* block = statement.block();
  auto name = Name::from_text(statement.word(1));
  if (statement.word(1).empty() || block == nullptr || !name) {
    return error(statement, 0, "key needs a name and a block",
                 "key \"name\" { algorithm hmac-sha256; secret \"…\"; };");
  }
  TsigKey key;
  key.name = name->lower();
  bool has_algorithm = false, has_secret = false;
  for (const Statement& each : block->block) {
    if (iequals(each.name(), "algorithm")) {
      has_algorithm = true;
      if (auto set = set_algorithm(key, each.word(1)); !set) error(each, 1, set.error().what);
    } else if (iequals(each.name(), "secret")) {
      has_secret = true;
      auto secret = base64_decode(each.word(1));
      if (secret) key.secret = std::move(*secret);
      if (!secret || key.secret.empty())
        error(each, 1, "the secret is not in base64", "secret \"…\"; as tsig-keygen(8) prints it");
    } else {
      error(each, 0, "\"" + each.name() + "\" is no statement of a key: there are algorithm and secret");
    }
  }
  if (!has_algorithm) error(statement, 1, "the key has no algorithm", "algorithm hmac-sha256;");
  if (!has_secret) error(statement, 1, "the key has no secret", "secret \"…\";");
  if (find_key(conf_.keys, key.name.wire()) != nullptr) {
    return error(statement, 1, "key \"" + std::string(statement.word(1)) + "\" is there twice");
  }
  acls_.add_key(key.name);
  conf_.keys.push_back(std::move(key));
}

void Reader::options(const Statement& statement) {
  const Part* block = statement.block();
  if (block == nullptr) return error(statement, 0, "options needs a block", "options { … };");
  for (const Statement& each : block->block) option(each);
}

void Reader::zone_type(const Statement& statement, ZoneConf& zone) {
  struct Row {
    std::string_view word;
    ZoneType type;
  };
  static constexpr Row kRows[] = {
      {"primary", ZoneType::primary},
      {"master", ZoneType::primary},
      {"secondary", ZoneType::secondary},
      {"slave", ZoneType::secondary},
      {"hint", ZoneType::hint},
      {"forward", ZoneType::forward},
      {"stub", ZoneType::stub},
      {"static-stub", ZoneType::stub},
      {"mirror", ZoneType::other},
      {"redirect", ZoneType::other},
      {"delegation-only", ZoneType::other},
  };
  for (const Row& row : kRows) {
    if (!iequals(row.word, statement.word(1))) continue;
    zone.type = row.type;
    if (row.type != ZoneType::primary && row.type != ZoneType::secondary) {
      problems_.warning(statement.place(1), "zone " + zone.name.text() + ": type " + std::string(row.word) +
                                                " is not served yet: the zone has no effect");
    }
    return;
  }
  error(statement, 1, "\"" + std::string(statement.word(1)) + "\" is no type of zone", "type primary;");
}

void Reader::zone_statement(const Statement& statement, ZoneConf& zone) {
  if (!known(statement, context::kZone, "a zone")) return;
  const std::string name = to_lower(statement.name());
  if (name == "file") {
    zone.file = statement.word(1);
    if (zone.file.empty()) error(statement, 0, "file needs a name", "file \"db.example\";");
  } else if (name == "allow-query") {
    zone.allow_query = list(statement);
  } else if (name == "allow-transfer") {
    zone.allow_transfer = list(statement);
  } else if (name == "allow-notify") {
    zone.allow_notify = list(statement);
  } else if (name == "primaries" || name == "masters") {
    zone.primaries = servers(statement);
  } else if (name == "notify") {
    notify(statement, zone.notify);
  } else if (name == "also-notify") {
    zone.notify.also = servers(statement);
  }
}

void Reader::finish_zone(const Statement& statement, ZoneConf& zone) {
  bool needs_file = zone.type == ZoneType::primary || zone.type == ZoneType::hint;
  if (needs_file && zone.file.empty()) {
    error(statement, 1, "zone \"" + std::string(statement.word(1)) + "\" has no file", "file \"db.…\";");
  }
  if (zone.type == ZoneType::secondary && zone.primaries.empty()) {
    error(statement, 1, "zone \"" + std::string(statement.word(1)) + "\" is secondary and has no primaries",
          "primaries { 192.0.2.1; };");
  }
}

void Reader::zone(const Statement& statement, ViewConf& view, ZonePlaces& places) {
  const Part* block = statement.block();
  std::string_view text = statement.word(1);
  if (text.empty() || block == nullptr) {
    return error(statement, 0, "zone needs a name and a block", "zone \"example.org\" { type primary; file \"…\"; };");
  }
  ZoneConf zone;
  zone.place = statement.place(1);
  zone.notify = view.notify;
  zone.allow_notify = view.allow_notify;
  auto name = Name::from_text(text == "." ? text : std::string(text));
  if (!name) return error(statement, 1, name.error().what);
  zone.name = *name;
  if (!statement.word(2).empty()) {
    auto cls = class_from_text(statement.word(2));
    if (!cls) return error(statement, 2, "\"" + std::string(statement.word(2)) + "\" is no class");
    if (*cls != rr_class::kIn) {
      return problems_.warning(statement.place(2), "only class IN is served: this zone has no effect");
    }
  }
  bool has_type = false;
  for (const Statement& each : block->block) {
    if (!each.parts[0].is_block() && iequals(each.name(), "type")) {
      zone_type(each, zone);
      has_type = true;
    }
  }
  if (!has_type) error(statement, 1, "zone \"" + std::string(text) + "\" has no type", "type primary;");
  size_t before = problems_.errors();
  for (const Statement& each : block->block) zone_statement(each, zone);
  if (has_type && problems_.errors() == before) finish_zone(statement, zone);
  auto [first, is_new] = places.emplace(zone.name.lower().wire(), zone.place);
  if (!is_new) {
    return error(statement, 1,
                 "zone \"" + std::string(text) + "\" is there twice: the first is in " + first->second.file + " line " +
                     std::to_string(first->second.line));
  }
  view.zones.push_back(std::move(zone));
}

void Reader::view(const Statement& statement) {
  const Part* block = statement.block();
  if (statement.word(1).empty() || block == nullptr) {
    return error(statement, 0, "view needs a name and a block", "view \"inside\" { match-clients { … }; … };");
  }
  ViewConf view;
  view.name = statement.word(1);
  view.match_clients = acl_of_any();
  view.allow_query = allow_query_;
  view.allow_transfer = allow_transfer_;
  ZonePlaces places;
  view.notify = notify_;
  view.allow_notify = allow_notify_;
  // What holds for the zones of the view may stand behind them.
  for (const Statement& each : block->block) {
    if (iequals(each.name(), "notify")) notify(each, view.notify);
    if (iequals(each.name(), "also-notify")) view.notify.also = servers(each);
    if (iequals(each.name(), "allow-notify")) view.allow_notify = list(each);
  }
  for (const Statement& each : block->block) {
    if (!known(each, context::kView, "a view")) continue;
    if (iequals(each.name(), "match-clients")) {
      if (auto acl = list(each)) view.match_clients = std::move(*acl);
    } else if (iequals(each.name(), "allow-query")) {
      if (auto acl = list(each)) view.allow_query = std::move(*acl);
    } else if (iequals(each.name(), "allow-transfer")) {
      if (auto acl = list(each)) view.allow_transfer = std::move(*acl);
    } else if (iequals(each.name(), "zone")) {
      zone(each, view, places);
    }
  }
  conf_.views.push_back(std::move(view));
}

NamedConf Reader::read(const std::vector<Statement>& top) {
  // Keys and lists first: they may be used in statements that stand before them, as in BIND.
  for (const Statement& each : top) {
    if (iequals(each.name(), "key")) key(each);
    if (!iequals(each.name(), "view") || each.block() == nullptr) continue;
    for (const Statement& inside : each.block()->block) {
      if (iequals(inside.name(), "key")) key(inside);
    }
  }
  for (const Statement& each : top) {
    if (iequals(each.name(), "acl")) acls_.define(each, problems_);
  }
  for (const Statement& each : top) {
    bool is_list =
        iequals(each.name(), "primaries") || iequals(each.name(), "masters") || iequals(each.name(), "remote-servers");
    if (is_list) define_servers(each);
  }
  for (const Statement& each : top) {
    if (iequals(each.name(), "options")) options(each);
  }
  conf_.views[0].name = "_default";
  conf_.views[0].match_clients = acl_of_any();
  conf_.views[0].allow_query = allow_query_;
  conf_.views[0].allow_transfer = allow_transfer_;
  ZonePlaces places;
  conf_.views[0].notify = notify_;
  conf_.views[0].allow_notify = allow_notify_;
  for (const Statement& each : top) {
    if (!known(each, context::kTop, "named.conf")) continue;
    if (iequals(each.name(), "zone")) zone(each, conf_.views[0], places);
    if (iequals(each.name(), "view")) view(each);
  }
  if (conf_.views.size() > 1) {
    const ViewConf& loose = conf_.views[0];
    if (!loose.zones.empty()) {
      problems_.error(loose.zones[0].place, "when there are views, every zone stands inside of one");
    }
    conf_.views.erase(conf_.views.begin());
  }
  return std::move(conf_);
}

}  // namespace

NamedConf parse_named_conf(std::string_view text, std::string file, const OpenFile& open, Problems& problems) {
  std::vector<Statement> top = parse_config_text(text, std::move(file), open, problems);
  return Reader(problems).read(top);
}

}  // namespace umaya::named
