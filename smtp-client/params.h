// NAME    params - the parameters of the smtp and lmtp clients
//
// DESCRIPTION
//     Both programs read the same members; the names begin with smtp_ or lmtp_. bind_params() picks the set.
#pragma once

#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/config/bind.h"
#include "smtp-client/destination.h"
#include "smtp-client/security/params.h"

namespace umaya::smtp_client {

struct Params {
  // How hosts are found.
  std::string address_preference, dns_support_level, tcp_port, inet_protocols, relayhost;
  std::vector<std::string> host_lookup, fallback_relay, proxy_interfaces;
  int64_t mx_address_limit = 0, mx_session_limit = 0;
  bool balance_protocols = true, randomize_addresses = true, defer_if_no_mx_address = false;
  bool ignore_mx_lookup_error = false, disable_dns_lookups = false, bind_address_enforce = false;
  std::string best_mx_transport;
  std::string bind_address, bind_address6, resolv_conf, queue_directory;
  // How long each step may take.
  Duration connect_timeout{}, helo_timeout{}, mail_timeout{}, rcpt_timeout{}, data_init_timeout{}, data_xfer_timeout{},
      data_done_timeout{}, rset_timeout{}, xforward_timeout{};
  // How the conversation goes.
  std::string helo_name, myhostname, discard_ehlo_maps;
  std::vector<std::string> discard_ehlo;
  bool always_send_ehlo = true, never_send_ehlo = false, skip_5xx_greeting = true;
  bool send_xforward = false, quote_envelope = true, soft_bounce = false, assume_final = false;
  int64_t delay_resolution = 2;
  // How connections are kept.
  bool cache_on_demand = true;
  std::vector<std::string> cache_destinations;
  Duration cache_time_limit{}, reuse_time_limit{};
  int64_t reuse_count_limit = 0;
  // How the content is changed.
  std::string generic_maps, header_checks, mime_header_checks, nested_header_checks, body_checks;
  int64_t line_length_limit = 0, mime_nesting_limit = 0;
  bool disable_mime_conversion = false;
  // How connections are protected.
  TlsParams tls;
  SaslParams sasl;
};

// clang-format off
#define UMAYA_CLIENT_BINDINGS(PREFIX)                                              \
  {PREFIX "address_preference", &Params::address_preference},                      \
  {PREFIX "dns_support_level", &Params::dns_support_level},                        \
  {PREFIX "tcp_port", &Params::tcp_port},                                          \
  {PREFIX "host_lookup", &set_host_lookup},                                        \
  {PREFIX "fallback_relay", &Params::fallback_relay},                              \
  {PREFIX "mx_address_limit", &Params::mx_address_limit},                          \
  {PREFIX "mx_session_limit", &Params::mx_session_limit},                          \
  {PREFIX "balance_inet_protocols", &Params::balance_protocols},                   \
  {PREFIX "randomize_addresses", &Params::randomize_addresses},                    \
  {PREFIX "defer_if_no_mx_address_found", &Params::defer_if_no_mx_address},        \
  {PREFIX "bind_address", &Params::bind_address},                                  \
  {PREFIX "bind_address6", &Params::bind_address6},                                \
  {PREFIX "bind_address_enforce", &Params::bind_address_enforce},                  \
  {PREFIX "connect_timeout", &Params::connect_timeout},                            \
  {PREFIX "mail_timeout", &Params::mail_timeout},                                  \
  {PREFIX "rcpt_timeout", &Params::rcpt_timeout},                                  \
  {PREFIX "data_init_timeout", &Params::data_init_timeout},                        \
  {PREFIX "data_xfer_timeout", &Params::data_xfer_timeout},                        \
  {PREFIX "data_done_timeout", &Params::data_done_timeout},                        \
  {PREFIX "rset_timeout", &Params::rset_timeout},                                  \
  {PREFIX "xforward_timeout", &Params::xforward_timeout},                          \
  {PREFIX "skip_5xx_greeting", &Params::skip_5xx_greeting},                        \
  {PREFIX "send_xforward_command", &Params::send_xforward},                        \
  {PREFIX "quote_rfc821_envelope", &Params::quote_envelope},                       \
  {PREFIX "connection_cache_on_demand", &Params::cache_on_demand},                 \
  {PREFIX "connection_cache_destinations", &Params::cache_destinations},           \
  {PREFIX "connection_cache_time_limit", &Params::cache_time_limit},               \
  {PREFIX "connection_reuse_time_limit", &Params::reuse_time_limit},               \
  {PREFIX "connection_reuse_count_limit", &Params::reuse_count_limit},             \
  {PREFIX "generic_maps", &Params::generic_maps},                                  \
  {PREFIX "header_checks", &Params::header_checks},                                \
  {PREFIX "mime_header_checks", &Params::mime_header_checks},                      \
  {PREFIX "nested_header_checks", &Params::nested_header_checks},                  \
  {PREFIX "body_checks", &Params::body_checks},                                    \
  {PREFIX "line_length_limit", &Params::line_length_limit}

#define UMAYA_CLIENT_COMMON_BINDINGS                                               \
  {"best_mx_transport", &Params::best_mx_transport},                               \
  {"inet_protocols", &Params::inet_protocols},                                     \
  {"relayhost", &Params::relayhost},                                               \
  {"proxy_interfaces", &Params::proxy_interfaces},                                 \
  {"ignore_mx_lookup_error", &Params::ignore_mx_lookup_error},                     \
  {"disable_dns_lookups", &Params::disable_dns_lookups},                           \
  {"queue_directory", &Params::queue_directory},                                   \
  {"resolv_conf_file", &Params::resolv_conf},                                      \
  {"myhostname", &Params::myhostname},                                             \
  {"soft_bounce", &Params::soft_bounce},                                           \
  {"delay_logging_resolution_limit", &Params::delay_resolution},                   \
  {"mime_nesting_limit", &Params::mime_nesting_limit},                             \
  {"disable_mime_output_conversion", &Params::disable_mime_conversion}
// clang-format on

/// dns and native, in order.
inline Result<> set_host_lookup(Params& params, const std::string& value) {
  for (std::string_view word : split_list(value)) {
    if (word != "dns" && word != "native") return permanent("use dns, native or both");
    params.host_lookup.emplace_back(word);
  }
  return {};
}

inline constexpr auto kSmtpBindings = config::bindings<Params>({
    UMAYA_CLIENT_COMMON_BINDINGS,
    UMAYA_CLIENT_BINDINGS("smtp_"),
    {"smtp_helo_name", &Params::helo_name},
    {"smtp_helo_timeout", &Params::helo_timeout},
    {"smtp_always_send_ehlo", &Params::always_send_ehlo},
    {"smtp_never_send_ehlo", &Params::never_send_ehlo},
    {"smtp_discard_ehlo_keywords", &Params::discard_ehlo},
    {"smtp_discard_ehlo_keyword_address_maps", &Params::discard_ehlo_maps},
});

inline constexpr auto kLmtpBindings = config::bindings<Params>({
    UMAYA_CLIENT_COMMON_BINDINGS,
    UMAYA_CLIENT_BINDINGS("lmtp_"),
    {"lmtp_lhlo_name", &Params::helo_name},
    {"lmtp_lhlo_timeout", &Params::helo_timeout},
    {"lmtp_assume_final", &Params::assume_final},
    {"lmtp_discard_lhlo_keywords", &Params::discard_ehlo},
    {"lmtp_discard_lhlo_keyword_address_maps", &Params::discard_ehlo_maps},
});

inline Result<> bind_params(const config::Config& config, Protocol protocol, Params& params) {
  UMAYA_CHECK(bind_security(config, protocol, params.tls, params.sasl));
  if (protocol == Protocol::lmtp) return config::bind(config, kLmtpBindings, params);
  return config::bind(config, kSmtpBindings, params);
}

}  // namespace umaya::smtp_client
