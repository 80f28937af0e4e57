// NAME    params - the parameters that cleanup reads (with those of libcommon/route)
#pragma once

#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/config/bind.h"

namespace umaya::cleanup {

struct Params {
  std::string myhostname, queue_directory;
  std::string header_checks, mime_header_checks, nested_header_checks, body_checks;
  std::string undisclosed_recipients_header, header_from_format, full_name_encoding_charset;
  std::string message_strip_characters, message_reject_characters;
  std::vector<std::string> message_drop_headers, hash_queue_names, smtputf8_autodetect_classes;
  int64_t hash_queue_depth = 1, body_checks_size_limit = 51200, header_size_limit = 102400;
  int64_t header_address_token_limit = 10240, hopcount_limit = 50, message_size_limit = 10240000;
  uint64_t queue_minfree = 0;
  int64_t default_process_limit = 100;
  Duration in_flow_delay{};
  int64_t duplicate_filter_limit = 1000, mime_nesting_limit = 100, mime_boundary_length_limit = 2048;
  bool disable_mime_input_processing = false;
  bool always_add_missing_headers = false, enable_original_recipient = true, enable_long_queue_ids = false;
  bool replace_stray_cr_lf = true, soft_bounce = false;
  bool strict_7bit_headers = false, strict_8bitmime = false, strict_8bitmime_body = false;
  bool strict_mime_encoding_domain = false, smtputf8_enable = true;
};

inline constexpr auto kBindings = config::bindings<Params>({
    {"always_add_missing_headers", &Params::always_add_missing_headers},
    {"body_checks", &Params::body_checks},
    {"body_checks_size_limit", &Params::body_checks_size_limit},
    {"cleanup_replace_stray_cr_lf", &Params::replace_stray_cr_lf},
    {"default_process_limit", &Params::default_process_limit},
    {"disable_mime_input_processing", &Params::disable_mime_input_processing},
    {"duplicate_filter_limit", &Params::duplicate_filter_limit},
    {"enable_long_queue_ids", &Params::enable_long_queue_ids},
    {"enable_original_recipient", &Params::enable_original_recipient},
    {"full_name_encoding_charset", &Params::full_name_encoding_charset},
    {"hash_queue_depth", &Params::hash_queue_depth},
    {"hash_queue_names", &Params::hash_queue_names},
    {"header_address_token_limit", &Params::header_address_token_limit},
    {"header_checks", &Params::header_checks},
    {"header_from_format", &Params::header_from_format},
    {"header_size_limit", &Params::header_size_limit},
    {"hopcount_limit", &Params::hopcount_limit},
    {"in_flow_delay", &Params::in_flow_delay},
    {"message_drop_headers", &Params::message_drop_headers},
    {"message_reject_characters", &Params::message_reject_characters},
    {"message_size_limit", &Params::message_size_limit},
    {"message_strip_characters", &Params::message_strip_characters},
    {"mime_boundary_length_limit", &Params::mime_boundary_length_limit},
    {"mime_header_checks", &Params::mime_header_checks},
    {"mime_nesting_limit", &Params::mime_nesting_limit},
    {"myhostname", &Params::myhostname},
    {"nested_header_checks", &Params::nested_header_checks},
    {"queue_directory", &Params::queue_directory},
    {"queue_minfree", &Params::queue_minfree},
    {"smtputf8_autodetect_classes", &Params::smtputf8_autodetect_classes},
    {"smtputf8_enable", &Params::smtputf8_enable},
    {"soft_bounce", &Params::soft_bounce},
    {"strict_7bit_headers", &Params::strict_7bit_headers},
    {"strict_8bitmime", &Params::strict_8bitmime},
    {"strict_8bitmime_body", &Params::strict_8bitmime_body},
    {"strict_mime_encoding_domain", &Params::strict_mime_encoding_domain},
    {"undisclosed_recipients_header", &Params::undisclosed_recipients_header},
});

}  // namespace umaya::cleanup
