// NAME    parameters - what a .cf file says about a database, or main.cf with a prefix
//
// SYNOPSIS
//     UMAYA_TRY(auto parameters, Parameters::read(config, "pgsql:/etc/umaya/users.cf"));
//     parameters.text("dbname")
//     UMAYA_TRY(int64_t limit, parameters.number("expansion_limit", 0, 0));
//
// DESCRIPTION
//     A name that begins with / or . is a file of "name = value" lines in the form of main.cf, in which $ has no
//     meaning. Any other name is a prefix: "ldap:people" reads people_server_host and so on from main.cf, with its
//     $names.
//
// ERRORS
//     Permanent, with file, line and what is expected. remarks() has what is no error: names that the type does not
//     know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"

namespace umaya::databases {

class Parameters {
 public:
  /// config is that of the instance; it is needed for prefixes only and may be null.
  static Result<Parameters> read(const config::Config* config, std::string_view type_and_name);
  /// The same from the text of a file.
  static Result<Parameters> parse(std::string_view text, std::string_view type_and_name);

  bool has(std::string_view name) const { return settings_.find(name) != nullptr; }
  std::string text(std::string_view name, std::string_view otherwise = {}) const;
  /// A text that must not be empty.
  Result<std::string> required(std::string_view name) const;
  /// Words between commas and white space.
  std::vector<std::string> words(std::string_view name, std::string_view otherwise = {}) const;
  Result<int64_t> number(std::string_view name, int64_t otherwise, int64_t least, int64_t most = INT32_MAX) const;
  /// yes or no.
  Result<bool> flag(std::string_view name, bool otherwise) const;
  /// A permanent error about a parameter, with the place where it is set.
  std::unexpected<Error> bad(std::string_view name, std::string_view what) const;

  /// "type:name".
  const std::string& title() const { return title_; }
  /// The file that was read; empty for a prefix of main.cf.
  const std::string& file() const { return file_; }
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  static Result<Parameters> of_prefix(const config::Config* config, std::string_view type_and_name);
  std::string title_;
  std::string file_;
  std::string prefix_;  ///< "people_" in main.cf
  config::MainCf settings_;
  std::vector<std::string> remarks_;
};

/// Databases that a value of main.cf names, as "type:name", but not those behind "proxy:".
std::vector<std::string> databases_in(std::string_view text);
/// The parameters of a table type ("pgsql"), sorted; empty for types that are no database.
std::vector<std::string_view> known_parameters(std::string_view type);

}  // namespace umaya::databases
