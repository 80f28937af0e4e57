// NAME    drivers - the table types sqlite, mysql, pgsql and ldap, for processes that have the databases' libraries
//
// SYNOPSIS
//     databases::Drivers drivers(&config);
//     options.databases = &drivers;             // table::open() opens them here from now on
//
// DESCRIPTION
//     Only proxymap(8), postmap(1) and postalias(1) link this library. All other programs ask proxymap.
//
// OWNERSHIP
//     The drivers and the configuration outlive every table that is opened with them.
#pragma once

#include <string>
#include <vector>

#include "libcommon/databases/engine.h"
#include "libcommon/table/open.h"

namespace umaya::databases {

class Drivers : public table::DatabaseTypes {
 public:
  /// config may be null: then tables are named by the path of their file only.
  explicit Drivers(const config::Config* config) : config_(config) {}
  Result<std::unique_ptr<table::Table>> open(const table::Options& options, std::string name) const override;
  /// Parameters of a table, read and checked.
  Result<EnginePtr> engine(const Parameters& parameters) const;
  const config::Config* config() const { return config_; }

 private:
  const config::Config* config_;
};

}  // namespace umaya::databases
