// NAME    master_cf - read the service table master.cf
//
// SYNOPSIS
//     UMAYA_TRY(auto file, config::MasterCf::load(config));
//     for (const config::MasterService& service : file.services) …
//
// DESCRIPTION
//     Eight fields a line: service, type, private, unprivileged, chroot, wakeup, process limit, command with its
//     arguments; "-" takes the default. Arguments are words; { … } makes one argument of words with blanks. -o options
//     in front of the command's own arguments are read into overrides. Two lines with the same service and type: the
//     last one counts.
//
//     A MasterEntry is a line as text, for editors; a MasterService is what it means, for master(8).
//
// ERRORS
//     Permanent, with file, line and cure: too few fields, an unknown type, a field with a value it cannot have, a
//     missing brace, an -o option without "=".
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"

namespace umaya::config {

enum class ServiceType : unsigned char { inet, unix_stream, unix_datagram, fifo, pass };

/// The word of master.cf: "inet", "unix", "unix-dgram", "fifo", "pass".
std::string_view type_name(ServiceType type);

/// The fields in front of the command, in order; names are those of postconf -F.
inline constexpr size_t kMasterFields = 7;
inline constexpr std::array<std::string_view, kMasterFields + 1> kMasterFieldNames = {
    "service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"};

/// A line of master.cf, split but not interpreted.
struct MasterEntry {
  std::array<std::string, kMasterFields> fields;
  std::string command;
  std::vector<std::string> arguments;  ///< without the braces around an argument
  int line = 0;                        ///< first physical line
  int last = 0;                        ///< last physical line

  /// "smtp/inet".
  std::string key() const { return fields[0] + "/" + fields[1]; }
};

/// What a line means.
struct MasterService {
  std::string name;
  ServiceType type = ServiceType::unix_stream;
  bool is_private = true;              ///< socket in private/, else in public/
  bool unprivileged = true;            ///< runs as mail_owner (or a user of the program's choice), else starts as root
  bool chroot = false;                 ///< runs with queue_directory as its root
  int wakeup_seconds = 0;              ///< 0: never
  bool wakeup_only_when_used = false;  ///< "1000?": only after the service has been used
  int process_limit = 0;               ///< concurrent sessions; 0: no limit
  std::string command;                 ///< program in daemon_directory
  std::vector<std::string> arguments;  ///< everything behind the command, -o options included
  std::vector<std::pair<std::string, std::string>> overrides;  ///< the -o options, unexpanded; the last one wins
  int line = 0;

  /// "smtp/inet".
  std::string key() const { return name + "/" + std::string(type_name(type)); }
};

/// What "-" stands for.
struct MasterDefaults {
  int process_limit = 100;  ///< default_process_limit
  bool chroot = false;      ///< yes with compatibility_level below 1
};

/// Splits all lines of text; file is for the messages.
Result<std::vector<MasterEntry>> parse_master_entries(std::string_view text, const std::string& file);
/// One line: "smtp inet n - n - - smtpd -o a=b".
Result<MasterEntry> parse_master_entry(std::string_view line);
/// Interprets an entry.
Result<MasterService> interpret(const MasterEntry& entry, const MasterDefaults& defaults);

struct MasterCf {
  std::string file;
  std::vector<MasterService> services;  ///< each service/type once, in the order of the file
  std::vector<std::string> warnings;    ///< lines that a later one replaces

  static Result<MasterCf> parse(std::string_view text, const std::string& file, const MasterDefaults& defaults = {});
  /// master.cf in config's directory, with its defaults, and with the services of ours that it needs but does not
  /// name (see add_own_services).
  static Result<MasterCf> load(const Config& config);
  const MasterService* find(std::string_view name, ServiceType type) const;
};

/// A master.cf written for Postfix has no line for become, which local, virtual and pipe ask to act as a user. Adds it
/// when one of them is there and become is not; the added service has line 0.
void add_own_services(MasterCf& file);

/// Host and port of an inet service: "25", "smtp", "127.0.0.1:2525", "[::1]:25"; host is empty for all interfaces,
/// and without its brackets.
Result<std::pair<std::string, std::string>> split_inet_service(std::string_view name);

/// True when master_service_disable names the service: "inet", "smtp/inet" or "static:all".
bool service_disabled(const MasterService& service, const std::vector<std::string>& master_service_disable);

/// How an entry is laid out.
enum class Fold : unsigned char { one_line, folded };

/// The entry as postconf -M prints it, without the final newline.
std::string print_entry(const MasterEntry& entry, Fold fold);
/// Command and arguments as in postconf -F .../command.
std::string print_command(const MasterEntry& entry);

}  // namespace umaya::config
