// NAME    params - parameters of pop3d
#pragma once

#include <string>

#include "libcommon/config/bind.h"

namespace umaya::pop3d {

struct Params {
  std::string auth_socket;
  std::string home_mailbox;
  std::string queue_directory;
  bool disable_plaintext = true;
  bool lock_mailbox = true;
  Duration login_timeout{};
  Duration timeout{};
  int bad_command_limit = 0;
  int session_limit = 0;
  bool pop_before_smtp = false;
};

inline constexpr auto kBindings = config::bindings<Params>({
    {"auth_socket_path", &Params::auth_socket},
    {"home_mailbox", &Params::home_mailbox},
    {"queue_directory", &Params::queue_directory},
    {"pop3_disable_plaintext_auth", &Params::disable_plaintext},
    {"pop3_lock_mailbox", &Params::lock_mailbox},
    {"pop3_login_timeout", &Params::login_timeout},
    {"pop3_timeout", &Params::timeout},
    {"pop3_bad_command_limit", &Params::bad_command_limit},
    {"pop3_session_limit", &Params::session_limit},
    {"pop_before_smtp_enable", &Params::pop_before_smtp},
});

}  // namespace umaya::pop3d
