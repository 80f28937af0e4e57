#include "smtpd/policy_service.h"

#include <fmt/format.h>
#include <unistd.h>

#include "libcommon/base/strings.h"
#include "libcommon/config/values.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"

namespace umaya::smtpd {

using event::Task;

static constexpr size_t kLongestLine = 4096;
static constexpr size_t kMostLines = 64;
static constexpr size_t kMostIdle = 100;

/// What is known of TLS. Certificates that nobody vouches for give no names, as in Postfix.
static void add_tls(std::string& out, const tls::SessionInfo* info) {
  static const tls::SessionInfo none;
  const tls::SessionInfo& tls = info ? *info : none;
  bool trusted = tls.peer.trust >= tls::Trust::trusted;
  auto add = [&out](std::string_view name, std::string_view value) {
    out.append(name).append("=").append(value) += '\n';
  };
  add("ccert_subject", trusted ? tls.peer.subject_cn : "");
  add("ccert_issuer", trusted ? tls.peer.issuer_cn : "");
  add("ccert_fingerprint", tls.peer.fingerprint);
  add("ccert_pubkey_fingerprint", tls.peer.public_key_fingerprint);
  add("encryption_protocol", tls.protocol);
  add("encryption_cipher", tls.cipher);
  add("encryption_keysize", std::to_string(tls.used_bits));
}

std::string policy_request(const Question& q, std::string_view context) {
  std::string out;
  auto add = [&](std::string_view name, std::string_view value) {
    out.append(name).append("=");
    for (char c : value) out += c == '\n' || c == '\0' ? '?' : c;
    out += '\n';
  };
  bool content = q.where == "DATA" || q.where == "BDAT" || q.where == "END-OF-MESSAGE";
  add("request", "smtpd_access_policy");
  add("protocol_state", q.where == "BDAT" ? "DATA" : q.where);
  add("protocol_name", q.protocol);
  add("helo_name", q.helo);
  add("queue_id", q.queue_id);
  add("sender", q.sender.value_or(""));
  add("recipient", q.recipient.value_or(""));
  add("recipient_count", std::to_string(content ? q.recipient_count : 0));
  add("client_address", q.client.address_text);
  add("client_name", q.client.name);
  add("client_port", std::to_string(q.client.port));
  add("reverse_client_name", q.client.reverse_name);
  add("instance", fmt::format("{:x}.{:x}", getpid(), q.instance));
  add("sasl_method", q.login_method);
  add("sasl_username", q.login_user);
  add("sasl_sender", q.login_sender);
  add("size", std::to_string(q.size));
  add("etrn_domain", q.etrn_domain);
  add_tls(out, q.tls);
  add("stress", q.stress ? "yes" : "");
  add("policy_context", context);
  out += '\n';
  return out;
}

Result<std::string> parse_policy_reply(std::string_view text) {
  std::string action;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('=') == std::string_view::npos) return temporary("answer is not name=value");
    constexpr std::string_view kAction = "action=";
    if (line.starts_with(kAction) && action.empty()) action = trim(line.substr(kAction.size()));
  }
  if (action.empty()) return temporary("answer without an action");
  if (action.find('\0') != std::string::npos) return temporary("answer with a NUL");
  return action;
}

Result<void> PolicyService::read_server(std::string_view server, std::string_view queue_directory) {
  server_ = server;
  for (std::string_view kind : {"unix:", "local:"}) {
    if (!server.starts_with(kind)) continue;
    std::string_view path = server.substr(kind.size());
    if (path.empty()) return permanent("a path is missing after " + std::string(kind));
    unix_path_ = path.starts_with('/') ? std::string(path) : std::string(queue_directory) + "/" + std::string(path);
    return {};
  }
  if (!server.starts_with("inet:")) return permanent(server_ + ": use inet:address:port or unix:path");
  std::string where(server.substr(5));
  constexpr std::string_view kThisHost = "localhost:";
  if (where.starts_with(kThisHost)) where.replace(0, kThisHost.size(), "127.0.0.1:");
  auto endpoint = net::Endpoint::parse(where);
  if (!endpoint || endpoint->port == 0) return permanent(server_ + ": use inet:address:port with numbers");
  address_.size = endpoint->to_sockaddr(address_.storage);
  return {};
}

