// Services of master.cf: which are ours, which are built in, which are missing.
#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/config/check.h"
#include "libcommon/config/values.h"

namespace umaya::config {
namespace {

/// Programs of Postfix that Umaya needs no process for.
constexpr std::string_view kBuiltIn[] = {"dnsblog", "postlogd", "scache", "tlsproxy", "trivial-rewrite"};
/// Programs of Postfix that this version has not.
constexpr std::string_view kNotYet[] = {"nbdb_reindexd", "postscreen", "qmqpd", "spawn", "verify"};
constexpr std::string_view kOurs[] = {"anvil",      "authd", "become", "bounce", "cleanup", "discard",
                                      "error",      "flush", "lmtp",   "lmtpd",  "local",   "nqmgr",
                                      "named-lite", "oqmgr", "pickup", "pipe",   "pop3d",   "proxymap",
                                      "qmgr",       "showq", "smtp",   "smtpd",  "tlsmgr",  "virtual"};

/// Without these no mail moves. The text is the line to add.
struct Needed {
  std::string_view name;
  std::string_view line;
};
constexpr Needed kNeeded[] = {{"cleanup", "cleanup unix n - n - 0 cleanup"}, {"qmgr", "qmgr unix n - n 300 1 qmgr"},
                              {"pickup", "pickup unix n - n 60 1 pickup"},   {"bounce", "bounce unix - - n - 0 bounce"},
                              {"defer", "defer unix - - n - 0 bounce"},      {"trace", "trace unix - - n - 0 bounce"},
                              {"error", "error unix - - n - - error"},       {"retry", "retry unix - - n - - error"},
                              {"showq", "showq unix n - n - - showq"}};

/// Parameters whose value starts with the name of a transport.
constexpr std::string_view kTransports[] = {"default_transport", "local_transport",   "relay_transport",
                                            "virtual_transport", "mailbox_transport", "fallback_transport"};

/// The same, where there is an lmtpd.
constexpr std::string_view kLmtpTransports[] = {"lmtpd_local_transport", "lmtpd_virtual_transport"};

/// maxproc that a program must have to work.
struct FixedLimit {
  std::string_view command;
  std::string_view limit;
};
constexpr FixedLimit kFixedLimits[] = {
    {"qmgr", "1"}, {"pickup", "1"}, {"anvil", "1"}, {"cleanup", "0"}, {"bounce", "0"}};

template <size_t N>
bool among(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

class ServiceCheck {
 public:
  ServiceCheck(const Config& config, const std::string& file, std::vector<Finding>& out)
      : config_(config), file_(file), out_(out) {}

  void check(const MasterEntry& entry) {
    auto service = interpret(entry, {});
    if (!service) return say(Severity::error, entry, service.error().what);
    if (among(kBuiltIn, entry.command)) {
      say(Severity::note, entry, fmt::format("{} is built in: this service needs no process", entry.command));
    } else if (among(kNotYet, entry.command)) {
      say(Severity::note, entry, fmt::format("{} is not part of this version of Umaya yet", entry.command));
    } else if (!among(kOurs, entry.command)) {
      say(Severity::error, entry,
          fmt::format("there is no program {}: write one of {}", entry.command, fmt::join(kOurs, " ")));
    }
    for (const auto& [command, limit] : kFixedLimits) {
      const std::string& written = entry.fields[6];
      if (entry.command != command || written == limit) continue;
      say(Severity::warning, entry,
          fmt::format("the process limit of {} must be {}, not \"{}\"", command, limit, written));
    }
    for (const auto& [name, value] : service->overrides) check_override(entry, name, value);
  }

  /// Whether a service takes log-ins with -o smtpd_sasl_auth_enable=yes.
  bool logs_in() const { return logs_in_; }

  void say(Severity severity, const MasterEntry& entry, std::string_view what) {
    out_.push_back({severity, fmt::format("{}, line {}: {}: {}", file_, entry.line, entry.key(), what)});
  }

 private:
  void check_override(const MasterEntry& entry, const std::string& name, const std::string& value) {
    const Param* row = find_any_param(name);
    if (!row) {
      bool user_defined = config_.is_set(name);
      std::string near = nearest_parameter(name);
      if (!user_defined && !near.empty()) {
        say(Severity::warning, entry, fmt::format("-o {}: unknown parameter: did you mean {}?", name, near));
      }
      return;
    }
    auto expanded = config_.expand(value);
    auto readable = expanded ? check_value(*row, *expanded) : Result<>(std::unexpected(expanded.error()));
    if (!readable) return say(Severity::error, entry, fmt::format("-o {}={}: {}", name, value, readable.error().what));
    if (name == "smtpd_sasl_auth_enable" && *expanded == "yes") logs_in_ = true;
    if (effect_of(*row) == Effect::no_effect && *expanded != config_.get(name)) {
      say(Severity::note, entry, fmt::format("-o {} has no effect yet in this version of Umaya ({})", name, row->doc));
    }
  }

  const Config& config_;
  const std::string& file_;
  std::vector<Finding>& out_;
  bool logs_in_ = false;
};

bool has_service(const std::vector<MasterEntry>& services, std::string_view name) {
  return std::any_of(services.begin(), services.end(),
                     [&](const MasterEntry& e) { return e.fields[0] == name && e.fields[1] != "inet"; });
}

}  // namespace

void detail::check_services(const Config& config, const std::string& file, const std::vector<MasterEntry>& services,
                            std::vector<Finding>& out) {
  ServiceCheck checker(config, file, out);
  for (size_t i = 0; i < services.size(); ++i) {
    checker.check(services[i]);
    for (size_t j = 0; j < i; ++j) {
      if (services[j].key() != services[i].key()) continue;
      checker.say(Severity::warning, services[i],
                  fmt::format("replaces the service of line {}: remove one of them", services[j].line));
    }
  }
  for (const Needed& needed : kNeeded) {
    if (has_service(services, needed.name)) continue;
    out.push_back({Severity::error,
                   fmt::format("{}: service {} is missing: add the line \"{}\"", file, needed.name, needed.line)});
  }
  bool logs_in = checker.logs_in() || config.get_bool("smtpd_sasl_auth_enable").value_or(false);
  if (logs_in && config.get("smtpd_sasl_path") == "private/auth" && !has_service(services, "auth")) {
    out.push_back(
        {Severity::warning, fmt::format("{}: nobody can log in: service auth is missing: add the line \"auth unix - "
                                        "- n - 0 authd\", or name another server in smtpd_sasl_path",
                                        file)});
  }
  auto check_transport = [&](std::string_view name) {
    std::string value = config.get(name);
    std::string transport = value.substr(0, value.find(':'));
    if (transport.empty() || has_service(services, transport)) return;
    out.push_back({Severity::error, fmt::format("{}: master.cf has no service \"{}\" of type unix: add it or change {}",
                                                config.where(name), transport, name)});
  };
  for (std::string_view name : kTransports) check_transport(name);
  bool has_lmtpd = std::ranges::any_of(services, [](const MasterEntry& entry) { return entry.command == "lmtpd"; });
  if (!has_lmtpd) return;
  for (std::string_view name : kLmtpTransports) check_transport(name);
}

}  // namespace umaya::config
