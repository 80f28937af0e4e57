// NAME    signing - signatures as a handshake needs them, and nothing else that a private key could do
//
// DESCRIPTION
//     A block of RSA is signed only when it has the form that PSS gives it (RFC 8017 9.1.1), so that who may ask for
//     signatures can not have arbitrary texts decrypted.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "libcommon/tls/tlsmgr_protocol.h"

struct evp_pkey_st;

namespace umaya::tlsmgr {

Result<std::string> sign(evp_pkey_st* key, tls::SignatureForm form, std::string_view input);

}  // namespace umaya::tlsmgr
