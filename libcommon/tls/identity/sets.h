// NAME    sets - every set of certificate files that a service of this instance may ask for
//
// DESCRIPTION
//     From main.cf and from the -o options of master.cf: of services that speak TLS as a server (smtpd, lmtpd, pop3d)
//     and as a client (smtp, lmtp). A server that may speak TLS and has no certificate gets the self-signed one.
#pragma once

#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"
#include "libcommon/tls/identity/files.h"

namespace umaya::tls {

struct Sets {
  std::vector<IdentityFiles> files;
  bool needs_self_signed = false;  ///< the self-signed certificate is one of them
};
/// Sets that differ, each once.
Result<Sets> find_sets(const config::Config& config);

}  // namespace umaya::tls
