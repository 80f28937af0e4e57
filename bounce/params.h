// NAME    params - what bounce reads from main.cf
#pragma once

#include <string>
#include <vector>

#include "libcommon/config/bind.h"

namespace umaya::bounce {

struct Params {
  std::string myhostname;
  std::string myorigin;
  std::string mail_name;
  std::string template_file;
  std::string cleanup_service;
  std::string double_bounce_sender;
  std::string bounce_recipient;
  std::string double_bounce_recipient;
  std::string delay_recipient;
  std::vector<std::string> notify_classes;
  std::vector<std::string> filter_classes;
  std::vector<std::string> hash_names;
  unsigned hash_depth = 1;
  uint64_t size_limit = 50000;
  bool long_ids = false;
  bool disable_verp_bounces = false;
  Duration lifetime{};
  Duration ipc_timeout{};

  /// Whether notify_classes names the class.
  bool notifies(std::string_view name) const;
  /// double_bounce_sender with our host name.
  std::string double_bounce_address() const { return double_bounce_sender + "@" + myhostname; }
};

inline constexpr auto kBindings = config::bindings<Params>({
    {"myhostname", &Params::myhostname},
    {"myorigin", &Params::myorigin},
    {"mail_name", &Params::mail_name},
    {"bounce_template_file", &Params::template_file},
    {"cleanup_service_name", &Params::cleanup_service},
    {"double_bounce_sender", &Params::double_bounce_sender},
    {"bounce_notice_recipient", &Params::bounce_recipient},
    {"2bounce_notice_recipient", &Params::double_bounce_recipient},
    {"delay_notice_recipient", &Params::delay_recipient},
    {"notify_classes", &Params::notify_classes},
    {"internal_mail_filter_classes", &Params::filter_classes},
    {"hash_queue_names", &Params::hash_names},
    {"hash_queue_depth", &Params::hash_depth},
    {"bounce_size_limit", &Params::size_limit},
    {"enable_long_queue_ids", &Params::long_ids},
    {"maximal_queue_lifetime", &Params::lifetime},
    {"disable_verp_bounces", &Params::disable_verp_bounces},
    {"ipc_timeout", &Params::ipc_timeout},
});

}  // namespace umaya::bounce
