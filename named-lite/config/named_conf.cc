#include "named-lite/config/named_conf.h"

#include "named-lite/config/zone_reader.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

class Reader {
 public:
  explicit Reader(Problems& problems) : reading_{problems, acls_, conf_.keys, server_lists_} {}
  NamedConf read(const std::vector<Statement>& top);

 private:
  void define_names(const std::vector<Statement>& top);
  void options(const Statement& statement);
  void option(const Statement& statement);
  void key(const Statement& statement);
  void top_statement(const Statement& statement, ViewConf& loose, ZonePlaces& places);

  NamedConf conf_;
  AclNames acls_;
  ServerLists server_lists_;
  Reading reading_;
  ViewDefaults defaults_;
};

/// listen-on [port 53] [tls x] [http y] { addresses; };
void read_listen(const Reading& reading, const Statement& statement, net::Family family, NamedConf& conf) {
  ListenConf listen;
  listen.family = family;
  for (size_t i = 1; i < statement.parts.size() && !statement.parts[i].is_block(); ++i) {
    if (iequals(statement.word(i), "port")) {
      auto port = reading.port(statement, ++i);
      if (!port) return;
      listen.port = *port;
    } else if (iequals(statement.word(i), "tls") || iequals(statement.word(i), "http")) {
      reading.problems.warning(statement.place(i),
                               "DNS over TLS and HTTP are not served: this listen-on has no effect");
      return;
    }
  }
  AclRef acl = reading.list(statement);
  if (!acl) return;
  listen.addresses = *acl;
  conf.listen.push_back(std::move(listen));
}

void read_pid_file(const Reading&, const Statement& statement, NamedConf& conf) {
  conf.pid_file = iequals(statement.word(1), "none") ? "" : std::string(statement.word(1));
}

constexpr Setting<NamedConf> kOptions[] = {
    {"directory", read_text<&NamedConf::directory>},
    {"dump-file", read_text<&NamedConf::dump_file>},
    {"key-directory", read_text<&NamedConf::key_directory>},
    {"listen-on",
     [](const Reading& r, const Statement& s, NamedConf& conf) { read_listen(r, s, net::Family::ipv4, conf); }},
    {"listen-on-v6",
     [](const Reading& r, const Statement& s, NamedConf& conf) { read_listen(r, s, net::Family::ipv6, conf); }},
    {"pid-file", read_pid_file},
    {"port", read_number<&NamedConf::port, 1, 65535>},
    {"recursing-file", read_text<&NamedConf::recursing_file>},
    {"statistics-file", read_text<&NamedConf::statistics_file>},
};

void Reader::option(const Statement& statement) {
  if (!check_known(reading_, statement, context::kOptions, "options")) return;
  (void)(apply_setting<NamedConf>(kOptions, reading_, statement, conf_) ||
         read_view_default(reading_, statement, defaults_) ||
         apply_setting<TransferLimits>(transfer_limit_settings(), reading_, statement, conf_.transfers) ||
         apply_setting<UpdateLimits>(update_limit_settings(), reading_, statement, conf_.updates) ||
         apply_setting<RecursionLimits>(recursion_limit_settings(), reading_, statement, conf_.recursion) ||
         apply_setting<ServerAnswerConf>(server_answer_settings(), reading_, statement, conf_.answer));
}

