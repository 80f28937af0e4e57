// NAME    verify - the two ways in which the system is asked about a password. They block, and need the rights of root.
#pragma once

#include <cstdint>
#include <string>

namespace umaya::authd {

/// What the child of the helper answers.
enum class SystemAnswer : uint8_t { right = 'y', wrong = 'n', unknown = '?' };

struct SystemQuestion {
  std::string user;
  std::string password;
  std::string service;  ///< what the user wants: "pop3", for PAM modules that look at it
  std::string remote;   ///< address of the client
};

/// Authentication and account management of /etc/pam.d/pam_service.
SystemAnswer ask_pam(const std::string& pam_service, const SystemQuestion& question);
/// The hash and the expiry date in shadow(5).
SystemAnswer ask_shadow(const SystemQuestion& question);

}  // namespace umaya::authd
