// NAME    table_source - passwords in lookup tables (auth_password_maps): any type, SQL and LDAP through proxymap too
//
// DESCRIPTION
//     The key is the canonical name; the value "{SCHEME}data", or data of auth_default_scheme, and behind a blank extra
//     fields as in a passwd-file. Pattern tables may not put parts of the name into the value.
//
// ERRORS
//     A table that cannot be asked and data that are malformed are temporary.
#pragma once

#include "authd/sources/source.h"
#include "libcommon/table/maps.h"

namespace umaya::authd {

class TableSource : public Source {
 public:
  TableSource(table::Maps maps, auth::PasswdRules rules) : maps_(std::move(maps)), rules_(std::move(rules)) {}
  std::string_view name() const override { return "tables"; }
  Result<void> refresh() override;
  event::Task<Result<std::optional<Account>>> find(std::string user) override;
  /// What auth_default_scheme can be used for: the tables are not read through.
  unsigned uses() const override;
  Result<std::vector<std::string>> users() override;
  uint64_t generation() const override { return generation_; }
  const auth::StoredPassword* decoy() const override { return decoy_ ? &*decoy_ : nullptr; }

 private:
  table::Maps maps_;
  auth::PasswdRules rules_;
  std::optional<auth::StoredPassword> decoy_;  ///< the last one seen
  uint64_t generation_ = 0;
};

}  // namespace umaya::authd