/// key "name" { algorithm hmac-sha256; secret "base64"; };
void Reader::key(const Statement& statement) {
  const Part* block = statement.block();
  auto name = Name::from_text(statement.word(1));
  if (statement.word(1).empty() || block == nullptr || !name) {
    return reading_.error(statement, 0, "key needs a name and a block",
                          "key \"name\" { algorithm hmac-sha256; secret \"…\"; };");
  }
  TsigKey key;
  key.name = name->lower();
  bool has_algorithm = false, has_secret = false;
  for (const Statement& each : block->block) {
    if (iequals(each.name(), "algorithm")) {
      has_algorithm = true;
      if (auto set = set_algorithm(key, each.word(1)); !set) reading_.error(each, 1, set.error().what);
    } else if (iequals(each.name(), "secret")) {
      has_secret = true;
      auto secret = base64_decode(each.word(1));
      if (secret) key.secret = std::move(*secret);
      if (!secret || key.secret.empty())
        reading_.error(each, 1, "the secret is not in base64", "secret \"…\"; as tsig-keygen(8) prints it");
    } else {
      reading_.error(each, 0, "\"" + each.name() + "\" is no statement of a key: there are algorithm and secret");
    }
  }
  if (!has_algorithm) reading_.error(statement, 1, "the key has no algorithm", "algorithm hmac-sha256;");
  if (!has_secret) reading_.error(statement, 1, "the key has no secret", "secret \"…\";");
  if (find_key(conf_.keys, key.name.wire()) != nullptr) {
    return reading_.error(statement, 1, "key \"" + std::string(statement.word(1)) + "\" is there twice");
  }
  acls_.add_key(key.name);
  conf_.keys.push_back(std::move(key));
}

void Reader::options(const Statement& statement) {
  const Part* block = reading_.block(statement, "options { … };");
  if (block == nullptr) return;
  for (const Statement& each : block->block) option(each);
}

/// Keys and lists first: they may be used in statements that stand before them, as in BIND.
void Reader::define_names(const std::vector<Statement>& top) {
  for (const Statement& each : top) {
    if (iequals(each.name(), "key")) key(each);
    if (!iequals(each.name(), "view") || each.block() == nullptr) continue;
    for (const Statement& inside : each.block()->block) {
      if (iequals(inside.name(), "key")) key(inside);
    }
  }
  for (const Statement& each : top) {
    if (iequals(each.name(), "acl")) acls_.define(each, reading_.problems);
  }
  for (const Statement& each : top) {
    bool is_list =
        iequals(each.name(), "primaries") || iequals(each.name(), "masters") || iequals(each.name(), "remote-servers");
    if (is_list) server_lists_.define(each, conf_.keys, reading_.problems);
  }
}

void Reader::top_statement(const Statement& statement, ViewConf& loose, ZonePlaces& places) {
  if (!check_known(reading_, statement, context::kTop, "named.conf")) return;
  const std::string& name = statement.name();
  if (iequals(name, "zone")) {
    read_zone(reading_, statement, loose, places);
  } else if (iequals(name, "view")) {
    if (auto view = read_view(reading_, statement, defaults_)) conf_.views.push_back(std::move(*view));
  } else if (iequals(name, "controls")) {
    read_controls(reading_, statement, conf_.control);
  } else if (iequals(name, "statistics-channels")) {
    read_statistics_channels(reading_, statement, conf_.statistics);
  } else if (iequals(name, "logging")) {
    read_logging(reading_, statement, conf_.logging);
  }
}

NamedConf Reader::read(const std::vector<Statement>& top) {
  define_names(top);
  for (const Statement& each : top) {
    if (iequals(each.name(), "options")) options(each);
  }
  for (const Statement& each : top) {
    if (iequals(each.name(), "server")) read_peer(reading_, each, defaults_.peers);
  }
  ViewConf loose = make_view("_default", defaults_, acls_);
  ZonePlaces places;
  for (const Statement& each : top) top_statement(each, loose, places);
  if (conf_.views.empty()) {
    conf_.views.push_back(std::move(loose));
  } else if (!loose.zones.empty()) {
    reading_.problems.error(loose.zones[0].place, "when there are views, every zone stands inside of one");
  }
  join_views(reading_.problems, conf_.views);
  return std::move(conf_);
}

}  // namespace

NamedConf read_named_conf(const std::vector<Statement>& top, Problems& problems) {
  return Reader(problems).read(top);
}

NamedConf parse_named_conf(std::string_view text, std::string file, const OpenFile& open, Problems& problems) {
  std::vector<Statement> top = parse_config_text(text, std::move(file), open, problems);
  return read_named_conf(top, problems);
}

}  // namespace umaya::named
