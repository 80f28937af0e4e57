// NAME    session - questions about tables, answered one after the other
#pragma once

#include <memory>
#include <set>
#include <string>

#include "libcommon/base/strings.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/services/proxymap.h"
#include "libcommon/table/maps.h"

namespace umaya::proxymap {

/// The tables that may be asked about, opened when they are first needed and again when they have changed.
class Tables {
 public:
  /// allowed: the value of proxy_read_maps; its items that begin with "proxy:" count.
  Tables(table::Options options, std::string_view allowed);
  bool is_allowed(const std::string& name) const { return allowed_.contains(name); }
  /// Only for allowed names.
  table::Maps& get(const std::string& name);

 private:
  table::Options options_;
  std::set<std::string> allowed_;
  StringMap<std::unique_ptr<table::Maps>> open_;
};

/// Serves a connection until the client closes it. tables outlives the task.
event::Task<void> serve(Tables& tables, Fd fd);

}  // namespace umaya::proxymap
