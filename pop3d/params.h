// NAME    params - parameters of pop3d
#pragma once

#include <string>
#include <vector>

#include "libcommon/config/bind.h"

namespace umaya::pop3d {

/// pop3_tls_security_level, as tls::server_level() reads it.
enum class TlsLevel : unsigned char { none, may, encrypt };

struct Params {
  // Processes and limits.
  std::string auth_socket, auth_master_socket;
  std::string queue_directory;
  bool pop_before_smtp = false;
  std::string maillog_file;
  Duration login_timeout{};
  Duration timeout{};
  Duration session_keep_time{};
  Duration login_delay{};
  int bad_command_limit = 0;
  int login_limit = 0;
  int login_address_limit = 0;
  int session_limit = 0;
  int session_process_limit = 0;
  int user_address_session_limit = 0;
  // The mailbox.
  std::string home_mailbox;
  std::string mail_spool_directory;
  std::string virtual_mailbox_base;
  std::string uidl_format, dovecot_uidl_format;
  Duration expire{};
  bool lock_mailbox = true;
  bool no_flag_updates = false;
  // The line.
  std::string myhostname;
  std::string upstream_proxy;
  std::vector<std::string> upstream_proxy_networks;
  Duration upstream_proxy_timeout{};
  Duration starttls_timeout{};
  bool disable_plaintext = true;
  TlsLevel tls_level = TlsLevel::none;
  bool tls_wrappermode = false;
};

/// Sets Params::virtual_mailbox_base, which may be empty here.
Result<> set_virtual_mailbox_base(Params& params, const std::string& value);
/// Sets Params::upstream_proxy; "haproxy" is the only protocol there is.
Result<> set_upstream_proxy(Params& params, const std::string& value);

inline constexpr auto kBindings = config::bindings<Params>({
    {"auth_master_socket_path", &Params::auth_master_socket},
    {"auth_socket_path", &Params::auth_socket},
    {"home_mailbox", &Params::home_mailbox},
    {"mail_spool_directory", &Params::mail_spool_directory},
    {"maillog_file", &Params::maillog_file},
    {"myhostname", &Params::myhostname},
    {"pop3_bad_command_limit", &Params::bad_command_limit},
    {"pop3_disable_plaintext_auth", &Params::disable_plaintext},
    {"pop3_dovecot_uidl_format", &Params::dovecot_uidl_format},
    {"pop3_expire", &Params::expire},
    {"pop3_lock_mailbox", &Params::lock_mailbox},
    {"pop3_login_address_limit", &Params::login_address_limit},
    {"pop3_login_delay", &Params::login_delay},
    {"pop3_login_limit", &Params::login_limit},
    {"pop3_login_timeout", &Params::login_timeout},
    {"pop3_no_flag_updates", &Params::no_flag_updates},
    {"pop3_session_keep_time", &Params::session_keep_time},
    {"pop3_session_limit", &Params::session_limit},
    {"pop3_session_process_limit", &Params::session_process_limit},
    {"pop3_starttls_timeout", &Params::starttls_timeout},
    {"pop3_timeout", &Params::timeout},
    {"pop3_tls_wrappermode", &Params::tls_wrappermode},
    {"pop3_uidl_format", &Params::uidl_format},
    {"pop3_upstream_proxy_networks", &Params::upstream_proxy_networks},
    {"pop3_upstream_proxy_protocol", &set_upstream_proxy},
    {"pop3_upstream_proxy_timeout", &Params::upstream_proxy_timeout},
    {"pop3_user_address_session_limit", &Params::user_address_session_limit},
    {"pop_before_smtp_enable", &Params::pop_before_smtp},
    {"queue_directory", &Params::queue_directory},
    {"virtual_mailbox_base", &set_virtual_mailbox_base},
});

}  // namespace umaya::pop3d
