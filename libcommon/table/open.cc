#include "libcommon/table/open.h"

#include <algorithm>
#include <array>

#include "libcommon/base/strings.h"
#include "libcommon/config/config.h"
#include "libcommon/log/log.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

struct Type {
  std::string_view name;
  Opened (*open)(const Options&, std::string);
};

constexpr std::array kTypes = {
    Type{"btree", open_lmdb},          Type{"cdb", open_cdb},
    Type{"cidr", open_cidr},           Type{"environ", open_environ},
    Type{"fail", open_fail},           Type{"hash", open_lmdb},
    Type{"inline", open_inline},       Type{"ldap", open_database},
    Type{"lmdb", open_lmdb},           Type{"mysql", open_database},
    Type{"pcre", open_pcre},           Type{"pgsql", open_database},
    Type{"pipemap", open_pipemap},     Type{"proxy", open_proxy},
    Type{"randmap", open_randmap},     Type{"regexp", open_regexp},
    Type{"socketmap", open_socketmap}, Type{"sqlite", open_database},
    Type{"static", open_static},       Type{"tcp", open_tcp},
    Type{"texthash", open_texthash},   Type{"unionmap", open_unionmap},
    Type{"unix", open_unix},
};

/// Position of the colon that ends the type; npos when there is none ("{…}" and "/path" have none).
size_t type_end(std::string_view spec) {
  size_t colon = spec.find(':');
  if (colon == std::string_view::npos) return colon;
  bool is_word = std::all_of(spec.begin(), spec.begin() + static_cast<std::ptrdiff_t>(colon),
                             [](char c) { return ascii_alnum(c) || c == '_'; });
  return is_word ? colon : std::string_view::npos;
}

}  // namespace

Options options_from(const config::Config& config) {
  Options out;
  if (std::string type = config.get("default_database_type"); !type.empty()) out.default_type = type;
  out.queue_directory = config.get("queue_directory");
  out.proxy_read_maps = config.get("proxy_read_maps");
  return out;
}

Result<std::unique_ptr<Table>> open(const Options& options, std::string_view type_and_name) {
  size_t colon = type_end(type_and_name);
  std::string type{colon == std::string_view::npos ? std::string_view(options.default_type)
                                                   : type_and_name.substr(0, colon)};
  std::string name{colon == std::string_view::npos ? type_and_name : type_and_name.substr(colon + 1)};
  if (name.empty() || type.empty()) {
    return permanent("open dictionary: expecting \"type:name\" form instead of \"" + std::string(type_and_name) + "\"");
  }
  auto row = std::find_if(kTypes.begin(), kTypes.end(), [&](const Type& t) { return t.name == type; });
  if (row == kTypes.end()) return permanent("unsupported dictionary type: " + type);
  return row->open(options, type + ":" + name);
}

std::unique_ptr<Table> open_or_failing(const Options& options, std::string_view type_and_name) {
  auto table = open(options, type_and_name);
  if (table) return std::move(*table);
  log::error("{}", table.error().what);
  Error error = table.error();
  error.kind = ErrorKind::temporary;
  error.what = std::string(type_and_name) + " is unavailable. " + error.what;
  return failing_table(std::string(type_and_name), std::move(error));
}

std::vector<std::string_view> type_names() {
  std::vector<std::string_view> out;
  for (const Type& type : kTypes) out.push_back(type.name);
  return out;
}

bool is_database(std::string_view type) {
  return type == "sqlite" || type == "mysql" || type == "pgsql" || type == "ldap";
}

std::string_view real_type(std::string_view type) {
  return type == "hash" || type == "btree" || type == "dbm" ? "lmdb" : type;
}

}  // namespace umaya::table
