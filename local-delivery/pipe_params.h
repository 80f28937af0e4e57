// NAME    pipe_params - the parameters that pipe(8) acts on, apart from the attributes of its service
#pragma once

#include <string>
#include <vector>

#include "libcommon/config/bind.h"

namespace umaya::local_delivery {

struct PipeParams {
  std::string recipient_delimiter, mail_owner;
  std::vector<std::string> export_environment;
  bool original_recipient = true;
  int log_decimals = 2;
};

inline constexpr auto kPipeBindings = config::bindings<PipeParams>({
    {"delay_logging_resolution_limit", &PipeParams::log_decimals},
    {"enable_original_recipient", &PipeParams::original_recipient},
    {"export_environment", &PipeParams::export_environment},
    {"mail_owner", &PipeParams::mail_owner},
    {"recipient_delimiter", &PipeParams::recipient_delimiter},
});

}  // namespace umaya::local_delivery
