#include "libcommon/tls/identity/sets.h"

#include <algorithm>
#include <string_view>

#include "libcommon/config/master_cf.h"
#include "libcommon/tls/identity/self_signed.h"
#include "libcommon/tls/server_settings.h"

namespace umaya::tls {

namespace {

struct Speaker {
  std::string_view command, prefix;
  Role role;
};
constexpr Speaker kSpeakers[] = {{"smtpd", "smtpd", Role::server},
                                 {"lmtpd", "smtpd", Role::server},
                                 {"pop3d", "pop3", Role::server},
                                 {"smtp", "smtp", Role::client},
                                 {"lmtp", "lmtp", Role::client}};

void add(Sets& sets, IdentityFiles files) {
  bool known = std::any_of(sets.files.begin(), sets.files.end(), [&](auto& f) { return f.name() == files.name(); });
  if (!known) sets.files.push_back(std::move(files));
}

Result<void> add_service(Sets& sets, const config::Config& config, const Speaker& speaker) {
  IdentityFiles files = identity_files(config, speaker.prefix);
  if (!files.empty()) {
    add(sets, std::move(files));
    return {};
  }
  if (speaker.role == Role::client) return {};
  UMAYA_TRY(Level level, server_level(config, speaker.prefix));
  bool wrapped = speaker.prefix == "smtpd" && config.get_bool("smtpd_tls_wrappermode").value_or(false);
  if (level == Level::none && !wrapped) return {};
  sets.needs_self_signed = true;
  add(sets, self_signed_files(config));
  return {};
}

}  // namespace

Result<Sets> find_sets(const config::Config& config) {
  Sets out;
  UMAYA_TRY(config::MasterCf master, config::MasterCf::load(config));
  for (const config::MasterService& service : master.services) {
    const auto* speaker = std::find_if(std::begin(kSpeakers), std::end(kSpeakers),
                                       [&](const Speaker& s) { return s.command == service.command; });
    if (speaker == std::end(kSpeakers)) continue;
    if (service.overrides.empty()) {
      UMAYA_CHECK(add_service(out, config, *speaker));
      continue;
    }
    std::vector<std::string> overrides;
    for (const auto& [name, value] : service.overrides) overrides.push_back(name + "=" + value);
    UMAYA_TRY(config::Config own, config::Config::load(config.directory(), overrides));
    UMAYA_CHECK(add_service(out, own, *speaker));
  }
  return out;
}

}  // namespace umaya::tls
