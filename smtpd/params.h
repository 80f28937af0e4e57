// NAME    params - the parameters that smtpd reads
//
// DESCRIPTION
//     Defaults, limits and meaning stand in the parameter table (libcommon/config); main.cf(5) describes each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/base/clock.h"
#include "libcommon/config/bind.h"
#include "smtpd/policy_settings.h"

namespace umaya::smtpd {

/// smtpd_forbid_bare_newline. In every mode only CRLF.CRLF ends a message.
enum class BareNewline : uint8_t { no, note, normalize, reject };

struct Params {
  std::string myhostname, mail_name, banner;
  uint64_t message_size_limit = 0, line_length_limit = 0, min_data_rate = 0, queue_minfree = 0;
  Duration error_sleep_time{};
  int64_t soft_error_limit = 0;
  int64_t recipient_limit = 0, recipient_overshoot_limit = 0;
  bool helo_required = false, delay_reject = false, disable_vrfy = false, strict_envelopes = false;
  bool smtputf8 = false, soft_bounce = false, peername_lookup = false, client_port_logging = false;
  bool long_queue_ids = false, hide_client_session = false, forbid_unauth_pipelining = false;
  bool allow_untrusted_routing = false, reject_unlisted_recipient = false, reject_unlisted_sender = false;
  bool relay_before_recipient = false, reject_over_quota = false;
  Duration over_quota_timeout{};
  BareNewline bare_newline = BareNewline::normalize;
  int64_t bare_newline_code = 550;
  std::string discard_ehlo_keywords, null_access_key;
  std::vector<std::string> noop_commands;
  std::string forbidden_commands;
  std::string content_filter, receive_override_options;

  std::string client_restrictions, helo_restrictions, sender_restrictions, relay_restrictions, recipient_restrictions;
  std::string data_restrictions, end_of_data_restrictions, etrn_restrictions;
  std::vector<std::string> restriction_classes;

  int64_t access_map_reject_code = 0, access_map_defer_code = 0, reject_code = 0, defer_code = 0;
  int64_t relay_domains_reject_code = 0, non_fqdn_reject_code = 0, invalid_hostname_reject_code = 0;
  int64_t unknown_client_reject_code = 0, unknown_hostname_reject_code = 0, unknown_address_reject_code = 0;
  int64_t multi_recipient_bounce_reject_code = 0;
  int64_t unknown_local_code = 0, unknown_alias_code = 0, unknown_mailbox_code = 0, unknown_relay_code = 0;
  std::string unknown_address_tempfail_action, unknown_helo_tempfail_action;

