#include "named-lite/server/config_files.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "named-lite/recursion/hints.h"
#include "named-lite/transfer/zone_file.h"

namespace umaya::named {

namespace {

constexpr size_t kMostConfigText = size_t{16} << 20;
constexpr size_t kMostHints = size_t{256} << 10;

/// Gives the files that were read before.
OpenFile open_in(const ConfigFiles& files) {
  return [&files](std::string_view path) -> Result<std::string> {
    auto same = [path](const ConfigFiles::File& file) { return file.path == path; };
    auto found = std::find_if(files.files.begin() + 1, files.files.end(), same);
    if (found == files.files.end()) return permanent("it cannot be read");
    return found->text;
  };
}

std::vector<HostInterface> interfaces_of(const ConfigFiles& files) {
  std::vector<HostInterface> all;
  for (const ConfigFiles::Interface& each : files.interfaces) {
    const auto* octets = reinterpret_cast<const uint8_t*>(each.address.data());
    if (each.address.size() == 4 && each.prefix <= 32) all.push_back({net::IpAddress::v4(octets), each.prefix});
    if (each.address.size() == 16 && each.prefix <= 128) all.push_back({net::IpAddress::v6(octets), each.prefix});
  }
  return all;
}

/// Puts another secret of the same length where this one stands.
void hide(std::string& text, const Part& secret) {
  size_t at = 0;
  for (uint32_t line = 1; line < secret.line && at != std::string::npos; ++line) {
    at = text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  if (at == std::string::npos) return;
  at += secret.column - 1;
  if (secret.kind == Part::Kind::quoted) ++at;
  if (at >= text.size() || text.compare(at, secret.text.size(), secret.text) != 0) return;
  for (size_t i = 0; i < secret.text.size(); ++i) {
    if (!ascii_space(text[at + i]) && text[at + i] != '=') text[at + i] = 'A';
  }
}

void hide_in(ConfigFiles& files, const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) {
    const Part* block = statement.block();
    if (block == nullptr) continue;
    if (iequals(statement.name(), "view")) hide_in(files, block->block);
    if (!iequals(statement.name(), "key")) continue;
    for (const Statement& each : block->block) {
      if (!iequals(each.name(), "secret") || each.parts.size() < 2) continue;
      for (ConfigFiles::File& file : files.files) {
        if (file.path == each.file) hide(file.text, each.parts[1]);
      }
    }
  }
}

}  // namespace

OpenFile open_beside(const std::string& config_file) {
  return [directory = fs::parent_directory(config_file)](std::string_view path) {
    std::string full(path);
    if (!path.starts_with('/')) full = directory + "/" + full;
    return fs::read_file(full, kMostConfigText);
  };
}

Result<ConfigFiles> read_config_files(const std::string& path) {
  ConfigFiles files;
  UMAYA_TRY(std::string text, fs::read_file(path, kMostConfigText));
  files.files.push_back({path, std::move(text)});
  std::vector<ConfigFiles::File> included;
  OpenFile open = [&included, beside = open_beside(path)](std::string_view name) {
    auto read = beside(name);
    if (read) included.push_back({std::string(name), *read});
    return read;
  };
  Problems problems;
  (void)parse_config_text(files.files[0].text, path, open, problems);
  for (ConfigFiles::File& file : included) files.files.push_back(std::move(file));
  for (const HostInterface& each : host_interfaces()) {
    files.interfaces.push_back({std::string(each.address.bytes()), static_cast<uint8_t>(each.prefix)});
  }
  return files;
}

NamedConf parse_config_files(const ConfigFiles& files, Problems& problems) {
  if (files.files.empty()) {
    problems.error({}, "there is no configuration");
    return {};
  }
  KnownInterfaces known(interfaces_of(files));
  NamedConf conf = parse_named_conf(files.files[0].text, files.files[0].path, open_in(files), problems);
  conf.only_family = files.only_family;
  if (files.log_to_stderr) conf.logging = LoggingConf();
  for (ViewConf& view : conf.views) {
    for (ZoneConf& zone : view.zones) {
      for (const ConfigFiles::File& file : files.hints) {
        if (zone.type == ZoneType::hint && zone.file == file.path) zone.hints = file.text;
      }
    }
  }
  return conf;
}

void add_hints(const NamedConf& conf, ConfigFiles& files, Problems& problems) {
  for (const ViewConf& view : conf.views) {
    for (const ZoneConf& zone : view.zones) {
      if (zone.type != ZoneType::hint) continue;
      auto text = fs::read_file(zone_path(conf.directory, zone.file), kMostHints);
      if (!text) problems.error({zone.file, 0, 0}, "the hints cannot be read: " + text.error().what);
      if (!text) continue;
      if (!parse_root_hints(*text, zone.file, problems)) {
        problems.error({zone.file, 0, 0}, "no name server of the root stands here with its address",
                       ". 3600000 NS ns.root.   and   ns.root. 3600000 A 192.0.2.53");
        continue;
      }
      files.hints.push_back({zone.file, std::move(*text)});
    }
  }
}

Result<ConfigFiles> without_secrets(const ConfigFiles& files) {
  ConfigFiles hidden = files;
  if (hidden.files.empty()) return hidden;
  Problems problems;
  hide_in(hidden, parse_config_text(files.files[0].text, files.files[0].path, open_in(files), problems));
  NamedConf conf = parse_config_files(hidden, problems);
  for (const TsigKey& key : conf.keys) {
    if (key.secret.find_first_not_of('\0') != std::string::npos) {
      return permanent("the secret of key " + key.name.text() + " was not found in the text");
    }
  }
  return hidden;
}

}  // namespace umaya::named
