#include "authd/master_requests.h"

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::authd {

using auth::AuthLine;
using event::Task;

namespace {

std::string failed(const std::string& id, const std::string& reason = {}) {
  AuthLine line("FAIL");
  line.add(id);
  if (!reason.empty()) line.add("reason", reason);
  return line.text();
}

std::string not_found(const std::string& id) {
  return AuthLine("NOTFOUND").add(id).text();
}

Task<std::string> tell_user(std::string id, std::string user, Shared* shared) {
  auto data = co_await shared->authenticator.login_data(user);
  if (!data) {
    log::error("{}", data.error().what);
    co_return failed(id, data.error().what);
  }
  if (!data->has_value()) co_return not_found(id);
  co_return auth::user_line(id, **data).text();
}

/// A log-in by its ticket.
Task<std::string> tell_login(std::string id, const AuthLine* line, Shared* shared) {
  auto client_pid = parse_uint(line->field(1));
  auto request = parse_uint(line->field(2));
  std::string user;
  if (client_pid && request && *client_pid <= UINT32_MAX && *request <= UINT32_MAX) {
    user = shared->logins.take(line->field(3), static_cast<uint32_t>(*client_pid), static_cast<uint32_t>(*request),
                               monotonic_now());
  }
  if (user.empty()) co_return failed(id);
  co_return co_await tell_user(std::move(id), std::move(user), shared);
}

Task<std::string> tell_password(std::string id, std::string user, Shared* shared) {
  auto account = co_await shared->authenticator.account_of(std::move(user));
  if (!account) co_return failed(id, account.error().what);
  if (!account->has_value()) co_return not_found(id);
  const auth::PasswdEntry& entry = (*account)->entry;
  AuthLine answer("PASS");
  answer.add(id).add("user", entry.user);
  if (entry.password) answer.add("password", "{" + entry.password->scheme() + "}" + entry.password->data());
  if (entry.nologin) answer.add("nologin");
  std::string text = answer.text();
  answer.wipe();
  co_return text;
}

std::string tell_names(const std::string& id, Shared* shared) {
  auto names = shared->authenticator.users();
  if (!names) return failed(id, names.error().what);
  std::string text;
  for (const std::string& name : *names) text += AuthLine("LIST").add(id).add(name).text();
  return text + AuthLine("DONE").add(id).text();
}

}  // namespace

bool is_master_request(const AuthLine& line) {
  const std::string& verb = line.verb();
  return verb == "REQUEST" || verb == "USER" || verb == "PASS" || verb == "LIST" || verb == "SEAL";
}

Task<std::string> answer_master(const AuthLine* line, Shared* shared, Trust trust) {
  std::string id(line->field(0));
  std::string user(line->field(1));
  if (line->verb() == "REQUEST") co_return co_await tell_login(std::move(id), line, shared);
  if (line->verb() == "USER") co_return co_await tell_user(std::move(id), std::move(user), shared);
  if (line->verb() == "LIST") co_return tell_names(id, shared);
  if (line->verb() == "SEAL") {
    co_return AuthLine("SEAL").add(id).add(to_lower(hex_encode(shared->seal.key().reveal()))).text();
  }
  if (trust != Trust::owner) co_return failed(id, "not for you");
  co_return co_await tell_password(std::move(id), std::move(user), shared);
}

}  // namespace umaya::authd
