// NAME    session - questions about tables, answered one after the other
//
// DESCRIPTION
//     Which tables may be asked about: those that proxy_read_maps lists as proxy:type:name; and databases (sqlite,
//     mysql, pgsql, ldap) that main.cf or master.cf name without "proxy:", because no other process can open those.
//     Tables of auth_password_maps, which hold secrets, are opened for processes of our own user and root alone: for
//     authd, not for what talks to the network.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/proxymap.h"
#include "libcommon/table/maps.h"

namespace umaya::proxymap {

/// Who asks.
enum class Asker : unsigned char { own_user, other };

/// The tables that may be asked about, opened when they are first needed and again when they have changed.
class Tables {
 public:
  /// proxy_read_maps: its items that begin with "proxy:" count.
  Tables(table::Options options, std::string_view proxy_read_maps);
  /// Databases in the values of main.cf and in the options of master.cf; those of auth_password_maps are kept secret.
  void allow_databases(const config::Config& config);
  bool is_allowed(const std::string& name, Asker asker) const;
  /// Only for allowed names.
  table::Maps& get(const services::proxymap::Query& query);
  const std::set<std::string>& allowed() const { return allowed_; }

 private:
  void allow_text(std::string_view text);
  table::Options options_;
  std::set<std::string> allowed_;
  std::set<std::string> secret_;
  // By name, keep_case and no_substitution.
  std::map<std::tuple<std::string, bool, bool>, std::unique_ptr<table::Maps>> open_;
};

/// Serves a connection until the client closes it. tables outlives the task.
event::Task<void> serve(Tables& tables, Fd fd, Asker asker);

}  // namespace umaya::proxymap
