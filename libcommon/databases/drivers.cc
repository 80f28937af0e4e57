#include "libcommon/databases/drivers.h"

#include "libcommon/databases/database_table.h"
#include "libcommon/log/log.h"

namespace umaya::databases {

Result<EnginePtr> Drivers::engine(const Parameters& parameters) const {
  std::string_view type = std::string_view(parameters.title()).substr(0, parameters.title().find(':'));
  if (type == "sqlite") return make_sqlite(parameters);
  if (type == "pgsql") return make_pgsql(parameters);
  if (type == "mysql") return make_mysql(parameters);
  if (type == "ldap") return make_ldap(parameters);
  return permanent("unsupported dictionary type: " + std::string(type));
}

Result<std::unique_ptr<table::Table>> Drivers::open(const table::Options& options, std::string name) const {
  UMAYA_TRY(Parameters parameters, Parameters::read(config_, name));
  for (const std::string& remark : parameters.remarks()) log::warning("{}", remark);
  UMAYA_TRY(EnginePtr made, engine(parameters));
  return std::make_unique<DatabaseTable>(std::move(name), options, std::move(made), parameters.file());
}

}  // namespace umaya::databases
