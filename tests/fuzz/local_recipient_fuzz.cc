// LINK local-delivery_core
// NAME    local_recipient_fuzz - recipients, $names, command lines and the output of commands
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/base/strings.h"
#include "libcommon/base/users.h"
#include "local-delivery/command.h"
#include "local-delivery/recipient_name.h"

using namespace umaya;
using namespace umaya::local_delivery;

// Input: the first line is the recipient, the rest a text with $names, a command, a command's output.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  std::string_view address = in.substr(0, in.find('\n'));
  std::string_view text = in.substr(std::min(address.size() + 1, size));
  for (auto owner : {OwnerRule::special, OwnerRule::plain}) {
    RecipientName name = split_recipient(address, "+-", owner);
    std::string joined = name.user;
    if (name.delimiter) joined += name.delimiter + name.extension;
    if (joined != name.local) std::abort();
    if (name.user.empty() && !name.local.empty()) std::abort();
    Names names = {{"user", name.user}, {"extension", name.extension}, {"home", "/home/$user"}, {"empty", ""}};
    constexpr std::string_view kFilter = "abcdefghijklmnopqrstuvwxyz0123456789";
    if (filtered(name.user, kFilter).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos)
      std::abort();
    (void)expand_names(text, names, kFilter);
    // Nothing of the recipient comes through that the filter does not let through (L5).
    auto only = expand_names("${user}${extension}", names, kFilter);
    if (!only || only->find_first_of("$;|&`'\"\\<>\n /") != std::string::npos) std::abort();
  }
  CommandLine line = command_line(text, "");
  bool meta = text.find_first_of("$;|&`'\"\\<>(){}*?[]~^#") != text.npos;
  if (!line.argv.empty() && meta && line.argv[0] != "/bin/sh") std::abort();
  services::become::Ended ended;
  ended.end = services::become::End::exited;
  ended.value = address.empty() ? 1 : static_cast<unsigned char>(address[0]);
  ended.output = text;
  CommandVerdict verdict = command_verdict(ended, "/bin/x");
  bool sent = verdict.status == services::delivery::Status::sent;
  if (sent != (ended.value == 0)) std::abort();
  if (!sent && (verdict.dsn.empty() || verdict.dsn[0] == '2')) std::abort();
  std::string one = one_line(text);
  if (one.size() > 1000 || printable(one, true) != one) std::abort();
  if (auto user = parse_passwd_line(address)) {
    auto again = parse_passwd_line(passwd_line(*user));
    if (!again || again->name != user->name || again->home != user->home || again->uid != user->uid) std::abort();
  }
  return 0;
}
