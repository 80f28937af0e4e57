// NAME    types - one opener for each table type (private to this folder)
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/table/file_identity.h"
#include "libcommon/table/open.h"
#include "libcommon/table/table.h"

namespace umaya::table {

using Opened = Result<std::unique_ptr<Table>>;

Opened open_texthash(const Options& options, std::string name);
Opened open_inline(const Options& options, std::string name);
Opened open_static(const Options& options, std::string name);
Opened open_environ(const Options& options, std::string name);
Opened open_unix(const Options& options, std::string name);
Opened open_randmap(const Options& options, std::string name);
Opened open_fail(const Options& options, std::string name);
Opened open_lmdb(const Options& options, std::string name);
Opened open_cdb(const Options& options, std::string name);
Opened open_regexp(const Options& options, std::string name);
Opened open_pcre(const Options& options, std::string name);
Opened open_cidr(const Options& options, std::string name);
Opened open_unionmap(const Options& options, std::string name);
Opened open_pipemap(const Options& options, std::string name);
Opened open_tcp(const Options& options, std::string name);
Opened open_socketmap(const Options& options, std::string name);
Opened open_proxy(const Options& options, std::string name);
/// sqlite, mysql, pgsql, ldap: by options.databases, else a table that asks proxymap.
Opened open_database(const Options& options, std::string name);
/// A table whose every answer is this error.
std::unique_ptr<Table> failing_table(std::string name, Error error);

/// The text between the outer braces of "{ … }", trimmed; nothing when s is not one group.
std::optional<std::string_view> inside_braces(std::string_view s);
/// "type:{a, b, {c d}}": the elements of name, braces of single elements removed. syntax is what the error asks for.
Result<std::vector<std::string>> braced_list(std::string_view type, std::string_view name, std::string_view syntax);

}  // namespace umaya::table
