// NAME    self_signed - a certificate for hosts that have none
//
// DESCRIPTION
//     ECDSA P-256, for ten years, subject and alternative name myhostname. It is made once, in a file beneath
//     data_directory that only its owner may read. Encryption without a known authority keeps out who listens; clients
//     that compare names need a real certificate.
#pragma once

#include <string>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"
#include "libcommon/tls/identity/files.h"

namespace umaya::tls {

/// "DATA_DIRECTORY/self-signed.pem", in the form of a chain file.
IdentityFiles self_signed_files(const config::Config& config);

/// Whether the file is there.
bool has_self_signed(const config::Config& config);
/// Makes the file when it is missing. True when it did; the caller says so in the log.
Result<bool> ensure_self_signed(const config::Config& config);
/// Tells the log that it was made, with the cure.
void log_self_signed(const config::Config& config);

}  // namespace umaya::tls
