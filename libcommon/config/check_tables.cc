// Types and files of the tables that main.cf names.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/config/check.h"

namespace umaya::config {
namespace {

/// Types that Postfix has and this version has not.
constexpr std::string_view kMissingTypes[] = {"dbm", "internal", "memcache", "mongodb",
                                              "nis", "nisplus",  "sdbm",     "nbdb"};

bool exists(const std::string& path) {
  struct stat st;
  return ::stat(path.c_str(), &st) == 0;
}

/// The file behind "type:/path", as it must be on disk; empty when the type has none.
std::string file_of(std::string_view type, std::string_view path) {
  if (type == "hash" || type == "btree" || type == "lmdb") return std::string(path) + ".lmdb";
  if (type == "cdb") return std::string(path) + ".cdb";
  bool plain = type == "texthash" || type == "cidr" || type == "regexp" || type == "pcre";
  return plain ? std::string(path) : std::string();
}

std::string how_to_make(std::string_view type, std::string_view path, bool aliases) {
  bool indexed = type == "hash" || type == "btree" || type == "lmdb" || type == "cdb";
  if (!indexed) return fmt::format("create {} or remove it from the list", path);
  if (aliases) return "run newaliases";
  return fmt::format("run postmap {}:{}", type, path);
}

void check_table(const Config& config, std::string_view name, std::string_view word, std::vector<Finding>& out) {
  auto say = [&](Severity severity, std::string what) {
    out.push_back({severity, fmt::format("{}: {}", config.where(name), what)});
  };
  if (word.starts_with("proxy:")) word.remove_prefix(6);
  size_t colon = word.find(':');
  if (colon == std::string_view::npos) {
    if (word.starts_with('/'))
      say(Severity::error, fmt::format("\"{}\" lacks a type: write for example hash:{}", word, word));
    return;
  }
  std::string_view type = word.substr(0, colon), path = word.substr(colon + 1);
  const auto& types = table_types();
  if (std::find(std::begin(kMissingTypes), std::end(kMissingTypes), type) != std::end(kMissingTypes)) {
    return say(Severity::error,
               fmt::format("table type {} is not part of this version of Umaya; postconf -m lists the types", type));
  }
  if (std::find(types.begin(), types.end(), type) == types.end()) {
    return say(Severity::error, fmt::format("\"{}\" is not a table type; postconf -m lists them", type));
  }
  if (!path.starts_with('/')) return;
  std::string file = file_of(type, path);
  bool aliases = name == "alias_maps" || name == "alias_database";
  if (!file.empty() && !exists(file)) {
    say(Severity::error, fmt::format("{} does not exist: {}", file, how_to_make(type, path, aliases)));
  }
}

}  // namespace

const std::vector<std::string>& table_types() {
  static const std::vector<std::string> types = {"btree",   "cdb",   "cidr",     "environ",  "fail",      "hash",
                                                 "inline",  "ldap",  "lmdb",     "mysql",    "pcre",      "pgsql",
                                                 "pipemap", "proxy", "randmap",  "regexp",   "socketmap", "sqlite",
                                                 "static",  "tcp",   "texthash", "unionmap", "unix"};
  return types;
}

void detail::check_tables(const Config& config, std::vector<Finding>& out) {
  for (const Param& row : all_params()) {
    if (row.kind != Kind::tables || effect_of(row) == Effect::no_effect) continue;
    bool set = config.is_set(row.name) || row.name == "alias_maps";
    if (!set || row.name == "address_verify_map") continue;
    for (const std::string& word : config.get_list(row.name)) check_table(config, row.name, word, out);
  }
}

}  // namespace umaya::config
