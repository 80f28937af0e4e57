#include "libcommon/databases/parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/table/open.h"

namespace umaya::databases {
namespace {

constexpr std::string_view kCommon[] = {"domain", "expansion_limit", "result_format"};
constexpr std::string_view kSql[] = {"additional_conditions", "query", "select_field", "table", "where_field"};
constexpr std::string_view kServer[] = {"dbname", "hosts", "idle_interval", "password", "retry_interval", "user"};
constexpr std::string_view kSqlite[] = {"dbpath"};
constexpr std::string_view kPgsql[] = {"encoding", "select_function"};
constexpr std::string_view kMysql[] = {"charset",      "option_file",    "option_group",  "require_result_set",
                                       "tls_CAfile",   "tls_CApath",     "tls_cert_file", "tls_ciphers",
                                       "tls_key_file", "tls_verify_cert"};
constexpr std::string_view kLdap[] = {"bind",
                                      "bind_dn",
                                      "bind_pw",
                                      "cache",
                                      "cache_expiry",
                                      "cache_size",
                                      "chase_referrals",
                                      "debuglevel",
                                      "dereference",
                                      "idle_interval",
                                      "leaf_result_attribute",
                                      "query_filter",
                                      "recursion_limit",
                                      "result_attribute",
                                      "result_filter",
                                      "retry_interval",
                                      "sasl_authz_id",
                                      "sasl_mechs",
                                      "sasl_minssf",
                                      "sasl_realm",
                                      "scope",
                                      "search_base",
                                      "server_host",
                                      "server_port",
                                      "size_limit",
                                      "special_result_attribute",
                                      "start_tls",
                                      "terminal_result_attribute",
                                      "timeout",
                                      "tls_ca_cert_dir",
                                      "tls_ca_cert_file",
                                      "tls_cert",
                                      "tls_cipher_suite",
                                      "tls_key",
                                      "tls_random_file",
                                      "tls_require_cert",
                                      "version"};

template <size_t N>
void add(std::vector<std::string_view>& out, const std::string_view (&names)[N]) {
  for (std::string_view name : names) out.push_back(name);
}

}  // namespace

std::vector<std::string_view> known_parameters(std::string_view type) {
  std::vector<std::string_view> out;
  if (type == "sqlite") add(out, kSqlite);
  if (type == "pgsql") add(out, kPgsql);
  if (type == "mysql") add(out, kMysql);
  if (type == "ldap") add(out, kLdap);
  if (out.empty()) return out;
  add(out, kCommon);
  if (type != "ldap") add(out, kSql);
  if (type == "pgsql" || type == "mysql") add(out, kServer);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> databases_in(std::string_view text) {
  std::vector<std::string> out;
  for (std::string_view word : split(text, " \t\r\n,{}")) {
    size_t colon = word.find(':');
    if (colon == std::string_view::npos || colon + 1 == word.size()) continue;
    if (table::is_database(word.substr(0, colon))) out.emplace_back(word);
  }
  return out;
}

Result<Parameters> Parameters::read(const config::Config* config, std::string_view type_and_name) {
  std::string path(type_and_name.substr(type_and_name.find(':') + 1));
  if (!path.starts_with('/') && !path.starts_with('.')) return of_prefix(config, type_and_name);
  UMAYA_TRY(std::string text, config::read_config_file(path));
  return parse(text, type_and_name);
}

Result<Parameters> Parameters::parse(std::string_view text, std::string_view type_and_name) {
  Parameters out;
  size_t colon = type_and_name.find(':');
  out.title_ = type_and_name;
  out.file_ = type_and_name.substr(colon + 1);
  UMAYA_TRY(out.settings_, config::MainCf::parse(text, out.file_));
  auto known = known_parameters(type_and_name.substr(0, colon));
  for (const config::Setting& setting : out.settings_.settings) {
    if (std::binary_search(known.begin(), known.end(), setting.name)) continue;
    out.remarks_.push_back(fmt::format("{}: {} tables have no parameter \"{}\"; it is ignored", setting.where(),
                                       type_and_name.substr(0, colon), printable(setting.name)));
  }
  // A warning of the parser shows values, which may be secret: only where it is.
  for (const std::string& warning : out.settings_.warnings) {
    size_t where = warning.find(": ");
    out.remarks_.push_back(warning.substr(0, where) + ": a parameter is set twice, or a line starts with a blank");
  }
  return out;
}

Result<Parameters> Parameters::of_prefix(const config::Config* config, std::string_view type_and_name) {
  Parameters out;
  size_t colon = type_and_name.find(':');
  out.title_ = type_and_name;
  out.prefix_ = std::string(type_and_name.substr(colon + 1)) + "_";
  if (config == nullptr) return permanent(out.title_ + ": write the path of a file, such as /etc/umaya/name.cf");
  for (std::string_view name : known_parameters(type_and_name.substr(0, colon))) {
    std::string full = out.prefix_ + std::string(name);
    const config::Setting* found = config->main_cf().find(full);
    if (found == nullptr) continue;
    config::Setting setting = *found;
    setting.name = name;
    setting.value = config->get(full);
    out.settings_.set(std::move(setting));
  }
  if (out.settings_.settings.empty()) {
    return permanent(fmt::format("{}: main.cf has no parameter that begins with \"{}\"", out.title_, out.prefix_));
  }
  return out;
}

std::string Parameters::text(std::string_view name, std::string_view otherwise) const {
  const config::Setting* setting = settings_.find(name);
  return setting != nullptr ? setting->value : std::string(otherwise);
}

Result<std::string> Parameters::required(std::string_view name) const {
  std::string value = text(name);
  if (!value.empty()) return value;
  if (has(name)) return bad(name, "must not be empty");
  return permanent(fmt::format("{}: the parameter {}{} is missing", title_, prefix_, name));
}

std::vector<std::string> Parameters::words(std::string_view name, std::string_view otherwise) const {
  std::string value = text(name, otherwise);
  std::vector<std::string> out;
  for (std::string_view word : split(value, ", \t\r\n")) out.emplace_back(word);
  return out;
}

Result<int64_t> Parameters::number(std::string_view name, int64_t otherwise, int64_t least, int64_t most) const {
  if (!has(name)) return otherwise;
  auto value = parse_int(text(name));
  if (!value || *value < least || *value > most) {
    return bad(name, fmt::format("must be a number from {} to {}", least, most));
  }
  return *value;
}

Result<bool> Parameters::flag(std::string_view name, bool otherwise) const {
  if (!has(name)) return otherwise;
  std::string value = text(name);
  if (iequals(value, "yes")) return true;
  if (iequals(value, "no")) return false;
  return bad(name, "must be yes or no");
}

std::unexpected<Error> Parameters::bad(std::string_view name, std::string_view what) const {
  const config::Setting* setting = settings_.find(name);
  std::string where = setting != nullptr ? setting->where() : title_;
  return permanent(fmt::format("{}: {}{} {}", where, prefix_, name, what));
}

}  // namespace umaya::databases
