// NAME    maps - a list of tables, as a parameter of main.cf names them
//
// SYNOPSIS
//     auto maps = table::Maps::open(options, "virtual_alias_maps", "hash:/etc/umaya/virtual, regexp:/etc/umaya/re");
//     table::Lookup answer = maps.find("user@example.com");
//
// DESCRIPTION
//     find() asks the tables in their order until one has the key. Partial keys (an address without its extension, a
//     domain) are not shown to pattern tables. An empty result is an error of configuration, not "not found".
//     A table that has to wait gives an error here unless find() runs inside settle() (settle.h).
//     refresh() opens tables again whose file has changed; call it now and then, for example for each new session.
//
// ERRORS
//     Opening never fails: a table that could not be opened answers with a temporary error until its file is there.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/table/open.h"
#include "libcommon/table/table.h"

namespace umaya::table {

class Maps {
 public:
  Maps() = default;
  /// title is the parameter's name, for warnings; list is its expanded value.
  static Maps open(const Options& options, std::string title, std::string_view list);

  Lookup find(std::string_view key, KeyForm form = KeyForm::whole);
  bool empty() const { return tables_.empty(); }
  const std::string& title() const { return title_; }
  /// Opens changed tables again, at most once a second. True when one was.
  bool refresh();
  bool changed() const;
  const std::vector<std::shared_ptr<Table>>& tables() const { return tables_; }

 private:
  Options options_;
  std::string title_;
  // Shared: who waits for an answer of a table keeps it, also when refresh() puts another in its place meanwhile.
  std::vector<std::shared_ptr<Table>> tables_;
  TimePoint next_refresh_{};
};

}  // namespace umaya::table
