// NAME    config - the configuration of one instance: main.cf over the defaults
//
// SYNOPSIS
//     UMAYA_TRY(auto config, config::Config::load("/etc/umaya", {"smtpd_timeout=30s"}));
//     config.get("smtpd_banner")                       // expanded text
//     UMAYA_TRY(auto limit, config.get_int("smtpd_hard_error_limit"));
//     config.get_int("uucp_destination_recipient_limit")   // falls back to $default_destination_recipient_limit
//
// DESCRIPTION
//     A value comes from the command line (-o), else from main.cf, else from the parameter table; $name is expanded
//     when it is read. Names that no table knows are the administrator's own and are found when main.cf sets them.
//     Daemons that read many parameters bind them to a struct (bind.h).
//
//     The default of compatibility_level is 3.7, not 0: an instance without that line gets today's defaults, not those
//     for main.cf files from before 2015.
//
// ERRORS
//     load() fails when main.cf cannot be read, has a line that is no setting, or when the value of a known parameter
//     cannot be expanded. The typed getters fail when a value is not of their kind or outside the row's limits. Every
//     error names file, line, parameter and cure.
//
// OWNERSHIP
//     A Config is a value; after load() it does not change and may be read from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/base/result.h"
#include "libcommon/base/strings.h"
#include "libcommon/config/host.h"
#include "libcommon/config/main_cf.h"
#include "libcommon/config/params.h"

namespace umaya::config {

class Config {
 public:
  /// Reads dir/main.cf; overrides are "name=value" and win over it. A missing main.cf is an error.
  static Result<Config> load(const std::string& dir, const std::vector<std::string>& overrides = {});
  /// The same from text, for tests and for tools that bring their own.
  static Result<Config> from_text(std::string_view main_cf, const std::string& dir = "/etc/umaya",
                                  const std::vector<std::string>& overrides = {},
                                  const HostFacts& host = HostFacts::of_system());

  /// main.cf as it is now, under the same overrides and names of the process.
  Result<Config> reload() const;

  /// The value, expanded (but for parameters that are expanded later, such as luser_relay). Empty when nobody knows
  /// the name. A user-defined value that cannot be expanded comes out as written.
  std::string get(std::string_view name) const;
  Result<bool> get_bool(std::string_view name) const;
  Result<int64_t> get_int(std::string_view name) const;
  Result<int64_t> get_size(std::string_view name) const { return get_int(name); }
  Result<Duration> get_time(std::string_view name) const;
  /// Words between commas and white space; { … } groups stay whole, with their braces.
  std::vector<std::string> get_list(std::string_view name) const;

  /// The unexpanded value that is in force; nothing when nobody knows the name.
  std::optional<std::string> raw(std::string_view name) const;
  /// Expands any text with this configuration's names.
  Result<std::string> expand(std::string_view text) const;
  /// True when main.cf or -o sets the name.
  bool is_set(std::string_view name) const { return main_cf_.find(name) != nullptr; }
  /// Where a value comes from, for messages: "/etc/umaya/main.cf, line 3: smtpd_timeout = 5x".
  std::string where(std::string_view name) const;
  /// A permanent error about the value of name: where(name), then what is wrong.
  std::unexpected<Error> bad_value(std::string_view name, std::string_view what) const;

  const std::string& directory() const { return dir_; }
  const MainCf& main_cf() const { return main_cf_; }
  const HostFacts& host() const { return host_; }
  /// The addresses that inet_interfaces and inet_protocols name.
  std::vector<InterfaceAddress> own_addresses() const;
  /// Sets process_name, process_id and service_name.
  void name_process(std::string_view process, std::string_view service);

 private:
  void compute_names();
  Result<> compute_networks();
  Result<> check_expansions() const;

  std::string dir_;
  std::vector<std::string> overrides_;
  MainCf main_cf_;  ///< overrides included
  HostFacts host_;
  StringMap<std::string> computed_;
};

}  // namespace umaya::config
