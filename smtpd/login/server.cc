#include "smtpd/login/server.h"

#include <netdb.h>
#include <sys/socket.h>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::smtpd {

using event::Task;
using namespace std::chrono_literals;

bool permits(uint8_t options, const auth::Mechanism& m) {
  if ((options & kNoPlaintext) != 0 && m.plaintext) return false;
  if ((options & kNoActive) != 0 && m.active) return false;
  if ((options & kNoDictionary) != 0 && m.dictionary) return false;
  if ((options & kNoAnonymous) != 0 && m.anonymous) return false;
  if ((options & kForwardSecrecy) != 0 && !m.forward_secrecy) return false;
  return (options & kMutualAuth) == 0 || m.mutual_auth;
}

/// "inet:" and the address of a server on the network; a name is asked for once, when the process starts.
static Result<std::string> inet_path(const std::string& where) {
  auto literal = net::Endpoint::parse(where);
  if (literal && literal->port != 0) return "inet:" + where;
  size_t colon = where.rfind(':');
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::string host = where.substr(0, colon), port = colon == std::string::npos ? "" : where.substr(colon + 1);
  int error = host.empty() || port.empty() ? EAI_NONAME : getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return permanent("smtpd_sasl_path = inet:" + where + ": " + gai_strerror(error));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  auto endpoint = net::Endpoint::from_sockaddr(found->ai_addr);
  if (!endpoint) return permanent("smtpd_sasl_path = inet:" + where + ": no address");
  return "inet:" + endpoint->to_string();
}

/// The path that AuthClient takes, from smtpd_sasl_path.
static Result<std::string> server_path(const LoginSettings& settings, std::string_view queue_directory) {
  if (iequals(settings.type, "cyrus")) {
    return permanent(
        "smtpd_sasl_type = cyrus is not supported: remove that line and smtpd_sasl_path to have authd check passwords "
        "(service auth in master.cf, auth_passwd_file), or ask Dovecot with smtpd_sasl_type = dovecot and the "
        "smtpd_sasl_path of its auth socket");
  }
  if (settings.type != "dovecot") return permanent("smtpd_sasl_type = " + settings.type + ": use dovecot");
  if (settings.path.starts_with("inet:")) return inet_path(settings.path.substr(5));
  std::string path = settings.path.starts_with("unix:") ? settings.path.substr(5) : settings.path;
  if (path.starts_with('/')) return path;
  // host:port without "inet:" is no path, since no socket of ours has a colon in its name.
  bool address = path.find(':') != std::string::npos && path.find('/') == std::string::npos;
  if (address) return inet_path(path);
  return std::string(queue_directory) + "/" + path;
}

LoginServer::LoginServer(LoginSettings settings, std::string path)
    : settings_(std::move(settings)), client_(std::move(path)) {
  for (std::string_view name : {"PLAIN", "LOGIN"}) {
    auth::Mechanism mechanism;
    mechanism.name = name;
    mechanism.plaintext = true;
    mechanisms_.push_back(std::move(mechanism));
  }
}

Result<std::unique_ptr<LoginServer>> LoginServer::create(LoginSettings settings, std::string_view queue_directory,
                                                         const table::Options& tables, table::ParentStyle style) {
  UMAYA_TRY(std::string path, server_path(settings, queue_directory));
  std::unique_ptr<LoginServer> server(new LoginServer(std::move(settings), std::move(path)));
  server->filter_ = table::MatchList::parse(tables, "smtpd_sasl_mechanism_filter", server->settings_.mechanism_filter,
                                            table::MatchKind::exact);
  server->exceptions_ = table::MatchList::parse(tables, "smtpd_sasl_exceptions_networks", server->settings_.exceptions,
                                                table::MatchKind::client, style);
  return server;
}

void LoginServer::refresh() {
  filter_.refresh();
  exceptions_.refresh();
}

bool LoginServer::offered_to(const Client& client) {
  return exceptions_.empty() || exceptions_.matches_client(client.name, client.address_text) == table::Match::no;
}

Task<void> LoginServer::ask_mechanisms() {
  auto answer = co_await client_.mechanisms();
  if (answer) {
    mechanisms_ = std::move(*answer);
    co_return;
  }
  TimePoint now = monotonic_now();
  if (now < next_complaint_) co_return;
  next_complaint_ = now + 60s;
  log::warning("SASL: {}; log-ins fail for the time being", answer.error().what);
}

bool LoginServer::usable(const auth::Mechanism& mechanism, const Client& client, bool encrypted) {
  if (mechanism.is_private) return false;
  if (mechanism.channel_binding && client.channel_binding.empty()) return false;
  if (!encrypted && settings_.only_encrypted) return false;
  if (!permits(encrypted ? settings_.tls_options : settings_.options, mechanism)) return false;
  if (mechanism.name == "EXTERNAL" && client.certificate_name.empty()) return false;
  return filter_.empty() || filter_.matches(mechanism.name) == table::Match::yes;
}

Task<std::string> LoginServer::keywords(const Client& client) {
  co_await ask_mechanisms();
  std::string out;
  for (const auth::Mechanism& mechanism : mechanisms_) {
    if (!usable(mechanism, client, client.encrypted)) continue;
    if (!out.empty()) out += ' ';
    out += mechanism.name;
  }
  co_return out;
}

Task<LoginServer::Choice> LoginServer::choose(std::string_view name, const Client& client) {
  if (settings_.only_encrypted && !client.encrypted) co_return Choice::needs_encryption;
  co_await ask_mechanisms();
  for (const auth::Mechanism& mechanism : mechanisms_) {
    if (mechanism.name != name) continue;
    if (usable(mechanism, client, client.encrypted)) co_return Choice::usable;
    if (!client.encrypted && usable(mechanism, client, true)) co_return Choice::needs_encryption;
  }
  co_return Choice::unknown;
}

auth::AuthContext LoginServer::context(const Client& client, int fd) const {
  auth::AuthContext out;
  out.service = settings_.service;
  out.remote = client.address_text == "unknown" ? "" : client.address_text;
  out.remote_port = client.port;
  out.secured = client.encrypted;
  out.cert_username = client.certificate_name;
  if (!client.channel_binding.empty()) {
    out.channel_binding_type = "tls-exporter";
    out.channel_binding_data = client.channel_binding;
  }
  sockaddr_storage ours{};
  socklen_t size = sizeof ours;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &size) != 0) return out;
  if (auto local = net::Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&ours))) {
    out.local = local->address.unmapped().to_string();
    out.local_port = local->port;
  }
  return out;
}

}  // namespace umaya::smtpd
