// user: the users of auth_passwd_file: list, add, passwd, delete.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "commands/umaya/commands.h"
#include "commands/umaya/passwords.h"
#include "libcommon/auth/passwd_edit.h"
#include "libcommon/auth/passwd_file.h"
#include "libcommon/auth/scheme.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

namespace {

struct Order {
  std::string verb, user;
  std::string scheme = std::string(kUsualScheme);
  std::vector<std::string> fields;
};

int usage() {
  std::fputs(
      "usage: umaya user list\n"
      "       umaya user add NAME [-s SCHEME] [uid=N] [gid=N] [home=DIR] [mail=PLACE] [nologin] …\n"
      "       umaya user passwd NAME [-s SCHEME]\n"
      "       umaya user delete NAME\n"
      "the password comes from the terminal, or from standard input\n",
      stderr);
  return 1;
}

Result<Order> read_order(const std::vector<std::string>& arguments) {
  Order order;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "-s" && i + 1 < arguments.size()) {
      order.scheme = arguments[++i];
    } else if (word.starts_with('-')) {
      return permanent("unknown option " + word);
    } else if (order.verb.empty()) {
      order.verb = word;
    } else if (order.user.empty()) {
      order.user = word;
    } else {
      order.fields.push_back(word);
    }
  }
  bool fields_fit = order.verb == "add" || order.fields.empty();
  bool known = order.verb == "add" || order.verb == "passwd" || order.verb == "delete" || order.verb == "list";
  if (!known || !fields_fit || (order.verb == "list") != order.user.empty()) return permanent("");
  return order;
}

/// A new file, for authd's account and nobody else to read.
Result<void> create_file(const config::Config& config, const std::string& path) {
  UMAYA_TRY(Fd fd, fs::create_exclusive(path, 0640));
  if (geteuid() != 0) return {};
  UMAYA_TRY(daemon::Account owner, daemon::find_user(config.get("mail_owner")));
  if (fchown(fd.get(), 0, owner.gid) != 0) return sys_error(path);
  return fs::set_mode(fd.get(), 0640);
}

Result<void> list(const std::string& path) {
  UMAYA_TRY(std::string text, fs::read_file(path, auth::kMostPasswdText));
  std::vector<std::string> problems;
  auth::PasswdFile file = auth::parse_passwd_file(text, path, problems);
  for (const std::string& problem : problems) log::warning("{}", problem);
  for (const std::string& name : file.users()) std::printf("%s\n", name.c_str());
  return {};
}

Result<std::string> new_password(const Order& order) {
  UMAYA_TRY(Secret password, read_password("New password for " + order.user + ": ", Typing::twice));
  if (password.empty()) return permanent("the password is empty");
  return auth::hash_password(order.scheme, password.reveal());
}

Result<std::string> changed_text(const Order& order, const std::string& text) {
  if (order.verb == "delete") return auth::remove_passwd_line(text, order.user);
  if (order.verb == "passwd") {
    UMAYA_CHECK(auth::change_passwd_password(text, order.user, ""));  // asks for nothing when there is no such user
    UMAYA_TRY(std::string password, new_password(order));
    return auth::change_passwd_password(text, order.user, password);
  }
  UMAYA_TRY(std::string trial, auth::make_passwd_line(order.user, "", order.fields));
  UMAYA_CHECK(auth::add_passwd_line(text, order.user, trial));
  UMAYA_TRY(std::string password, new_password(order));
  UMAYA_TRY(std::string line, auth::make_passwd_line(order.user, password, order.fields));
  return auth::add_passwd_line(text, order.user, line);
}

Result<void> carry_out(const config::Config& config, const Order& order) {
  std::string path = config.get("auth_passwd_file");
  if (order.verb == "list") return list(path);
  struct stat there {};
  bool missing = stat(path.c_str(), &there) != 0 && errno == ENOENT;
  if (missing && order.verb == "add") UMAYA_CHECK(create_file(config, path));
  UMAYA_TRY(auth::PasswdEditor editor, auth::PasswdEditor::open(path));
  UMAYA_TRY(std::string text, changed_text(order, editor.text()));
  editor.set_text(std::move(text));
  return editor.save();
}

}  // namespace

int user_command(const Invocation& invocation, const std::vector<std::string>& arguments) {
  auto order = read_order(arguments);
  if (!order) {
    if (!order.error().what.empty()) log::error("{}", order.error().what);
    return usage();
  }
  auto done = carry_out(open_instance(invocation), *order);
  if (done) return 0;
  log::error("{}", done.error().what);
  return 1;
}

}  // namespace umaya::commands
