// NAME    extended_error - info codes of extended DNS errors (RFC 8914 4)
#pragma once

#include <cstdint>

namespace umaya::named::extended_error {

inline constexpr uint16_t kNone = UINT16_MAX;  ///< none is told
inline constexpr uint16_t kOther = 0, kCachedError = 13, kNotReady = 14, kBlocked = 15, kFiltered = 17,
                          kProhibited = 18, kNotAuthoritative = 20, kNotSupported = 21, kNoReachableAuthority = 22,
                          kNetworkError = 23, kInvalidData = 24;

}  // namespace umaya::named::extended_error