/// One of the settings that stand behind a server.
static Result<void> set_one(PolicySettings& settings, std::string_view name, std::string_view value) {
  auto read_time = [&](Duration& out) -> Result<void> {
    UMAYA_TRY(out, config::parse_time(value, config::find_param("smtpd_policy_service_timeout")->limits));
    return {};
  };
  auto read_number = [&](int64_t& out) -> Result<void> {
    UMAYA_TRY(out, config::parse_number(value, config::find_param("smtpd_policy_service_request_limit")->limits));
    return {};
  };
  if (name == "timeout") return read_time(settings.timeout);
  if (name == "retry_delay") return read_time(settings.retry_delay);
  if (name == "max_idle") return read_time(settings.max_idle);
  if (name == "max_ttl") return read_time(settings.max_ttl);
  if (name == "try_limit") return read_number(settings.try_limit);
  if (name == "request_limit") return read_number(settings.request_limit);
  if (name == "default_action") {
    settings.default_action = value;
  } else if (name == "policy_context") {
    settings.context = value;
  } else {
    return permanent(std::string(name) + ": no setting of a policy service");
  }
  return {};
}

Result<std::shared_ptr<PolicyService>> PolicyService::parse(std::string_view argument, PolicySettings settings,
                                                            std::string_view queue_directory) {
  auto words = split_list(argument);
  if (words.empty()) return permanent("needs inet:address:port or unix:path");
  for (size_t i = 1; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word.starts_with('{') && word.ends_with('}')) word = trim(word.substr(1, word.size() - 2));
    size_t equals = word.find('=');
    if (equals == std::string_view::npos) return permanent(std::string(word) + ": name=value expected");
    UMAYA_CHECK(set_one(settings, trim(word.substr(0, equals)), trim(word.substr(equals + 1))));
  }
  std::shared_ptr<PolicyService> service(new PolicyService(std::move(settings)));
  UMAYA_CHECK(service->read_server(words[0], queue_directory));
  return service;
}

PolicyService::ConnectionPtr PolicyService::take_idle() {
  TimePoint now = monotonic_now();
  std::erase_if(idle_, [&](const ConnectionPtr& c) {
    return now - c->used >= settings_.max_idle || now - c->opened >= settings_.max_ttl;
  });
  if (idle_.empty()) return nullptr;
  ConnectionPtr connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void PolicyService::keep(ConnectionPtr connection) {
  connection->used = monotonic_now();
  bool spent = settings_.request_limit > 0 && connection->requests >= settings_.request_limit;
  if (!spent && idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
}

Task<Result<PolicyService::ConnectionPtr>> PolicyService::connect() {
  Result<Fd> fd = temporary("not connected");
  if (unix_path_.empty()) {
    fd = co_await event::connect_to(address_, settings_.timeout);
  } else {
    fd = event::connect_unix(unix_path_, SOCK_STREAM);
  }
  if (!fd) co_return std::unexpected(fd.error());
  co_return std::make_unique<Connection>(std::move(*fd));
}

Task<Result<std::string>> PolicyService::converse(Connection& connection, std::string_view request) const {
  event::Stream& stream = connection.stream;
  ++connection.requests;
  stream.set_timeout(settings_.timeout);
  stream.write(request);
  Result<void> sent = co_await stream.flush();
  if (!sent) co_return std::unexpected(sent.error());
  std::string answer;
  for (size_t lines = 0; lines < kMostLines; ++lines) {
    event::Read line = co_await stream.read_line(kLongestLine);
    if (line.status == event::ReadStatus::too_long) co_return temporary("answer with a line too long");
    if (!line) co_return temporary(line.status == event::ReadStatus::timed_out ? "timeout" : "lost connection");
    if (line.data == "\n" || line.data == "\r\n") co_return parse_policy_reply(answer);
    answer.append(line.data);
  }
  co_return temporary("answer with too many lines");
}

Task<std::string> PolicyService::ask(std::string request) {
  for (int64_t attempt = 1; attempt <= settings_.try_limit;) {
    ConnectionPtr connection = take_idle();
    bool used_before = connection != nullptr;
    Result<std::string> action = temporary("");
    if (!connection) {
      Result<ConnectionPtr> made = co_await connect();
      if (made) connection = std::move(*made);
      if (!made) action = std::unexpected(made.error());
    }
    if (connection) action = co_await converse(*connection, request);
    if (action) {
      keep(std::move(connection));
      co_return std::move(*action);
    }
    if (used_before) continue;  // closed while it was idle: not the server's failure
    log::warning("problem talking to server {}: {}", server_, action.error().what);
    if (attempt++ < settings_.try_limit) co_await event::sleep(settings_.retry_delay);
  }
  log::warning("policy server {} does not answer: using the default action \"{}\"", server_, settings_.default_action);
  co_return settings_.default_action;
}

}  // namespace umaya::smtpd
