// auth: asks the authentication server as a daemon does: "test" with a password, "lookup" for a user's data.
#include <cstdio>

#include "commands/umaya/commands.h"
#include "commands/umaya/passwords.h"
#include "libcommon/auth/auth_client.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

namespace {

using namespace std::chrono_literals;

constexpr int kTemporary = 75;  // EX_TEMPFAIL
constexpr Duration kLookupLimit = 30s;

std::string socket_of(const config::Config& config, std::string_view parameter) {
  std::string path = config.get(parameter);
  return path.starts_with('/') ? path : config.get("queue_directory") + "/" + path;
}

void print_data(const auth::LoginData& data) {
  std::printf("user %s\nuid  %u\ngid  %u\n", data.user.c_str(), data.uid, data.gid);
  if (!data.home.empty()) std::printf("home %s\n", data.home.c_str());
  if (!data.mail.empty()) std::printf("mail %s\n", data.mail.c_str());
  for (const std::string& field : data.more) std::printf("%s\n", printable(field, true).c_str());
}

int complain(const Error& error) {
  log::error("{}", error.what);
  return error.is_permanent() ? 1 : kTemporary;
}

int look_up(const std::string& socket, const std::string& user) {
  auto data = auth::look_up_user(socket, user, kLookupLimit);
  if (!data) return complain(data.error());
  print_data(*data);
  return 0;
}

int list(const std::string& socket) {
  auto names = auth::list_users(socket, kLookupLimit);
  if (!names) return complain(names.error());
  for (const std::string& name : *names) std::printf("%s\n", name.c_str());
  return 0;
}

int test(const std::string& socket, const std::string& user, auth::AuthContext context) {
  auto password = read_password("Password: ", Typing::once);
  if (!password) return complain(password.error());
  auth::AuthClient client(socket);
  auth::AuthReply reply = event::run_until_done(client.check_plain(user, std::move(*password), std::move(context)));
  if (reply.status == auth::AuthStatus::ok) {
    std::printf("ok: %s\n", reply.user.c_str());
    return 0;
  }
  bool temporary = reply.status == auth::AuthStatus::temporary;
  std::printf("%s%s%s\n", temporary ? "temporary trouble" : "failed: wrong password, or no such user",
              reply.reason.empty() ? "" : ": ", reply.reason.c_str());
  return temporary ? kTemporary : 1;
}

}  // namespace

int auth_command(const Invocation& invocation, const std::vector<std::string>& arguments) {
  auth::AuthContext context;
  context.service = "test";
  std::vector<std::string> words;
  for (const std::string& argument : arguments) {
    if (argument.starts_with("service=")) {
      context.service = argument.substr(8);
    } else if (argument.starts_with("rip=")) {
      context.remote = argument.substr(4);
    } else {
      words.push_back(argument);
    }
  }
  std::string verb = words.empty() ? "" : words[0];
  bool right = (verb == "list" && words.size() == 1) || ((verb == "test" || verb == "lookup") && words.size() == 2);
  if (!right) {
    std::fputs(
        "usage: umaya auth test USER [service=NAME] [rip=ADDRESS] (password on standard input)\n"
        "       umaya auth lookup USER\n       umaya auth list\n",
        stderr);
    return 1;
  }
  const auto config = open_instance(invocation);
  if (verb == "test") return test(socket_of(config, "auth_socket_path"), words[1], std::move(context));
  const std::string socket = socket_of(config, "auth_master_socket_path");
  return verb == "list" ? list(socket) : look_up(socket, words[1]);
}

}  // namespace umaya::commands
