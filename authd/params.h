// NAME    params - parameters of authd
#pragma once

#include <string>

#include "libcommon/config/bind.h"

namespace umaya::authd {

struct Params {
  std::string passwd_file;
  Duration failure_delay{};
  int first_valid_uid = 0;
};

inline constexpr auto kBindings = config::bindings<Params>({
    {"auth_passwd_file", &Params::passwd_file},
    {"auth_failure_delay", &Params::failure_delay},
    {"auth_first_valid_uid", &Params::first_valid_uid},
});

}  // namespace umaya::authd
