// NAME    open - make a table from its "type:name"
//
// SYNOPSIS
//     table::Options options;                                    // or table::options_from(config)
//     UMAYA_TRY(auto aliases, table::open(options, "hash:/etc/aliases"));
//
// DESCRIPTION
//     Types: lmdb (hash and btree are other names for it), cdb, texthash, inline, static, regexp, pcre, cidr, unionmap,
//     pipemap, randmap, environ, fail, unix, tcp, socketmap, proxy. A name without a type has the default type.
//     regexp, pcre and cidr also take their rules inline: "pcre:{{/^root@/ admin}}".
//     sqlite, mysql, pgsql and ldap are opened by the drivers in options.databases, which few programs have; without
//     them the table asks proxymap(8).
//
// ERRORS
//     open() names the table, the file and what is wrong. open_or_failing() gives a table that answers every question
//     with that error, so that the mail waits until the file is back.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/table/table.h"

namespace umaya::config {
class Config;
}

namespace umaya::table {

/// Whether $1 may stand in the results of regexp and pcre tables: not where a sender could choose a command or an id.
enum class Substitution : unsigned char { allowed, refused };
/// What a key that stands twice in a texthash file means: daemons give an error, commands warn and keep the first.
enum class Duplicates : unsigned char { error, warn };

struct Options;

/// What opens sqlite:, mysql:, pgsql: and ldap: tables in a program that has the libraries for it
/// (libcommon/databases).
class DatabaseTypes {
 public:
  virtual ~DatabaseTypes() = default;
  DatabaseTypes(const DatabaseTypes&) = delete;
  DatabaseTypes& operator=(const DatabaseTypes&) = delete;
  virtual Result<std::unique_ptr<Table>> open(const Options& options, std::string name) const = 0;

 protected:
  DatabaseTypes() = default;
};

struct Options {
  std::string default_type = "lmdb";  ///< default_database_type
  CaseRule fold = CaseRule::fold;
  Substitution substitution = Substitution::allowed;
  Duplicates duplicates = Duplicates::error;
  std::string queue_directory;  ///< where proxymap's socket is
  std::string proxy_read_maps;  ///< what proxymap opens for others, expanded; empty: nothing is asked of proxymap
  const DatabaseTypes* databases = nullptr;  ///< empty: proxymap is asked; outlives the tables
};

/// What main.cf says about tables in general.
Options options_from(const config::Config& config);

Result<std::unique_ptr<Table>> open(const Options& options, std::string_view type_and_name);
/// Never fails: the table tells every caller what was wrong. Logs an error.
std::unique_ptr<Table> open_or_failing(const Options& options, std::string_view type_and_name);
/// Names of all types, sorted (postconf -m).
std::vector<std::string_view> type_names();
/// sqlite, mysql, pgsql or ldap.
bool is_database(std::string_view type);
/// The indexed type that a name in main.cf means: hash, btree and dbm are lmdb.
std::string_view real_type(std::string_view type);

}  // namespace umaya::table
