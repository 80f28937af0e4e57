// pw: makes a stored password, or tests one.
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "commands/umaya/commands.h"
#include "commands/umaya/passwords.h"
#include "libcommon/auth/scheme.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

namespace {

struct Wish {
  std::string scheme = std::string(kUsualScheme);
  std::string test;
  uint32_t rounds = 0;
  bool list = false;
};

/// Nothing when the arguments are not understood.
std::optional<Wish> read_wish(const std::vector<std::string>& arguments) {
  Wish wish;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    if (option == "-l") {
      wish.list = true;
      continue;
    }
    if (i + 1 == arguments.size()) return std::nullopt;
    const std::string& value = arguments[++i];
    auto number = parse_uint(value);
    if (option == "-s") {
      wish.scheme = value;
    } else if (option == "-t") {
      wish.test = value;
    } else if (option == "-r" && number && *number <= UINT32_MAX) {
      wish.rounds = static_cast<uint32_t>(*number);
    } else {
      return std::nullopt;
    }
  }
  return wish;
}

int complain(const Error& error) {
  log::error("{}", error.what);
  return 1;
}

int test(const std::string& text) {
  auto stored = auth::StoredPassword::parse(text);
  if (!stored) return complain(stored.error());
  auto password = read_password("Password: ", Typing::once);
  if (!password) return complain(password.error());
  auto right = stored->verify(password->reveal());
  if (!right) return complain(right.error());
  std::puts(*right ? "right" : "wrong");
  return *right ? 0 : 1;
}

}  // namespace

int pw_command(const Invocation&, const std::vector<std::string>& arguments) {
  auto wish = read_wish(arguments);
  if (!wish) {
    std::fputs(
        "usage: umaya pw [-s SCHEME] [-r ROUNDS]    make a stored password\n"
        "       umaya pw -t '{SCHEME}DATA'          test one\n"
        "       umaya pw -l                         list the schemes\n"
        "the password comes from the terminal, or from standard input\n",
        stderr);
    return 1;
  }
  if (wish->list) {
    for (std::string_view name : auth::scheme_names()) std::printf("%s\n", std::string(name).c_str());
    return 0;
  }
  if (!wish->test.empty()) return test(wish->test);
  auto password = read_password("New password: ", Typing::twice);
  if (!password) return complain(password.error());
  auto stored = auth::hash_password(wish->scheme, password->reveal(), wish->rounds);
  if (!stored) return complain(stored.error());
  std::printf("%s\n", stored->c_str());
  return 0;
}

}  // namespace umaya::commands