  int64_t client_connection_count_limit = 0, client_connection_rate_limit = 0;
  int64_t client_message_rate_limit = 0, client_recipient_rate_limit = 0, client_auth_rate_limit = 0;
  std::string sender_login_maps;
  bool pop_before_smtp = false;
  int64_t client_ipv4_prefix = 32, client_ipv6_prefix = 84;
  std::string mynetworks, event_limit_exceptions, bare_newline_exclusions, local_header_rewrite_clients;
  std::string xclient_hosts, xforward_hosts;
  std::string reject_footer, reject_footer_maps, expansion_filter, command_filter;
  std::string verp_clients, default_verp_delimiters, verp_delimiter_filter;
  std::string proxy_filter, proxy_ehlo;
  bool tls_wrappermode = false, tls_received_header = false;
  int64_t client_tls_rate_limit = 0, plaintext_reject_code = 0;
  std::string relay_clientcerts;
  bool proxy_speed_adjust = false;
  Duration proxy_timeout{};
  std::vector<std::string> notify_classes;
  std::string error_notice_recipient;
  std::string upstream_proxy;
  Duration upstream_proxy_timeout{};
  std::string recipient_delimiter, double_bounce_sender;
  std::vector<std::string> parent_domain_matches_subdomains;
};

/// How much a client may try our patience; less while the process serves as many sessions as it may ($stress).
struct Patience {
  Duration timeout{};  ///< smtpd_timeout
  int64_t hard_error_limit = 0;
  int64_t junk_command_limit = 0;
  Duration starttls_timeout{};  ///< smtpd_starttls_timeout: for the whole handshake
};
enum class Stress : uint8_t { no, yes };
/// The values that the parameters have with the given $stress.
Result<Patience> patience_under(const config::Config& config, Stress stress);

/// Sets Params::upstream_proxy; "haproxy" is the only protocol there is.
Result<> set_upstream_proxy(Params& params, const std::string& value);
/// Sets Params::expansion_filter from text with the escapes of C.
Result<> set_expansion_filter(Params& params, const std::string& value);
/// Sets Params::proxy_speed_adjust; speed_adjust is the only option there is.
Result<> set_proxy_options(Params& params, const std::string& value);
/// Sets Params::bare_newline from its word.
Result<> set_bare_newline(Params& params, const std::string& value);

inline constexpr auto kBindings = config::bindings<Params>({
    {"myhostname", &Params::myhostname},
    {"mail_name", &Params::mail_name},
    {"smtpd_banner", &Params::banner},
    {"message_size_limit", &Params::message_size_limit},
    {"line_length_limit", &Params::line_length_limit},
    {"smtpd_min_data_rate", &Params::min_data_rate},
    {"queue_minfree", &Params::queue_minfree},
    {"smtpd_error_sleep_time", &Params::error_sleep_time},
    {"smtpd_soft_error_limit", &Params::soft_error_limit},
    {"smtpd_recipient_limit", &Params::recipient_limit},
    {"smtpd_recipient_overshoot_limit", &Params::recipient_overshoot_limit},
    {"smtpd_helo_required", &Params::helo_required},
    {"smtpd_delay_reject", &Params::delay_reject},
    {"disable_vrfy_command", &Params::disable_vrfy},
    {"strict_rfc821_envelopes", &Params::strict_envelopes},
    {"smtputf8_enable", &Params::smtputf8},
    {"soft_bounce", &Params::soft_bounce},
    {"smtpd_peername_lookup", &Params::peername_lookup},
    {"smtpd_client_port_logging", &Params::client_port_logging},
    {"enable_long_queue_ids", &Params::long_queue_ids},
    {"smtpd_hide_client_session", &Params::hide_client_session},
    {"smtpd_forbid_unauth_pipelining", &Params::forbid_unauth_pipelining},
    {"allow_untrusted_routing", &Params::allow_untrusted_routing},
    {"smtpd_over_quota_timeout", &Params::over_quota_timeout},
    {"smtpd_reject_over_quota", &Params::reject_over_quota},
    {"smtpd_reject_unlisted_recipient", &Params::reject_unlisted_recipient},
    {"smtpd_reject_unlisted_sender", &Params::reject_unlisted_sender},
    {"smtpd_relay_before_recipient_restrictions", &Params::relay_before_recipient},
    {"smtpd_forbid_bare_newline", &set_bare_newline},
    {"smtpd_forbid_bare_newline_reject_code", &Params::bare_newline_code},
    {"smtpd_discard_ehlo_keywords", &Params::discard_ehlo_keywords},
    {"smtpd_null_access_lookup_key", &Params::null_access_key},
    {"smtpd_noop_commands", &Params::noop_commands},
    {"smtpd_forbidden_commands", &Params::forbidden_commands},
    {"content_filter", &Params::content_filter},
    {"receive_override_options", &Params::receive_override_options},
    {"smtpd_client_restrictions", &Params::client_restrictions},
    {"smtpd_helo_restrictions", &Params::helo_restrictions},
    {"smtpd_sender_restrictions", &Params::sender_restrictions},
    {"smtpd_relay_restrictions", &Params::relay_restrictions},
    {"smtpd_recipient_restrictions", &Params::recipient_restrictions},
    {"smtpd_data_restrictions", &Params::data_restrictions},
    {"smtpd_end_of_data_restrictions", &Params::end_of_data_restrictions},
    {"smtpd_etrn_restrictions", &Params::etrn_restrictions},
    {"smtpd_restriction_classes", &Params::restriction_classes},
    {"access_map_reject_code", &Params::access_map_reject_code},
    {"access_map_defer_code", &Params::access_map_defer_code},
    {"reject_code", &Params::reject_code},
    {"defer_code", &Params::defer_code},
    {"relay_domains_reject_code", &Params::relay_domains_reject_code},
    {"non_fqdn_reject_code", &Params::non_fqdn_reject_code},
    {"invalid_hostname_reject_code", &Params::invalid_hostname_reject_code},
    {"unknown_client_reject_code", &Params::unknown_client_reject_code},
    {"unknown_hostname_reject_code", &Params::unknown_hostname_reject_code},
    {"unknown_address_reject_code", &Params::unknown_address_reject_code},
    {"multi_recipient_bounce_reject_code", &Params::multi_recipient_bounce_reject_code},
    {"unknown_local_recipient_reject_code", &Params::unknown_local_code},
    {"unknown_virtual_alias_reject_code", &Params::unknown_alias_code},
    {"unknown_virtual_mailbox_reject_code", &Params::unknown_mailbox_code},
    {"unknown_relay_recipient_reject_code", &Params::unknown_relay_code},
    {"unknown_address_tempfail_action", &Params::unknown_address_tempfail_action},
    {"unknown_helo_hostname_tempfail_action", &Params::unknown_helo_tempfail_action},
    {"smtpd_client_connection_count_limit", &Params::client_connection_count_limit},
    {"smtpd_client_connection_rate_limit", &Params::client_connection_rate_limit},
    {"smtpd_client_message_rate_limit", &Params::client_message_rate_limit},
    {"smtpd_client_recipient_rate_limit", &Params::client_recipient_rate_limit},
    {"smtpd_client_auth_rate_limit", &Params::client_auth_rate_limit},
    {"smtpd_sender_login_maps", &Params::sender_login_maps},
    {"pop_before_smtp_enable", &Params::pop_before_smtp},
    {"smtpd_client_ipv4_prefix_length", &Params::client_ipv4_prefix},
    {"smtpd_client_ipv6_prefix_length", &Params::client_ipv6_prefix},
    {"mynetworks", &Params::mynetworks},
    {"smtpd_client_event_limit_exceptions", &Params::event_limit_exceptions},
    {"smtpd_forbid_bare_newline_exclusions", &Params::bare_newline_exclusions},
    {"smtpd_authorized_xclient_hosts", &Params::xclient_hosts},
    {"smtpd_authorized_xforward_hosts", &Params::xforward_hosts},
    {"smtpd_reject_footer", &Params::reject_footer},
    {"smtpd_reject_footer_maps", &Params::reject_footer_maps},
    {"smtpd_expansion_filter", &set_expansion_filter},
    {"smtpd_command_filter", &Params::command_filter},
    {"smtpd_authorized_verp_clients", &Params::verp_clients},
    {"default_verp_delimiters", &Params::default_verp_delimiters},
    {"verp_delimiter_filter", &Params::verp_delimiter_filter},
    {"smtpd_proxy_filter", &Params::proxy_filter},
    {"smtpd_proxy_ehlo", &Params::proxy_ehlo},
    {"smtpd_proxy_options", &set_proxy_options},
    {"smtpd_proxy_timeout", &Params::proxy_timeout},
    {"notify_classes", &Params::notify_classes},
    {"error_notice_recipient", &Params::error_notice_recipient},
    {"smtpd_upstream_proxy_protocol", &set_upstream_proxy},
    {"smtpd_upstream_proxy_timeout", &Params::upstream_proxy_timeout},
    {"smtpd_tls_wrappermode", &Params::tls_wrappermode},
    {"smtpd_tls_received_header", &Params::tls_received_header},
    {"smtpd_client_new_tls_session_rate_limit", &Params::client_tls_rate_limit},
    {"plaintext_reject_code", &Params::plaintext_reject_code},
    {"relay_clientcerts", &Params::relay_clientcerts},
    {"local_header_rewrite_clients", &Params::local_header_rewrite_clients},
    {"recipient_delimiter", &Params::recipient_delimiter},
    {"double_bounce_sender", &Params::double_bounce_sender},
    {"parent_domain_matches_subdomains", &Params::parent_domain_matches_subdomains},
});

inline constexpr auto kPolicyBindings = config::bindings<PolicySettings>({
    {"smtpd_policy_service_default_action", &PolicySettings::default_action},
    {"smtpd_policy_service_policy_context", &PolicySettings::context},
    {"smtpd_policy_service_timeout", &PolicySettings::timeout},
    {"smtpd_policy_service_retry_delay", &PolicySettings::retry_delay},
    {"smtpd_policy_service_max_idle", &PolicySettings::max_idle},
    {"smtpd_policy_service_max_ttl", &PolicySettings::max_ttl},
    {"smtpd_policy_service_try_limit", &PolicySettings::try_limit},
    {"smtpd_policy_service_request_limit", &PolicySettings::request_limit},
});

}  // namespace umaya::smtpd
