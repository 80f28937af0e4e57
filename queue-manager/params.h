// NAME    params - what the programs of this folder read from main.cf
#pragma once

#include <string>
#include <vector>

#include "libcommon/config/bind.h"

namespace umaya::qmgr {

struct Params {
  Duration queue_run_delay{};
  Duration minimal_backoff{};
  Duration maximal_backoff{};
  Duration maximal_lifetime{};
  Duration bounce_lifetime{};
  Duration delay_warning{};
  Duration transport_retry{};
  Duration max_idle{};
  int64_t active_limit = 20000;
  int64_t recipient_limit = 20000;
  int64_t recipient_minimum = 10;
  int delay_decimals = 2;
  unsigned hash_depth = 1;
  std::vector<std::string> hash_names;
  std::vector<std::string> defer_transports;
  std::vector<std::string> fast_flush_domains;
  std::string bounce_service;
  std::string defer_service;
  std::string trace_service;
  std::string flush_service;
  std::string double_bounce_sender;
  std::string myhostname;
  std::string default_filter_nexthop;
  std::string recipient_delimiter;
  bool soft_bounce = false;
  bool confirm_delay_cleared = false;
  std::string verp_filter;
};

inline constexpr auto kBindings = config::bindings<Params>({
    {"queue_run_delay", &Params::queue_run_delay},
    {"minimal_backoff_time", &Params::minimal_backoff},
    {"maximal_backoff_time", &Params::maximal_backoff},
    {"maximal_queue_lifetime", &Params::maximal_lifetime},
    {"bounce_queue_lifetime", &Params::bounce_lifetime},
    {"delay_warning_time", &Params::delay_warning},
    {"confirm_delay_cleared", &Params::confirm_delay_cleared},
    {"verp_delimiter_filter", &Params::verp_filter},
    {"transport_retry_time", &Params::transport_retry},
    {"max_idle", &Params::max_idle},
    {"qmgr_message_active_limit", &Params::active_limit},
    {"qmgr_message_recipient_limit", &Params::recipient_limit},
    {"qmgr_message_recipient_minimum", &Params::recipient_minimum},
    {"delay_logging_resolution_limit", &Params::delay_decimals},
    {"hash_queue_depth", &Params::hash_depth},
    {"hash_queue_names", &Params::hash_names},
    {"defer_transports", &Params::defer_transports},
    {"fast_flush_domains", &Params::fast_flush_domains},
    {"bounce_service_name", &Params::bounce_service},
    {"defer_service_name", &Params::defer_service},
    {"trace_service_name", &Params::trace_service},
    {"flush_service_name", &Params::flush_service},
    {"double_bounce_sender", &Params::double_bounce_sender},
    {"myhostname", &Params::myhostname},
    {"default_filter_nexthop", &Params::default_filter_nexthop},
    {"recipient_delimiter", &Params::recipient_delimiter},
    {"soft_bounce", &Params::soft_bounce},
});

}  // namespace umaya::qmgr
