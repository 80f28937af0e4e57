// NAME    main_cf - read the settings of main.cf
//
// SYNOPSIS
//     UMAYA_TRY(auto file, config::MainCf::parse(text, "/etc/umaya/main.cf"));
//
// DESCRIPTION
//     "name = value" lines as Postfix reads them: comments, continuation lines, the last of two settings wins.
//     Values are kept as written (not expanded), with the line where they stand.
//
// ERRORS
//     Permanent, with file, line and cure, for a line without "=" or with white space within the name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/base/strings.h"

namespace umaya::config {

/// One setting as written.
struct Setting {
  std::string name;
  std::string value;
  std::string file;  ///< "/etc/umaya/main.cf"; "-o option" for one of the command line
  int line = 0;      ///< 0: not from a file

  /// "/etc/umaya/main.cf, line 3", for messages.
  std::string where() const;
};

struct MainCf {
  std::string file;
  std::vector<Setting> settings;      ///< each name once, in the order of first appearance
  std::vector<std::string> warnings;  ///< overridden settings and stray lines, with file and line

  static Result<MainCf> parse(std::string_view text, std::string file);
  /// The setting of a name, or nullptr.
  const Setting* find(std::string_view name) const;
  /// Adds or replaces a setting.
  void set(Setting setting);

 private:
  StringMap<size_t> index_;
};

/// "name=value" or "name = value", as -o and postconf -e take it.
Result<Setting> parse_assignment(std::string_view text);

/// The text of a file of at most 16 MB.
Result<std::string> read_config_file(const std::string& path);

}  // namespace umaya::config
