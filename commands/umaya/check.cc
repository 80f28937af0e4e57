// check: directories, main.cf and master.cf.
#include "libcommon/config/check.h"

#include "commands/umaya/commands.h"
#include "libcommon/config/master_cf.h"
#include "libcommon/daemon/instance.h"
#include "libcommon/log/log.h"
#include "libcommon/tls/identity/certificates.h"
#include "libcommon/tls/identity/self_signed.h"
#include "libcommon/tls/identity/sets.h"

namespace umaya::commands {

static void check_certificates(const config::Config& config);

bool check_instance(const config::Config& config) {
  bool usable = true;
  std::vector<config::Finding> findings = config::check(config);
  for (config::Finding& finding : check_auth(config)) findings.push_back(std::move(finding));
  for (config::Finding& finding : check_quota(config)) findings.push_back(std::move(finding));
  for (config::Finding& finding : check_databases(config)) findings.push_back(std::move(finding));
  for (const config::Finding& finding : findings) {
    switch (finding.severity) {
      case config::Severity::error:
        usable = false;
        log::error("{}", finding.text);
        break;
      case config::Severity::warning:
        log::warning("{}", finding.text);
        break;
      case config::Severity::note:
        log::info("{}", finding.text);
        break;
    }
  }
  auto prepared = daemon::prepare_directories(config);
  if (!prepared) {
    log::error("{}", prepared.error().what);
    return false;
  }
  for (const std::string& line : *prepared) log::info("{}", line);
  if (usable) check_certificates(config);
  return usable;
}

/// Certificates and their keys. Without them mail goes in the clear: no reason not to start.
static void check_certificates(const config::Config& config) {
  auto sets = tls::find_sets(config);
  if (!sets) return log::warning("{}", sets.error().what);
  auto master = config::MasterCf::load(config);
  if (master && !sets->files.empty() &&
      !master->find(config.get("tlsmgr_service_name"), config::ServiceType::unix_stream)) {
    log::warning(
        "{}: service tlsmgr is missing, mail goes in the clear: add the line \"tlsmgr unix - - n 1000? 1 tlsmgr\"",
        master->file);
  }
  for (const tls::IdentityFiles& files : sets->files) {
    std::vector<tls::SourceFile> sources;
    for (const std::string& path : files.paths()) sources.push_back(tls::read_source(path));
    bool to_come = files.name() == tls::self_signed_files(config).name() && sources[0].sys_errno == ENOENT;
    if (to_come) continue;
    auto identity = tls::load_identity(files, sources);
    if (!identity) {
      log::warning("{}", identity.error().what);
      continue;
    }
    for (const std::string& line : identity->complaints) log::warning("{}", line);
  }
}

void provide_certificate(const config::Config& config) {
  auto sets = tls::find_sets(config);
  if (!sets || !sets->needs_self_signed) return;
  auto made = tls::ensure_self_signed(config);
  if (!made) log::warning("{}", made.error().what);
  if (made && *made) tls::log_self_signed(config);
}

int check(const Invocation& invocation, const std::vector<std::string>&) {
  config::Config config = open_instance(invocation);
  return check_instance(config) ? 0 : 1;
}

}  // namespace umaya::commands
