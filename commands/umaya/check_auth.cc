// check: what authd will find when it starts.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "authd/params.h"
#include "commands/umaya/commands.h"
#include "libcommon/auth/mechanism_list.h"
#include "libcommon/auth/passwd_file.h"
#include "libcommon/auth/scheme.h"
#include "libcommon/base/strings.h"
#include "libcommon/config/check.h"
#include "libcommon/config/master_cf.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/fs/file.h"

namespace umaya::commands {

namespace {

using config::Finding;
using config::Severity;

constexpr std::string_view kSources[] = {"passwd-file", "system", "tables", "static"};

class AuthCheck {
 public:
  AuthCheck(const config::Config& config, std::vector<Finding>& out) : config_(config), out_(out) {}
  void run();

 private:
  void say(Severity severity, std::string_view name, const std::string& what) {
    out_.push_back({severity, config_.where(name) + ": " + what});
  }
  bool uses(std::string_view source) const {
    return std::any_of(params_.sources.begin(), params_.sources.end(),
                       [&](const std::string& s) { return iequals(s, source); });
  }
  void check_sources();
  void check_passwd_file();
  void check_access(const struct stat& file);
  void check_static();
  void check_mechanisms();

  const config::Config& config_;
  std::vector<Finding>& out_;
  authd::Params params_;
  unsigned uses_ = auth::kEverySecret;  ///< of the passwords, as far as they are known here
};

void AuthCheck::check_sources() {
  for (const std::string& name : params_.sources) {
    bool known = std::any_of(std::begin(kSources), std::end(kSources),
                             [&](std::string_view source) { return iequals(source, name); });
    if (!known) {
      say(Severity::error, "auth_sources", "\"" + name + "\" is unknown: write passwd-file, system, tables or static");
    }
  }
  if (uses("tables") && params_.password_maps.empty()) {
    say(Severity::error, "auth_sources", "names tables: set auth_password_maps, too");
  }
  if (uses("system")) {
    uses_ &= auth::kCheckable;
    std::string file = "/etc/pam.d/" + params_.pam_service;
    if (!params_.pam_service.empty() && access(file.c_str(), F_OK) != 0) {
      say(Severity::warning, "auth_pam_service", "there is no " + file + ": PAM takes the rules of /etc/pam.d/other");
    }
  }
  auto names = auth::scheme_names();
  if (std::find(names.begin(), names.end(), to_upper(params_.default_scheme)) == names.end()) {
    say(Severity::error, "auth_default_scheme", "no such scheme; umaya pw -l lists them");
  }
}

/// Whether the daemon's account may read it, and whether others may.
void AuthCheck::check_access(const struct stat& file) {
  const std::string& path = params_.passwd_file;
  if (file.st_mode & S_IROTH) {
    say(Severity::warning, "auth_passwd_file", path + ": everybody can read the passwords: chmod o-r " + path);
  }
  auto owner = daemon::find_user(config_.get("mail_owner"));
  if (geteuid() != 0 || !owner) return;
  bool readable = (file.st_uid == owner->uid && (file.st_mode & S_IRUSR)) ||
                  (file.st_gid == owner->gid && (file.st_mode & S_IRGRP)) || (file.st_mode & S_IROTH);
  if (!readable) {
    std::string name = config_.get("mail_owner");
    say(Severity::warning, "auth_passwd_file",
        path + ": authd runs as " + name + " and cannot read it: chgrp " + name + " " + path + " && chmod 640 " + path);
  }
}

void AuthCheck::check_passwd_file() {
  const std::string& path = params_.passwd_file;
  struct stat file {};
  auto text = fs::read_file(path, auth::kMostPasswdText);
  if (!text || stat(path.c_str(), &file) != 0) {
    bool expected = config_.is_set("auth_passwd_file") || config_.is_set("auth_sources");
    say(expected ? Severity::warning : Severity::note, "auth_passwd_file",
        (text ? path : text.error().what) + ": nobody can log in; umaya user add NAME makes it");
    return;
  }
  check_access(file);
  std::vector<std::string> problems;
  auth::PasswdRules rules{params_.default_scheme, params_.allow_weak_schemes};
  uses_ &= auth::parse_passwd_file(*text, path, problems, rules).uses();
  explicit_bzero(text->data(), text->size());
  for (const std::string& problem : problems) out_.push_back({Severity::warning, problem});
}

void AuthCheck::check_static() {
  if (params_.static_password.empty()) return;
  auto password = auth::StoredPassword::parse(params_.static_password, params_.default_scheme);
  if (!password) return say(Severity::error, "auth_static_password", password.error().what);
  uses_ &= auth::uses_of(*password);
}

void AuthCheck::check_mechanisms() {
  std::vector<std::string> unserved, unknown;
  (void)auth::offered_mechanisms(params_.mechanisms, uses_, &unserved, &unknown);
  for (const std::string& name : unknown) say(Severity::error, "auth_mechanisms", "\"" + name + "\" is unknown");
  if (!config_.is_set("auth_mechanisms")) return;
  for (const std::string& name : unserved) {
    say(Severity::warning, "auth_mechanisms",
        name + " is not offered: not every stored password can serve it (SCRAM wants {PLAIN} or {SCRAM-SHA-…})");
  }
}

void AuthCheck::run() {
  if (auto bound = config::bind(config_, authd::kBindings, params_); !bound) {
    out_.push_back({Severity::error, bound.error().what});
    return;
  }
  check_sources();
  if (uses("passwd-file")) check_passwd_file();
  if (uses("static")) check_static();
  check_mechanisms();
}

}  // namespace

std::vector<Finding> check_auth(const config::Config& config) {
  std::vector<Finding> out;
  auto master = config::MasterCf::load(config);
  if (!master) return out;
  bool runs = std::any_of(master->services.begin(), master->services.end(),
                          [](const config::MasterService& service) { return service.command == "authd"; });
  if (runs) AuthCheck(config, out).run();
  return out;
}

}  // namespace umaya::commands
